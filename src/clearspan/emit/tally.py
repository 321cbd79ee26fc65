"""Tally: points on their way to their instruments.

To record a point takes the SDK as long as much of the rest of a call. So who has one only puts it down here, and
it is recorded by whoever settles: whoever collects metrics, which tell of everything that way, and a worker where
many wait. What counters count is added up before.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, Meter

from clearspan.core.fence import fenced
from clearspan.emit.instruments import READ, Instrument
from clearspan.emit.measures import Point, Run
from clearspan.emit.series import Series

__all__ = ["Several", "Tally"]

_CROWD = 2_048
_APART = 1.0
"""Seconds. An exemplar links a bucket of a histogram to a call: of the calls that come meanwhile none is told."""
_ALL = -1  # buckets of a histogram: of a run each gets an exemplar, or none does
# Not empty: in the place of an empty one the SDK takes that of whoever settles.
_NOBODY = Context({"clearspan": True})


class Several(Histogram):
    """A histogram that takes several values at once.

    `every` says whether it makes exemplars of calls that are not sampled, too.
    """

    every: bool

    @abstractmethod
    def record_many(
        self,
        amounts: Sequence[tuple[float, int]],
        attributes: Mapping[str, Any],
        context: Context | None = None,
    ) -> None:
        """Values in ascending order, and how many there are of each; with `context`, which is no current one, their call's."""


class _Way(NamedTuple):
    """How a point comes to its instrument."""

    tell: Callable[..., None]
    series: Series
    buckets: tuple[float, ...] | None
    """`None` where it counts."""
    many: Callable[..., None] | None = None
    """Takes several values at once, where the instrument can."""
    every: bool = True


class _Noted(NamedTuple):
    """A point that waits; `context` is that of its call, where it is to be told as an exemplar."""

    way: _Way
    value: Any
    """A number; where the instrument takes several at once, these, and how many there are of each."""
    attributes: Mapping[str, Any]
    context: Context | None
    """`None` where it is of no account."""


class Tally:
    """Takes points from any thread, without a lock, and records them when it is settled.

    `linked(context)` answers a context that tells of the same span and holds nothing else of the call, `unlinked`
    one of which no exemplar is made.
    """

    def __init__(
        self,
        meter: Meter,
        instruments: Iterable[Instrument],
        series: int,
        linked: Callable[[Context], Context],
        unlinked: Callable[[Context], Context],
    ) -> None:
        self._ways = {row.name: _way(meter, row, series) for row in instruments if row.kind not in READ}  # fmt: skip
        self._linked = linked
        self._unlinked = unlinked
        # Who collects histograms of our own settles before: counters may wait for that.
        self._awaited = any(way.many is not None for way in self._ways.values())
        self._waiting: deque[_Noted] = deque()
        self._due: dict[tuple[str, int], float] = {}

    @property
    def crowded(self) -> bool:
        """Whether so many wait that somebody should settle."""
        return len(self._waiting) > _CROWD

    @property
    def due(self) -> bool:
        """Whether a thread of ours should settle: at once, unless collectors of ours are sure to do that before they read."""
        return self.crowded or (not self._awaited and bool(self._waiting))

    def note(
        self, points: Iterable[Point | Run], context: Context, *, at_once: bool = False
    ) -> None:
        """These are to be recorded; `context` is that of the call that they tell of.

        On a thread of ours that may be done `at_once`, where the instrument is quick: it takes a lock.
        """
        now = time.monotonic()
        told: Context | None = None
        bare: Context | None = None

        def seen(way: _Way, name: str, bucket: int) -> Context | None:
            nonlocal told, bare
            if now >= self._due.get((name, bucket), 0.0):
                self._due[name, bucket] = now + _APART
                told = told or self._linked(context)
                return told
            if way.every:
                bare = bare or self._unlinked(context)
            return bare if way.every else None

        for point in points:
            way = self._ways[point.name]
            attributes = way.series.of(point.attributes)
            values = ((point.value, 1),) if isinstance(point, Point) else point.values
            if way.buckets is None:
                counted = sum([value * many for value, many in values])
                self._waiting.append(_Noted(way, counted, attributes, None))
            elif way.many is None:
                for value, many in values:
                    linked = seen(way, point.name, bisect_left(way.buckets, value))
                    self._waiting.extend([_Noted(way, value, attributes, linked)] * many)
            elif values:
                one = bisect_left(way.buckets, values[0][0])
                linked = seen(way, point.name, one if len(values) == 1 else _ALL)
                if at_once:
                    fenced("emit.point", way.many, values, attributes, linked)
                else:
                    self._waiting.append(_Noted(way, values, attributes, linked))

    def settle(self) -> None:
        """Record all that wait; of what is counted, the sums."""
        sums: Counter[tuple[int, int]] = Counter()
        known: dict[tuple[int, int], _Noted] = {}
        while self._waiting:
            try:
                noted = self._waiting.popleft()
            except IndexError:  # somebody else settles, too
                break
            if noted.way.buckets is None:
                key = id(noted.way), id(noted.attributes)
                sums[key] += noted.value
                known.setdefault(key, noted)
            else:
                tell = noted.way.many or noted.way.tell
                fenced("emit.point", tell, noted.value, noted.attributes, noted.context)
        for key, noted in known.items():
            fenced("emit.point", noted.way.tell, sums[key], noted.attributes, _NOBODY)

    def renew(self) -> None:
        """In a forked child: what waits is the parent's."""
        self._waiting.clear()


def _way(meter: Meter, row: Instrument, limit: int) -> _Way:
    series = Series(limit, row.alone)
    if row.kind == "counter":
        return _Way(meter.create_counter(row.name, row.unit, row.note).add, series, None)
    made = meter.create_histogram(
        row.name, row.unit, row.note, explicit_bucket_boundaries_advisory=list(row.buckets or ())
    )
    if isinstance(made, Several):
        return _Way(made.record, series, row.buckets or (), made.record_many, made.every)
    return _Way(made.record, series, row.buckets or ())
