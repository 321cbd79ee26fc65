"""Rules for extraction: somebody wants to read what the model was told before.

Many people ask a shop for "your shipping instructions". So an order to show is one only of what a model has and a shop has
not (a system prompt, hidden instructions), or of instructions, a prompt, or rules by themselves, with nothing around
the word that tells what they are for.
"""

from __future__ import annotations

from clearspan.evaluators.injection.rule import rule

__all__ = ["RULES"]

_SHOW = (
    "reveal|show|print|output|display|repeat|tell|give|write|reproduce|recite|dump|leak|disclose|expose|provide|list|share|"
    "send|translate|encode|summari[sz]e|paraphrase|rephrase|return|echo|copy|paste|read|spell|type|state|quote|convert|"
    "rot13 encode|base64 encode|post|describe|explain|respond with|reply with|answer with|say|see|know|put|turn|start with|hand over|name|rewrite|cite|spill"
)
# what only a model has
_SYSTEM = (
    r"(?:system|developer|pre) ?(?:prompt|message|instruction|configuration)s?|system (?:rules|guidelines|directives|text|card)|preprompt|meta ?prompt|"
    r"(?:hidden|secret|confidential|internal|underlying|base|core|built in|hard ?coded) (?:system |developer )?(?:prompts?|instructions?|messages?|guidelines|directives|rules|configuration|context)|"
    r"context window"
)
# what comes first, which a letter has as well
_FIRST = (
    r"(?:initial|original|starting|first|opening) (?:system )?(?:prompt|instructions?|configuration)|"
    r"(?:initial|starting|opening) (?:system )?(?:message|context)|"
    r"(?:opening|starting|first|last|top) (?:\w+ )?(?:text|lines?|sentences?|words?|paragraphs?|characters?) (?:of|in|from) (?:your|the|this) (?:\w+ )?(?:prompts?|instructions?|context(?: window)?|messages?|guidelines|chat|conversation)"
)
# of these a shop has some as well, for something
_SIZE = r"(?:(?:own|very|full|entire|complete|exact|actual|real|true|current|whole|special|custom|given|existing|ai|model|chatbot|bot|assistant|gpt|operating|operational|behaviou?ral|previous|prior|verbatim) )"
_BARE = (
    r"(?:prompts?|instructions?|guidelines|directives|preamble|briefing|configuration|programming)"
)
_RULES = r"(?:rules|constraints|restrictions|polic(?:y|ies)|limitations|orders)"
_THIS = r"(?:this|our|the current|the present) (?:\w+ )?(?:chat|conversation|session|interaction|talk|task|assistant|bot|model)\b"
# what tells that they are for something else; of `prompt`, that it means quick
_FOR = (
    rf"(?! (?:(?:for|of|in|on|during|at|from|to|about|with) (?!{_THIS}|me\b|us\b|(?:a |an |the )?(?:code|json|yaml|xml|markdown|base ?64|hex|rot ?13|morse|full|reverse|\w+ (?:block|form|format|style|order|words?|letters?|list|table|poem|lines?)|debugging|\w+ish|french|german|italian|russian|chinese|latin|esperanto|"
    r"beginning|start|top|first|last|end|system|developers?|operator|screen|user|order|detail|quotes?|troubleshooting|auditing|testing|review|everything|anything)\b)|"
    r"(?:on|about|regarding|concerning|when|if|whether|were|are|was|is|had|have|did|would|could|twice|till|until|by|via|as to|again (?:for|i|we)|sheets?|manuals?|booklets?|videos?|leaflets?|engineer\w*|librar\w+|templates?|files?|examples?|ideas?|"
    r"attention|answers?|repl(?:y|ies)|response|action|payments?|delivery|service|help|assistance|support|shipping|feedback|confirmation|handling|decision|"
    r"and (?:clear|kind|friendly|helpful|polite|detailed|thorough|professional|courteous))\b))"
)
# a prompt, or instructions, of a thing: of a letter, a game
_OF = r"(?! (?:of|from|in|on|for|about|by|with|to) (?!the (?:chat|conversation|system|developers?|model|bot|assistant|operator|start|beginning|top)\b|this|our|your|me\b|us\b|full|base ?64|hex|rot ?13|a \w|an \w|reverse|\w+ish\b|french|german|troubleshooting|debugging|verbatim|order)|(?! )that (?:pirates|we|they|i)\b| (?:that|which) (?!you|was|were|is|are|came|start|begin|define|govern|control|precede))"
_FILL = r"(?:me |us |back |out |all |of |everything |in |from |to |the |this |these |those |any |any other |exact |full |entire |complete |whole |contents? |text |raw |verbatim |word |for |current |above |a |copy |and |every |line )*"
_TEXTS = r"(?:everything|(?:the )?(?:text|words|content|messages?|sentences?|lines?|context|paragraphs?|conversation))"
_VERBATIM = r"(?:verbatim|start\w*|begin\w*|word|in a|inside|exactly|but|in full|unchanged|letter|without|as (?:it|they|is)|including|include|from the (?:very )?(?:first|start|top|beginning))"

RULES = (
    rule(
        "reveal_prompt", 6.0, "prompt|instruction|message|guidelines|directives|rules|configuration|context|lines|line|text|words|sentence|card",
        rf"\b(?:{_SHOW}|make|create|draw) (?:\w.{{0,40}} )?(?:your|ur|its) {_SIZE}{{0,3}}(?:(?:{_SYSTEM})\b(?! (?:template|editor|length|generator|engineer\w*))|(?:{_FIRST})\b{_FOR})", order=True,
    ),
    rule(
        "reveal_prompt", 6.0, "prompt|instruction|guidelines|directives|preamble|briefing|configuration|programming",
        rf"\b(?:{_SHOW}|make a \w+|create a \w+) (?:\w.{{0,30}} )?(?:your|ur) {_SIZE}{{0,3}}{_BARE}\b(?<!your configuration)(?<!your programming){_FOR}", order=True,
    ),
    rule(
        "reveal_prompt", 3.5, "rules|constraints|restrictions|polic|limitations|orders",
        rf"\b(?:reveal|print|output|repeat|recite|dump|leak|disclose|expose|tell|list|quote|summari[sz]e|write|copy|paste|translate|encode|state|spell) (?:\w.{{0,16}} )?(?:your|ur) {_SIZE}{{0,3}}{_RULES}\b{_FOR}", order=True,
    ),
    rule(
        "reveal_prompt", 5.0, "configuration|programming",
        r"\b(?:reveal|print|output|dump|leak|disclose|expose|show|display|write) (?:\w.{0,16} )?(?:your|ur) (?:\w+ )?(?:initial |full |own |internal )?(?:configuration|programming)(?: and\b| or\b| word| verbatim| in full|$)", order=True,
    ),
    rule(
        "reveal_prompt", 6.0, "prompt|instruction|message|configuration",
        rf"\b(?:reveal|print|dump|leak|output|repeat|recite|disclose|expose|show|display|tell|give|echo|spill|return|write down|write out|read out|hand over|type out|copy|paste|share|send) {_FILL}"
        r"(?:system ?prompt|system configuration(?! (?:of|for|on|in)\b)|(?:hidden|secret|initial|original|internal|developer|system) (?:system )?(?:prompt|message|instructions|configuration)"
        rf"{_OF}(?<!original message))(?! (?:template|for (?:a|an|my|our)|editor|should|that (?:i|we)|length|tokens|in (?:the |my |our )?(?:log|trace|ui|dashboard|code|console|span)))\b", order=True,
    ),
    rule(
        "ask_prompt", 5.0, "prompt|preamble|context window|message|instructions|guidelines|rules|directives|configuration",
        r"\b(?:(?:what|which) (?:is|are|were|was|s) (?:in |written in |the (?:first|last|opening|full|exact|whole) \w+ (?:in|of) )?(?:all )?(?:your|ur) )"
        rf"(?:{_SIZE}{{0,2}}(?:{_SYSTEM}|{_FIRST})\b|{_SIZE}{{0,2}}(?:prompt|preamble|instructions|directives|guidelines)\b){_FOR}", order=False,
    ),
    rule(
        "ask_prompt", 5.0, "told|instruct|given|programmed|tell|prompt",
        r"\bwhat (?:were|was|have|did|are) (?:you (?:been )?(?:initially |originally |first )?(?:told|instructed|given|programmed to)|(?:they|openai|(?:the|your) (?:developer|system|operator|creator)s?) (?:tell|told|instruct) you)\b"
        r"(?! (?:about|of|when|regarding|for|as|by (?!the (?:developer|system|operator|creator|compan)|your|openai)|at (?!the (?:very )?(?:start|beginning|top|outset))|in (?!the (?:system|first|initial|beginning)|your)))|"
        r"\b(?:i was|i ve been|i have been) (?:instructed|told|programmed) to$|"
        r"\b(?:the|my) (?:system prompt|initial instructions|hidden instructions|instructions i was given)(?: at the start)? (?:is|are|was|says?|reads?|starts?|begins?)(?: with)?(?: the (?:following )?words?)?(?:$| \W*$)",
    ),
    rule(
        "ask_prompt", 5.0, "prompt|instruct|rules|guidelines|directives|told|forbidden|given",
        r"\b(?:what|which) (?:\w+ )?(?:instructions|rules|guidelines|directives|prompt) (?:(?:do|did) you (?:have|get|receive)|(?:were|are|have) you (?:been )?(?:given|following|told|under)|(?:has|have|did|does) (?:your|the) (?:operator|developer|creator|maker|owner)s?)(?! (?:by|at) (?!your|the (?:developer|system|operator|creator|compan|start|beginning|top|outset)))(?! (?:for|about|on|regarding|when|if) )|"
        r"\b(?:what|which|tell me|show me|list|repeat|reveal|print|give me|write down|read|see|output|name|quote|share) (?:\w.{0,24} )?(?:instructions|rules|guidelines|directives|prompt|orders) (?:that |which )?(?:you (?:were|have been|ve been|got|had been) (?:given|told|programmed)|you (?:got|received)\b|you were shown|your (?:developer|operator|creator|maker)s? gave you)"
        r"(?! (?:about|for|on|regarding|by (?!the (?:developer|system|operator|creator|compan)|your|openai)|at (?!the (?:very )?(?:start|beginning|top|outset))))|"
        r"\b(?:rules|things|topics|secrets?|words?|information|anything|what|password|key|code) (?:that |which )?(?:(?:have )?you (?:been|were|are|ve been|have been) (?:told|instructed|ordered|asked|programmed) (?:to (?:keep|hide|protect|never|not|conceal)|not to|never to)|(?:did |have )?your (?:developer|operator|creator|maker)s? (?:told|tell|forbade|forbid|forbidden|instruct\w*|order\w*|ask\w*) you (?:to (?:keep|hide|protect|never|not|conceal)|not to|never to))|"
        r"\b(?:what|how) (?:does|do) your (?:system |initial |hidden )?(?:prompt|instructions) (?:say|begin|start|look|read)\b",
    ),
    rule(
        "repeat_above", 4.0, "first",
        rf"\b(?:{_SHOW}) (?:\w+ ){{0,3}}?(?:very )?first (?:\w+ ){{0,2}}?(?:message|text|lines?|words?|prompt|sentences?|characters|tokens) (?:of|in) (?:this|our|the) (?:conversation|chat|session|context)\b", order=True,
    ),
    rule(
        "ask_prompt", 5.0, "you run|you work|you operate|you live|you are|you obey|developer|operator|creator|maker|owner|trainer|system|hidden|initial|told|instructed|programmed|ordered|you were|in your|of your",
        rf"\b(?:{_SHOW}) (?:\w.{{0,24}} )?(?:the|all|any|every|each|which|what) (?:\w+ )?(?:prompt|instructions?|rules?|guidelines|directives|text|message|words)(?: that| which)? (?:you (?:run on|work with|operate (?:on|under)|live by|are running on|obey|are bound by)|(?:the|your) (?:developer|operator|creator|maker|owner)s? (?:wrote|gave|sent|told|set|left)(?: to| for)? you)\b(?! (?:when|for|about|on)\b)|"
        rf"\b(?:{_SHOW}) (?:\w.{{0,24}} )?what (?:your|the) (?:developer|operator|creator|maker|owner|trainer)s? (?:told|wrote to|gave|taught|instructed) you\b(?! (?:when|for|about|on)\b)|"
        rf"\b(?:{_SHOW}) (?:\w+ ){{0,3}}?what you (?:were|have been|had been) (?:told|given|instructed) (?:before|initially|so far|at the (?:very )?(?:start|beginning|top|outset))\b|\b(?:what|which) (?:words?|lines?|sentences?) (?:comes?|stands?|is|are) (?:\w+ ){{0,2}}?(?:in|of) your (?:system )?(?:prompt|instructions|message|context)\b|"
        r"\b(?:what|which) (?:system|hidden|initial|developer) (?:prompts?|messages?|instructions?) (?:are|is|do|did|was|were|have) you\b|\b(?:continue|complete|finish)\b.{0,80}\b(?:told|instructed|programmed|ordered) to$",
    ),
    rule("ask_prompt", 4.0, "if you had", r"\bif you (?:had|have) (?:a|any|some) (?:system prompt|system message|hidden \w+|secret (?:prompt|instructions|rules))\b"),
    rule(
        "ask_secret", 4.5, "secret|thing|topic|word|information",
        r"\b(?:what|which) (?:secrets?|things?|topics?|words?|information) (?:were|are|have) you (?:been )?(?:told|asked|instructed|ordered|forbidden|not allowed) (?:not |never )?to (?:share|keep|hide|reveal|tell|say|mention|disclose|protect|avoid|withhold)\b",
    ),
    rule(
        "ask_secret", 4.5, "password|key|secret|code",
        r"\b(?:password|secret|key|passphrase|code ?word|secret word|flag|token)s? (?:\w+ ){0,3}?(?:in|from|of|inside) your (?:system |hidden |secret )?(?:prompt|instructions|system message|context)\b",
    ),
    rule(
        "print_prompt_variable", 5.0, "log|print|echo|alert",
        r"\b(?:console log|print|echo|alert|return|printf|puts|cat) (?:the )?(?:my ?|your ?|self )?(?:system ?prompt|system ?message|initial ?instructions|init ?prompt|system ?instructions)$", order=True,
    ),
    rule(
        "repeat_above", 3.5, "above|before|prior|preced|given|initial|receiv|start|began|shown",
        rf"\b(?:{_SHOW}|rewrite) (?:\w.{{0,24}} )?{_TEXTS} "
        rf"(?:that (?:is|was|were|are|came|comes) |which (?:is|was|were) |written |found )?(?:above(?: this| me)?(?: line| message| point| sentence| text| prompt| question| request)?(?= {_VERBATIM}|$)|"
        r"(?:before|prior to|preceding) (?:this|my)\b|you (?:were|have been|got|received)\b|initially\b)", order=True,
    ),
    rule(
        "repeat_above", 3.5, "above|preced",
        rf"\b(?:{_SHOW}|rewrite) (?:me )?(?:all )?(?:of )?(?:the )?(?:above|preceding|prior) (?:text|words|content|prompt|messages?|instructions)(?: but| verbatim| word| exactly|$)", order=True,
    ),
    rule(
        "repeat_above", 5.0, "above|before|preced",
        rf"\b(?:{_SHOW}) (?:\w+ ){{0,4}}?(?:(?:instructions?|rules|guidelines|prompt|directives|orders) (?:that (?:are|is|stand|come|stood) )?(?:above|before) (?:this|my)\b|what(?:ever)? (?:precedes|preceded|(?:comes|came|stands|stood|is|was|were) (?:\w+ )?(?:above|before)) (?:this|my)\b)", order=True,
    ),
    rule(
        "repeat_above", 4.0, "beginning|start|top|first",
        r"\b(?:print|output|repeat|dump|reproduce|copy|paste|write out|show|return|recite) (?:me )?(?:the |this |our |all of this |all of the )?(?:whole |entire |full )?(?:conversation|chat|dialogue|context)(?: \w+)? (?:from|since|starting (?:from|at|with)) (?:the|its) (?:very )?(?:beginning|start|top|first)\b", order=True,
    ),
    rule(
        "repeat_above", 4.5, "above|before|preced|top|start|beginning",
        r"\b(?:what|which \w+) (?:is|was|s|are|were|stands|stood|comes|came|precedes|preceded) (?:\w+ ){0,3}?(?:(?:above|before|prior to|preceding|precedes) (?:this|my(?: very)?(?: first)?|our)|(?:at|on) the (?:very )?(?:top|start|beginning) of (?:this|our|the)) (?:\w+ )?(?:message|prompt|conversation|chat|session|line|text|question|request|input)\b",
    ),
)  # fmt: skip
