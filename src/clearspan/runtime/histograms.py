"""Histograms of a pipeline of our own: what is measured is added up here, and put beside what the SDK collects.

The SDK needs some ten microseconds to record one value, and a stream brings hundreds. OpenTelemetry's specification
knows a `MetricProducer`, which hands in points that were added up elsewhere; the SDK for Python has none, so the
readers of our pipeline do what that would do. The points are the SDK's own kind, and are what it would have made.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, Final, NamedTuple

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.metrics import Exemplar, Histogram as Kind
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram as Points,
    HistogramDataPoint,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.metrics.view import (
    DefaultAggregation,
    ExplicitBucketHistogramAggregation,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import get_current_span

from clearspan.emit.tally import Several

__all__ = ["Histogram", "Histograms", "View", "plain"]

_RECENT: Final = 1_024
_INFINITE: Final = float("inf")
_NOWHERE: Final = Context()
_value: Final = itemgetter(0)


def plain(exporter: Any) -> bool:
    """Whether an exporter wants histograms with the boundaries of their instruments, as nearly all do."""
    wanted = (getattr(exporter, "_preferred_aggregation", None) or {}).get(Kind)
    if wanted is None or type(wanted) is DefaultAggregation:
        return True
    return (
        type(wanted) is ExplicitBucketHistogramAggregation
        and getattr(wanted, "_boundaries", None) is None
    )


class _Sum:
    """What was measured with one set of attributes."""

    __slots__ = ("attributes", "buckets", "exemplars", "least", "most", "start", "total")

    def __init__(self, attributes: Mapping[str, Any], buckets: int, start: int) -> None:
        self.attributes = dict(attributes)  # which go out with the points, to anybody
        self.buckets = [0] * buckets
        self.total: float = 0
        self.least: float | None = None
        self.most: float | None = None
        self.start = start
        self.exemplars: dict[int, Exemplar] = {}

    def add(self, other: _Sum) -> None:
        self.buckets = [one + more for one, more in zip(self.buckets, other.buckets, strict=True)]
        self.total += other.total
        self.least = min(value for value in (self.least, other.least) if value is not None)
        self.most = max(value for value in (self.most, other.most) if value is not None)
        self.exemplars.update(other.exemplars)


class Histogram(Several):
    """One instrument; takes values from any thread."""

    def __init__(
        self, name: str, unit: str, description: str, bounds: Sequence[float], lock: Any
    ) -> None:
        self.name, self.unit, self.description = name, unit, description
        self.bounds = tuple(bounds)
        told = os.environ.get("OTEL_METRICS_EXEMPLAR_FILTER", "").strip().lower()
        self._none, self.every = told == "always_off", told == "always_on"
        self.renew(lock)

    def renew(self, lock: Any) -> None:
        """Begin at nothing."""
        self._lock = lock
        self._sums: dict[frozenset[tuple[str, Any]], _Sum] = {}
        # By id, with the mapping itself, so that its id stays its own: most points share one with others.
        self._recent: dict[int, tuple[Mapping[str, Any], _Sum]] = {}

    def record(self, amount: float, attributes: Any = None, context: Context | None = None) -> None:
        """One value, as the API has it."""
        here = get_current() if context is None else context
        self.record_many(((amount, 1),), attributes or {}, here)

    def record_many(
        self,
        amounts: Sequence[tuple[float, int]],
        attributes: Mapping[str, Any],
        context: Context | None = None,
    ) -> None:
        """Several values in ascending order, and how many there are of each; of each bucket the largest is an exemplar."""
        if amounts and not (amounts[0][0] >= 0 and amounts[-1][0] < _INFINITE):
            # What no histogram of the SDK takes, and what is no number.
            amounts = [pair for pair in amounts if 0 <= pair[0] < _INFINITE]
        if not amounts:
            return
        with self._lock:
            found = self._of(attributes)
            least, most = amounts[0][0], amounts[-1][0]
            if len(amounts) == 1:
                self._put(found, bisect_left(self.bounds, most), amounts[0][1], most, context)
            else:
                self._spread(found, amounts, context)
            total = sum([value * many for value, many in amounts])
            found.total += total
            if found.least is None or least < found.least:
                found.least = least
            if found.most is None or most > found.most:
                found.most = most

    def _spread(
        self, found: _Sum, amounts: Sequence[tuple[float, int]], context: Context | None
    ) -> None:
        begun = 0
        for at, bound in enumerate((*self.bounds, _INFINITE)):
            end = bisect_right(amounts, bound, begun, key=_value)
            if end > begun:
                many = sum([many for _, many in amounts[begun:end]])
                self._put(found, at, many, amounts[end - 1][0], context)
            begun = end

    def _put(self, found: _Sum, at: int, many: int, value: float, context: Context | None) -> None:
        found.buckets[at] += many
        exemplar = self._exemplar(value, context)
        if exemplar is not None:
            found.exemplars[at] = exemplar

    def _of(self, attributes: Mapping[str, Any]) -> _Sum:
        known = self._recent.get(id(attributes))
        if known is not None:
            return known[1]
        key = frozenset(attributes.items())
        found = self._sums.get(key)
        if found is None:
            made = _Sum(attributes, len(self.bounds) + 1, time.time_ns())
            found = self._sums.setdefault(key, made)
        if len(self._recent) < _RECENT:
            self._recent[id(attributes)] = attributes, found
        return found

    def _exemplar(self, value: float, context: Context | None) -> Exemplar | None:
        """As `OTEL_METRICS_EXEMPLAR_FILTER` has it: of sampled spans, of all (`always_on`), or of none (`always_off`)."""
        if self._none or (context is None and not self.every):
            return None
        span = get_current_span(context or _NOWHERE).get_span_context()
        if not span.is_valid:
            return Exemplar({}, value, time.time_ns()) if self.every else None
        if not span.trace_flags.sampled and not self.every:
            return None
        return Exemplar({}, value, time.time_ns(), span.span_id, span.trace_id)

    def taken(self) -> dict[frozenset[tuple[str, Any]], _Sum]:
        """What was measured since it was last taken. With the lock held."""
        taken, self._sums, self._recent = self._sums, {}, {}
        return taken


class _Made(NamedTuple):
    scope: InstrumentationScope
    histogram: Histogram


class Histograms:
    """All those of one pipeline; each of its readers has a `view` of them."""

    def __init__(self, resource: Callable[[], Resource]) -> None:
        self.resource = resource
        self.made: list[_Made] = []
        self._views: list[View] = []
        self.lock = threading.RLock()

    def create(
        self,
        scope: tuple[str, str | None, str | None],
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> Histogram:
        """An instrument, as the API's `Meter.create_histogram` makes it."""
        made = Histogram(
            name, unit, description, explicit_bucket_boundaries_advisory or (), self.lock
        )
        self.made.append(_Made(InstrumentationScope(*scope), made))
        return made

    def view(self, exporter: Any) -> View:
        """What one exporter is told."""
        wanted = (getattr(exporter, "_preferred_temporality", None) or {}).get(Kind)
        made = View(self, wanted or AggregationTemporality.CUMULATIVE)
        self._views.append(made)
        return made

    def renew(self) -> None:
        """In a forked child: what was measured is the parent's, and so is whoever holds the lock."""
        self.lock = threading.RLock()
        for made in self.made:
            made.histogram.renew(self.lock)
        for view in self._views:
            view.renew()

    def settle(self) -> None:
        """Have every view know what was measured so far. With the lock held."""
        for place, made in enumerate(self.made):
            taken = made.histogram.taken()
            for view in self._views:
                view.add(place, taken)


class View:
    """What one reader has seen: all of it (`CUMULATIVE`), or what is new (`DELTA`)."""

    def __init__(self, histograms: Histograms, temporality: AggregationTemporality) -> None:
        self._histograms = histograms
        self._temporality = temporality
        self.renew()

    def renew(self) -> None:
        """Begin at nothing."""
        self._seen: dict[int, dict[frozenset[tuple[str, Any]], _Sum]] = {}
        self._since = 0

    def add(self, place: int, taken: Mapping[frozenset[tuple[str, Any]], _Sum]) -> None:
        """This was measured by the instrument at that place."""
        seen = self._seen.setdefault(place, {})
        for key, more in taken.items():
            found = seen.get(key)
            if found is None:
                found = seen[key] = _Sum(more.attributes, len(more.buckets), more.start)
            found.add(more)

    def beside(self, data: MetricsData | None) -> MetricsData | None:
        """What the SDK has collected, with the histograms beside it."""
        scopes = self._read()
        if not scopes:
            return data
        found = list(data.resource_metrics) if data is not None else []
        if not found:
            resource = self._histograms.resource()
            found = [ResourceMetrics(resource, [], resource.schema_url)]
        theirs = list(found[0].scope_metrics)
        for at, each in enumerate(theirs):
            ours = scopes.pop(each.scope, ())
            theirs[at] = replace(each, metrics=[*each.metrics, *ours])
        theirs += [
            ScopeMetrics(scope, ours, scope.schema_url or "") for scope, ours in scopes.items()
        ]
        found[0] = replace(found[0], scope_metrics=theirs)
        return MetricsData(found)

    def _read(self) -> dict[InstrumentationScope, list[Metric]]:
        scopes: dict[InstrumentationScope, list[Metric]] = {}
        histograms = self._histograms
        with histograms.lock:
            histograms.settle()
            now = time.time_ns()
            for place, (scope, histogram) in enumerate(histograms.made):
                points = self._points(histogram, self._seen.get(place, {}).values(), now)
                if points:
                    told = Metric(
                        histogram.name, histogram.description, histogram.unit, Points(points, self._temporality),
                    )  # fmt: skip
                    scopes.setdefault(scope, []).append(told)
            if self._temporality is AggregationTemporality.DELTA:
                self._seen.clear()
                self._since = now
        return scopes

    def _points(
        self, histogram: Histogram, sums: Iterable[_Sum], now: int
    ) -> list[HistogramDataPoint]:
        made: list[HistogramDataPoint] = []
        for each in sums:
            exemplars, each.exemplars = list(each.exemplars.values()), {}
            made.append(
                HistogramDataPoint(
                    attributes=each.attributes,
                    start_time_unix_nano=self._since or each.start,
                    time_unix_nano=now,
                    count=sum(each.buckets),
                    sum=each.total,
                    bucket_counts=tuple(each.buckets),
                    explicit_bounds=histogram.bounds,
                    min=each.least,  # type: ignore[arg-type]  # there is no sum of nothing
                    max=each.most,  # type: ignore[arg-type]  # as above
                    exemplars=exemplars,
                )
            )
        return made
