"""The accounting identity: created = exported + stored + dropped{reason} + pending."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Accounts", "Ledger"]


@dataclass(frozen=True, slots=True)
class Accounts:
    """A reading of the books, in spans."""

    created: int
    exported: int
    stored: int
    dropped: dict[str, int] = field(default_factory=dict[str, int])

    pending: int = field(init=False)
    """What was created and is not settled: spans still open, queued or on their way."""

    def __post_init__(self) -> None:
        settled = self.exported + self.stored + sum(self.dropped.values())
        object.__setattr__(self, "pending", self.created - settled)  # it is frozen


class Ledger:
    """Counts every span from its creation to where it ended up. Safe from any thread.

    The queues keep one each, of what they were given: spans, events or metric points.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start from nothing, as a forked child does."""
        self._created = itertools.count()
        self._many = 0
        self._settled: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        # Reentrant, because a garbage collection inside the lock may end another recording.
        self._lock = threading.RLock()

    def create(self, spans: int = 1) -> None:
        """So many more exist. A single one takes no lock: advancing the counter is atomic."""
        if spans == 1:
            next(self._created)
            return
        with self._lock:
            self._many += spans

    def settle(self, where: str, spans: int = 1) -> None:
        """`spans` arrived: `where` is `exported` or `stored`."""
        with self._lock:
            self._settled[where] += spans

    def drop(self, reason: str, spans: int = 1) -> None:
        """`spans` were lost for `reason`."""
        with self._lock:
            self._dropped[reason] += spans

    def read(self) -> Accounts:
        """The books as they stand."""
        with self._lock:
            # A count is read by its representation, since asking for the next would advance it.
            created = int(repr(self._created)[len("count(") : -1]) + self._many
            return Accounts(
                created, self._settled["exported"], self._settled["stored"], dict(self._dropped)
            )
