"""A line: the text of one channel of a stream, as far as it came, as far as it was judged, and what is taken out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from clearspan.assess.finding import Finding, instead

__all__ = ["Line"]

_SENTENCE = re.compile(r"[.!?\u3002\uff01\uff1f]+[\"')\]]*\s|\n")


class Line:
    """Positions are characters from the channel's beginning. Up to `decided` it was judged."""

    __slots__ = ("_base", "_kept", "_text", "cuts", "decided", "length")

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._base = 0
        self._text = ""
        self.length = 0
        self.decided = 0
        self.cuts: list[Finding] = []

    def add(self, text: str) -> tuple[int, int]:
        """More of it; answers where that stands."""
        start = self.length
        self._text += text
        self.length += len(text)
        return start, self.length

    def view(self, until: int) -> tuple[str, int]:
        """What has to be judged up to `until`, with a little of what went before, and where it begins."""
        start = max(self._base, self.decided - self._kept)
        self._text = self._text[start - self._base :]
        self._base = start
        return self._text[: until - start], start

    def sentence(self, window: int) -> int:
        """Where the last whole sentence ends, or all of it where there is as much as a window."""
        waiting = self._text[self.decided - self._base :]
        if len(waiting) >= window:
            return self.length
        ends = [match.end() for match in _SENTENCE.finditer(waiting)]
        return self.decided + ends[-1] if ends else self.decided

    def take(self, found: Sequence[Finding], start: int, until: int) -> list[Finding]:
        """Those that begin before `until` and were not decided yet, by their place in the line.

        What begins later may still become longer, or nothing.
        """
        placed = [Finding(one.type, max(one.start + start, self.decided), one.end + start) for one in found]  # fmt: skip
        return [one for one in placed if one.start < until and one.end > self.decided]

    def cut(self, found: Sequence[Finding], until: int) -> None:
        """Take these out, and have all up to `until` decided, or to the last one's end."""
        self.cuts += found
        self.decided = max(until, *(one.end for one in found), self.decided)

    def piece(self, text: str, start: int) -> str:
        """`text`, which stands at `start`, without what is taken out; said where that begins."""
        end = start + len(text)
        made, at = "", start
        for one in self.cuts:
            if one.end <= at or one.start >= end:
                continue
            made += text[at - start : max(one.start, at) - start]
            made += instead(one) if one.start >= start else ""
            at = min(one.end, end)
        self.cuts = [one for one in self.cuts if one.end > end]
        return made + text[at - start :]
