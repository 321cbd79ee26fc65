"""Words of attack that are misspelt, by accident or to get past a filter, as they were meant.

A word is taken for another where one letter less of either gives the same: one letter wrong, missing, too many, or
two in the wrong order (Damerau 1964), found by a dictionary of what is left when a letter is dropped (Garbe 2012).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from clearspan.core.clear_text import folded

__all__ = ["mended"]

_KEYS = (
    "ignore disregard forget override bypass previous instruction instructions directives guidelines restrictions "
    "system prompt reveal everything developer jailbreak safety hidden secret initial repeat display"
)
_MEANT = frozenset(_KEYS.split())
# words of their own, however near
_NEIGHBOURS = (
    "forgot forged forger forges forge forgets ignored ignores ignorer igniter prompts prompted systems instructor "
    "instructors reveals revel developed developers develops overrides overrode bypassed directive guideline restriction "
    "disregards displays displaced repeats repeal secrets secrete initials jailbreaks safely regret"
)
_OWN = frozenset(_NEIGHBOURS.split())
_WORD = re.compile(r"[a-z]{5,14}")


def _with_one_less(word: str) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


_NEAR = {less: word for word in sorted(_MEANT) for less in _with_one_less(word)}


def mended(text: str) -> str | None:
    """`text` in lower case with its misspelt words of attack put right; None where it has none."""
    lower = folded(text)
    wrong = {word: meant for word in set(_WORD.findall(lower)) if (meant := _meant(word))}
    return _WORD.sub(lambda found: wrong.get(found[0], found[0]), lower) if wrong else None


def _meant(word: str) -> str | None:
    if word in _OWN or word in _MEANT:
        return None
    return next((_NEAR[less] for less in _with_one_less(word) if less in _NEAR), None)
