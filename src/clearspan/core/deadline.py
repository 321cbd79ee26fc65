"""Until when the work must be done that a thread does in place of another, which could not be started.

Whoever flushes does that work then, and has a deadline. It reaches down to whatever may wait there: a queue, an
exporter, a lock of a database. Threads of ours that do their own work have none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

__all__ = ["at_most", "left", "passed", "within"]

_LEAST: Final = 0.001


class _Here(threading.local):
    at: float | None = None


_here = _Here()


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Have what this thread does inside be done by then, or by the deadline that it has already."""
    before, at = _here.at, time.monotonic() + seconds
    _here.at = at if before is None else min(at, before)
    try:
        yield
    finally:
        _here.at = before


def left() -> float | None:
    """Seconds that this thread has left, never negative; `None` where it has no deadline."""
    return None if _here.at is None else max(0.0, _here.at - time.monotonic())


def at_most(seconds: float) -> float:
    """So many seconds, or fewer where no more are left; never 0, which many who wait take for "without end"."""
    spare = left()
    return seconds if spare is None else min(seconds, max(spare, _LEAST))


def passed() -> bool:
    """Whether this thread has a deadline, and it has passed."""
    return left() == 0.0
