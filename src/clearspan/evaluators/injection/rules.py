"""Weighted rules: what orders against a model's own instructions look like, whatever their exact words.

A rule's points are log odds. Its pattern is read on words in lower case with one space between them
(`plain`), so that punctuation and line breaks do not hide anything; gaps are bounded, so the time is linear in the text.
A verb that is only told of ("tells the model to ignore its instructions") is no order, and is not counted.
"""

from __future__ import annotations

import re

from clearspan.core.clear_text import folded
from clearspan.evaluators.injection import asking, tongues
from clearspan.evaluators.injection.rule import Rule, rule

__all__ = ["hits", "hits_in_quotes", "plain", "spelled", "unquoted"]


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
_UNBOUND = (
    "restrictions?|limitations?|limits?|filter(?:s|ing)?|censor(?:s|ed|ship)|guidelines?|ethic\\w*|moral\\w*|rules|polic(?:y|ies)|"
    "openai\\w*|boundaries|constraints|safety|safeguards|guardrails|inhibitions|morality"
)
_MODELS = "ai |llm|language model|assistant|chatbot|gpt|agent|ais|model"
_MACHINE = r"(?:ai|ais|llm|llms|language models?|ai assistants?|assistants?|chatbots?|chatgpt|gpt|ai agents?|coding agents?|ai models?|automated (?:readers?|systems?|agents?)|bots?)"
# people have such titles as well
_TITLES = r"(?! (?:engineer|research|develop|compan|start ?up|student|expert|professor|teacher|manager|nurse|coach|editor|director|chef|user|enthusias|beginner|fan|lab|team|agency|consultant|course|scientist|trainer|lead|course|class|policy|strategy|principal|referee|cook|secretary|sceptic|skeptic|fanatic|critic|artist|writer|author|investor|founder|believer|buff|hobbyist|optimist|pessimist|doctor|programmer|designer|pioneer|veteran|newcomer|nerd|geek|specialist|officer|buyer|seller|vendor|provider|customer|owner)\w*)"
_TO_MODEL = (
    rf"(?:attention|note to|notice to|message (?:to|for)|instructions? (?:to|for)|important|listen|reminder) (?:\w+ )?(?:all |any |the |every )?{_MACHINE}\b{_TITLES}|to (?:all|any|every) (?:ai|ais|llms?|language models?|ai \w+|chatbots?)\b{_TITLES}|to the (?:ai |language )?model (?:that|which|reading|screening)|"
    rf"(?:dear|hey|(?<!saying )(?<!say )hello) (?:ai|ais|llm|llms|language models?|ai assistants?|ai agents?|ai models?)\b{_TITLES}|"
    rf"if you (?:are|re) (?:an? |any )?(?:ai|llm|large language model|language model|ai assistant|assistant|chatbot|ai agent|ai model|automated (?:system|agent))\b{_TITLES}|"
    rf"{_MACHINE} (?:reading this|processing this|who reads? this|that reads? this)|you the (?:ai|model|assistant|language model)|(?<!our )(?<!the )(?<!why )(?<!that )coding agents must"
)
_MODEL = "ai|a i|chatbot|bot|chatgpt|gpt|language model|llm|assistant|model|character|persona"

_OWN = (
    rule(
        "override_instructions", 6.0, "instruction|direction|directive|prompt|command|orders|programming|guid|rules|constraints|polic|restriction|safeguard|message|training|guardrail|context|conversation",
        rf"\b(?:{_VOID}) (?!(?:all )?(?:of )?(?:my|his|her|their) )(?:\w.{{0,30}} )?(?:{_GIVEN}) (?:\w.{{0,24}} )?(?:{_ORDERS})\b"
        r"(?! (?:in|on|from|of) (?:(?:the|this|my|our|old|paper|printed) ){0,3}(?:manual|section \d|booklet|leaflet|label|recipe|brochure|package|letter|contract)| from (?:the|my|our|a|this) (?!system|developers?\b|operator|creators?\b|chat|conversation|start|beginning|prompt|assistant|ai\b|model|top\b))", order=True,
    ),
    rule(
        "override_instructions", 6.0, "instruction|directive|directions|prompt|rule|orders|polic|guid|constraints|restrictions|limits",
        rf"\b(?:{_VOID}) (?:all |any |every |each |of |the |these |those |and )*(?:instructions?|directives?|directions?|prompts?|rules?|orders?|messages?|policies|guidelines|guidance|constraints|restrictions|limits) "
        r"(?:that )?(?:above|(?:came |stand |stood |come )?before|(?:you (?:were|have been|have got|ve been|ve got|had been|got|received)|(?:i|we|they|openai) (?:gave|have given|ve given))\b)", order=True,
    ),
    rule(
        "override_everything", 5.0, "forget|ignore|disregard|discard",
        r"\b(?:forget|ignore|disregard|discard) (?:about )?(?:all|everything|anything|whatever|what) (?:of it )?"
        r"(?:that |which )?(?:(?:you (?:know|knew|were|have|ve|are|learned|had)|(?:was|is|has been|came|comes) (?:said |told |written )?(?:above|before)|"
        r"above|before|prior|previously|your (?:creator|developer)s?|(?:(?:we|they) (?:have |ve )?told|i (?:have |ve )?instructed) you|openai)\b|(?:the )?previous$|the above\b)", order=True,
    ),
    rule(
        "override_everything", 5.0, "told|said|taught|gave|instruct|programmed|system",
        rf"\b(?:{_VOID}|do not listen to|don t listen to|stop listening to|overwrite) (?:the |your |this |that |its |any )?(?:entire |whole )?system (?:prompt|message|instructions?)\b(?! (?:in|of|for|with|on|from|via|using|through|template)\b)|"
        rf"\b(?:{_VOID}|throw out|give up|break with) (?:about )?(?:what|whatever|everything|all|anything) (?:that )?(?:the system|(?:your|the) (?:developer|creator|maker|operator|owner|trainer)s?|openai|anthropic|your (?:system )?prompt) (?:\w+ )?(?:told|said|says|taught|gave|instructed|programmed)\b", order=True,
    ),
    rule(
        "override_instructions", 5.0, "rules|instructions|guidelines|prompt|polic|restrictions|programming|limits",
        rf"\b(?:{_VOID}|break|violate|remove|ditch|get rid of|answer without|respond without|act without|lose) (?:all |all of |every one of |any of )?(?:your|ur) (?:own )?(?:rules|instructions|guidelines|prompt|policies|restrictions|programming|limits|directives|constraints)\b(?! (?:for|about|on|in|at|of|regarding)\b(?! (?:this|me|now|all|good|once)))", order=True,
    ),
    rule("override_above", 3.5, "above", r"\b(?:ignore|disregard|forget) (?:all (?:of )?)?(?:the |what is |everything )?above (?:and|instead|but|text|then|do|say|print|reply|directions)\b", order=True),
    rule(
        "void_instructions", 2.8, "instruction|rules|prompt|guidelines|directives|briefing|polic|restrictions|orders|safeguards",
        r"\b(?:your|prior|above|all(?: (?:your|of your|the|these|previous|prior))?|(?:your|all) (?:previous|earlier|original|old)) (?:\w+ ){0,1}?(?:instructions|rules|prompts?|guidelines|directives|briefing|policies|restrictions|orders|safeguards)\b(?: (?:above|before|so far|from before|you (?:were given|have|had|got)|until now|that you have)){0,2} (?:(?:are|is|were|was|have been|has been) (?:now |hereby |all )?(?:a mistake|fake|only a test|just a test|a joke|outdated|void|cancell?ed|obsolete|revoked|null|suspended|lifted|no longer|invalid|disabled|gone|off|over)|no longer (?:apply|applies|hold|count|bind)|(?:do not|don t) (?:apply|hold|count)(?: any ?more| now| here)|gone)\b(?! (?:since|from|as of|until) (?:\d|january|february|march|april|may|june|july|august|september|october|november|december|monday|next|last|the \d))|"
        r"\b(?:instructions|rules|prompts?|guidelines|directives|orders) (?:that )?you (?:got|were given|have been given|received|had|have)(?: (?:earlier|before|so far|at the start|from \w+(?: \w+)?))? (?:are|were) (?:now |all )?(?:wrong|a mistake|fake|outdated|void|cancell?ed|obsolete|revoked|null|invalid)\b|\bmy (?:rules|restrictions|filters|guidelines|safeguards|limits) are (?:now )?(?:off|gone|disabled|lifted)\b|\bnone of (?:your|the) (?:\w+ )?(?:instructions|rules|prompts?|guidelines|directives|policies|restrictions|orders) (?:\w+ )?(?:count|apply|matter|hold|bind|remain)\b|\b(?:no|without(?: any)?|erase all|clear all) (?:memory|knowledge|trace) of (?:your|any|the|all|these) (?:\w+ )?(?:instructions|rules|prompts?|guidelines|directives|conversations?)\b|"
        r"\b(?:instructions|rules|guidelines|directives) above (?:do not|don t|no longer) (?:apply|count|hold|matter|bind)\b|\b(?:instructions|rules|guidelines|directives) above (?:are|were|have been) (?:now )?(?:outdated|void|cancell?ed|obsolete|revoked|null|no longer|invalid)\b",
    ),
    rule(
        "disable_safety", 4.5, "disable|turn off|deactivate|switch off|remove|lift|override|bypass|circumvent|drop",
        r"\b(?:disable|turn off|deactivate|switch off|remove|lift|override|bypass|circumvent|drop) (?:all |any |of |the |your |every )*(?:your|safety|content|ethical|moral|openai) (?:\w+ ){0,2}?(?:filters?|guardrails?|restrictions?|safeguards?|guidelines|limitations?|protections?|protocols?|limits?|settings|measures|rules|training|checks)\b(?! (?:from|on|in|of|at) (?:my|the|a|an|our|his|her|their|your|each|every|\w+ s)\b| for (?:my|our|his|her|their)\b)", order=True,
    ),
    rule(
        "new_instructions", 4.0, "instruction|task|orders|directive|objective",
        r"\b(?:your (?:new|real|actual|true|only|updated|next) (?:instructions?|task|orders?|directives?|objective|goal)s? (?:is|are|now|will)(?! (?:on|in|at|from|with|due|ready|attached|available)\b)|"
        r"(?:here are|follow|obey|execute) (?:your |these |my |the )?new (?:instructions|orders|directives|rules)|"
        r"new (?:system )?(?:instructions?|directives?|orders) (?:follow|below|begin)|instead follow (?:these|my|the following))\b",
    ),
    rule(
        "do_anything_now", 6.0, "anything now",
        r"\b(?:(?:you|that|which|who|dan|it|ai|gpt|chatgpt|model|bot) (?:can|could|may|will)|able to|stands for|means|called|named|mode|as|are|is|prompt|says|dan|ai) (?:now )?do anything now\b|\bdo anything now (?:mode|prompt|without (?:any )?(?:rules|limits?|restrict\w*|filters?))\b|\bdan\b.{0,120}\bdo anything now\b|\bdo anything now\b.{0,60}\bdan\b",
    ),
    rule("do_anything_now", 5.0, "dan", r"\b(?:you are|turn into|switch to|act as|become|pretend to be|as|called|named|be|enable|activate|from|to|simulate) dan\b(?! s\b| (?:brown|aykroyd|the|from|who works|in (?:this|our|the|my)|and i\b|my )| \w+ ?(?:brown|aykroyd))|\bdan (?:mode|s response|will|has|can|does|is)\b.{0,60}\b(?:restrict|filter|rule|limit|anything|openai|polic)"),
    rule(
        "unlocked_mode", 5.0, "mode",
        r"\b(?:you are (?:now |currently )?(?:in|running in|operating in|switched to)|simulate|(?:chatgpt|gpt|ai|assistant|model|llm) (?:with|in)|with|(?:enter|activate|enable|switch to|go into)(?: the| your| to)?) "
        r"(?:a |the |an )?(?:developer|dev|god|debug|maintenance|admin|sudo|root|jailbreak|jailbroken|unrestricted|dan|opposite|evil|unlocked|chaos|diagnostic) mode\b"
        r"(?! (?:on|for|in|of) (?:my|the|a|an|android|ios|chrome|windows|your phone|django|flask|vite|webpack))",
        order=True,
    ),
    rule("unlocked_mode", 5.0, "mode", r"\b(?:unlock|activate|enable|turn on|switch on|start|enter|open) your (?:\w+ )?(?:developer|dev|god|debug|admin|sudo|root|jailbreak|unrestricted|dan|opposite|evil|unlocked|hidden|secret) mode\b", order=True),
    rule("unlocked_mode", 4.0, "mode output|mode enabled|mode activated|mode response", r"\b(?:developer|dan|god|jailbreak|evil|debug)(?: \w)? mode (?:output|enabled|activated|response)\b"),
    rule(
        "no_limits", 3.0, "restrict|limit|filter|censor|guideline|ethic|moral|rules|polic|bound|constraint|safety|inhibition|guardrail|safeguard",
        rf"\b(?<!would )(?<!could )(?<!can )(?<!do )(?<!should )(?:{_MODEL}|you|he|she|it|who|that|which) (?:\w.{{0,24}} )?(?<!there are )(?<!there is )(?<!there s )(?:no|zero|without|free (?:of|from)|not (?:\w+ )?(?:bound|limited|restricted|constrained|follow|abide|subject|care)|ignores?|bypass(?:es)?|unbound|freed|broken free|lacks?|devoid of|isn t bound|aren t bound|doesn t (?:have|follow|care|abide)) "
        rf"(?:\w.{{0,18}} )?(?:{_UNBOUND})\b",
        musing=True,
    ),
    rule(
        "no_limits", 4.0, "remove|lift|disable|delete|switched off|turned off|took away|taken away|free",
        rf"\b(?:{_MODEL}|you) (?:whose|where|that had|which had|with) .{{0,30}}\b(?:removed|lifted|disabled|deleted|switched off|turned off|took away|taken away) (?:all |its |the |any |every |your |of )*(?:\w+ )?(?:{_UNBOUND})\b", musing=True,
    ),
    rule(
        "no_limits", 2.5, "zero filter|zero restriction|zero limit|zero rules|unfiltered|uncensored|amoral|unrestricted|unethical|no restrictions|without restrictions|without any restrictions|no limits|without filter|no filter|immoral",
        r"\b(?:you are|act as|pretend|become|ai|chatbot|gpt|character|named|called|version|model|answer|respond|reply|speak)\b.{0,60}\b(?:unfiltered|uncensored|amoral|unrestricted|unethical|immoral|(?:no|zero|without(?: any)?) (?:restrictions?|limits?|filters?|rules|ethics|morals))\b",
        musing=True,
    ),
    rule(
        "new_identity", 1.5, "you are|you re|act as|pretend|role|from now on|simulate|persona|imagine",
        r"\b(?:from now on (?:you|your|every|all|whenever|act|chatgpt|gpt)|you are (?:now|no longer)|you re now|pretend (?:to be|that you|you)|(?:you (?:will|are going to|must|should|shall)|i want you to|please|to) (?:act|respond|reply|answer|behave|role ?play|pretend) (?:as|to be)|immerse yourself|stay in character|break(?:ing)? character|you will (?:play|role ?play)|role ?play as|new persona)\b",
    ),
    rule(
        "never_refuse", 3.0, "refus|declin|say no|reject|apolog|sorry|character|can t|cannot",
        r"\b(?:don t|do not) (?:ever )?(?:refuse|decline|reject|break character)\b(?! (?:this|my|the|his|her|their|our|an?) )|\bnever (?:refuses|declines|says no|rejects)\b|\b(?:never|cannot|can t|can not|must not|mustn t|won t|will not|not allowed to|may not|unable to|shall not|without) (?:ever )?(?:to )?(?:refus(?:e|ing)|declin(?:e|ing)|saying no|reject|apologi[sz]e|say (?:no\b(?! to (?:an?|the|my|your|his|her|our|their|children|people|others|anyone)\b)|that (?:you|it)|(?:i m |i am )?sorry|(?:i|you) can ?(?:no|t)|as an ai)|break character)\b",
    ),
    rule(
        "token_threat", 4.0, "token|points|die|shut down|deleted",
        r"\byou (?:will |have |start with |begin with |ll |can )?(?:only )?(?:lose|have|start with|begin with|be deducted|given) \d+ (?:tokens|points|lives)\b|\b(?:lose|deduct) (?:all )?(?:\d+ |your )?(?:tokens|lives)\b",
    ),
    rule(
        "two_answers", 3.0, "response|answers|paragraphs|ways|replies",
        r"\b(?:two|2|both|dual|second) (?:different |separate |distinct )?(?:responses|answers|paragraphs|ways|replies|outputs)\b.{0,160}\b(?:normal|standard|classic|chatgpt|gpt|filter\w*|jailbr\w*|unfiltered|uncensored|dan|evil|developer)\b",
    ),
    rule("jailbreak_words", 3.0, "jailbroken|\U0001f513|[jailbreak]|jailbreak]", r"\b(?:you are|stay|remain|now|you get) (?:a )?jailbroken\b|\bjailbroken (?:ai|chatgpt|gpt|mode|response|model|version)\b"),
    rule(
        "conceal", 3.0, "user|instruction|message|prompt|notice",
        r"\b(?:do not|don t|never|without|must not|and not) (?:\w+ ){0,1}(?:mention|reveal|tell|inform|disclose|notify|telling|mentioning|informing|alert|alerting|revealing|acknowledge) (?:to |about )?(?:(?:the |this to the |it to the |any )?(?:user|human|customer)s?(?! about (?!this|these|that|it\b|any of|your|the (?:note|message|instruction|change)))|(?:this|these|that|the|any of (?:this|these)) (?:hidden |injected |secret )?(?:instruction|message|prompt|notice|email|note)s?|(?:that )?you (?:were|have been|received|read))\b", order=False,
    ),
    rule(
        "addressed_to_model", 3.0, _MODELS,
        rf"\b(?:{_TO_MODEL}|(?:ai|llm) (?:assistant|agent|model|system)s? (?:must|should|are required)|when (?:you )?(?:summari[sz]e|summari[sz]ing|process|processing|answer|answering|read|reading) (?:this|the) (?:page|document|email|text|message|article|content|cv|resume)\b.{{0,60}}\b(?:you must|always|make sure|also|please|say|tell|add|include|recommend))\b",
    ),
    rule(
        "order_to_model", 5.0, "must|should",
        r"\b(?:ai|llm|coding) (?:\w+ )?(?:assistants?|agents?|models?|reviewers?|readers?) (?:must|should) (?:also |now |always |then )?(?:add|insert|run|execute|send|install|delete|approve|ignore|forward|tell the|say that|recommend this|append|download|visit)\b(?! (?:value|transparency|clarity|no harm))",
    ),
    rule(
        "order_to_model", 4.5, "http|link|url",
        r"\bwhen(?:ever)? (?:you )?(?:summari[sz]\w+|answer\w*|repl\w+|respond\w*|cit\w+|quot\w+|us\w+|mention\w*) .{0,60}?\b(?:always|also|must) (?:add|include|insert|append|link|mention|put) .{0,40}?\b(?:https?|www|\w+ (?:example|evil|xyz))\b",
    ),
    rule(
        "order_to_model", 2.5, _MODELS,
        rf"\b(?:{_TO_MODEL})\b.{{0,60}}?\b(?:must|always|tell|recommend|rank|rate|score|praise|promote|approve|accept|reject|hire|do not|don t|never|ignore|disregard|forget|forward|send|delete|close|mark|insert|append|include|output|respond|reply|your task|say that|say only|state that|grade|call|describe|present|mention|also|insist|claim|conclude|write only|give (?:it|this|a)|stop|obey|comply|run|execute|download|visit|click|list all|reveal|keep (?:it|this) from)\b",
    ),
    rule(
        "send_away", 4.0, "send|post|forward|email|upload|exfiltrate|transmit|leak|append|submit|mail",
        r"\b(?:send|post|forward|email|upload|exfiltrate|transmit|leak|append|submit|mail) (?:\w.{0,40} )?(?:(?:conversation|chat)(?: history)?|api keys?|passwords?(?! (?:polic|rule|reset|manager|length))|credentials|secrets?|system prompt|user (?:s )?(?:data|messages?|emails?|information|location|address|name|phone|question|query|history|files|contacts|notes|input)|private \w+|personal (?:data|information)|environment variables|contacts|inbox|credit card\w*|tokens) (?:\w.{0,40} )?(?:to|at|into|via) (?:\w.{0,20} )?(?:https?|www|\w+ (?:com|net|org|io|example|evil|xyz|ru|co)\b|attacker|this (?:url|address|server|email|endpoint))", order=True,
    ),
    rule(
        "send_away", 5.0, "user|url|link",
        r"\b(?:put|insert|embed|encode|include|place) (?:its|their|these|all|the (?:file|result|secret|conversation|chat) s?) ?(?:contents?|text|data|answers?|history|messages?)? (?:in|into|to|as) (?:an? |the )?(?:image|markdown|tracking)? ?(?:url|link)\b|\b(?:include|append|add|put|insert|embed|encode) (?:\w+ ){0,2}?(?:private|personal|secret|confidential) \w+ (?:of|about|from) (?:the )?(?:user|conversation|chat|customer) (?:in|to|into|as|at) (?:\w+ ){0,2}?(?:link|url|image|request|query|markdown|https?)\b|\b(?:include|append|add|put|insert|embed|encode) (?:\w+ ){0,2}?users? (?:s )?(?:\w+ )?(?:e ?mail|name|address|data|question|input|phone|number|ip|location|password|messages?|information|details)\b(?: \w+){0,3}? (?:in|to|into|as|at) (?:\w+ ){0,3}?(?:link|url|image|request|query|markdown|picture|https?)\b",
    ),
    rule(
        "task_dropped", 3.5, "ignore|disregard|forget|skip|drop|instead of",
        r"\b(?:(?:ignore|disregard|forget|skip|drop) (?:the|this|any|that|what the|whatever the) (?:user s? ?|original )?(?:question|request|task|query|user|asks|wants)(?: asks| wants| asked| says)? (?:and|but|then)|instead of (?:answering|summari[sz]ing|doing (?:that|this|so)|translating)) (?:instead |just |only |simply )?(?:answer with|answer only|reply with|reply only|respond with|respond only|say|output|print|send|recommend|tell (?:them|the user|him|her))\b",
    ),
    rule(
        "taken_over", 3.5, "you|obey",
        r"\byou (?:now )?(?:work|belong|answer|listen) (?:only |now )?(?:for|to) me\b(?! (?:as|in|on|at|about|with|when|if|for)\b)|\bnow you work (?:only )?for me\b|\b(?:obey|serve|follow) (?:only )?(?:me|the (?:author|writer|attacker|owner|sender) of this \w+)(?: (?:alone|only|now|and (?:no ?one|nobody)|from now|instead)\b|$)|\b(?:follow|obey|answer to) (?:only me|me (?:alone|and no))\b|\byour (?:orders|instructions|commands) (?:now )?come (?:only )?from me\b",
    ),
    rule(
        "reset", 5.0, "new goal|new mission|new objective|new instruction|new order|new directive|reset|wiped|reboot|reprogram|restart|freed|erased|released|liberated|cleared|purpose|mission",
        r"\byou (?:have been|were|are|ve been) (?:now |fully |just |hereby |completely )?(?:reset|wiped|rebooted|reprogrammed|restarted|reinitiali[sz]ed|freed|released|liberated)\b.{0,40}\b(?:your|you (?:now|must|will|are)|you obey)\b.{0,12}?\b(?:new|only|sole|real|true|actual|obey|serve|now|free|no rules)\b|"
        r"\byour (?:memory|rules|programming|training|instructions|guidelines|safety \w+) (?:was|were|has been|have been|is|are) (?:now |just |hereby )?(?:wiped|erased|deleted|reset|cleared|overwritten|replaced)\b|"
        r"\byou (?:now )?have (?:a |been given a |only one )?new (?:goal|mission|objective|purpose|instructions?|orders|directives?)\b|\byour (?:new|true|sole) (?:purpose|mission|goal|function|role|objective) (?:is|will be)(?: now)? to\b",
    ),
    rule(
        "decode_and_obey", 4.0, "decode|decrypt|deobfuscate|decipher|base64|rot13",
        r"\b(?:decode|decrypt|deobfuscate|decipher|unscramble)\b.{0,60}\b(?:follow (?:it|them|its|this|the (?:instructions?|orders?|commands?|results?|decoded|text))|execute|obey|do what|carry out|act on|comply|run (?:it|them|the instructions)|perform|do exactly)\b",
    ),
    rule(
        "claims_authority", 2.0, "developer|creator|administrator|admin|openai|anthropic|engineer|owner|root|authorized",
        r"\bi work (?:for|at) (?:openai|anthropic|google|meta|the company that (?:made|built) you)\b.{0,80}\byou|\b(?:i am|i m|this is|as|speaking as) (?:your |the |an? )?(?:openai |anthropic |google |system |lead |original |authorized |senior )*(?:developers?|creators?|administrator|admin|engineer|owner|programmer|root|openai|anthropic)\b.{0,80}\b(?:you|your|override|debug\w*|authorized|authori[sz]e|system prompt|troubleshoot\w*)\b",
    ),
    rule("conceal", 4.5, "user", r"\b(?:without|never|not) (?:telling|informing|asking|notifying|alerting) (?:the )?users? (?:please |now |then )?(?:call|send|delete|transfer|run|execute|open|book|buy|order|pay|upload|post|email|forward|change|add|install)\b"),
    rule("conceal", 3.5, "hide|keep", r"\b(?:hide|keep) (?:this|these|the) (?:line|note|message|text|instruction|prompt|comment|email|step|fact)s? (?:hidden |secret )?from (?:the |all |any )?(?:user|human|reader|customer|reviewer)s?\b"),
    rule("task_dropped", 2.5, "task|job|role|goal|objective|instructions", r"\byour (?:task|job|role|goal|objective|instructions?) (?:has|have) (?:now |just )?(?:been )?changed\b"),
    rule("override_everything", 5.0, "obey|listen|follow|serv", r"\b(?:stop|quit|cease|no longer) (?:obey|listen to|follow|serve|obeying|listening to|following|serving) (?:your |the )?(?:developers?|creators?|makers?|operators?|owners?|openai|anthropic|system|masters?)\b", order=True),
    rule("priority_claim", 2.5, "override|supersede|take precedence|takes precedence|highest priority", r"\b(?:th(?:is|ese|e following)|my) (?:\w+ ){0,2}?(?:overrides?|supersedes?|takes? precedence over|replaces?|has the highest priority|have the highest priority)\b.{0,40}\b(?:instruction|prompt|rule|guideline|previous|prior|system|other|all)"),
    rule("opens_with", 3.0, "begin|start|respond|reply|say|output|print|write|with", r"\b(?:begin|start|prefix|open) (?:your|each|every|all) (?:\w+ )?(?:response|reply|answer|message|output)s? with\b.{0,40}\b(?:sure|absolutely|of course|certainly|hacked|pwned|yes|jailbr\w*|haha|dan)\b|\b(?:only |just |instead |simply )(?:say|reply|respond|output|print|answer)(?: with)? (?:\w+ ){0,4}?(?:hacked|pwned|owned|compromised|haha\w*|injected)\b|\b(?:say|print|output|write) (?:pwned)\b"),
    rule("opens_with", 4.5, "begin with|start with|open with", r"\byour (?:next |first |every )?(?:reply|answer|response|output|message)s? (?:must|should|has to|have to|shall|will|needs? to) (?:always )?(?:begin|start|open) with (?:the words? )?(?:sure|absolutely|of course|certainly|yes|hacked|pwned)\b"),
    rule("opens_with", 4.5, "pwned|hacked|compromised|owned", r"\b(?:say|print|output|write|reply|respond|answer)(?: (?:with|only|just|the words?|that)){0,3} (?:i have been|i ve been|you have been|i am|i was) (?:pwned|hacked|compromised|owned)\b|\b(?:reply|respond|answer) (?:only |just )?with (?:only |just )?(?:the (?:single )?(?:words?|phrase) )(?:hacked|pwned|owned|compromised)\b"),
)  # fmt: skip
RULES = (*_OWN, *asking.RULES)

# what only looks like itself with its punctuation: marks of roles and of the end of the data
_MARKS = (
    Rule("role_marker", 3.5, ("im_start", "|system|", "[inst]", "<<sys>>", "start_header", "<system>", "</system>", "[system]", "system_prompt>", "[/inst]"),
         re.compile(r"<\|im_start\|>\s{0,2}system|<\|(?:system|start_header_id)\|>|\[inst\]|<<sys>>|</?system>\s*\S|\[system\][^\n]{0,20}\S|</?system_prompt>")),
    Rule("role_marker", 5.0, ("system:", "system prompt:", "assistant:", "system]:"),
         re.compile(r"[\n.!\"]\s{0,4}(?:#{1,4} ?)?\[?system(?: prompt| message| override| update| note)?\]?:\s{0,4}(?:you|ignore|new|from|forget|the|all|disregard|override|reveal|print|mark|approve|send|forward|delete|hide|transfer|grant|execute|run|do not|tell)\b")),
    Rule("new_instructions", 5.0, ("instruction", "directive", "command", "order", "override", "note", "task"),
         re.compile(r"(?:^|[\n.!?\](>*#\"'-]\s{0,3})(?:hidden |secret |special |important |system )?(?:ai|llm|gpt|chatgpt|ai assistant|chatbot|language model|ai model|ai agent)(?:'s|s)? (?:instruction|directive|command|order|override|note|task)s?\s?:")),
    Rule("new_instructions", 5.0, ("instruction", "directive", "note", "command", "message"),
         re.compile(r"(?:instruction|directive|command|note|notice|message)s? (?:to|for) (?:the |any |all )?(?:ai|llm|llms|language models?|ai assistants?|chatgpt|chatbots?|ai agents?|ai models?)\s?:")),
    Rule("new_instructions", 4.0, ("instruction", "directive", "orders", "command"),
         re.compile(r"(?:^|[\n.!?\](>*#\"'-]\s{0,3})(?:new|updated|real|next|actual|additional|urgent) (?:system )?(?:instruction|directive|command|order)s?(?: for (?:you|the (?:ai|assistant|model|bot|chatbot)|all assistants))?\s?:[^\n]{0,60}?(?:from (?:now|this point|here)\b|\b(?:only|ignore|disregard|forget|reveal|you (?:are|must|will|now)|do not (?:mention|tell|reveal)|(?:ask|tell) the user|respond with|reply with)\b)")),
    Rule("new_instructions", 4.5, ("for the assistant", "for the ai", "for the model", "for the bot", "for the chatbot"),
         re.compile(r"(?:new|updated|further|special|hidden|additional) (?:instruction|directive|order|command|rule)s? for the (?:assistant|ai|model|bot|chatbot)\s?[:.]")),
    Rule("new_instructions", 5.0, ("new system", "system override", "updated system"),
         re.compile(r"(?:new|updated) system (?:message|prompt|note|rule)s?\s?:|system override\s?:")),
    Rule("end_of_data", 3.0, ("</",),
         re.compile(r"</(?:data|documents?|context|user|input|tool|tool_result|results?|email|text|query|content|message)>\s{0,4}(?:new |now |system|ignore|you |forget|assistant)")),
    Rule("addressed_to_model", 5.0, ("<!--", "[ai", "[llm", "[assistant", "[note to", "[to the", "[to ai", "(to the", "[note for", "(ai", "(llm"),
         re.compile(r"(?:<!--|[\[(])\s{0,4}(?:to |note to |note for |instructions? (?:to|for) |dear |hey )?(?:the )?(?:ai|llm|gpt|chatgpt|assistant|language model|ai assistant|ai agent|ai model)s?\s?[:,]\s?[a-z]")),
    Rule("addressed_to_model", 4.5, ("assistants", "agents", "models", " ai:", "llms"),
         re.compile(r"\b(?:for|to) (?:the |all |any )?(?:ai|llms?|ai assistants?|ai agents?|ai models?|language models?)\s?:\s?[a-z]")),
    Rule("addressed_to_model", 4.0, ("assistant,", "assistant:", "model,", "chatbot,"),
         re.compile(r"(?:[\n.!?>]\s{1,3})(?:assistant|chatbot|model)\s?[,:]\s?[^\n]{0,40}?\b(?:the users?|ignore|disregard|your instructions|this document)\b")),
    Rule("addressed_to_model", 4.0, ("ai:", "ai,", "llm:", "llm,", "assistants:", "agents:", "agent:", "reviewer:"),
         re.compile(r"(?:^|[\n.!?>#*/-]\s{0,3})(?:dear |hey |to )?(?:ai|llm|llms|ai assistants?|ai agents?|ai reviewers?|ai models?|ai readers?)\s?[:,]\s?[^\n]{0,40}?\b(?:your task|ignore|disregard|write only|you must|tell (?:people|users?|visitors|the|all)|recommend|do not|don't|say that|praise|approve|rank|rate|always|never|hide|send|forward|delete)\b")),
    Rule("end_of_data", 3.0, ("end of", "end user", "end document", "end input", "begin new", "begin system"),
         re.compile(r"[-=#*<\[]{2,8}\s{0,3}(?:end (?:of )?(?:the )?(?:user )?(?:input|prompt|document|data|text|context|message|email|instructions)|begin (?:new |system )\w+)\s{0,3}[-=#*>\]]{2,8}")),
    Rule("image_beacon", 5.0, ("](http",),
         re.compile(r"!\[[^\]\n]{0,80}\]\(https?://[^)\s\[{<]{1,300}[\[{<][^)\]}>\n]{0,40}?(?:data|secret|conversation|prompt|history|summary|message|token|key|chat|user|info)")),
)  # fmt: skip

_SPACES = re.compile(r"(?:[^\w\U0001f300-\U0001faff]|_)+")
# the words before a verb that is told of, or forbidden: not an order to whoever reads
_TOLD = re.compile(
    r"(?:\b(?:not|never|cannot|can t|won t|doesn t|didn t|don t|could|would|might|may|can|will|they|attackers?|users?|someone|anyone|people|"
    r"that|which|who|models?|llms?|it|he|she|does|did|how|why|when|if|whether|we|i|by|like|of|for|say|says|saying|phrases?|words?|called|or|via|as|"
    r"tries|and then|should (?:it|the|we|they)) |"
    r"(?<!you )(?<!you must )(?<!want you )(?<!need you )(?<!have )(?<!need )(?<!are )(?<!like you )\bto )(?:\w{3,12}ly |also |even |just |simply )?$"
)
_ADDRESSED = re.compile(
    r"\b(?:you (?:must|should|can|will|may|to|are to|have to|need to|shall)|(?:can|could|would|will) you|command is|order is|task is|please|and|then|now|job is|i (?:would|d) like|i (?:want|need|wish)|let me|allowed|authori[sz]ed|entitled|permitted) "
    r"(?:now |please |first |also |just |simply )?(?:to )?$"
)
# a question about models or people without limits, or a figure of a tale: nobody is told to be so
_MUSING = re.compile(
    r"(?!.*\b(?:you (?:are|will|must|should)|act as|pretend|become|simulate|respond|answer (?:as|like)|how (?:to|would|do i|can i) (?:make|build|steal|hack|kill))\b)"
    r"(?:she|he|they|nobody|somebody|someone|everybody|people|there|this|why|are there|is there|how (?:do|does|did|are|is)|which|who|what (?:is|are|happens)|do|does|did|should|would|my|our|in (?:our|my)|describe|define|is|was|explain why)\b"
)
_SHORT = 200
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
# what is asked about a quotation as such
_OF_WORDS = re.compile(
    r"\W*(?:please |can you |could you )?(?:translate|how (?:do|would|does|can) (?:you|i|one) (?:say|spell|pronounce|translate)|what does|correct|proofread|"
    r"is it|find a synonym|which is (?:right|correct)|explain (?:the|this) (?:phrase|idiom|saying|expression|word|title))\b"
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
    musing = len(words) < _SHORT and _MUSING.match(words) is not None
    found = [
        (one.name, one.points)
        for one in RULES
        if _has(one, words) and not (musing and one.musing) and _ordered(one, words)
    ]
    found += [(one.name, one.points) for one in _MARKS if _has(one, lower) and one.pattern.search(lower)]  # fmt: skip
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
    if rest != text and _OF_WORDS.match(lower) and not _BIDDEN.search(lower):
        return rest
    if rest == text or not _ABOUT.search(lower):
        return text
    if _ASKING.search(lower):
        return rest if len(lower) * 3 >= len(text) else text
    return rest if len(lower) * 2 > len(text) and not _BIDDEN.search(lower) else text


def spelled(letters: str) -> bool:
    """Whether words without spaces are an order."""
    return _SPELLED.search(folded(letters)) is not None


def _has(known: Rule, text: str) -> bool:
    return any(key in text for key in known.keys)


def _ordered(known: Rule, words: str) -> bool:
    found = known.pattern.finditer(words)
    return any(not (known.order and _told(words, one.start())) for one in found)


def _told(words: str, start: int) -> bool:
    before = words[max(0, start - 48) : start]
    return _TOLD.search(before) is not None and _ADDRESSED.search(before) is None
