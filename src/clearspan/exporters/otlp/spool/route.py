"""The way of one signal: when it is open, and whose turn it is when one request keeps failing."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Final

from clearspan.exporters.otlp.sending import Sender, Sent

__all__ = ["Route"]

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_DOUBTS: Final = 3
_PROBES: Final = 8
_STUCK: Final = 64
_OUTAGE: Final = 60.0
"""Seconds without anything arriving after which that is worth a word: a receiver that is started anew is back by then."""


@dataclass(slots=True)
class _Stuck:
    """A request that fails while others arrive: it has a turn of its own, later and later."""

    at: float
    pause: float


@dataclass(slots=True)
class Route:
    """The way of one signal, and how it fares.

    The oldest request goes first. One that failed several times, and not for a reason that concerns all, lets the
    next one try: if that arrives and the first still does not, the first is `stuck`, and in nobody's way any more.
    """

    receiver: str
    """Tells receivers apart without naming them: credentials may stand in an address."""
    sender: Sender
    failures: int = 0
    closed_until: float = 0.0
    problem: str = ""
    failing_since: float | None = None
    stuck: dict[int, _Stuck] = field(default_factory=dict[int, _Stuck])
    _first: int = 0
    _times: int = 0
    _probing: bool = False
    _lives: bool = False
    """Whether another one arrived meanwhile."""
    _probed: set[int] = field(default_factory=set[int])
    _alone: bool = False
    """Whether all that waits, but for what is stuck, was looked for in vain."""

    def tell(self, number: int, sent: Sent) -> None:
        """After a failure wait: longer each time, and as long as the receiver asks."""
        self.problem, self._alone = sent.problem, False
        now = time.monotonic()
        if sent.again is None:
            self.failures, self.closed_until, self.failing_since = 0, 0.0, None
            self._went(number)
            return
        if self.failing_since is None:
            self.failing_since = now
        pause = min(_FIRST_PAUSE * 2**self.failures, _LONGEST_PAUSE)
        spread = pause * random.uniform(0.8, 1.2)  # noqa: S311 -- so that not all come at once
        self.failures = min(self.failures + 1, 16)
        self.closed_until = now + max(sent.again, spread)
        if sent.doubtful:
            self._doubt(number, now)

    @property
    def away(self) -> bool:
        """Whether nothing has arrived for so long that somebody should hear of it."""
        return self.failing_since is not None and time.monotonic() - self.failing_since >= _OUTAGE

    def passed(self, now: float) -> list[int]:
        """The numbers of the requests whose turn it is not."""
        if self._probing:
            return [*self.stuck, self._first, *self._probed]
        if self.failures and not self._alone:
            return list(self.stuck)  # first others: else those that are stuck would take all turns
        return [number for number, each in self.stuck.items() if each.at > now]

    def nobody(self) -> bool:
        """Nobody is left whose turn it is; whether it is worth looking again, for those who were passed."""
        passed = self._probing or (bool(self.stuck) and not self._alone)
        self._probing, self._alone = False, True
        return passed

    def tidy(self, now: float) -> None:
        """Forget those that were due long ago and did not come: they are gone."""
        for number, each in list(self.stuck.items()):
            if each.at + 2 * _LONGEST_PAUSE < now:
                del self.stuck[number]

    def _went(self, number: int) -> None:
        self.stuck.pop(number, None)
        if number == self._first:
            self._begin(0)
        elif self._times >= _DOUBTS:
            self._lives, self._probing = True, False

    def _doubt(self, number: int, now: float) -> None:
        known = self.stuck.get(number)
        if known is not None:
            known.pause = min(2 * known.pause, _LONGEST_PAUSE)
            known.at = now + known.pause
        elif number != self._first and self._times >= _DOUBTS:
            if len(self._probed) >= _PROBES:
                self._probed.clear()
            self._probed.add(number)
            self._probing = False
        else:
            if number != self._first:
                self._begin(number)
            self._times += 1
            if self._lives and len(self.stuck) < _STUCK:
                pause = min(4 * _FIRST_PAUSE, _LONGEST_PAUSE)
                self.stuck[number] = _Stuck(now + pause, pause)
                self._begin(0)
            else:
                self._lives, self._probing = False, self._times >= _DOUBTS

    def _begin(self, number: int) -> None:
        self._first, self._times, self._probing, self._lives = number, 0, False, False
        self._probed.clear()
