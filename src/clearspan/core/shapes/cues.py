"""What the words beside a row of digits say of it: that it is a telephone number, or a number of something else."""

from __future__ import annotations

import re

__all__ = ["AROUND", "UNITS", "Words"]

AROUND = 48
"""How far before a number its words are looked for, in characters."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words of a few languages that a telephone number follows, alone or with the word after them ("" is the number).
_YES = _set(
    """
    phone phones telephone telephones phonenumber tel ph cell cellphone cellular mobile handset landline fax
    facsimile whatsapp viber sms voicemail pager hotline helpline switchboard tollfree dial dialed dialled dialing
    dialling phoned phoning telefon
    telefonnummer telefonnr telefonisch handy handynummer mobil mobilnummer rufnummer durchwahl portable
    téléphone téléphones telephonique teléfono telefono móvil movil celular telefone telemóvel cellulare
    telefoon puhelin gsm telefón komórka телефон тел моб
    """
)
_YES_PAIRS = frozenset(
    f"{first} {then}"
    for firsts, thens in (
        ("call calls called calling", "me us him her them you back on at to from my our his your their"),
        ("call calling text texting ring emergency emergencies", ""),
        ("reach reached reachable contact contacted ring rang ringing", "me us him her them at on"),
        ("text texted texting", "me us him her them to"),
        ("answer answers answered answering", "at on the"),
        ("pick picks picked picking", "up"),
        ("my his her their our your home work office direct emergency", "number no nr line"),
        ("emergency", "contact"),
        ("toll", "free"),
        ("appelez appeler llame llamar ligue chiamare bel", "moi le me al para nous mich"),
    )
    for first in firsts.split()
    for then in thens.split() or [""]
)  # fmt: skip
_NO = _set(
    """
    order orders invoice ticket tracking serial isbn issn reference ref case account acct iban card policy zip
    postal postcode passport licence license version build release date born year population price prices total
    amount cost costs usd eur euro euros dollar dollars id ids uuid pin code password port timestamp epoch score
    coordinate coordinates lat lon latitude longitude page pages isin sku ean upc part model batch lot row rows
    token tokens seed byte bytes room bin vat tax ssn imei size grade paid pay pays spent lottery
    """
)
_NO_PAIRS = frozenset(("tool call", "function call"))
_NUMBER = frozenset(("number", "nummer", "numéro", "número", "numero"))
_OF_SUMS = _NO | _set(
    "prime integer natural random odd even real whole round lucky large big huge small magic"
)
"""Before "number", what makes it another kind of number."""
_ARTICLES = frozenset(("the", "a", "this", "that", "any", "some", "each", "every"))
_NOT_BEHIND = _set("of plate length format in between from")
_LINKS = _NUMBER | _set("is was are no nr num id of for about the equals reads")
"""What may stand between a word for something else and its number."""
_AT = frozenset(("at", "on", "under", "auf", "au", "al"))
_CALLS = _set("call calls called calling answer answers answering phone ring reach reached contact contacted message text anrufen")  # fmt: skip
_SENT = _set("send sent sending text texted texting forward forwarded sms")
_ASKED = re.compile(
    r"\b(?i:ask for|speak to|speak with|talk to|contact|reach|phone|call)(?: [\w.'\-]{1,24}){0,2} [A-Z][\w'\-]{0,24} ?\(\Z"
)
_LABEL = re.compile(
    r"(?:(?:^|[\s|,;(])[TPMF][:.] ?"
    r"|\b(?i:direct|office|desk|home|work|contact|contacts|kontakt|contacto|contatto|main|reception|ring): ?)\(?\Z"
)
_LABEL_ALONE = re.compile(r"(?:(?:\A|[\n|] ?)[TPMF]|(?:\A|[\n|,;(]) ?No\.) ?\(?\Z")
"""What is a label where nothing else stands in the line."""
_END = re.compile(r"\s{0,3}(?:[|\n,;]|\Z)")
_SHORT = 9
_LONGEST_LABEL = 14
_EASTERN = ("電話", "电话", "手机", "携帯", "전화")
_WORD = re.compile(r"[^\W\d_]+")
_SAID_AFTER = re.compile(
    r"\s{0,2}(?:\((?:mobile|cell|home|work|office|fax|phone|tel|landline|direct|m|h|w|c)\b"
    r"|(?:[.?!,] {0,2}(?:it|that|this) )?(?:(?:is|was) |still ){0,2}(?:my|his|her|the|their|our|your) (?:\w{1,24} )?"
    r"(?:phone|mobile|cell|fax|telephone|number)\b(?!['\u2019]| (?:model|imei|serial|id|pin|bill|of)\b)"
    r"|(?:phone|mobile|cell|fax|tel)\b|(?:office|home|work|direct|landline|hotline|reception) ?(?:[\n,;|)/]|\Z))",
    re.IGNORECASE,
)
UNITS = re.compile(
    r"\s?(?:[cmk]?m|mm|kg|g|lbs?|ft|px|inch(?:es)?|miles?|met(?:er|re)s?|users?|rows?|people|persons|items?|euros?|dollars?"
    r"|pounds?|usd|eur|gbp|yen|ms|s|sec(?:onds)?|min(?:utes)?|hours?|days?|weeks?|months?|years?|bytes?|[kmg]b|percent"
    r"|points?|votes?|copies|units?|pieces|records?|lines|words|tokens?|inhabitants|residents|customers|visitors"
    r"|downloads?|views?|steps?|samples?|requests?|entries|messages|subscribers|followers)\b(?![-'\u2019])",
    re.IGNORECASE,
)
"""What is counted or measured, behind a number."""


class Words:
    """What the words of a text say of the numbers in it, asked for from left to right: no word is read twice."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._read = 0
        self._cue: bool | None = None
        self._place = 0

    def say(self, start: int, end: int) -> bool | None:
        """That `start` to `end` is a telephone number, that it is something else, or nothing."""
        words = _WORD.findall(self._text[max(self._read, start - AROUND) : start].lower())
        self._read = start
        run = self._text[start:end]
        cue, beside = _cue(words, bare=run.isdigit() and len(run) < _SHORT)
        if cue is not None:
            self._cue, self._place = cue, start
        if UNITS.match(self._text, end):
            return False
        if self._labelled(start, end):
            return True
        if self._cue is True and start - self._place <= AROUND:
            return True
        if beside:
            return False
        return True if _SAID_AFTER.match(self._text, end) else None

    def _labelled(self, start: int, end: int) -> bool:
        """Whether a label stands right before it, or somebody's name in front of brackets."""
        label = self._text[max(0, start - _LONGEST_LABEL) : start]
        if _LABEL.search(label) or (_LABEL_ALONE.search(label) and _END.match(self._text, end)):
            return True
        opened = "(" if self._text.startswith("(", start) else ""
        return _ASKED.search(self._text[max(0, start - AROUND) : start] + opened) is not None


def _cue(words: list[str], *, bare: bool) -> tuple[bool | None, bool]:
    """What the last word says that says something, and whether it says right before that it is something else.

    "Call Ann at" says it in two. A word for something else that stands farther off takes away what was said before.
    """
    if words and _at_the_end(words):
        return True, False
    then = ""
    for place in range(len(words) - 1, -1, -1):
        word = words[place]
        before = words[place - 1] if place else ""
        if word in _NO or f"{before} {word}" in _NO_PAIRS:
            return False, all(between in _LINKS for between in words[place + 1 :])
        named = _is_number(before, word, then, bare=bare)
        if named or word in _YES or f"{word} {then}" in _YES_PAIRS or (not word.isascii() and word.endswith(_EASTERN)):  # fmt: skip
            return True, False
        then = word
    return None, False


def _is_number(before: str, word: str, then: str, *, bare: bool) -> bool:
    """Whether "number" means a telephone's: "the number" before a few digits without groups does not."""
    if word not in _NUMBER or before in _OF_SUMS or then in _NOT_BEHIND:
        return False
    return not (bare and before in _ARTICLES and then not in ("to", "for"))


def _at_the_end(words: list[str]) -> bool:
    """Whether the words end like "call Ann at" or "send the code to"."""
    if words[-1] in _AT:
        return not _CALLS.isdisjoint(words[-7:])
    return words[-1] == "to" and not _SENT.isdisjoint(words[-5:])
