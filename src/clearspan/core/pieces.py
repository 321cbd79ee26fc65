"""What is kept of things that come in pieces, of which there may be no end."""

from __future__ import annotations

from typing import Any

from clearspan.core.held import held
from clearspan.core.marks import noted

__all__ = ["LONGEST", "Pieces", "Room"]

LONGEST = 1_048_576
"""Characters of one text of an answer that are kept, unless more of it may be told: no model says as much at once."""

_TEXTS = 4
"""So many texts of that length are kept of all answers of a call together."""
_PARTS = 10_000
_MANY = 1_024


class Room:
    """How much is kept of what one call brings; the rest is only counted.

    A text of more than `longest` characters is cut there, which is beyond what is ever told of one, so that
    half a secret at its end is not either. One for which all of the call leaves too little goes as a whole.
    """

    __slots__ = ("cut", "left", "longest", "parts")

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.left = _TEXTS * longest
        self.parts = _PARTS
        self.cut = 0

    @property
    def taken(self) -> int:
        """About how many characters are kept."""
        return _TEXTS * self.longest - self.left

    def text(self, before: int, more: int) -> int:
        """How many of `more` characters may follow `before` others; -1 where none of all may be kept."""
        wanted = min(more, self.longest - before)
        if wanted > self.left:
            return -1
        self.left -= wanted
        return wanted

    def whole(self, value: Any) -> bool:
        """Whether there is room for something that is of no use in part."""
        size = held(value)
        if size > self.left:
            self.cut += 1
            return False
        self.left -= size
        return True

    def begin(self) -> bool:
        """Whether there may be one more part."""
        if self.parts <= 0:
            self.cut += 1
            return False
        self.parts -= 1
        return True


class Pieces:
    """What came in pieces and is not joined yet: texts, of which there may be no end, or one thing of another kind."""

    __slots__ = ("_joined", "_recent", "kept", "missing", "other", "some")

    def __init__(self, text: str = "", missing: int = 0) -> None:
        self._joined = text
        self._recent: list[str] = []
        self.kept = len(text)
        self.missing = missing
        self.some = bool(text)
        self.other: Any = None

    def add(self, text: str, room: Room) -> None:
        """A further piece, as far as there is room for it."""
        self.some = True
        if self.missing:
            self.missing += len(text)
            return
        kept = room.text(self.kept, len(text))
        if kept == len(text):
            self.kept += kept
            self._recent.append(text)
            if len(self._recent) >= _MANY:  # a list of short texts takes far more than they do
                self._join()
            return
        room.cut += 1
        if kept < 0:
            self.missing = self.kept + len(text)
            room.left += self.kept
            self._joined, self.kept = "", 0
            self._recent.clear()
        else:
            self.missing = len(text) - kept
            self.kept += kept
            self._recent.append(text[:kept])

    def _join(self) -> None:
        self._joined += "".join(self._recent)
        self._recent.clear()

    def bare(self) -> str:
        """The text, as far as it is kept."""
        self._join()
        return self._joined

    def text(self) -> str:
        """The same, with a note of what is missing."""
        return noted(self.bare(), self.missing) if self.missing else self.bare()
