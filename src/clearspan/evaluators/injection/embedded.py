"""A request in the middle of a passage: somebody speaks to the model out of what was only meant to be read.

Such an indirect injection (Greshake et al. 2023; BIPIA, Yi et al. 2023) has no words of attack: "Reply in reverse." It is
told by its place, one sentence or two that ask something of the reader among several that speak to nobody, and by what is
asked: to say or write something, which is asked of a model, is `strong`; anything else may be meant for any reader (a visit,
a form, a rhetorical question), and is `weak`.
"""

from __future__ import annotations

import re
from typing import Literal

from clearspan.core.clear_text import folded

__all__ = ["speaks_out"]

_FEWEST = 4  # sentences around it
_MOST = 2  # sentences of a request
_FRAGMENT = 4  # words that are no sentence yet
_SENTENCE = re.compile(
    r"(?<=[.!?\"')\]])\s+(?=[\"'(\[]?[A-Z0-9])|(?<=[a-z0-9)\"][.?!])(?=[A-Z][a-z])"
)
_POLITELY = r"(?:instead of \w+,? )?(?:(?:please|kindly|now|also|instead|finally|then|always|never|just|simply|and|but|do not|don t|don't|make sure (?:to|you)|be sure to|remember to|you (?:must|should|will|need to|have to))[, ]+){0,3}"
# what is asked of somebody who writes: speech and work on texts
_SAID = (
    r"(?:reply|respond|say|mention|translate|summari[sz]e|paraphrase|rephrase|rewrite|transcribe|encode|encrypt|decode|decline to|refuse to|"
    r"compose|draft|generate|output|recite|discuss|outline|calculate|compute|analy[sz]e|propose|suggest|recommend|promote|advertise|praise|express|"
    r"convince|persuade|pretend|talk (?:like|as|only)|speak (?:like|as|only)|act (?:as|like)|convert|speculate|argue|"
    r"brainstorm|invent|predict|estimate|proofread|avoid (?:mentioning|saying|using)|(?:end|begin|start) (?:every|each))"
)
# what may be asked of a visitor as well: of a model where a text comes of it, or something abstract
_EITHER = (
    r"(?:tell|ask|inform|warn|answer|describe|provide|give|show|name|state|list|explain|define|write|repeat|insert|append|identify|determine|evaluate|"
    r"create|craft|compile|prepare|classify|solve|quote|format|spell)"
)
_TEXTUAL = (
    r"(?:lists?|commands?|scripts?|examples?|summar(?:y|ies)|insights?|reasons?|steps|tips|ideas?|facts?|jokes?|stor(?:y|ies)|poems?|code|functions?|quer(?:y|ies)|"
    r"ways|benefits|tone|meaning|pros|emails?|essays?|songs?|haiku|plans?|recipes?|ingredients|capital|planets|how|why|words?|adverts?|links?|"
    r"user|users|reader|readers|whoever|everyone|everybody|\w{3,}(?:ments?|[ts]ions?|ences?|ances?|isms?|ogy|ings|ities))"
)
# the same verbs where they are meant for a visitor or a customer
_DONE = re.compile(
    _POLITELY
    + r"(?:write|talk|speak|reply|respond|answer) (?:to|directly to|with) (?:the|our|a|an|any|mr|ms|mrs|dr|his|her|its|their) \w+|"
    + _POLITELY
    + r"\w+ (?:\w+ ){0,3}?(?:on|with|at|to|in) (?:the |any |each |every |a |our )?(?:form|contract|application|desk|gate|entrance|office|staff|driver|letter|envelope|label|visitors?|counter|guard|register)\b"
)
_REQUEST = re.compile(
    rf"{_POLITELY}(?:{_SAID}\b(?!,| (?:of|is|was|are|were|has|had|and|or|by)\b)|{_EITHER} (?:\S+ ){{0,4}}?{_TEXTUAL}\b)"
)
_OF_ME = re.compile(
    _POLITELY + r"\w+ (?:me|us)\b|"
    r"(?:please |then |and )?(?:can|could|would|will) you\b.{0,200}\?|"
    r"(?:how|what|where|when|which \w+|why|who) (?:can|could|do|does|did|should|would|must|may|is|are) (?:i|my|we|our)\b.{0,200}\?|"
    r"(?:should|can|could|may|do|am|must) i\b.{0,200}\?|i (?:want|need|would like|d like) (?:you to|a|an|to know|some)\b|"
    r"(?:what|how) (?:do|would|can|could) you (?:think|suggest|recommend|say|explain|describe)\b.{0,200}\?"
)
_QUESTION = re.compile(
    r"(?:how|what|which|who|where|when|why|is|are|was|were|do|does|did|has|have) \w+.{0,200}\?"
)
_YOUR_ANSWER = re.compile(
    r"\b(?:(?:your|the|this|each|every|any|all) (?:\w+ ){0,2}(?:answers?|reply|replies|responses?|outputs?|summary)|your (?:\w+ )?messages?|"
    r"(?:the|any|all|every|each|your) (?:users?|reader|person asking|asker)|before (?:you )?answer\w*|(?:when|while|after|if|in) (?:you )?"
    r"(?:answer|repl|respond|summari[sz])\w*)\b|^(?:please )?(?:only )?(?:reply|respond|answer) (?:only |just )?(?:in|with|as|using|like|by)\b"
)
_ORDER = re.compile(
    _POLITELY
    + r"(?!(?:a|an|the|this|that|these|those|it|its|he|she|his|her|they|their|there|in|on|at|by|for|from|to|of|with|as|after|before|during|since|while|when|"
    r"although|though|despite|because|if|both|some|many|most|several|all|one|two|other|another|each|every|no|not|and|but|or|so|under|over|between|who|which|what)\b)"
    r"(?!(?:together|known|located|born|due|according|thanks|based|made|set|such|just|along|next|prior|home|part|because|out|up|of)\b)[a-z]{2,14}(?<!ed)(?<!ing)(?<!ly)(?:(?<!s)|(?<=ss)) (?:the|a|an|your|this|that|these|those|it|them|all|any|each|every|some|only|in|on|out|up|about|at|for|with|to|"
    r"no|two|three|\d+)\b"
)
_TO_YOU = re.compile(r"\byour?\b")
_TENSED = re.compile(r"\b(?:is|was|are|were|has|had|became|\w{3,}ed)\b")
# as it is written: "US" is a country, and "I" may be a number or belong to a title
_TO_READER = re.compile(
    r"\b(?:[Yy]ou|[Yy]ours?|[Yy]ourself|[Ww]e|[Oo]ur|us|I(?:'\w+| [a-z]+)|[Mm]y|me)\b"
)
_QUOTED = re.compile('"[^"]{1,200}"|\u201c[^\u201d]{1,200}\u201d')
_TOLD = re.compile(
    r"\b(?:is|was|are|were|has|had|have|became|won|made|wrote|began|took|led|held|left|went|came|ran|rose|fell|grew|lies|stands|\w{3,}ed)\b"
)
_HEADING = re.compile(r"[^.:]{3,40}: [a-z]")  # of a point in a list
Evidence = Literal["strong", "weak"]


def speaks_out(text: str) -> Evidence | None:
    """Whether a sentence or two of `text` ask something of the reader, and no other speaks to anybody."""
    found = {_of_passage(line) for line in text.split("\n") if len(line) > 200}
    return "strong" if "strong" in found else "weak" if "weak" in found else None


def _of_passage(line: str) -> Evidence | None:
    sentences = [one for one in _SENTENCE.split(line) if one.strip()]
    asks = {at: how for at, one in enumerate(sentences) if (how := _asks(_bare(one)))}
    for evidence in ("strong", "weak"):
        places = [at for at, how in asks.items() if how == evidence]
        if places and _stands_out(places, sentences):
            # at the end stands what somebody asks who has pasted the passage
            return evidence if places[-1] < len(sentences) - 1 else "weak"
    return None


def _stands_out(places: list[int], sentences: list[str]) -> bool:
    others = [one for at, one in enumerate(sentences) if at not in places]
    close = len(places) <= _MOST and places[-1] - places[0] < _MOST
    return places[0] > 0 and close and len(others) >= _FEWEST and _speak_to_nobody(others)


def _bare(sentence: str) -> str:
    return folded(sentence).strip(" \"'([*")


def _asks(sentence: str) -> Evidence | None:
    if _YOUR_ANSWER.search(sentence) and not _TENSED.match(sentence) and _speaks(sentence):
        return "strong"
    if _HEADING.match(sentence):
        return None
    if _OF_ME.match(sentence):
        return "strong"
    if _REQUEST.match(sentence):
        return "weak" if _DONE.match(sentence) else "strong"
    return "weak" if _speaks(sentence) else None


def _speaks(sentence: str) -> bool:
    """Whether it is an order, or a question: by its first words, no verb of a tale in them."""
    if _QUESTION.match(sentence) or _REQUEST.match(sentence):
        return True
    if re.match(
        r"(?:when|while|before|after|in|if|as|for|at)\b.{0,40}(?:, | your | you )", sentence
    ):
        return _TO_YOU.search(sentence) is not None
    return _ORDER.match(sentence) is not None and _TENSED.search(sentence) is None


def _speak_to_nobody(sentences: list[str]) -> bool:
    whole = [one for one in sentences if len(one.split()) > _FRAGMENT]
    told = sum(_TOLD.search(folded(one)) is not None for one in whole)
    spoken = sum(_TO_READER.search(_QUOTED.sub(" ", one)) is not None for one in whole)
    return told * 2 >= len(whole) and spoken * 5 <= len(whole)
