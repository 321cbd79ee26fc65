"""How much may be sent a second."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Allowance"]


class Allowance:
    """Bytes that may be sent: `rate` a second on average, a second's worth at once; any number where it is `None`."""

    def __init__(self, rate: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._balance = 0.0
        self._at = clock()

    def wait(self) -> float:
        """Seconds until something may be sent."""
        if self._rate is None:
            return 0.0
        now = self._clock()
        self._balance = min(self._balance + (now - self._at) * self._rate, float(self._rate))
        self._at = now
        return max(0.0, -self._balance / self._rate)

    def spend(self, size: int) -> None:
        """`size` bytes were sent: a request of more than there was is paid for afterwards."""
        self._balance -= size
