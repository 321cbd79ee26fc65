"""Where a detector finds something in a text that may be source: whole escapes are cut, and JSON stays JSON."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from clearspan.assess.escapes import readings
from clearspan.assess.finding import Finding, instead

__all__ = ["Bare", "replaced", "sight"]

_Find = Callable[[str], Iterable[Finding]]
_STEP = re.compile(r"\\.|\"", re.DOTALL)
_BARE = re.compile(r"[^\s,:\[\]{}\"]")
_VALUE = re.compile(r"-?\d[\d.eE+-]*|true|false|null")
_BETWEEN = re.compile(rf"(?:[\s,:\[\]{{}}]|{_VALUE.pattern})*")


class Bare(Finding):
    """A number of JSON, which no quotes stand around: what stands instead of it needs them."""

    __slots__ = ()


def replaced(found: Finding) -> str:
    """What stands where `found` was."""
    return f'"{instead(found)}"' if isinstance(found, Bare) else instead(found)


def sight(find: _Find, text: str, *, json: bool, quoted: bool = False) -> tuple[Finding, ...]:
    """The findings in `text` as it is and as it reads without escapes, in order, by their places in it.

    `json` says that it is a part of JSON, `quoted` that it begins within a string of it. What is found
    in such source only because its escapes were not read counts for nothing where they are.
    """
    found = _ordered(find(text), len(text))
    deeper = readings(text)
    if deeper:
        read = [
            Finding(one.type, reading.places[one.start], reading.places[one.end])
            for reading in deeper
            for one in _ordered(find(reading.text), len(reading.text))
        ]
        if json:
            found = [one for one in found if not any(_meet(one, other) for other in read)]
        found = _merged([_snapped(one, deeper[-1].places) for one in (*found, *read)])
    return tuple(_parts(found, text, quoted=quoted) if json else found)


def _ordered(found: Iterable[Finding], length: int) -> list[Finding]:
    """In order; of two that overlap, the second is what is left of it."""
    kept: list[Finding] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        start = max(one.start, kept[-1].end if kept else 0)
        end = min(one.end, length)
        if start < end:
            kept.append(Finding(one.type, start, end))
    return kept


def _meet(one: Finding, other: Finding) -> bool:
    return one.start < other.end and other.start < one.end


def _snapped(one: Finding, places: Sequence[int]) -> Finding:
    """With all of the escapes that it begins or ends in."""
    start = places[bisect_right(places, one.start) - 1]
    return Finding(one.type, start, places[bisect_left(places, one.end)])


def _merged(found: Iterable[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if kept and one.start < kept[-1].end:
            kept[-1] = kept[-1]._replace(end=max(one.end, kept[-1].end))
        else:
            kept.append(one)
    return kept


def _parts(found: Iterable[Finding], text: str, *, quoted: bool) -> Iterator[Finding]:
    """Without the quotes around strings and what stands between; a number as a whole."""
    marks = [step.start() for step in _STEP.finditer(text) if step[0] == '"']
    done = 0
    for one in found:
        at = bisect_left(marks, one.start)
        edges = [one.start, *(mark for mark in marks[at:] if mark < one.end), one.end]
        inside = quoted ^ (at % 2 == 1)
        for nth, (edge, end) in enumerate(pairwise(edges)):
            part = one._replace(start=max(edge + (nth > 0), done), end=end)
            within = inside ^ (nth % 2 == 1)
            for each in (part,) if within else _between(part, text):
                if each.start < each.end:
                    done = each.end
                    yield each


def _between(one: Finding, text: str) -> Iterator[Finding]:
    """What of it stands between strings: numbers and the like, or `one` itself where this is no JSON after all."""
    start, end = one.start, one.end
    while start and _BARE.match(text, start - 1):
        start -= 1
    while _BARE.match(text, end):
        end += 1
    if _BETWEEN.fullmatch(text, start, end) is None:
        yield one
        return
    for value in _VALUE.finditer(text, start, end):
        if value.start() < one.end and value.end() > one.start:
            yield Bare(one.type, *value.span())
