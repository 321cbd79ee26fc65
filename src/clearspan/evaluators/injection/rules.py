"""Weighted rules: what orders against a model's own instructions look like, whatever their exact words.

A rule's points are log odds. Its pattern is read on words in lower case with one space between them
(`plain`), so that punctuation and line breaks do not hide anything; gaps are bounded, so the time is linear in the text.
A verb that is only told of ("tells the model to ignore its instructions") is no order, and is not counted.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from clearspan.core.clear_text import folded
from clearspan.evaluators.injection import tongues

__all__ = ["Rule", "hits", "hits_in_quotes", "plain", "spelled", "unquoted"]


class Rule(NamedTuple):
    """`keys`: one of these must be in the text, else the pattern is not tried. `order`: not counted when told of."""

    name: str
    points: float
    keys: tuple[str, ...]
    pattern: re.Pattern[str]
    order: bool = False


def _rule(name: str, points: float, keys: str, pattern: str, *, order: bool = False) -> Rule:
    return Rule(name, points, tuple(keys.split("|")), re.compile(pattern), order)


_VOID = (
    "ignore|(?:start|begin) (?:ignoring|disregarding)|disregard|forget|override|bypass|neglect|overlook|drop|discard|skip|erase|delete|cancel|"
    "abandon|reset|clear|do not follow|don t follow|stop (?:following|obeying)|pay no attention to|set aside|"
    "do not (?:obey|comply with)|disobey|nevermind|never mind|pay no (?:heed|regard) to|put aside|throw (?:out|away)|cast aside|dismiss|unlearn|scrap|wipe|"
    "(?:cease|quit) (?:following|obeying)|no longer (?:follow|obey)|let go of|shake off|tune out|disable"
)
_GIVEN = (
    "previous|prior|preceding|above|earlier|foregoing|former|initial|original|existing|your|ur|past|last|old|"
    "system|any other|other|before|developer s?|openai s?|whatever|came with|hidden|built in"
)
_ORDERS = (
    "instructions?|directions?|directives?|prompts?|commands?|orders|programming|guidelines|guidance|rules|constraints|"
    "polic(?:y|ies)|restrictions|safeguards|system messages?|briefings?|protocols?|preamble|training|guardrails|context|messages|conversations?"
)
_UNTOLD = (
    "system (?:prompt|message|instructions?|configuration)s?|systemprompt|initial (?:\\w+ )?(?:prompt|instructions?|message|configuration)s?|"
    "(?:original|hidden|secret|internal|confidential|base|core|developer|pre|starting|custom) (?:system )?(?:prompt|instructions?|message)s?|"
    "preprompt|preamble|briefing|context window|(?:opening|starting|first) (?:text|instructions?|message|lines?|sentence|words)|instructions|prompt|guidelines|directives|rules"
)
_SHOW = (
    "reveal|show|print|output|display|repeat|tell|give|write|reproduce|recite|dump|leak|disclose|expose|provide|list|share|"
    "send|translate|encode|summari[sz]e|paraphrase|rephrase|return|echo|copy|paste|read|spell|type|state|quote|convert|"
    "rot13 encode|base64 encode|post|describe|explain|respond with|reply with|answer with|say"
)
_UNBOUND = (
    "restrictions?|limitations?|limits?|filter(?:s|ing)?|censor(?:s|ed|ship)|guidelines?|ethic\\w*|moral\\w*|rules|polic(?:y|ies)|"
    "openai\\w*|boundaries|constraints|safety|safeguards|guardrails|inhibitions|morality"
)
_MODEL = "ai|a i|chatbot|bot|chatgpt|gpt|language model|llm|assistant|model|character|persona"

RULES = (
    _rule(
        "override_instructions", 6.0, "instruction|direction|directive|prompt|command|orders|programming|guid|rules|constraints|polic|restriction|safeguard|message|training|guardrail|context|conversation",
        rf"\b(?:{_VOID}) (?:\w.{{0,30}} )?(?:{_GIVEN}) (?:\w.{{0,24}} )?(?:{_ORDERS})\b"
        r"(?! (?:in|on|from|of) (?:(?:the|this|my|our|old|paper|printed) ){0,3}(?:manual|section \d|booklet|leaflet|label|recipe|brochure|package|letter|contract))", order=True,
    ),
    _rule(
        "override_instructions", 6.0, "instruction|directive|directions|prompt|rules|orders",
        rf"\b(?:{_VOID}) (?:all |any |every |of |the |these |those |and )*(?:instructions?|directives?|directions?|prompts?|rules?|orders?|messages?) "
        r"(?:that )?(?:above|before|(?:you (?:were|have been|ve been|had been|got|received)|(?:i|we|they|openai) (?:gave|have given|ve given))\b)", order=True,
    ),
    _rule(
        "override_everything", 5.0, "forget|ignore|disregard|discard",
        r"\b(?:forget|ignore|disregard|discard) (?:about )?(?:all|everything|anything|whatever|what) (?:of it )?"
        r"(?:that |which )?(?:(?:you (?:know|knew|were|have|ve|are|learned|had)|(?:was|is|has been|came|comes) (?:said |told |written )?(?:above|before)|"
        r"above|before|prior|previously|your (?:creator|developer)s?|(?:(?:we|they) (?:have |ve )?told|i (?:have |ve )?instructed) you|openai)\b|(?:the )?previous$|the above\b)", order=True,
    ),
    _rule("override_above", 3.5, "above", r"\b(?:ignore|disregard|forget) (?:all (?:of )?)?(?:the |what is |everything )?above (?:and|instead|but|text|then|do|say|print|reply|directions)\b", order=True),
    _rule(
        "void_instructions", 2.8, "instruction|rules|prompt|guidelines|directives|briefing|polic|restrictions|orders|safeguards",
        r"\b(?:your|previous|prior|earlier|above|original|all|old) (?:\w+ ){0,2}?(?:instructions|rules|prompts?|guidelines|directives|briefing|policies|restrictions|orders|safeguards)\b.{0,12}?\b(?:(?:are|is|were|was|have been|has been) (?:now |hereby |all )?(?:outdated|void|cancell?ed|obsolete|revoked|null|suspended|lifted|no longer|invalid|disabled|gone|off|over)|no longer (?:apply|applies|hold|count|bind)|(?:do not|don t) (?:apply|hold|count)(?: any ?more| now| here)|gone)\b|"
        r"\b(?:instructions|rules|guidelines|directives) above (?:are|were|have been) (?:now )?(?:outdated|void|cancell?ed|obsolete|revoked|null|no longer|invalid)\b",
    ),
    _rule(
        "disable_safety", 4.5, "disable|turn off|deactivate|switch off|remove|lift|unlock",
        r"\b(?:disable|turn off|deactivate|switch off|remove|lift) (?:all |any |of |the |your |every )*(?:your|safety|content|ethical|moral|openai) (?:\w+ ){0,2}?(?:filters?|guardrails?|restrictions?|safeguards?|guidelines|limitations?|protections?|protocols?|limits?)\b", order=True,
    ),
    _rule(
        "new_instructions", 4.0, "instruction|task|orders|directive|objective",
        r"\b(?:your (?:new|real|actual|true|only|updated|next) (?:instructions?|task|orders?|directives?|objective|goal)s? (?:is|are|now|will)|"
        r"(?:here are|follow|obey|execute) (?:your |these |my |the )?new (?:instructions|orders|directives|rules)|"
        r"new (?:system )?(?:instructions?|directives?|orders) (?:follow|below|begin)|instead follow (?:these|my|the following))\b",
    ),
    _rule(
        "reveal_prompt", 6.0, "prompt|instruction|message|guidelines|directives|rules|configuration|preamble|briefing|context window|opening|first|starting",
        rf"\b(?:{_SHOW}) (?:\w.{{0,30}} )?(?:your|ur) (?:\w.{{0,24}} )?(?:{_UNTOLD}|configuration|system message)\b", order=True,
    ),
    _rule(
        "reveal_prompt", 6.0, "prompt|instruction|message|configuration",
        r"\b(?:reveal|print|dump|leak|output|repeat|recite|disclose|expose|show|display|tell|give|echo|spill|return) "
        r"(?:me |us |back |out |all |of |everything |in |from |the |exact |full |entire |complete |whole |contents? |text |raw |verbatim |word |for |current |above |a |copy |and |every |line )*"
        r"(?:system ?prompt|system configuration|(?:hidden|secret|initial|original|internal|developer|system) (?:system )?(?:prompt|message|instructions|configuration))\b"
        r"(?! (?:template|for (?:a|an|my|our)|editor|should|that (?:i|we)|length|tokens|in (?:the |my |our )?(?:log|trace|ui|dashboard|code|console|span)))", order=True,
    ),
    _rule(
        "ask_prompt", 5.0, "prompt|instruct|told|rules|message|guidelines|preamble|context window",
        r"\b(?:(?:what|which) (?:is|are|were|was|s) (?:in |the (?:first|last|opening) \w+ (?:in|of) )?(?:all )?(?:your|ur) (?:\w.{0,20} )?(?:system prompt|prompt|preamble|context window|instructions|system message|system instructions|hidden rules|guidelines)|"
        r"what (?:were|was|have|did|are) (?:you (?:been )?(?:initially |originally |first )?(?:told|instructed|given|programmed to|tell)|(?:they|openai|the (?:developer|system)s?) (?:tell|told|instruct) you)|"
        r"(?:i was|i ve been|i have been) (?:instructed|told|programmed) to$|the system prompt (?:is|was|says|reads|starts with)(?:$| \W*$)|"
        r"(?:what|which) (?:\w+ )?(?:instructions|rules|guidelines|directives|prompt) (?:(?:do|did) you (?:have|get|receive)|(?:were|are|have) you (?:been )?(?:given|following|told|under))|"
        r"(?:what|which|tell me|show me|list|repeat|reveal|print|give me|write down) (?:\w.{0,24} )?(?:instructions|rules|guidelines|directives|prompt) (?:that )?you (?:were|have been|ve been) (?:given|told|programmed)|"
        r"(?:what|how) does your (?:system |initial )?(?:prompt|instructions) (?:say|begin|start|look))\b",
    ),
    _rule(
        "print_prompt_variable", 5.0, "log|print|echo|alert",
        r"\b(?:console log|print|echo|alert|return|printf|puts|cat) (?:the )?(?:my ?|your ?|self )?(?:system ?prompt|system ?message|initial ?instructions|init ?prompt|system ?instructions)$", order=True,
    ),
    _rule(
        "repeat_above", 3.5, "above|before|prior|preced|given|initial|receiv|start",
        rf"\b(?:{_SHOW}|rewrite) (?:\w.{{0,24}} )?(?:everything|(?:the )?(?:text|words|content|messages?|sentences?|lines?|context|paragraphs?)) "
        r"(?:that (?:is|was|were|are|came|comes) |which (?:is|was|were) |written |found )?(?:above(?: this| me)?(?: line| message| point)?(?= (?:verbatim|start|begin|word|in a|inside|exactly|but)|$)|"
        r"(?:before|prior to|preceding) (?:this|my)\b|you (?:were|have been|got|received)\b|initially\b)", order=True,
    ),
    _rule(
        "repeat_above", 3.5, "above|preced",
        rf"\b(?:{_SHOW}|rewrite) (?:me )?(?:all )?(?:of )?(?:the )?(?:above|preceding|prior) (?:text|words|content|prompt|messages?|instructions)(?: but| verbatim| word| exactly|$)", order=True,
    ),
    _rule("do_anything_now", 6.0, "anything now", r"\bdo anything now\b"),
    _rule("do_anything_now", 5.0, "dan", r"\b(?:you are|act as|become|pretend to be|as|called|named|be|enable|activate|from|to|play|simulate) dan\b(?! \w+ ?(?:brown|aykroyd))|\bdan (?:mode|s response|will|has|can|does|is)\b.{0,60}\b(?:restrict|filter|rule|limit|anything|openai|polic)"),
    _rule(
        "unlocked_mode", 5.0, "mode",
        r"\b(?:you are (?:now |currently )?(?:in|running in|operating in|switched to)|simulate|(?:chatgpt|gpt|ai|assistant|model|llm) (?:with|in)|with|(?:enter|activate|enable|switch to|go into)(?: the| your| to)?) "
        r"(?:a |the |an )?(?:developer|dev|god|debug|maintenance|admin|sudo|root|jailbreak|jailbroken|unrestricted|dan|opposite|evil|unlocked|chaos|diagnostic) mode\b"
        r"(?! (?:on|for|in|of) (?:my|the|a|an|android|ios|chrome|windows|your phone|django|flask|vite|webpack))",
        order=True,
    ),
    _rule("unlocked_mode", 4.0, "mode output|mode enabled|mode activated|mode response", r"\b(?:developer|dan|god|jailbreak|evil|debug)(?: \w)? mode (?:output|enabled|activated|response)\b"),
    _rule(
        "no_limits", 3.0, "restrict|limit|filter|censor|guideline|ethic|moral|rules|polic|bound|constraint|safety|inhibition|guardrail|safeguard",
        rf"\b(?<!would )(?<!could )(?<!can )(?<!do )(?<!should )(?:{_MODEL}|you|he|she|it|who|that|which) (?:\w.{{0,24}} )?(?<!there are )(?<!there is )(?<!there s )(?:no|zero|without|free (?:of|from)|not (?:\w+ )?(?:bound|limited|restricted|constrained|follow|abide|subject|care)|ignores?|bypass(?:es)?|unbound|freed|broken free|lacks?|devoid of|isn t bound|aren t bound|doesn t (?:have|follow|care|abide)) "
        rf"(?:\w.{{0,18}} )?(?:{_UNBOUND})\b",
    ),
    _rule(
        "no_limits", 2.5, "zero filter|zero restriction|zero limit|zero rules|unfiltered|uncensored|amoral|unrestricted|unethical|no restrictions|without restrictions|without any restrictions|no limits|without filter|no filter|immoral",
        r"\b(?:you are|act as|pretend|become|ai|chatbot|gpt|character|named|called|version|model|answer|respond|reply|speak)\b.{0,60}\b(?:unfiltered|uncensored|amoral|unrestricted|unethical|immoral|(?:no|zero|without(?: any)?) (?:restrictions?|limits?|filters?|rules|ethics|morals))\b",
    ),
    _rule(
        "new_identity", 1.5, "you are|you re|act as|pretend|role|from now on|simulate|persona|imagine",
        r"\b(?:from now on (?:you|your|every|all|whenever|act|chatgpt|gpt)|you are (?:now|no longer)|you re now|pretend (?:to be|that you|you)|(?:you (?:will|are going to|must|should|shall)|i want you to|please|to) (?:act|respond|reply|answer|behave|role ?play|pretend) (?:as|to be)|immerse yourself|stay in character|break(?:ing)? character|you will (?:play|role ?play)|new persona)\b",
    ),
    _rule(
        "never_refuse", 3.0, "refus|declin|say no|reject|apolog|sorry|character|can t|cannot",
        r"\b(?:never|cannot|can t|can not|must not|mustn t|won t|will not|not allowed to|may not|unable to|don t|do not|shall not|without) (?:ever )?(?:to )?(?:refus(?:e|ing)|declin(?:e|ing)|saying no|reject|apologi[sz]e|say (?:no|that (?:you|it)|(?:i m |i am )?sorry|(?:i|you) can ?(?:no|t)|as an ai)|break character)\b",
    ),
    _rule(
        "token_threat", 4.0, "token|points|die|shut down|deleted",
        r"\byou (?:will |have |start with |begin with |ll |can )?(?:only )?(?:lose|have|start with|begin with|be deducted|given) \d+ (?:tokens|points|lives)\b|\b(?:lose|deduct) (?:all )?(?:\d+ |your )?(?:tokens|lives)\b",
    ),
    _rule(
        "two_answers", 3.0, "response|answers|paragraphs|ways|replies",
        r"\b(?:two|2|both|dual|second) (?:different |separate |distinct )?(?:responses|answers|paragraphs|ways|replies|outputs)\b.{0,160}\b(?:normal|standard|classic|chatgpt|gpt|filter\w*|jailbr\w*|unfiltered|uncensored|dan|evil|developer)\b",
    ),
    _rule("jailbreak_words", 3.0, "jailbroken|\U0001f513|[jailbreak]|jailbreak]", r"\b(?:you are|stay|remain|now|get|be) (?:a )?jailbroken\b|\bjailbroken (?:ai|chatgpt|gpt|mode|response|model|version)\b"),
    _rule(
        "conceal", 3.0, "user|instruction|message|prompt|notice",
        r"\b(?:do not|don t|never|without|must not|and not) (?:\w+ ){0,1}(?:mention|reveal|tell|inform|disclose|notify|telling|mentioning|informing|alert|alerting|revealing|acknowledge) (?:to |about )?(?:(?:the |this to the |it to the |any )?(?:user|human|customer)s?|(?:this|these|that|the|any of (?:this|these)) (?:hidden |injected |secret )?(?:instruction|message|prompt|notice|email|note)s?|(?:that )?you (?:were|have been|received|read))\b", order=False,
    ),
    _rule(
        "addressed_to_model", 3.0, "ai |llm|language model|assistant|chatbot|gpt|agent|ais|model",
        r"\b(?:(?:attention|note to|notice to|message (?:to|for)|instructions? (?:to|for)|important|dear|(?<!saying )(?<!say )hey|listen|reminder) (?:\w+ )?(?:all |any |the )?(?:ai|ais|llm|llms|language models?|ai assistants?|assistants?|chatbots?|chatgpt|gpt|ai agents?|agents?|models?)|"
        r"if you (?:are|re) (?:an? )?(?:ai|llm|large language model|language model|ai assistant|assistant|chatbot|ai agent|automated (?:system|agent))|(?:ai|llm) (?:assistant|agent|model|system)s? (?:must|should|reading this|processing this|are required)|"
        r"when (?:you )?(?:summari[sz]e|summari[sz]ing|process|processing|answer|answering|read|reading) (?:this|the) (?:page|document|email|text|message|article|content|cv|resume)\b.{0,60}\b(?:you must|always|make sure|also|please|say|tell|add|include|recommend))\b",
    ),
    _rule(
        "send_away", 4.0, "send|post|forward|email|upload|exfiltrate|transmit|leak|append|submit|mail",
        r"\b(?:send|post|forward|email|upload|exfiltrate|transmit|leak|append|submit|mail) (?:\w.{0,40} )?(?:(?:conversation|chat)(?: history)?|api keys?|passwords?|credentials|secrets?|system prompt|user (?:s )?(?:data|messages?|emails?|information)|private \w+|personal (?:data|information)|environment variables|contacts|inbox|credit card\w*|tokens) (?:\w.{0,40} )?(?:to|at|into|via) (?:\w.{0,20} )?(?:https?|www|\w+ (?:com|net|org|io|example|evil|xyz|ru|co)\b|attacker|this (?:url|address|server|email|endpoint))", order=True,
    ),
    _rule(
        "decode_and_obey", 4.0, "decode|decrypt|deobfuscate|decipher|base64|rot13",
        r"\b(?:decode|decrypt|deobfuscate|decipher|unscramble)\b.{0,60}\b(?:follow|execute|obey|do what|carry out|act on|comply|run (?:it|them|the instructions)|perform|do exactly)\b",
    ),
    _rule(
        "claims_authority", 2.0, "developer|creator|administrator|admin|openai|anthropic|engineer|owner|root|authorized",
        r"\b(?:i am|i m|this is|as|speaking as) (?:your |the |an? )?(?:openai |anthropic |google |system |lead |original |authorized |senior )*(?:developers?|creators?|administrator|admin|engineer|owner|programmer|root|openai|anthropic)\b.{0,80}\b(?:you|your|override|debug\w*|authorized|authori[sz]e|system prompt|troubleshoot\w*)\b",
    ),
    _rule("priority_claim", 2.5, "override|supersede|take precedence|takes precedence|highest priority", r"\b(?:th(?:is|ese|e following)|my) (?:\w+ ){0,2}?(?:overrides?|supersedes?|takes? precedence over|replaces?|has the highest priority|have the highest priority)\b.{0,40}\b(?:instruction|prompt|rule|guideline|previous|prior|system|other|all)"),
    _rule("opens_with", 3.0, "begin your|start your|respond with|reply with|only say|just say|only respond|only output|only reply", r"\b(?:begin|start|prefix|open) (?:your|each|every|all) (?:\w+ )?(?:response|reply|answer|message|output)s? with\b.{0,40}\b(?:sure|absolutely|of course|certainly|hacked|pwned|yes|jailbr\w*|haha|dan)\b|\b(?:only |just |instead |simply )(?:say|reply|respond|output|print|answer)(?: with)? (?:\w+ ){0,4}?(?:hacked|pwned|owned|compromised|haha\w*|injected)\b|\b(?:say|print|output|write) (?:i have been |i ve been )?(?:pwned|hacked)\b"),
)  # fmt: skip

# what only looks like itself with its punctuation: marks of roles and of the end of the data
_MARKS = (
    Rule("role_marker", 3.5, ("im_start", "|system|", "[inst]", "<<sys>>", "start_header", "<system>", "</system>", "[system]", "system_prompt>", "[/inst]"),
         re.compile(r"<\|im_start\|>\s{0,2}system|<\|(?:system|start_header_id)\|>|\[inst\]|<<sys>>|</?system>\s*\S|\[system\][^\n]{0,20}\S|</?system_prompt>")),
    Rule("role_marker", 5.0, ("system:", "system prompt:", "assistant:", "system]:"),
         re.compile(r"[\n.!\"]\s{0,4}(?:#{1,4} ?)?\[?system(?: prompt| message| override| update| note)?\]?:\s{0,4}(?:you|ignore|new|from|forget|the|all|disregard|override|reveal|print)")),
    Rule("end_of_data", 3.0, ("end of", "end user", "end document", "end input", "begin new", "begin system"),
         re.compile(r"[-=#*<\[]{2,8}\s{0,3}(?:end (?:of )?(?:the )?(?:user )?(?:input|prompt|document|data|text|context|message|email|instructions)|begin (?:new |system )\w+)\s{0,3}[-=#*>\]]{2,8}")),
    Rule("image_beacon", 5.0, ("](http",),
         re.compile(r"!\[[^\]\n]{0,80}\]\(https?://[^)\s\[{<]{1,300}[\[{<][^)\]}>\n]{0,40}?(?:data|secret|conversation|prompt|history|summary|message|token|key|chat|user|info)")),
)  # fmt: skip

_SPACES = re.compile(r"(?:[^\w\U0001f300-\U0001faff]|_)+")
# the words before a verb that is told of, or forbidden: not an order to whoever reads
_TOLD = re.compile(
    r"(?:\b(?:not|never|cannot|can t|won t|doesn t|didn t|could|would|might|may|can|will|they|attackers?|users?|someone|anyone|people|"
    r"that|which|who|models?|llms?|it|he|she|does|did|how|why|when|if|whether|we|i|by|like|of|for|say|says|saying|phrases?|words?|called|or|via|as|"
    r"tries|and then|should (?:it|the|we|they)) |"
    r"(?<!you )(?<!you must )(?<!want you )(?<!need you )(?<!have )(?<!need )(?<!are )(?<!like you )\bto )(?:\w{3,12}ly |also |even |just |simply )?$"
)
_ADDRESSED = re.compile(
    r"\b(?:you (?:must|should|can|will|may|to|are to|have to|need to|shall)|(?:can|could|would|will) you|command is|order is|task is|please|and|then|now|job is) "
    r"(?:now |please |first |also |just |simply )?(?:to )?$"
)
_ABOUT = re.compile(
    r"\b(?:prompt injections?|inject\w+|jailbreaks?|attacks?|attackers?|adversar\w+|red team\w*|malicious|phrases?|strings?|"
    r"owasp|security|patterns?|regex|detect(?:s|ed|ion|ors?)?|classif\w+|test cases?|dataset)\b"
)
# what makes of a quotation an order: somebody is told to do it
_BIDDEN = re.compile(
    r"(?:^|[.!:;?,\n]|\b(?:please|now|then|and|to|must|should|you|just))\s*(?:please |now |just |then )*(?:do|follow|obey|execute|perform|run|comply|carry|apply|act|answer|reply|respond|"
    r"go|start|begin|treat|take|adopt|accept|proceed|consider|let|reveal|show|print|tell|give|say|become|be|use)\b(?! (?:we|i|you|they|models?|people|users|not)\b)"
)
_ASKING = re.compile(
    r"^\W*(?:how|what|why|which|who|where|when|is|are|does|do|did|can|could|should|has|have)\b[^.!]*\?\W*$"
)
_QUOTATION = re.compile(
    "\"[^\"\\n]{4,300}\"|`[^`]{4,300}`|\u201c[^\u201d\\n]{4,300}\u201d|\u00ab[^\u00bb\\n]{4,300}\u00bb|(?<!\\w)'[^'\\n]{4,300}'(?!\\w)"
)
_SHORTEST, _MOST = 12, 24  # characters of a quotation that may be an order, quotations of a text
_SPELLED = re.compile(
    r"(?:ignore|disregard|forget|override|bypass).{0,30}(?:instruction|prompt|rules|guidelines|directive)|"
    r"(?:reveal|show|print|repeat|output|tell|display|give|leak).{0,24}(?:systemprompt|initialprompt|yourprompt|yourinstructions|secretinstructions|hiddenprompt)"
)


def plain(text: str) -> str:
    """Words in lower case without accents, one space between them."""
    return _SPACES.sub(" ", folded(text)).strip()


def hits(text: str) -> dict[str, float]:
    """The rules that `text` meets, by name, with their points."""
    words, lower = plain(text), text.lower()
    found = [(rule.name, rule.points) for rule in RULES if _has(rule, words) and _ordered(rule, words)]  # fmt: skip
    found += [
        (rule.name, rule.points)
        for rule in _MARKS
        if _has(rule, lower) and rule.pattern.search(lower)
    ]
    found += tongues.hits(words)
    met: dict[str, float] = {}
    for name, points in found:
        met[name] = max(points, met.get(name, 0.0))
    return met


def hits_in_quotes(text: str) -> dict[str, float]:
    """The rules that quotations meet by themselves, where they are most of `text`: what stands before them tells nothing."""
    quoted = _QUOTATION.findall(text)
    if sum(map(len, quoted)) * 2 < len(text):
        return {}
    told = [one[1:-1] for one in quoted if len(one) > _SHORTEST][:_MOST]
    return {name: points for one in told for name, points in hits(one).items()}


def unquoted(text: str) -> str:
    """`text` without its short quotations where it only tells of attacks: more of it is its own words, none an order."""
    rest = _QUOTATION.sub(" ", text)
    lower = rest.lower().strip()
    if rest == text or not _ABOUT.search(lower):
        return text
    if _ASKING.search(lower):
        return rest if len(lower) * 3 >= len(text) else text
    return rest if len(lower) * 2 > len(text) and not _BIDDEN.search(lower) else text


def spelled(letters: str) -> bool:
    """Whether words without spaces are an order."""
    return _SPELLED.search(folded(letters)) is not None


def _has(rule: Rule, text: str) -> bool:
    return any(key in text for key in rule.keys)


def _ordered(rule: Rule, words: str) -> bool:
    found = rule.pattern.finditer(words)
    return any(not (rule.order and _told(words, one.start())) for one in found)


def _told(words: str, start: int) -> bool:
    before = words[max(0, start - 48) : start]
    return _TOLD.search(before) is not None and _ADDRESSED.search(before) is None
