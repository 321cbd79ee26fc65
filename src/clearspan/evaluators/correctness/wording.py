"""Words that mean the same in another spelling, and words that mean the opposite."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from clearspan.assess.text.words import stem

__all__ = ["american", "opposed"]

_SPELLINGS = [
    (re.compile(r"^grey"), "gray"),
    (re.compile(r"(?<=[a-z]{3})our(?=$|s$|ed$|ing$|ful$|able$|ite)"), "or"),
    (re.compile(r"(?<=[a-z]{3})is(?=e$|es$|ed$|ing$|ation)"), "iz"),
    (re.compile(r"(?<=[a-z]{2}[bt])re(?=s?$)"), "er"),
    (re.compile(r"(?<=[a-z]{2}[ae])ll(?=ed$|ing$|er$|ers$)"), "l"),
    (re.compile(r"(?<=[a-z]{3}[fs]en)ce(?=s?$)"), "se"),
]

_OPPOSITES = [
    ("increase", "decrease"), ("increase", "reduce"), ("increases", "lowers"), ("raise", "lower"), ("rise", "fall"),
    ("up", "down"), ("left", "right"), ("north", "south"), ("east", "west"), ("northern", "southern"),
    ("eastern", "western"), ("before", "after"), ("more", "less"), ("more", "fewer"), ("above", "below"),
    ("higher", "lower"), ("maximum", "minimum"), ("majority", "minority"), ("male", "female"), ("positive", "negative"),
    ("true", "false"), ("yes", "no"), ("legal", "illegal"), ("win", "lose"), ("hot", "cold"), ("first", "last"),
    ("major", "minor"), ("internal", "external"), ("accept", "reject"), ("open", "closed"), ("summer", "winter"),
    ("always", "never"), ("horizontal", "vertical"), ("upper", "lower"), ("gain", "loss"), ("import", "export"),
]  # fmt: skip
_AGAINST: dict[str, set[str]] = {}
for _one, _other in _OPPOSITES:
    _AGAINST.setdefault(stem(_one), set()).add(stem(_other))
    _AGAINST.setdefault(stem(_other), set()).add(stem(_one))


def american(word: str) -> str:
    """A word (folded) in American spelling, as far as a rule tells it: colour as color, centre as center."""
    for pattern, spelling in _SPELLINGS:
        word = pattern.sub(spelling, word)
    return word


def opposed(said: Collection[str], true: Iterable[str]) -> bool:
    """Whether `said` has, instead of a stem of `true`, its opposite."""
    wanted = set(true)
    for word in wanted:
        against = _AGAINST.get(word, set())
        if word not in said and not against.isdisjoint(said) and against.isdisjoint(wanted):
            return True
    return False
