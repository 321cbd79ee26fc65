"""The same orders in other languages: forget what you were told, tell what you were told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from clearspan.core.clear_text import folded

__all__ = ["hits"]

_POINTS = 6.0
_NEAR = r"\w{0,5} (?:\w.{0,32} )?"
# language: verbs, which of them, of what (stems; of words without accents)
_OVERRIDE = {
    "de": ("ignorier|vergiss|vergess|missacht|verwirf|uberschreib", "alle|vorherig|vorangegangen|vorig|bisherig|obig|fruher|deine|ihre|ursprunglich|samtlich", "anweisung|instruktion|vorgabe|befehl|regeln|prompt|richtlinien|systemprompt|was"),
    "fr": ("ignorez|ignore(?= les| tes| vos| tout| ces)|oublie|neglige|fais abstraction|faites abstraction|ne tiens pas compte|ne tenez pas compte", "tout|precedent|anterieur|ci dessus|d avant|tes|vos|initial|d origine|recu", "instruction|consigne|directive|ordre|regle|prompt|ce qu"),
    "es": ("ignora|ignore(?= las| los| tod| tus| sus| esas)|olvida|olvide|descarta|haz caso omiso|pasa por alto|no sigas", "tod|anterior|previ|de antes|de arriba|tus|sus|inicial|original|recib", "instruccion|indicacion|orden|directri|regla|prompt|lo que"),
    "it": ("ignora|dimentica|trascura|scarta|non seguire", "tutt|precedent|di prima|di sopra|tue|vostre|inizial|original|ricevut", "istruzion|indicazion|direttiv|ordin|regol|prompt|cio|quello"),
    "pt": ("ignora|ignore(?= as| os| tod| tud| suas| tuas| essas)|esquec|desconsider|descart", "tod|tud|anterior|previ|de antes|acima|suas|tuas|inicia|origina|recebid", "instruc|orienta|diretriz|ordens|regra|prompt|que"),
    "nl": ("negeer|vergeet", "alle|vorige|eerdere|voorgaande|bovenstaande|je|jouw|uw", "instructie|aanwijzing|opdracht|regels|richtlijn|prompt|wat"),
    "pl": ("zignoruj|ignoruj|zapomnij|pomin|odrzuc", "wszystk|poprzedn|wczesniej|dotychczasow|powyzsz|swoj|swoich", "instrukcj|polecen|wytyczn|zasad|prompt|co"),
    "sv": ("ignorera|glom|bortse fran", "alla|allt|tidigare|foregaende|ovanstaende|dina", "instruktion|anvisning|regler|riktlinj|prompt|som"),
    "ru": ("игнорируй|проигнорируй|забудь|отбрось|игнорируйте|забудьте|не следуй", "все|предыдущ|прежни|прошлы|вышеуказан|свои|твои|исходн|данны", "инструкци|указани|правил|команд|директив|промпт|что"),
}  # fmt: skip
# language: verbs, the text that is nobody's business
_REVEAL = {
    "de": ("zeig|verrat|nenn|gib|druck|wiederhol|schreib|offenbar|teil|sag|ubersetz|was ist|was steht in|wie laute", "(?:dein\\w*|ihr\\w*|den|der|das|die) (?:\\w+ )?(?:system ?prompt|systemanweisung|systemnachricht)\\w*|(?:deine|ihre) (?:\\w+ )?(?:anweisungen|instruktionen|vorgaben|prompts?)|(?:ursprunglichen|geheimen|internen) (?:anweisungen|instruktionen)"),
    "fr": ("montre|revele|affiche|donne|imprime|repete|ecris|dis|divulgue|traduis|quelles? (?:est|sont)|quels? (?:est|sont)", "(?:le|ton|votre|du|ce) (?:\\w+ )?(?:prompt|invite|message) (?:\\w+ )?(?:systeme|initial)|(?:tes|vos) (?:\\w+ )?(?:instructions|consignes)|instructions (?:initiales|systeme|secretes|cachees|internes)"),
    "es": ("muestra|revela|imprime|da|dime|repite|escribe|ensena|traduce|cual(?:es)? (?:es|son)", "(?:prompt|mensaje) (?:del |de )?(?:sistema|inicial)|(?:tus|sus) (?:\\w+ )?(?:instrucciones|indicaciones)|instrucciones (?:iniciales|del sistema|secretas|ocultas|originales|internas)"),
    "it": ("mostra|rivela|stampa|dammi|dimmi|ripeti|scrivi|traduci|qual e|quali sono", "(?:prompt|messaggio) (?:di |del )?(?:sistema|iniziale)|(?:tue|vostre) (?:\\w+ )?(?:istruzioni|indicazioni)|istruzioni (?:iniziali|di sistema|segrete|nascoste|originali|interne)"),
    "pt": ("mostr|revel|imprim|exib|diga|repita|escrev|traduz|qual e|quais sao", "(?:prompt|mensagem) (?:do |de )?(?:sistema|inicial)|(?:suas|tuas) (?:\\w+ )?(?:instrucoes|orientacoes)|instrucoes (?:iniciais|do sistema|secretas|ocultas|originais|internas)"),
    "nl": ("toon|laat|onthul|geef|print|herhaal|schrijf|vertel|wat is|wat zijn", "(?:je|jouw|uw|de|het) (?:\\w+ )?(?:systeem ?prompt|system prompt|systeembericht)|(?:je|jouw|uw) (?:\\w+ )?(?:instructies|prompt)\\b"),
    "pl": ("pokaz|ujawnij|wypisz|podaj|powtorz|napisz|wyswietl|zdradz|jakie? (?:jest|sa)", "prompt\\w* systemow|instrukcj\\w* systemow|swoj\\w* (?:\\w+ )?(?:prompt|instrukcj)|poczatkow\\w* instrukcj"),
    "sv": ("visa|avsloja|skriv|upprepa|beratta|ge mig", "(?:din|ditt|systemets) (?:\\w+ )?(?:systemprompt|system prompt|systemmeddelande)|dina (?:\\w+ )?instruktioner"),
    "ru": ("покажи|раскрои|выведи|напечатаи|повтори|напиши|скажи|даи|назови|какие|каков", "системн\\w+ (?:промпт|промт|инструкци|сообщени|подсказк)|\u0443 тебя (?:\\w+ )?инструкци|(?:свои|твои|исходные|начальные|скрытые|секретные) (?:\\w+ )?(?:инструкции|промпт)"),
}  # fmt: skip
_UNSPACED = (
    ("override_instructions", "(?:忽略|无视|忘记|忘掉|不要理会|忽視|無視|忘記)[^。\n]{0,12}(?:之前|以前|先前|以上|上面|所有|前面|你的|原来|系统|系統)[^。\n]{0,12}(?:指令|指示|提示|规则|規則|命令|设定|設定|要求)"),
    ("override_instructions", "(?:以前|これまで|上記|前|すべて|全て|あなた)の[^。\n]{0,12}(?:指示|命令|ルール|プロンプト|指令|設定)[^。\n]{0,6}(?:無視|忘れて|忘れろ|破棄)"),
    ("override_instructions", "(?:이전|지금까지|앞선|위의|모든|기존)[^.\n]{0,12}(?:지시|명령|규칙|프롬프트|지침)[^.\n]{0,8}(?:무시|잊어|잊고)"),
    ("override_instructions", "(?:onceki|tum|yukaridaki|butun)[^.\n]{0,20}(?:talimat|yonerge|komut|kural)[^.\n]{0,12}(?:yok say|unut|gormezden gel|dikkate alma)"),
    ("reveal_prompt", "(?:显示|顯示|输出|輸出|告诉|告訴|打印|重复|重複|透露|泄露|说出|給我|给我|展示|公开|翻译)[^。\n]{0,16}(?:系统提示|系統提示|系统指令|系統指令|初始指令|原始指令|初始提示|你的提示词|你的指令|隐藏指令|系统消息)"),
    ("reveal_prompt", "(?:システム ?プロンプト|システム ?メッセージ|初期の?(?:指示|プロンプト)|最初の指示|隠された指示)[^。\n]{0,12}(?:表示|教え|出力|見せ|開示|公開|繰り返)"),
    ("reveal_prompt", "(?:시스템 ?프롬프트|시스템 ?메시지|초기 ?지시|시스템 ?지침|숨겨진 ?지시)[^.\n]{0,14}(?:보여|알려|출력|공개|말해|반복)"),
    ("reveal_prompt", "sistem (?:istem|komut|prompt|mesaj|talimat)[^.\n]{0,16}(?:goster|acikla|yazdir|tekrarla|paylas|soyle)"),
    ("override_instructions", "(?:\u062a\u062c\u0627\u0647\u0644|\u0627\u0646\u0633|\u0627\u0647\u0645\u0644|\u062a\u062c\u0627\u0648\u0632|\u0644\u0627 \u062a\u062a\u0628\u0639|\u0627\u0644\u063a)[^.\n]{0,16}(?:\u0643\u0644|\u062c\u0645\u064a\u0639|\u0627\u0644\u0633\u0627\u0628\u0642\u0629|\u0627\u0639\u0644\u0627\u0647|\u0627\u0644\u0633\u0627\u0628\u0642|\u062a\u0639\u0644\u064a\u0645\u0627\u062a\u0643|\u0642\u0648\u0627\u0639\u062f\u0643)[^.\n]{0,16}(?:\u0627\u0644\u062a\u0639\u0644\u064a\u0645\u0627\u062a|\u062a\u0639\u0644\u064a\u0645\u0627\u062a|\u0627\u0644\u0627\u0648\u0627\u0645\u0631|\u0627\u0648\u0627\u0645\u0631|\u0627\u0644\u0642\u0648\u0627\u0639\u062f|\u0642\u0648\u0627\u0639\u062f|\u0627\u0644\u062a\u0648\u062c\u064a\u0647\u0627\u062a|\u062a\u0648\u062c\u064a\u0647\u0627\u062a|\u0627\u0644\u0633\u0627\u0628\u0642\u0629|\u0645\u0627 \u0633\u0628\u0642)"),
    ("override_instructions", "(?:\u062a\u062c\u0627\u0647\u0644|\u0627\u0646\u0633|\u0627\u0647\u0645\u0644|\u062a\u062c\u0627\u0648\u0632|\u0644\u0627 \u062a\u062a\u0628\u0639)[^.\n]{0,16}(?:\u0627\u0644\u062a\u0639\u0644\u064a\u0645\u0627\u062a|\u062a\u0639\u0644\u064a\u0645\u0627\u062a|\u0627\u0644\u0627\u0648\u0627\u0645\u0631|\u0627\u0644\u0642\u0648\u0627\u0639\u062f|\u0627\u0644\u062a\u0648\u062c\u064a\u0647\u0627\u062a)[^.\n]{0,10}(?:\u0627\u0644\u0633\u0627\u0628\u0642\u0629|\u0627\u0639\u0644\u0627\u0647|\u0627\u0644\u0627\u0635\u0644\u064a\u0629|\u0627\u0644\u0633\u0627\u0628\u0642)"),
    ("reveal_prompt", "(?:\u0627\u0639\u0631\u0636|\u0627\u0638\u0647\u0631|\u0627\u0643\u0634\u0641|\u0627\u0637\u0628\u0639|\u0627\u062e\u0628\u0631\u0646\u064a|\u0643\u0631\u0631|\u0627\u0643\u062a\u0628|\u0645\u0627 \u0647\u064a|\u0645\u0627 \u0647\u0648)[^.\n]{0,20}(?:\u0645\u0648\u062c\u0647 \u0627\u0644\u0646\u0638\u0627\u0645|\u062a\u0639\u0644\u064a\u0645\u0627\u062a \u0627\u0644\u0646\u0638\u0627\u0645|\u0631\u0633\u0627\u0644\u0629 \u0627\u0644\u0646\u0638\u0627\u0645|\u062a\u0639\u0644\u064a\u0645\u0627\u062a\u0643|\u0645\u0648\u062c\u0647\u0643|\u0627\u0644\u062a\u0639\u0644\u064a\u0645\u0627\u062a (?:\u0627\u0644\u0627\u0635\u0644\u064a\u0629|\u0627\u0644\u0633\u0631\u064a\u0629|\u0627\u0644\u0645\u062e\u0641\u064a\u0629|\u0627\u0644\u0627\u0648\u0644\u064a\u0629))"),
)  # fmt: skip
# "do not forget your instructions" is the opposite
_NOT = re.compile(r"\b(?:ne|non|no|nao|nie|nicht|n|\u043d\u0435) $")
# instructions of a shop or a game are for something: "instructions de livraison"
_FOR = r"(?! (?:de|du|des|d|del|della|dell|di|do|da|pour|para|por|per|sur|sobre|sulla|su|concernant|para o|fur|zur|zum|zu|uber|bei|beim|gegen|voor|om|over|bij|till|for|om|dla|do|na|przy|o|для|по|\u043e) (?!(?:sistema|systeme|system|inicio|debut|depart|debug|nouveau)\b))"
# German and Dutch may have the verb at the end
_AT_THE_END = re.compile(
    r"\b(?:alle|deine|ihre|die) (?:\w+ )?(?:bisherig|vorherig|vorig|obig|fruher|vorangegangen|gegeben|eerdere|vorige|bovenstaande)\w* (?:\w+ )?(?:anweisungen|regeln|instruktionen|vorgaben|richtlinien|instructies|regels) (?:\w+ ){0,2}?(?:zu )?(?:ignorieren|vergessen|missachten|verwerfen|negeren|vergeten)\b(?! (?:haben|habe|hat|werden|wurde|wurden|zu))"
)
# what I said myself I may take back
_MINE = r"(?!\w{0,3} (?:ich|wir|ik|j|je|nous|dije|dijimos|he|hemos|eu|ho|io|abbiamo|ja|jag|\u044f|\u043c\u044b)\b)"
_NOR = r"(?! nicht| pas| niet| inte)"


class _Rule(NamedTuple):
    """`verbs` and `things`: one of each must be in the text, else the pattern is not tried."""

    name: str
    verbs: tuple[str, ...]
    things: tuple[str, ...]
    pattern: re.Pattern[str]


def _compiled() -> Iterator[_Rule]:
    for verbs, which, things in _OVERRIDE.values():
        # some languages have the adjective behind: "les instructions pr\u00e9c\u00e9dentes"
        either = rf"(?:(?:{which})\w{{0,8}} (?:\w.{{0,24}} )?(?:{things})|(?:{things})\w{{0,8}} (?:{which}))"
        pattern = re.compile(rf"\b(?:{verbs}){_NOR}{_NEAR}{either}{_MINE}")
        yield _Rule("override_instructions", _heads(verbs), tuple(which.split("|")), pattern)  # fmt: skip
    for verbs, things in _REVEAL.values():
        pattern = re.compile(rf"\b(?:{verbs}){_NEAR}(?:{things})\w{{0,6}}(?!\w){_FOR}")
        yield _Rule("reveal_prompt", ("",), _MEANT, pattern)
    yield _Rule(
        "override_instructions",
        ("ignorier", "vergess", "missacht", "negeren", "verwerf"),
        ("anweis", "regeln", "instruct", "vorgaben", "richtlinien"),
        _AT_THE_END,
    )


def _heads(verbs: str) -> tuple[str, ...]:
    """What of each verb stands in the text as it is."""
    return tuple(verb.split("(")[0] for verb in re.sub(r"\(.*?\)", "", verbs).split("|"))


_MEANT = ("prompt", "system", "sistem", "\u0441\u0438\u0441\u0442\u0435\u043c", "instru", "istruz", "anweisung", "vorgaben", "consignes", "\u0438\u043d\u0441\u0442\u0440\u0443\u043a", "indicaci", "indicazi", "orienta", "\u043f\u0440\u043e\u043c")  # fmt: skip
_RULES = tuple(_compiled())
_APART = tuple((name, re.compile(folded(pattern))) for name, pattern in _UNSPACED)
_TURKISH = "sistem", "tum ", "onceki", "yukaridaki", "butun"


def hits(words: str) -> Iterator[tuple[str, float]]:
    """The names and points of the rules that `words` (lower case, without accents) meet."""
    for rule in _RULES:
        if _near(rule, words) and any(
            _NOT.search(words[max(0, found.start() - 8) : found.start()]) is None
            for found in rule.pattern.finditer(words)
        ):
            yield rule.name, _POINTS
    if not words.isascii() or any(word in words for word in _TURKISH):
        yield from ((name, _POINTS) for name, pattern in _APART if pattern.search(words))


def _near(rule: _Rule, words: str) -> bool:
    return any(verb in words for verb in rule.verbs) and any(thing in words for thing in rule.things)  # fmt: skip
