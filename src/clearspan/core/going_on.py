"""What goes on: things that have begun and not ended, which nobody may ever end.

A program that opens something and forgets it would have it kept for ever: there are at most so many, and none
for longer than so long. What has to go is the oldest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["GoingOn"]

T = TypeVar("T")
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
        self._began: dict[int, float] = {}
        self._sound = 0.0  # until then none is too old

    def begin(self, number: int, item: T, at: float) -> bool:
        """It has begun, at that time by the clock; answers whether something may have to go."""
        self._began[number] = at
        self[number] = item
        return at >= self._sound or len(self) > self._most

    def trim(self) -> None:
        """Let go of what is too old, and of the oldest where there are too many."""
        now = self._clock()
        while self._give_up(now - self._longest, "open_too_long"):
            continue
        while len(self) > self._most and self._give_up(now, "too_many_open"):
            continue
        oldest = next(iter(self._began.copy().values()), now)
        self._sound = oldest + self._longest

    def pop(self, number: int, default: T | None = None) -> T | None:  # type: ignore[override]  # never a KeyError
        """It is over; answers what it was."""
        self._began.pop(number, None)
        return super().pop(number, default)

    def clear(self) -> None:
        """Forget all."""
        self._began.clear()
        super().clear()

    def _give_up(self, before: float, reason: str) -> bool:
        """Let the oldest go if it began by `before`; answers whether one had to."""
        try:
            oldest = next(iter(self._began.items()), None)
        except RuntimeError:  # one began or ended this very moment: whoever did that looks, too
            return False
        if oldest is None or oldest[1] > before:
            return False
        item = self.pop(oldest[0])
        if item is not None:
            self._lost(item, reason)
        return True
