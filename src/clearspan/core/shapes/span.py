"""Where something stands in a text, what that is, and how overlaps are settled."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Span", "apart", "plain"]


class Span(NamedTuple):
    """Characters `start` to `end` (exclusive) of a text are something of this type."""

    type: str
    start: int
    end: int


def apart(spans: Iterable[Span]) -> list[Span]:
    """The spans by their start, none overlapping another: who came first in `spans` stays."""
    starts: list[int] = []
    kept: list[Span] = []
    for span in spans:
        place = bisect.bisect(starts, span.start)
        free = place == 0 or kept[place - 1].end <= span.start
        if free and (place == len(kept) or span.end <= starts[place]):
            starts.insert(place, span.start)
            kept.insert(place, span)
    return kept


_SPACES = " \u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_PLAIN = (
    dict.fromkeys(map(ord, "\u00a0" + _SPACES), " ")
    | dict.fromkeys(map(ord, _DASHES), "-")
    | {0xFF01 + place: chr(0x21 + place) for place in range(94) if place != 12}
    | {start + digit: str(digit) for start in (0x660, 0x6F0, 0x966) for digit in range(10)}
)


@functools.cache
def _odd() -> re.Pattern[str]:
    """Any of those signs. Made when the first text is there that may have one: `re` takes a millisecond or two for so wide a set."""
    return re.compile(f"[{re.escape(''.join(map(chr, _PLAIN)))}]")


def plain(text: str) -> str:
    """The text with typographic spaces, dashes, digits and full-width signs as ASCII, of the same length."""
    return text if text.isascii() or _odd().search(text) is None else text.translate(_PLAIN)
