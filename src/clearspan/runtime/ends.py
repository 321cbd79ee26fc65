"""How things are brought to an end in time: one deadline for several steps, and queues that export what they hold."""

from __future__ import annotations

import time
from collections.abc import Iterable

from clearspan.runtime.queues import Queue

__all__ = ["Deadline", "exported"]


class Deadline:
    """So many seconds from now on, for everything that is done until then."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left; never negative."""
        return max(0.0, self._at - time.monotonic())

    def sparing(self, share: float, most: float) -> float:
        """The same, less a share of it, of `most` seconds, for what comes after."""
        left = self.left
        return left - min(left * share, most)


def exported(queues: Iterable[Queue], timeout: float) -> bool:
    """Have all that is queued exported, all queues at once; `False` when `timeout` seconds came first."""
    until, done = Deadline(timeout), True
    for event in [queue.mark() for queue in queues]:
        if event is not None:
            done = event.wait(until.left) and done
    return done
