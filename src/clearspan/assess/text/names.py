"""Proper names in a text, by their capitals: what looks like a name in English, not what is known to be one."""

from __future__ import annotations

import re
from typing import NamedTuple

from clearspan.assess.text.common import COMMON
from clearspan.assess.text.plain import is_plain
from clearspan.assess.text.words import folded

__all__ = ["Name", "akin", "initials", "names", "relatives"]

# A letter with its marks (stress in Cyrillic); words that hold figures, such as CD3, are no names.
_LETTER = r"[^\W\d_][\u0300-\u036f]*"
_WORD = re.compile(
    rf"(?<!\w)(?:(?:{_LETTER}\.){{2,}}|(?:{_LETTER})+(?:['\u2019-](?:{_LETTER})+)*(?![\w\u0300-\u036f]))"
)
_OPENS = re.compile(r"(?:^|[!?:;\n]|(?<![A-Z])\.)[\s\"'\u201c\u201d\u2018\u2019(\[*#-]*$")
# Capitals of manners, not of names.
_NEVER = frozenset(
    [
        "i",
        "i'm",
        "i'd",
        "i'll",
        "i've",
        "ok",
        "yes",
        "no",
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "sir",
        "lady",
        "lord",
        "saint",
        "st",
        "jr",
        "sr",
        "inc",
        "ltd",
        "co",
        "corp",
        "vs",
        "etc",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "am",
        "pm",
        "ad",
        "bc",
        "bce",
        "ce",
    ]
)
# Endings of English words that open a sentence and are no names: "Interestingly", "Considering".
_PLAIN_ENDING = re.compile(
    r"(?:ly|ing|ed|tions?|sions?|ments?|ness|ers|ors|ists|ous|ive|able|ible|ful|less|ance|ence|wise|ward|ever)$"
)
_SHOUTED = 5


class Name(NamedTuple):
    """One word of a name, as it stands, and its place."""

    text: str
    start: int
    end: int


def names(text: str) -> list[Name]:
    """The words of a text that its capitals tell to be names.

    A common word is none. One that opens a sentence is none if it stands elsewhere in small letters, is
    followed by a comma, is a plain word, or ends like an adverb, a participle or an abstract noun. In a text of capitals
    alone nothing can be told.
    """
    words = list(_WORD.finditer(text))
    small = {word[0] for word in words if word[0].islower()}
    if not any(char.islower() for char in text) and len(words) >= _SHOUTED:
        return []
    return [Name(word[0], *word.span()) for word in words if _is_name(word, text, small)]


def _is_name(word: re.Match[str], text: str, small: set[str]) -> bool:
    plain = folded(word[0])
    if not word[0][0].isupper() or plain in _NEVER or plain.partition("'")[0] in COMMON:
        return False
    if not _OPENS.search(text, max(0, word.start() - 8), word.start()):
        return True
    after = text[word.end() : word.end() + 2]
    if after[1:].isupper() and after[:1] == " ":
        return True
    return not (
        plain in small or after[:1] == "," or _PLAIN_ENDING.search(plain) or is_plain(plain)
    )


_ENDINGS = frozenset(
    ["", "a", "an", "ans", "ian", "ians", "n", "ns", "s", "es", "e", "ese", "ish", "i", "is", "ic", "y", "land",
     "and", "o", "ers", "er", "ite", "ites", "ean", "eans"]
)  # fmt: skip
_PEOPLES = [
    {"france", "french"}, {"spain", "spanish", "spaniard"}, {"netherlands", "dutch", "holland"},
    {"greece", "greek", "greeks"}, {"wales", "welsh"}, {"britain", "british", "uk", "england"},
    {"scotland", "scottish", "scots"}, {"america", "american", "usa", "us", "states"}, {"norway", "norwegian"},
    {"denmark", "danish", "dane"}, {"switzerland", "swiss"}, {"turkey", "turkish"}, {"peru", "peruvian"},
]  # fmt: skip
_KIN = {word: frozenset(kin) for kin in _PEOPLES for word in kin}


def relatives(word: str) -> frozenset[str]:
    """The words (folded) for the same country or people whose forms have little in common."""
    return _KIN.get(word, frozenset())


def akin(one: str, other: str) -> bool:
    """Whether two words (folded) are forms of one name: the same, plural, or a country and its people."""
    if one == other:
        return True
    shared = 0
    for mine, its in zip(one, other, strict=False):
        if mine != its:
            break
        shared += 1
    return shared >= 3 and any(
        one[at:] in _ENDINGS and other[at:] in _ENDINGS
        for at in range(max(3, shared - 2), shared + 1)
    )


def initials(words: list[str]) -> str:
    """The first letters of words, for what is known by those."""
    return "".join(word[0] for word in words if word)
