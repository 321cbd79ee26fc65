"""A line: the text of one channel of a stream, as far as it came, as far as it was judged, and what is taken out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from clearspan.assess.escapes import firm, like_json, readings
from clearspan.assess.finding import Finding
from clearspan.assess.guard.sight import replaced

__all__ = ["Line"]

_SENTENCE = re.compile(r"[.!?\u3002\uff01\uff1f]+[\"')\]]*\s|\n")
_STEP = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)|\"", re.DOTALL)
_HEAD = 32  # characters that tell what kind of text it is


class Line:
    """Positions are characters from the channel's beginning. Up to `decided` it was judged."""

    __slots__ = ("_base", "_head", "_kept", "_text", "cuts", "decided", "length", "quoted", "since")

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._base = 0
        self._text = ""
        self._head = ""
        self.length = 0
        self.decided = 0
        self.quoted = False
        """Whether what `view` answers begins within a string, if this is JSON."""
        self.since = 0
        """How many characters came elsewhere since its last."""
        self.cuts: list[Finding] = []

    @property
    def json(self) -> bool:
        """Whether it begins as JSON does."""
        return like_json(self._head)

    def add(self, text: str) -> tuple[int, int]:
        """More of it; answers where that stands."""
        start = self.length
        if len(self._head) < _HEAD:
            self._head = (self._head + text).lstrip()[:_HEAD]
        self._text += text
        self.length += len(text)
        return start, self.length

    def view(self, until: int) -> tuple[str, int]:
        """What has to be judged up to `until`, with a little of what went before, and where it begins."""
        self._forget(max(self._base, self.decided - self._kept) - self._base)
        return self._text[: until - self._base], self._base

    def _forget(self, many: int) -> None:
        """Let the first of it go, and never a part of an escape."""
        for step in _STEP.finditer(self._text):
            if step.start() >= many:
                break
            if step[0] == '"':
                self.quoted = not self.quoted
            elif step.end() > many:
                many = step.start()
                break
        self._text = self._text[many:]
        self._base += many

    def firm(self) -> int:
        """How far it can be read: at its end an escape may have only begun."""
        waiting = self._text[self.decided - self._base :]
        return self.decided + firm(waiting)

    def before(self, reach: int) -> int:
        """Up to where at least `reach` characters follow, however they are written."""
        waiting = self._text[self.decided - self._base : self.firm() - self._base]
        read = readings(waiting)
        places = read[-1].places if read else range(len(waiting) + 1)
        return self.decided + (places[-1 - reach] if reach < len(places) else 0)

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
        placed = [one._replace(start=max(one.start + start, self.decided), end=one.end + start) for one in found]  # fmt: skip
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
            made += replaced(one) if one.start >= start else ""
            at = min(one.end, end)
        self.cuts = [one for one in self.cuts if one.end > end]
        return made + text[at - start :]
