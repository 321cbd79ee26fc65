"""What a generator gave, one by one, until the end tells whether it is a text."""

from __future__ import annotations

from typing import Any

from clearspan.core.held import held
from clearspan.core.marks import noted

__all__ = ["Yielded"]

_ITEMS = 1_000


class Yielded(list[Any]):
    """The first elements, up to a thousand of them and `room` bytes; the others are counted.

    Of a text that does not fit the beginning is kept, as long as all are texts.
    """

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room
        self._more = 0  # elements that are not kept
        self._missing = 0  # characters of them
        self._texts = True
        self._half = 0  # characters that are missing of the last one that is kept

    def take(self, item: Any) -> None:
        """One more element."""
        text = item if issubclass(type(item), str) else None
        self._texts = self._texts and text is not None
        length = str.__len__(text) if text is not None else held(item)
        if self._more or self._half or length > self._room or len(self) >= _ITEMS:
            self._leave_out(text, length)
        else:
            self._room -= length
            self.append(item)

    def _leave_out(self, text: str | None, length: int) -> None:
        full = self._more or self._half or len(self) >= _ITEMS
        if text is not None and not full:
            self.append(str.__getitem__(text, slice(self._room)))
            self._half = length - self._room
            self._missing += self._half
        else:
            self._more += 1
            self._missing += length if text is not None else 0

    def made(self) -> Any:
        """One text where all were texts, else a list; what is missing of either is told at its end."""
        if self._texts:
            text = "".join(self)
            return noted(text, self._missing) if self._missing else text
        kept = list(self)
        if self._half:  # no half of a thing among whole ones
            kept.pop()
        more = self._more + bool(self._half)
        return [*kept, f"... {more} more"] if more else kept
