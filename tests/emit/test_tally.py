"""Tally: points wait, are recorded once when somebody settles, and an exemplar links nobody else's span."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context, get_value, set_value
from opentelemetry.metrics import Counter, Histogram, NoOpCounter, NoOpHistogram, NoOpMeter
from opentelemetry.sdk.metrics import (
    AlwaysOnExemplarFilter,
    ExemplarFilter,
    MeterProvider,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext

from clearspan.core import fence
from clearspan.emit import tally
from clearspan.emit.instruments import Instrument
from clearspan.emit.measures import Point, Run
from clearspan.emit.tally import Tally
from clearspan.runtime.histograms import Histograms

COUNTED, PAID, TIMED, READ = "calls", "cost", "seconds", "going_on"
INSTRUMENTS = (
    Instrument(COUNTED, "counter", "1", None, "how many", alone=("currency",)),
    Instrument(PAID, "counter", "1", None, "how much"),
    Instrument(TIMED, "histogram", "s", (1.0, 2.0), "how long"),
    Instrument("plain", "histogram", "s", None, "without boundaries"),
    Instrument(READ, "updowncounter", "1", None, "read when metrics are collected"),
)
NOWHERE = Context()
MARK = "light"


def light(context: Context) -> Context:
    """A context with a mark, so that it is known again."""
    return set_value(MARK, True, context)


def bare(context: Context) -> Context:
    """A context of the same span as one that is not sampled."""
    span = trace.get_current_span(context).get_span_context()
    kept = SpanContext(span.trace_id, span.span_id, is_remote=False)
    return trace.set_span_in_context(NonRecordingSpan(kept), Context())


class Rig:
    """A tally over the real SDK, and spans to link."""

    def __init__(self, series: int = 100, exemplars: ExemplarFilter | None = None) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider(
            [self.reader],
            shutdown_on_exit=False,
            exemplar_filter=exemplars or TraceBasedExemplarFilter(),
        )
        self.tally = Tally(self.provider.get_meter("x"), INSTRUMENTS, series, light, bare)
        self.tracer = TracerProvider(shutdown_on_exit=False).get_tracer("x")

    def call(self) -> tuple[Context, int]:
        """The context of a call, and the id of its span."""
        span = self.tracer.start_span("call")
        return trace.set_span_in_context(span, Context()), span.get_span_context().span_id

    @property
    def points(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        scopes = [scope for item in data.resource_metrics for scope in item.scope_metrics] if data else []  # fmt: skip
        return {each.name: list(each.data.data_points) for scope in scopes for each in scope.metrics}  # fmt: skip

    def linked(self) -> list[tuple[float, int | None]]:
        """The exemplars: each value with the span that it links."""
        return sorted(
            (each.value, each.span_id)
            for points in self.points.values()
            for point in points
            for each in point.exemplars
        )

    def close(self) -> None:
        self.provider.shutdown()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


class Heard(NoOpMeter):
    """A meter whose instruments keep what they are told; those of `broken` raise."""

    def __init__(self, broken: str = "") -> None:
        super().__init__("heard")
        self.broken = broken
        self.told: list[tuple[str, float, dict[str, Any], Context | None]] = []

    def hear(self, name: str, value: float, attributes: Any, context: Context | None) -> None:
        if name == self.broken:
            raise ValueError(name)
        self.told.append((name, value, dict(attributes), context))

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        meter = self

        class Told(NoOpCounter):
            def add(self, amount: float, attributes: Any = None, context: Any = None) -> None:
                meter.hear(name, amount, attributes, context)

        return Told(name, unit, description)

    def create_histogram(
        self, name: str, unit: str = "", description: str = "", **more: Any
    ) -> Histogram:
        meter = self

        class Told(NoOpHistogram):
            def record(self, amount: float, attributes: Any = None, context: Any = None) -> None:
                meter.hear(name, amount, attributes, context)

        return Told(name, unit, description)


def heard(meter: Heard, series: int = 100) -> Tally:
    return Tally(meter, INSTRUMENTS, series, light, bare)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in its one element."""
    now = [5.0]
    monkeypatch.setattr(tally, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def count(value: float, **attributes: Any) -> Point:
    return Point(COUNTED, value, attributes)


def took(value: float, **attributes: Any) -> Point:
    return Point(TIMED, value, attributes)


# -- waiting and settling ------------------------------------------------------------------------------------


def test_points_wait_until_somebody_settles(rig: Rig) -> None:
    rig.tally.note([count(2, m="a"), took(0.5, m="a")], NOWHERE)
    assert rig.points == {}
    rig.tally.settle()
    (counted,), (timed,) = rig.points[COUNTED], rig.points[TIMED]
    assert (counted.value, dict(counted.attributes)) == (2, {"m": "a"})
    assert (timed.sum, timed.count, dict(timed.attributes)) == (0.5, 1, {"m": "a"})
    assert timed.explicit_bounds == (1.0, 2.0)


def test_what_was_settled_is_not_recorded_again(rig: Rig) -> None:
    rig.tally.note([count(2), took(0.5)], NOWHERE)
    rig.tally.settle()
    rig.tally.settle()
    points = rig.points
    assert points[COUNTED][0].value == 2
    assert points[TIMED][0].count == 1


def test_points_are_taken_from_what_makes_them_one_by_one(rig: Rig) -> None:
    rig.tally.note((count(each) for each in (1, 2, 3)), NOWHERE)
    rig.tally.settle()
    assert rig.points[COUNTED][0].value == 6


def test_what_is_counted_is_told_as_one_sum_for_each_attribute_set() -> None:
    meter = Heard()
    waiting = heard(meter)
    one, other = {"m": "a"}, {"m": "b"}
    for value in (1, 2, 0.5):
        waiting.note([Point(COUNTED, value, one), Point(COUNTED, 10 * value, other)], NOWHERE)
        waiting.note([Point(PAID, 100 * value, one)], NOWHERE)
    waiting.settle()
    assert [told[:3] for told in meter.told] == [
        (COUNTED, 3.5, one),
        (COUNTED, 35.0, other),
        (PAID, 350.0, one),
    ]


def test_equal_sets_that_are_two_mappings_are_one_series(rig: Rig) -> None:
    for _ in range(5):
        rig.tally.note([count(1, m="a")], NOWHERE)
    rig.tally.settle()
    (point,) = rig.points[COUNTED]
    assert point.value == 5


def test_each_measurement_of_a_histogram_is_told_as_it_came() -> None:
    meter = Heard()
    waiting = heard(meter)
    waiting.note([took(0.5, m="a"), took(0.5, m="a"), took(3.0, m="b")], NOWHERE)
    waiting.settle()
    assert [told[:3] for told in meter.told] == [
        (TIMED, 0.5, {"m": "a"}),
        (TIMED, 0.5, {"m": "a"}),
        (TIMED, 3.0, {"m": "b"}),
    ]


def test_a_run_is_as_many_measurements_as_it_says() -> None:
    meter = Heard()
    waiting = heard(meter)
    waiting.note([Run(TIMED, [(0.5, 3), (1.5, 1)], {"m": "a"})], NOWHERE)
    waiting.settle()
    assert [told[:3] for told in meter.told] == [(TIMED, value, {"m": "a"}) for value in (0.5, 0.5, 0.5, 1.5)]  # fmt: skip


def test_a_run_of_what_counts_is_added_up() -> None:
    meter = Heard()
    waiting = heard(meter)
    waiting.note([Run(COUNTED, [(2, 3), (5, 1)], {"m": "a"})], NOWHERE)
    waiting.settle()
    assert [told[:3] for told in meter.told] == [(COUNTED, 11, {"m": "a"})]


def test_sets_beyond_the_limit_are_gathered() -> None:
    meter = Heard()
    waiting = heard(meter, series=3)
    waiting.note([took(0.5, m=n) for n in range(4)], NOWHERE)
    waiting.settle()
    beyond = {"otel.metric.overflow": True}
    assert [told[2] for told in meter.told] == [{"m": 0}, {"m": 1}, beyond, beyond]


def test_what_does_not_add_up_stays_apart_beyond_the_limit() -> None:
    meter = Heard()
    waiting = heard(meter, series=3)
    for currency in ("USD", "EUR", "USD"):
        waiting.note([count(1, m=currency, currency=currency)], NOWHERE)
    waiting.settle()
    beyond = {"otel.metric.overflow": True}
    assert [told[2] for told in meter.told] == [
        {**beyond, "currency": currency} for currency in ("USD", "EUR", "USD")
    ]


def test_instruments_that_are_read_are_not_made() -> None:
    made: list[str] = []

    class Noting(Heard):
        def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
            made.append(name)
            return super().create_counter(name, unit, description)

        def create_histogram(
            self, name: str, unit: str = "", description: str = "", **more: Any
        ) -> Histogram:
            made.append(name)
            return super().create_histogram(name, unit, description, **more)

        def create_up_down_counter(self, *_: Any, **__: Any) -> Any:
            raise AssertionError

    heard(Noting())
    assert made == [COUNTED, PAID, TIMED, "plain"]


def test_an_instrument_without_boundaries_has_one_bucket(rig: Rig, clock: list[float]) -> None:
    del clock
    (first, span), (second, _) = rig.call(), rig.call()
    rig.tally.note([Point("plain", 0.5, {})], first)
    rig.tally.note([Point("plain", 700.0, {})], second)
    rig.tally.settle()
    (point,) = rig.points["plain"]
    assert (point.explicit_bounds, point.bucket_counts) == ((), (2,))
    assert [(each.value, each.span_id) for each in point.exemplars] == [(0.5, span)]


# -- exemplars -----------------------------------------------------------------------------------------------


def test_the_first_of_each_bucket_is_linked_and_no_other_within_a_second(
    rig: Rig, clock: list[float]
) -> None:
    (first, one), (second, two), (third, three) = rig.call(), rig.call(), rig.call()
    rig.tally.note([took(0.25)], first)
    rig.tally.note([took(0.5), took(1.5)], second)
    clock[0] += 0.75
    rig.tally.note([took(0.75), took(1.75), took(9.0)], third)
    rig.tally.settle()
    assert rig.linked() == [(0.25, one), (1.5, two), (9.0, three)]
    (point,) = rig.points[TIMED]
    assert point.bucket_counts == (3, 2, 1)


def test_after_a_second_the_next_is_linked(rig: Rig, clock: list[float]) -> None:
    (first, one), (second, _), (third, three) = rig.call(), rig.call(), rig.call()
    rig.tally.note([took(0.25)], first)
    rig.tally.settle()
    assert rig.linked() == [(0.25, one)]
    clock[0] += 0.75
    rig.tally.note([took(0.5)], second)
    rig.tally.settle()
    assert rig.linked() == []
    clock[0] += 0.25
    rig.tally.note([took(0.75)], third)
    rig.tally.settle()
    assert rig.linked() == [(0.75, three)]


@pytest.mark.parametrize(("value", "bucket"), [(1.0, 0), (1.001, 1), (2.0, 1), (2.001, 2)])
def test_a_boundary_belongs_to_the_bucket_below_as_for_the_sdk(
    rig: Rig, clock: list[float], value: float, bucket: int
) -> None:
    del clock
    (first, span), (second, _) = rig.call(), rig.call()
    inside = (0.5, 1.5, 2.5)[bucket]
    rig.tally.note([took(inside)], first)
    rig.tally.note([took(value)], second)
    rig.tally.settle()
    (point,) = rig.points[TIMED]
    assert point.bucket_counts[bucket] == 2
    assert [(each.value, each.span_id) for each in point.exemplars] == [(inside, span)]


def test_each_instrument_has_buckets_of_its_own(rig: Rig, clock: list[float]) -> None:
    del clock
    context, span = rig.call()
    rig.tally.note([took(0.5)], context)
    rig.tally.note([Point("plain", 0.25, {})], context)
    rig.tally.settle()
    assert rig.linked() == [(0.25, span), (0.5, span)]


def test_of_a_run_the_first_of_a_value_stands_for_all(rig: Rig, clock: list[float]) -> None:
    del clock
    context, span = rig.call()
    rig.tally.note([Run(TIMED, [(0.5, 3), (0.75, 2), (1.5, 1)], {})], context)
    rig.tally.settle()
    assert rig.linked() == [(0.5, span), (1.5, span)]


def test_a_linked_point_carries_a_light_context_made_once(clock: list[float]) -> None:
    del clock
    made: list[Context] = []

    def noting(context: Context) -> Context:
        made.append(context)
        return light(context)

    meter = Heard()
    waiting = Tally(meter, INSTRUMENTS, 100, noting, bare)
    context = set_value("heavy", "content", Context())
    waiting.note([count(1), took(0.5), took(1.5), took(0.75)], context)
    assert made == [context]
    waiting.note([count(1), took(0.5)], context)
    assert made == [context], "nobody is to be linked"
    waiting.settle()
    marks = [(told[1], get_value(MARK, told[3])) for told in meter.told]
    assert marks == [(0.5, True), (1.5, True), (0.75, None), (0.5, None), (1, None), (1, None)]


def test_no_point_is_told_in_a_context_that_says_nothing() -> None:
    """The SDK takes the current one in the place of that."""
    meter = Heard()
    waiting = heard(meter)
    waiting.note([count(1), took(0.5), took(0.75)], set_value("k", 1, Context()))
    waiting.settle()
    assert len(meter.told) == 3
    for *_, context in meter.told:
        assert context


def test_where_every_point_is_an_exemplar_each_has_its_own_call(clock: list[float]) -> None:
    del clock
    rig = Rig(exemplars=AlwaysOnExemplarFilter())
    (first, _), (second, last) = rig.call(), rig.call()
    rig.tally.note([took(0.5)], first)
    rig.tally.note([took(0.75)], second)
    rig.tally.settle()
    assert rig.linked() == [(0.75, last)]
    rig.close()


def test_who_settles_inside_a_span_is_not_linked(rig: Rig, clock: list[float]) -> None:
    del clock
    context, span = rig.call()
    rig.tally.note([count(1), took(0.5), took(0.75), Point("plain", 1.0, {})], context)
    rig.tally.note([took(1.5)], Context())
    with rig.tracer.start_as_current_span("somebody's"):
        rig.tally.settle()
    assert rig.linked() == [(0.5, span), (1.0, span)]


def test_who_notes_inside_a_span_is_not_linked_either(rig: Rig, clock: list[float]) -> None:
    del clock
    context, span = rig.call()
    with rig.tracer.start_as_current_span("somebody's"):
        rig.tally.note([count(1), took(0.5)], context)
        rig.tally.note([count(1), took(0.75)], context)
    rig.tally.settle()
    assert rig.linked() == [(0.5, span)]


# -- forks, crowds, threads, failures ------------------------------------------------------------------------


def test_who_is_renewed_forgets_what_waits(rig: Rig) -> None:
    rig.tally.note([count(1), took(0.5)], NOWHERE)
    rig.tally.renew()
    rig.tally.settle()
    assert rig.points == {}
    rig.tally.note([count(4)], NOWHERE)
    rig.tally.settle()
    assert rig.points[COUNTED][0].value == 4


def test_it_is_crowded_beyond_what_a_batch_brings_and_not_when_settled(rig: Rig) -> None:
    crowded = [rig.tally.crowded]
    rig.tally.note([Run(TIMED, [(0.5, 2_048)], {})], NOWHERE)
    crowded.append(rig.tally.crowded)
    rig.tally.note([count(1)], NOWHERE)
    crowded.append(rig.tally.crowded)
    rig.tally.settle()
    crowded.append(rig.tally.crowded)
    assert crowded == [False, False, True, False]


def test_threads_that_note_and_settle_lose_nothing_and_count_nothing_twice(rig: Rig) -> None:
    many, rounds = 4, 300
    barrier = threading.Barrier(many)

    def work(number: int) -> None:
        attributes: Mapping[str, Any] = {"thread": number % 2}
        barrier.wait()
        for n in range(rounds):
            points = [Point(COUNTED, 1, attributes), count(10, all=True)]
            rig.tally.note([*points, Run(TIMED, [(0.5, 2), (1.5, 1)], attributes)], NOWHERE)
            if n % (number + 2) == 0:
                rig.tally.settle()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rig.tally.settle()
    points = rig.points
    counted = {tuple(point.attributes.items()): point.value for point in points[COUNTED]}
    assert counted == {
        (("thread", 0),): 2 * rounds,
        (("thread", 1),): 2 * rounds,
        (("all", True),): 10 * many * rounds,
    }
    assert [point.bucket_counts for point in points[TIMED]] == [(4 * rounds, 2 * rounds, 0)] * 2


def test_what_somebody_else_has_just_settled_is_left_to_them() -> None:
    meter = Heard()
    waiting = heard(meter)

    class Taken(deque[Any]):
        """Another thread settles as soon as somebody has seen that something waits."""

        seen = 0

        def __len__(self) -> int:
            many = super().__len__()
            self.seen += 1
            if self.seen == 2:
                waiting._waiting = deque(self)
                self.clear()
                other = threading.Thread(target=waiting.settle)
                other.start()
                other.join()
                waiting._waiting = self
            return many

    waiting._waiting = Taken()
    waiting.note([count(1, m="a"), count(2, m="b"), took(0.5)], NOWHERE)
    waiting.settle()
    assert sorted(told[:2] for told in meter.told) == [(COUNTED, 1), (COUNTED, 2), (TIMED, 0.5)]


@pytest.mark.parametrize("broken", [COUNTED, TIMED])
def test_an_instrument_that_fails_costs_its_own_points_only(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    fence.reset()
    meter = Heard(broken)
    waiting = heard(meter)
    waiting.note([took(0.5), count(1), Point("plain", 2.0, {})], NOWHERE)
    waiting.settle()
    assert {told[0] for told in meter.told} == {COUNTED, TIMED, "plain"} - {broken}
    assert fence.failures() == {"emit.point": 1}
    waiting.settle()
    assert len(meter.told) == 2
    assert fence.failures() == {"emit.point": 1}
    fence.reset()


def test_an_instrument_that_takes_several_values_at_once_is_told_once() -> None:
    histograms = Histograms(lambda: Resource({}))
    view = histograms.view(object())

    class Meter(NoOpMeter):
        def create_histogram(self, *given: Any, **named: Any) -> Any:
            return histograms.create(("x", None, None), *given, **named)

    tally = Tally(Meter("x"), INSTRUMENTS, 100, lambda context: context, bare)
    span = TracerProvider(shutdown_on_exit=False).get_tracer("x").start_span("call")
    context = trace.set_span_in_context(span, Context())
    attributes = {"a": 1}
    tally.note([Run(TIMED, ((0.5, 3), (1.5, 400)), attributes)], context)
    tally.note([Point(TIMED, 1.25, attributes), Run(TIMED, (), attributes)], context)
    assert len(tally._waiting) == 2
    tally.settle()
    data = view.beside(None)
    assert data is not None
    ((metric,),) = (scope.metrics for scope in data.resource_metrics[0].scope_metrics)
    (point,) = metric.data.data_points
    assert (point.count, tuple(point.bucket_counts)) == (404, (3, 401, 0))  # type: ignore[union-attr]
    # Of each bucket the largest; the point of its own came in another way.
    assert sorted(each.value for each in point.exemplars) == [0.5, 1.25]
    tally.note([Run(TIMED, ((0.25, 1), (1.75, 1)), attributes)], context)
    tally.settle()
    again = view.beside(None)
    assert again is not None
    ((metric,),) = (scope.metrics for scope in again.resource_metrics[0].scope_metrics)
    (point,) = metric.data.data_points
    assert (point.count, point.exemplars) == (406, [])  # within the same second


def own(told: list[Any]) -> tuple[Tally, Any]:
    """A tally whose histograms take several values at once, and what reads those; contexts of nobody are put into `told`."""
    histograms = Histograms(lambda: Resource({}))

    class Meter(Heard):
        def create_histogram(self, *given: Any, **named: Any) -> Any:
            return histograms.create(("x", None, None), *given, **named)

    def nobody(context: Context) -> Context:
        told.append(context)
        return bare(context)

    return Tally(Meter(), INSTRUMENTS, 100, light, nobody), histograms.view(object())


def sizes(view: Any) -> dict[str, int]:
    data = view.beside(None)
    scopes = data.resource_metrics[0].scope_metrics if data else ()
    return {each.name: each.data.data_points[0].count for scope in scopes for each in scope.metrics}


def test_what_is_quick_is_recorded_at_once_where_that_is_wanted() -> None:
    waiting, view = own([])
    waiting.note([count(1), took(0.5), Run(TIMED, ((0.5, 3), (1.5, 4)), {})], Context())
    assert sizes(view) == {}
    waiting.note([count(1), took(0.5)], Context(), at_once=True)
    assert sizes(view) == {TIMED: 1}
    waiting.settle()
    assert sizes(view) == {TIMED: 9}


def test_a_thread_of_ours_settles_where_no_collector_of_ours_is_sure_to(rig: Rig) -> None:
    assert rig.tally.due is False
    rig.tally.note([count(1)], Context())
    assert rig.tally.due is True
    rig.tally.settle()
    assert rig.tally.due is False
    waiting, _ = own([])
    waiting.note([count(1)] * 2_048, Context())
    assert waiting.due is False
    waiting.note([count(1)], Context())
    assert waiting.due is True


@pytest.mark.parametrize(("chosen", "many"), [("trace_based", 0), ("always_on", 1)])
def test_contexts_of_nobody_are_made_where_exemplars_are_made_of_all(
    monkeypatch: pytest.MonkeyPatch, clock: list[float], chosen: str, many: int
) -> None:
    del clock
    monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", chosen)
    told: list[Any] = []
    waiting, view = own(told)
    waiting.note([took(0.5)], Context(), at_once=True)
    assert told == []
    waiting.note([took(0.5), took(0.75)], Context(), at_once=True)
    assert len(told) == many
    assert sizes(view) == {TIMED: 3}
