"""The accounting identity: created = exported + stored + dropped{reason} + pending."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Accounts", "Ledger"]


@dataclass(frozen=True, slots=True)
class Accounts:
    """A reading of the books, in spans. `pending` is what was created and is not yet settled."""

    created: int
    exported: int
    stored: int
    dropped: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def pending(self) -> int:
        """Spans still open, queued or on their way."""
        return self.created - self.exported - self.stored - sum(self.dropped.values())


class Ledger:
    """Counts every span from its creation to where it ended up. Safe from any thread."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start from nothing, as a forked child does."""
        self._created = itertools.count()
        self._settled: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        # Reentrant, because a garbage collection inside the lock may end another recording.
        self._lock = threading.RLock()

    def create(self) -> None:
        """One more span exists. Takes no lock: advancing the counter is atomic."""
        next(self._created)

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
            created = int(repr(self._created)[len("count(") : -1])
            return Accounts(
                created, self._settled["exported"], self._settled["stored"], dict(self._dropped)
            )
