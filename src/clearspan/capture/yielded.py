"""What a generator gave, one by one, until the end tells whether it is a text."""

from __future__ import annotations

from typing import Any

from clearspan.core.held import held
from clearspan.core.marks import noted

__all__ = ["Yielded"]

_ITEMS = 1_000
_MANY = 1_024


class Yielded(list[Any]):
    """The first elements, up to a thousand of them and `room` bytes; the others are counted.

    As long as all are texts they are one that goes on: however short its pieces, it is kept as far as there is room.
    """

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room
        self._more = 0  # elements that are not kept as such
        self._missing = 0  # characters of them that are not kept at all
        self._texts = True

    def take(self, item: Any) -> None:
        """One more element."""
        text = item if issubclass(type(item), str) else None
        self._texts = self._texts and text is not None
        length = str.__len__(text) if text is not None else held(item)
        if self._more or length > self._room or len(self) >= _ITEMS:
            self._leave_out(text, length)
        else:
            self._room -= length
            self.append(item)

    def _leave_out(self, text: str | None, length: int) -> None:
        if not self._more:
            # All in one list, as that is what is weighed: the elements, and what of a text follows them, joined and not.
            self[:] = [list(self), "", []]
        self._more += 1
        if text is None or not self._texts:
            self[1:] = ["", []]  # no half of a thing among whole ones
            return
        kept = min(length, self._room)
        self._room -= kept
        self._missing += length - kept
        if kept:
            self[2].append(str.__getitem__(text, slice(kept)))
            if len(self[2]) >= _MANY:  # a list of short texts takes far more than they do
                self[1:] = [self[1] + "".join(self[2]), []]

    def made(self) -> Any:
        """One text where all were texts, else a list; what is missing of either is told at its end."""
        elements, joined, recent = self if self._more else (list(self), "", ())
        if self._texts:
            text = "".join([*elements, joined, *recent])
            return noted(text, self._missing) if self._missing else text
        return [*elements, f"... {self._more} more"] if self._more else elements
