"""What judging may take: calls a minute, calls at once, and dollars and tokens a day."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from clearspan.assess.judge.failure import Unjudged

__all__ = ["Budget"]

_DAY = 86_400
_BURST = 10.0


class Budget:
    """Caps; `None` is none. Whoever would exceed one is told so by `Unjudged("budget")`, with its name.

    `calls_per_minute` is a token bucket that holds the calls of ten seconds, one at least. A day is one of UTC.
    What a call takes is known after it: the caps of a day are overrun by the calls that are under way
    as they are reached, and by no other. `patience` is how long (seconds) to wait for a call's turn.
    """

    def __init__(
        self,
        *,
        calls_per_minute: float | None = None,
        usd_per_day: float | None = None,
        tokens_per_day: int | None = None,
        concurrency: int = 4,
        patience: float = 0.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        caps = {
            "calls_per_minute": calls_per_minute, "usd_per_day": usd_per_day, "tokens_per_day": tokens_per_day,
            "concurrency": concurrency,
        }  # fmt: skip
        for name, cap in caps.items():
            if cap is not None and not cap > 0:
                raise ValueError(f"clearspan: a judge's {name} must be more than 0, not {cap!r}")
        if not patience >= 0:
            raise ValueError(f"clearspan: a judge's patience must be 0 or more seconds, not {patience!r}")  # fmt: skip
        self._rate, self._usd, self._tokens = calls_per_minute, usd_per_day, tokens_per_day
        self._patience, self._clock, self._sleep = patience, clock, sleep
        self._burst = max(1.0, (calls_per_minute or 0.0) * _BURST / 60)
        self._left, self._filled = self._burst, clock()
        self._concurrency = concurrency
        self.renew()
        self._day = int(clock() // _DAY)
        self.spent_usd, self.spent_tokens = 0.0, 0

    def renew(self) -> None:
        """In a forked child: the turns and the lock that the parent's threads held are free."""
        self._turns = threading.BoundedSemaphore(self._concurrency)
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, timeout: float) -> Generator[None]:
        """A block in which one call may be made; `timeout` is how long to wait for a free one.

        One that raises `Unjudged` has made none, and takes nothing of the calls a minute.
        """
        self._check_day()
        wait = self._claim()
        while wait > 0:
            self._sleep(wait)
            wait = self._claim()
        try:
            with self._place(timeout):
                yield
        except Unjudged:  # no call was made
            self._give_back()
            raise

    @contextmanager
    def _place(self, timeout: float) -> Generator[None]:
        """One of the calls at once."""
        turns = self._turns  # those of the child are others
        if not turns.acquire(timeout=timeout):
            raise Unjudged("budget", limit="concurrency")
        try:
            self._check_day()  # the calls that were waited for may have taken what was left
            yield
        finally:
            turns.release()

    def spend(self, usd: float | None, tokens: int) -> None:
        """A call took so much."""
        with self._lock:
            self._turn_page()
            self.spent_usd += usd or 0.0
            self.spent_tokens += tokens

    def _check_day(self) -> None:
        with self._lock:
            self._turn_page()
            if self._usd is not None and self.spent_usd >= self._usd:
                raise Unjudged("budget", limit="usd_per_day")
            if self._tokens is not None and self.spent_tokens >= self._tokens:
                raise Unjudged("budget", limit="tokens_per_day")

    def _turn_page(self) -> None:
        day = int(self._clock() // _DAY)
        if day != self._day:
            self._day, self.spent_usd, self.spent_tokens = day, 0.0, 0

    def _give_back(self) -> None:
        with self._lock:
            self._left = min(self._burst, self._left + 1)

    def _claim(self) -> float:
        """Take one call out of the bucket: 0; or the seconds to wait for one."""
        if self._rate is None:
            return 0.0
        with self._lock:
            now = self._clock()
            # a clock that was set back fills nothing
            gained = max(now - self._filled, 0.0) * self._rate / 60
            self._left, self._filled = min(self._burst, self._left + gained), now
            if self._left >= 1:
                self._left -= 1
                return 0.0
            wait = (1 - self._left) * 60 / self._rate
        if wait > self._patience:
            raise Unjudged("budget", limit="calls_per_minute")
        return wait
