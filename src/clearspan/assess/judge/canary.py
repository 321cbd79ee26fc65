"""Known bad cases, mixed in: a judge that finds them good is broken, or was talked round."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

__all__ = ["Canaries"]

_log = logging.getLogger("clearspan")
_DISTRUST = 2
_RETEST = 10


class Canaries:
    """Which call is preceded by a known bad case, and whether the judge is still trusted.

    One in `1 / rate` calls; the next one too after a case was missed. Two missed in a row, and the judge is not
    trusted until it sees through one again; it is then tested at every tenth call.
    """

    def __init__(self, name: str, cases: Sequence[Mapping[str, str]], rate: float) -> None:
        if not 0 <= rate <= 1:
            raise ValueError(f"clearspan: evaluator {name!r}: canary_rate must be 0 to 1, not {rate!r}")  # fmt: skip
        self._name = name
        self._cases = tuple(cases)
        self._every = round(1 / rate) if rate else 0
        self._since = 0
        self._in_a_row = 0
        self.tested = 0
        self.missed = 0

    @property
    def trusted(self) -> bool:
        """Whether the judge's verdicts count."""
        return self._in_a_row < _DISTRUST

    def due(self) -> Mapping[str, str] | None:
        """The case to be judged before this call."""
        if not self._cases or not self._every:
            return None
        # no lock: threads that meet here are one case apart at worst, and a child finds none held
        self._since += 1
        wait = (self._every, 1, _RETEST)[min(self._in_a_row, _DISTRUST)]
        if self._since < wait:
            return None
        self._since = 0
        return self._cases[self.tested % len(self._cases)]

    def judged(self, *, found_bad: bool) -> None:
        """What came of it."""
        self.tested += 1
        self.missed += not found_bad
        self._in_a_row = 0 if found_bad else self._in_a_row + 1
        if self._in_a_row == _DISTRUST:
            _log.warning("clearspan: the judge of %s finds known bad cases good: its verdicts do not count until that changes", self._name)  # fmt: skip
