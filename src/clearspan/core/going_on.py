"""What goes on: things that have begun and not ended, which nobody may ever end.

A program that opens something and forgets it would have it kept for ever: there are at most so many, and none
for longer than so long. What has to go is the oldest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

__all__ = ["GoingOn"]


class Begun(Protocol):
    """Something that has begun."""

    @property
    def started_at(self) -> float:
        """When, by the clock (seconds)."""
        ...


T = TypeVar("T", bound=Begun)
_MOST = 16_384
_LONGEST = 24 * 3_600.0


class GoingOn(dict[int, T], Generic[T]):
    """By number, in the order in which they began; at most `most` of them, each for `longest` seconds.

    `lost` is told what had to go, and why: `too_many_open` or `open_too_long`. No lock is held: who finds the oldest
    gone has nothing to do.
    """

    def __init__(
        self,
        lost: Callable[[T, str], None],
        *,
        most: int = _MOST,
        longest: float = _LONGEST,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__()
        self._lost = lost
        self._most = most
        self._longest = longest
        self._clock = clock
        self._sound = 0.0  # until then none is too old

    def begin(self, number: int, item: T) -> bool:
        """It has begun; answers whether something may have to go."""
        self[number] = item
        return item.started_at >= self._sound or len(self) > self._most

    def trim(self) -> None:
        """Let go of what is too old, and of the oldest where there are too many."""
        now = self._clock()
        while self._give_up(now - self._longest, "open_too_long"):
            continue
        while len(self) > self._most and self._give_up(now, "too_many_open"):
            continue
        oldest = self._oldest()
        if oldest is not None or not self:
            self._sound = (now if oldest is None else oldest[1].started_at) + self._longest

    def _oldest(self) -> tuple[int, T] | None:
        try:
            return next(iter(self.items()), None)
        except RuntimeError:  # one began or ended this very moment: whoever did that looks, too
            return None

    def _give_up(self, before: float, reason: str) -> bool:
        """Let the oldest go if it began by `before`; answers whether one had to."""
        oldest = self._oldest()
        if oldest is None or oldest[1].started_at > before:
            return False
        item = self.pop(oldest[0], None)
        if item is not None:
            self._lost(item, reason)
        return True
