"""Histograms that are added up here: every point is the one that the SDK would have made."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.metrics import Histogram as Kind, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricsData,
    ResourceMetrics,
)
from opentelemetry.sdk.metrics.view import (
    DefaultAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from clearspan.runtime.histograms import Histogram, Histograms, View, plain

BOUNDS = (0.5, 1.0, 2.0)
SCOPE = ("scope", "1", "http://schema")
RESOURCE = Resource({"service.name": "x"})
DELTA, CUMULATIVE = AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE


def exporter(temporality: AggregationTemporality | None = None, aggregation: Any = None) -> Any:
    """What is asked of an exporter: which form it prefers."""
    return SimpleNamespace(
        _preferred_temporality=None if temporality is None else {Kind: temporality},
        _preferred_aggregation=None if aggregation is None else {Kind: aggregation},
    )


class Rig:
    """The same instrument twice: of the SDK, and of ours."""

    def __init__(self, temporality: AggregationTemporality = CUMULATIVE) -> None:
        self.reader = InMemoryMetricReader(preferred_temporality={Kind: temporality})
        self.provider = MeterProvider([self.reader], RESOURCE, shutdown_on_exit=False)
        self.theirs = self.provider.get_meter(*SCOPE).create_histogram(
            "h", "s", "how long", explicit_bucket_boundaries_advisory=list(BOUNDS)
        )
        self.ours = Histograms(lambda: RESOURCE)
        self.view = self.ours.view(exporter(temporality))
        self.histogram = self.made("h")

    def made(self, name: str) -> Histogram:
        return self.ours.create(
            SCOPE, name, "s", "how long", explicit_bucket_boundaries_advisory=BOUNDS
        )

    def record(self, value: float, attributes: Any, context: Context | None = None) -> None:
        self.theirs.record(value, attributes, context)
        self.histogram.record(value, attributes, context)

    def both(self) -> tuple[Any, Any]:
        return timeless(self.reader.get_metrics_data()), timeless(self.view.beside(None))


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.provider.shutdown()


def timeless(data: MetricsData | None) -> Any:
    """All but the times, which are asked about elsewhere."""
    if data is None:
        return None
    return [
        (item.resource, item.schema_url, [
            (scope.scope, scope.schema_url, [
                (metric.name, metric.unit, metric.description, metric.data.aggregation_temporality, sorted(
                    (_timeless(point) for point in metric.data.data_points), key=repr
                ))
                for metric in scope.metrics
            ])
            for scope in item.scope_metrics
        ])
        for item in data.resource_metrics
    ]  # fmt: skip


def _timeless(point: Any) -> Any:
    exemplars = sorted(
        [replace(each, time_unix_nano=0, filtered_attributes={}) for each in point.exemplars],
        key=repr,
    )
    return replace(
        point,
        start_time_unix_nano=0,
        time_unix_nano=0,
        exemplars=exemplars,
        sum=pytest.approx(point.sum),
        attributes=dict(point.attributes),
        explicit_bounds=tuple(point.explicit_bounds),
    )


def points(data: MetricsData | None) -> list[Any]:
    assert data is not None
    return [
        point
        for item in data.resource_metrics
        for scope in item.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]


def span(number: int, *, sampled: bool = True) -> Context:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    made = SpanContext(number, number, is_remote=False, trace_flags=flags)
    return trace.set_span_in_context(NonRecordingSpan(made), Context())


VALUES = st.one_of(st.integers(0, 5), st.sampled_from(BOUNDS), st.floats(0, 1e6))
MEASURED = st.tuples(VALUES, st.sampled_from(({}, {"a": 1}, {"a": "b", "c": True})), st.booleans())


@given(
    st.lists(st.lists(MEASURED, max_size=12), min_size=1, max_size=3),
    st.sampled_from((DELTA, CUMULATIVE)),
)
def test_the_points_are_those_of_the_sdk(
    rounds: list[list[tuple[float, dict[str, Any], bool]]], temporality: AggregationTemporality
) -> None:
    rig = Rig(temporality)
    for measured in rounds:
        for number, (value, attributes, sampled) in enumerate(measured, 1):
            rig.record(value, attributes, span(number, sampled=sampled))
        theirs, ours = rig.both()
        assert ours == (theirs or None)
    rig.provider.shutdown()


@given(st.lists(st.tuples(VALUES, st.integers(1, 3)), max_size=12))
def test_several_at_once_are_as_one_after_the_other(amounts: list[tuple[float, int]]) -> None:
    rig = Rig()
    ordered = sorted(amounts)
    rig.histogram.record_many(ordered, {"a": 1}, span(7))
    for value, many in ordered:
        for _ in range(many):
            rig.theirs.record(value, {"a": 1}, span(7))
    theirs, ours = rig.both()
    assert ours == (theirs or None)
    rig.provider.shutdown()


@pytest.mark.parametrize("value", [-1.0, float("nan"), -0.5, float("inf")])
def test_what_no_histogram_takes_is_left_out(rig: Rig, value: float) -> None:
    rig.histogram.record(value, {})
    assert rig.view.beside(None) is None
    others = [(0.5, 1), (3.0, 2)]
    rig.histogram.record_many([*others, (value, 1)] if value > 0 else [(value, 1), *others], {})
    (point,) = points(rig.view.beside(None))
    assert (point.count, point.sum, point.max) == (3, 6.5, 3.0)


def test_what_goes_out_is_nobody_elses(rig: Rig) -> None:
    """Exporters may add to what they are given."""
    other, attributes = rig.ours.view(exporter()), {"a": 1}
    rig.histogram.record(1.0, attributes)
    (point,) = points(rig.view.beside(None))
    point.attributes["added"] = True
    assert attributes == {"a": 1}
    assert [point.attributes for point in points(other.beside(None))] == [{"a": 1}]


def test_without_attributes_or_boundaries_there_is_one_series_and_one_bucket() -> None:
    histograms = Histograms(lambda: RESOURCE)
    view = histograms.view(exporter())
    histograms.create(SCOPE, "h").record(7.0)
    (point,) = points(view.beside(None))
    assert (point.attributes, point.bucket_counts, point.explicit_bounds) == ({}, (1,), ())
    assert (point.count, point.sum, point.min, point.max) == (1, 7.0, 7.0, 7.0)


def test_an_exemplar_is_told_once_and_is_the_last_of_its_bucket(rig: Rig) -> None:
    for number, value in enumerate((0.1, 0.2, 3.0), 1):
        rig.histogram.record(value, {}, span(number))
    rig.histogram.record(4.0, {}, span(9, sampled=False))
    rig.histogram.record(4.0, {}, Context())
    (point,) = points(rig.view.beside(None))
    assert [(each.value, each.span_id) for each in point.exemplars] == [(0.2, 2), (3.0, 3)]
    (point,) = points(rig.view.beside(None))
    assert (point.exemplars, point.count) == ([], 5)


@pytest.mark.parametrize(
    ("chosen", "told"), [("always_off", []), (" Always_On ", [1, 9, None]), ("trace_based", [1])]
)
def test_the_exemplar_filter_of_the_environment_holds(
    monkeypatch: pytest.MonkeyPatch, chosen: str, told: list[int | None]
) -> None:
    monkeypatch.setitem(os.environ, "OTEL_METRICS_EXEMPLAR_FILTER", chosen)
    histograms = Histograms(lambda: RESOURCE)
    view = histograms.view(exporter())
    made = histograms.create(SCOPE, "h", explicit_bucket_boundaries_advisory=BOUNDS)
    made.record(0.1, {}, span(1))
    made.record(0.7, {}, span(9, sampled=False))
    made.record(1.5, {}, Context())
    (point,) = points(view.beside(None))
    assert [each.span_id for each in point.exemplars] == told


def test_an_exemplar_is_of_the_current_span_for_one_value_and_of_nobody_for_several(
    rig: Rig,
) -> None:
    token = attach(span(7))
    try:
        rig.histogram.record(0.1, {})
        rig.histogram.record_many(((0.7, 1), (1.5, 1)), {})
    finally:
        detach(token)
    (point,) = points(rig.view.beside(None))
    assert [(each.value, each.span_id) for each in point.exemplars] == [(0.1, 7)]


def test_each_reader_sees_all_in_its_own_way() -> None:
    histograms = Histograms(lambda: RESOURCE)
    whole, new = histograms.view(exporter(CUMULATIVE)), histograms.view(exporter(DELTA))
    made = histograms.create(SCOPE, "h", explicit_bucket_boundaries_advisory=BOUNDS)

    def counts(view: View) -> list[int]:
        return [point.count for point in points(view.beside(MetricsData([])))]

    made.record(1.0, {})
    assert (counts(whole), counts(whole), counts(new), counts(new)) == ([1], [1], [1], [])
    made.record(1.0, {})
    made.record(9.0, {"a": 1})
    assert (counts(new), counts(whole)) == ([1, 1], [2, 1])


def test_the_times_join_up() -> None:
    histograms = Histograms(lambda: RESOURCE)
    whole, new = histograms.view(exporter(CUMULATIVE)), histograms.view(exporter(DELTA))
    made = histograms.create(SCOPE, "h")
    spans: dict[str, list[tuple[int, int]]] = {"whole": [], "new": []}
    for _ in range(3):
        made.record(1.0, {})
        for name, view in (("whole", whole), ("new", new)):
            (point,) = points(view.beside(None))
            spans[name].append((point.start_time_unix_nano, point.time_unix_nano))
    assert len({start for start, _ in spans["whole"]}) == 1
    assert [end for _, end in spans["new"][:-1]] == [start for start, _ in spans["new"][1:]]
    assert all(0 < start <= end for times in spans.values() for start, end in times)


def test_they_stand_beside_what_the_sdk_has_of_the_same_scope(rig: Rig) -> None:
    rig.provider.get_meter(*SCOPE).create_counter("c").add(1)
    rig.provider.get_meter("other").create_counter("c").add(1)
    other = Histograms(lambda: RESOURCE)
    view = other.view(exporter())
    other.create(SCOPE, "ours").record(1.0)
    other.create(("third", None, None), "too").record(1.0)
    data = view.beside(rig.reader.get_metrics_data())
    assert data is not None
    (item,) = data.resource_metrics
    told = {
        scope.scope.name: [metric.name for metric in scope.metrics] for scope in item.scope_metrics
    }
    assert told == {"scope": ["c", "ours"], "other": ["c"], "third": ["too"]}
    assert item.resource == RESOURCE


def test_where_nothing_was_measured_nothing_is_added(rig: Rig) -> None:
    assert rig.view.beside(None) is None
    empty = MetricsData([ResourceMetrics(RESOURCE, [], "")])
    assert rig.view.beside(empty) is empty


def test_many_mappings_of_the_same_attributes_are_one_series(rig: Rig) -> None:
    for _ in range(3_000):
        rig.histogram.record(1.0, {"a": 1})
    (point,) = points(rig.view.beside(None))
    assert point.count == 3_000


def test_a_forked_child_begins_at_nothing_though_another_thread_holds_the_lock(rig: Rig) -> None:
    rig.histogram.record(1.0, {})
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with rig.ours.lock:
            held.set()
            go_on.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    try:
        rig.ours.renew()
        assert rig.view.beside(None) is None
        rig.histogram.record(2.0, {})
        (point,) = points(rig.view.beside(None))
        assert (point.count, point.sum) == (1, 2.0)
    finally:
        go_on.set()
        holder.join()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, True), (DefaultAggregation(), True), (ExplicitBucketHistogramAggregation(), True),
        (ExplicitBucketHistogramAggregation([1.0]), False), (ExponentialBucketHistogramAggregation(), False),
    ],
)  # fmt: skip
def test_other_forms_of_histograms_are_the_sdks_own_affair(wanted: Any, expected: bool) -> None:
    assert plain(exporter(aggregation=wanted)) is expected
    assert plain(object()) is True


def test_values_from_several_threads_are_all_there(rig: Rig) -> None:
    def many(amounts: Sequence[tuple[float, int]]) -> None:
        for _ in range(500):
            rig.histogram.record_many(amounts, {"a": 1})

    threads = [threading.Thread(target=many, args=([(0.1, 1), (3.0, 2)],)) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen = [rig.view.beside(None) for _ in range(50)]
    for thread in threads:
        thread.join()
    (point,) = points(rig.view.beside(None))
    assert point.count == 6_000
    assert point.bucket_counts == (2_000, 0, 0, 4_000)
    assert len(seen) == 50
