"""Tape: elements of a stream, and when they came, until somebody reads them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import chain, filterfalse, repeat, starmap
from typing import Any, NamedTuple

from clearspan.core.fence import fenced, overflows

__all__ = ["FEW", "MANY", "Strip", "Tape", "Taping"]

FEW, MANY = 32, 512
"""After how many elements somebody takes them: the first, of which nobody knows how large they are, and small ones.

Most answers have fewer than that, so that they are handed on once.
"""


class Strip(NamedTuple):
    """A piece of a tape: elements, and the time that each came."""

    times: list[float]
    items: list[Any]


class Taping(NamedTuple):
    """What puts an element down (`keep`, which answers nothing), and when it came, which is the next of `ticks`.

    It spares a call of ours for each: both are done without a line of Python.
    """

    keep: Callable[[Any], None]
    ticks: Iterator[float]


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

    def taping(self, full: Callable[[], int | None]) -> Taping:
        """How elements are put here as they go by.

        Before the time of one that comes after `FEW` others `full` is told, which answers after how many more it wants
        to be told again.
        """
        return Taping(self.items.append, chain.from_iterable(_ticks(self.times.append, full)))


def _ticks(
    mark: Callable[[float], None], full: Callable[[], int | None]
) -> Iterator[Iterator[float]]:
    """Times by the clock, in rows, each marked as it is asked for."""
    few = FEW
    while True:
        # What `mark` answers is nothing, so that none is left out.
        yield filterfalse(mark, starmap(time.perf_counter, repeat((), few)))
        try:
            told = fenced("observe.full", full)
        except RecursionError:  # not even that can be called
            overflows[0] += 1
            told = None
        few = told or FEW
