"""Gauges: what is read when metrics are collected: calls that go on, and what servers said of their limits.

Both are worked out at that moment, from what is there. A counter that goes up and down could drift.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.emit import names
from clearspan.emit.measures import INFERENCE, Point, call_attributes
from clearspan.emit.series import LONGEST, Series, label
from clearspan.record import Invocation, Operation

_TOO_MANY = 2**63  # a whole number that no wire holds would cost a whole export
__all__ = ["FRESH", "STALE", "ActiveCalls", "RateLimits"]

FRESH = 60.0
"""Seconds that what a server said of its limits is told, at the least."""
STALE = 300.0
"""Seconds after which it is told no more, even if the limit is not whole again: others use it, too."""

_STEPS = (Operation.EXECUTE_TOOL, Operation.INVOKE_AGENT, Operation.INVOKE_WORKFLOW)


class ActiveCalls:
    """Model calls that have begun and not ended, by operation, provider and model.

    A set that was seen before is told with 0 when nothing goes on.
    """

    def __init__(self, series: Series) -> None:
        self._series = series
        self._seen: dict[frozenset[tuple[str, Any]], Mapping[str, Any]] = {}

    def read(self, calls: Iterable[Draft]) -> list[Point]:
        """The points of this moment, in which `calls` go on."""
        now: Counter[frozenset[tuple[str, Any]]] = Counter()
        for draft in calls:
            if _is_call(draft):
                found = self._series.of(
                    call_attributes(draft.operation, draft.provider, _without_keys(draft.model))
                )
                key = frozenset(found.items())
                self._seen[key] = found
                now[key] += 1
        return [
            Point(sc.METRIC_ACTIVE_CALLS, now[key], found)
            for key, found in list(self._seen.items())
        ]


def _without_keys(name: str | None) -> str | None:
    return None if name is None else names.begun(name, LONGEST)


def _is_call(draft: Draft) -> bool:
    if draft.operation == Operation.TASK or (
        draft.kind == "internal" and draft.operation in _STEPS
    ):
        return False
    # A call that others of the same library do is counted as theirs.
    return not (draft.inference_calls and draft.operation in INFERENCE)


_METRICS = {
    "limit": sc.METRIC_RATE_LIMIT,
    "remaining": sc.METRIC_RATE_LIMIT_REMAINING,
    "reset": sc.METRIC_RATE_LIMIT_RESET,
    "retry_after": sc.METRIC_RETRY_AFTER,
}
_COUNTING_DOWN = ("reset", "retry_after")
_NAME = re.compile(
    re.escape(sc.RATE_LIMIT)
    + r"(?:(?P<kind>requests|tokens)\.(?:(?P<window>\w+)\.)?)?(?P<what>\w+)"
)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a server said, and when (monotonic seconds)."""

    at: float
    values: Mapping[str, float]

    def readings(self, now: float) -> Iterator[tuple[str, float]]:
        """What of it still holds."""
        age = now - self.at
        due = max(self.values.get("reset", 0.0), FRESH)
        for what, value in self.values.items():
            if what in _COUNTING_DOWN:
                if value > age:
                    yield what, value - age
            elif age <= due:
                yield what, value


class RateLimits:
    """The limits that servers told of last, by provider, model, server, and what is limited.

    A set that finds no room is not told: limits of several cannot be added up.
    """

    def __init__(self, series: Series, clock: Callable[[], float] = time.monotonic) -> None:
        self._series = series
        self._clock = clock
        self._told: dict[frozenset[tuple[str, Any]], tuple[Mapping[str, Any], _Told]] = {}

    def note(self, record: Invocation) -> None:
        """Keep what the answer of a call said, in place of what was said before."""
        found: dict[tuple[str | None, str | None], dict[str, float]] = {}
        for name, value in record.extras.items():
            if not name.startswith(sc.RATE_LIMIT):
                continue
            parts = _NAME.fullmatch(name)
            if (
                parts
                and parts["what"] in _METRICS
                and type(value) in (int, float)
                and value < _TOO_MANY
            ):
                found.setdefault((parts["kind"], parts["window"]), {})[parts["what"]] = value
        if not found:
            return
        now = self._clock()
        for (kind, window), values in found.items():
            attributes = _limited(record, kind, window)
            if self._series.admits(attributes):
                self._told[frozenset(attributes.items())] = (attributes, _Told(now, values))

    def read(self) -> dict[str, list[Point]]:
        """The points of this moment, by instrument; what is too old is forgotten."""
        now = self._clock()
        points: dict[str, list[Point]] = {name: [] for name in _METRICS.values()}
        for key, (attributes, told) in list(self._told.items()):
            if now - told.at > STALE:
                self._told.pop(key, None)
                continue
            for what, value in told.readings(now):
                points[_METRICS[what]].append(Point(_METRICS[what], value, attributes))
        return points


def _limited(record: Invocation, kind: str | None, window: str | None) -> dict[str, Any]:
    found = {
        sc.PROVIDER_NAME: record.provider,
        sc.REQUEST_MODEL: record.model,
        sc.SERVER_ADDRESS: record.server_address,
        sc.RATE_LIMIT_KIND: kind,
        sc.RATE_LIMIT_WINDOW: window,
    }
    return {name: label(value) for name, value in found.items() if value is not None}
