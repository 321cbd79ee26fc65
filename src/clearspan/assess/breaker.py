"""A circuit breaker: what fails again and again is left alone for a while (Nygard 2007)."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Breaker"]


class Breaker:
    """Opens after `limit` failures in a row; after `cooling` seconds one more try is let through.

    Each further failure doubles the time, up to `longest`.
    """

    def __init__(
        self,
        limit: int = 5,
        cooling: float = 30.0,
        longest: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._cooling = cooling
        self._longest = longest
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    @property
    def open(self) -> bool:
        """Whether it is to be left alone."""
        return self._failures >= self._limit

    def admits(self) -> bool:
        """Whether to try now; while it is open that is one try at a time."""
        if not self.open:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + self._pause()
        return True

    def succeeded(self) -> None:
        """It works again."""
        self._failures = 0

    def failed(self) -> None:
        """Once more it did not work."""
        self._failures += 1
        if self.open:
            self._until = self._clock() + self._pause()

    def _pause(self) -> float:
        doubled = min(self._failures - self._limit, 16)
        return float(min(self._longest, self._cooling * 2**doubled))
