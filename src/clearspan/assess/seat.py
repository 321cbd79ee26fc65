"""A seat on the bench: one evaluator with its tally, its breaker, and what waits for it."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clearspan.assess import outcome
from clearspan.assess.breaker import Breaker
from clearspan.assess.evaluator import Evaluator
from clearspan.core.rarely import Rarely
from clearspan.score import Score, Target

__all__ = ["EvaluatorStatus", "Seat"]

_log = logging.getLogger("clearspan")
_ABANDONED = 4


@dataclass(frozen=True, slots=True)
class EvaluatorStatus:
    """How an evaluator has fared: calls judged (`passed` and `failed` of them), errors by type, and those not
    judged, by reason: `skipped` on purpose, `dropped` for want of room or time.

    `state` is `ready`, `waiting` (not asked yet), `starting` (its `setup` has not returned yet), `resting` (failed again and again; tried again later) or
    `broken` (it cannot be used; `note` says why).
    """

    name: str
    state: str
    kind: str = "code"
    level: str = "call"
    judged: int = 0
    passed: int = 0
    failed: int = 0
    errors: Mapping[str, int] = field(default_factory=dict[str, int])
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])
    pending: int = 0
    note: str | None = None


class Seat:
    """One evaluator at work. Counting is safe from any thread."""

    def __init__(self, made: Evaluator) -> None:
        self.made = made
        self.breaker = Breaker()
        self.waiting: deque[Any] = deque()
        self.busy = 0
        self.given_up = 0
        self.broken: str | None = None
        self._prepared = self._begun = False
        self._rarely = Rarely()
        # Reentrant: a collection may end a record, and drop a call, while something is being counted.
        self._lock = threading.RLock()
        self._counts: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()

    def renew(self) -> None:
        """In a forked child: what waited and ran is the parent's, and so is what was counted."""
        made, broken, prepared = self.made, self.broken, self._prepared
        self.__init__(made)  # type: ignore[misc]  # everything but what is known of the evaluator
        self.broken, self._prepared, self._begun = broken, prepared, prepared

    @property
    def free(self) -> bool:
        """Whether one more may be judged just now."""
        settled = self._prepared or self.broken is not None
        return settled and self.busy < self.made.concurrency

    @property
    def hindrance(self) -> str | None:
        """Why nothing can be judged just now, if so."""
        if self.broken is not None:
            return "broken"
        if self.given_up >= _ABANDONED:
            return "hung"  # so many of its threads never came back
        return None if self.breaker.admits() else "circuit_open"

    def begin(self) -> None:
        """The evaluator is getting ready."""
        self._begun = True

    def ready(self, broken: str | None = None) -> None:
        """It has got ready, or cannot: `broken` says why, and then it is so for good."""
        self.broken = broken
        self._prepared = broken is None

    @property
    def prepared(self) -> bool:
        """Whether it was got ready, and so has to be closed."""
        return self._prepared

    def complain(self, error: str) -> None:
        """Log that the evaluator fails, now and then; what exactly it says may quote content."""
        if self._rarely.due(self.made.name):
            _log.warning(
                "clearspan: evaluator %r fails (%s): calls have no score of it",
                self.made.name,
                error,
            )

    def note(self, score: Score) -> None:
        """Count a score by how it came out."""
        with self._lock:
            if score.skipped is not None:
                self._skipped[score.skipped] += 1
            elif score.error is not None:
                self._errors[score.error] += 1
            else:
                self._counts["judged"] += 1
                if score.passed is not None:
                    self._counts["passed" if score.passed else "failed"] += 1

    def drop(self, reason: str, calls: int = 1) -> None:
        """Count calls that there was no room or time for."""
        with self._lock:
            self._dropped[reason] += calls

    def skip(self, reason: str, target: Target | None = None) -> Score:
        """Count a call that is not judged, and why; answers the score that says so."""
        score = outcome.skipped(self.made, reason, target)
        self.note(score)
        return score

    @property
    def state(self) -> str:
        """In one word."""
        if self.broken is not None:
            return "broken"
        if self.breaker.open or self.given_up >= _ABANDONED:
            return "resting"
        if not self._begun:
            return "waiting"
        return "ready" if self._prepared else "starting"

    def status(self) -> EvaluatorStatus:
        """A reading of this moment."""
        with self._lock:  # what is read here may change before it is shown, not while it is read
            return EvaluatorStatus(
                self.made.name,
                self.state,
                self.made.kind,
                self.made.level,
                self._counts["judged"],
                self._counts["passed"],
                self._counts["failed"],
                dict(self._errors),
                dict(self._skipped),
                dict(self._dropped),
                len(self.waiting) + self.busy,
                self.broken,
            )
