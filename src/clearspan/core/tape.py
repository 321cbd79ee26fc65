"""Tape: elements of a stream, and when they came, until somebody reads them."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["FEW", "MANY", "Strip", "Tape"]

FEW, MANY = 32, 256
"""After how many elements somebody takes them: the first, of which nobody knows how large they are, and small ones."""


class Strip(NamedTuple):
    """A piece of a tape: elements, and the time that each came."""

    times: list[float]
    items: list[Any]


class Tape:
    """Elements in the order they came, with their times by `time.perf_counter()`.

    Two rows, and no pairs: each pair would be one more thing for the garbage collector to look after, which costs
    a stream more than all else that is done with it. An element stands in its row before its time does.
    """

    __slots__ = ("items", "times")

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.times: list[float] = []

    def __len__(self) -> int:
        return len(self.times)

    def add(self, at: float, item: Any) -> None:
        """An element came."""
        self.items.append(item)
        self.times.append(at)

    def take(self) -> Strip:
        """All that is there; it is there no more."""
        many = len(self.times)
        taken = Strip(self.times[:many], self.items[:many])
        del self.times[:many], self.items[:many]
        return taken
