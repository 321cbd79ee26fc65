"""Spans that are promised: whoever looks sees those that the SDK would have made, and nobody waits for them."""

from __future__ import annotations

import copy
import gc
import sys
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, Tracer, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    format_span_id,
    format_trace_id,
)

import clearspan
from clearspan.core import fence
from clearspan.emit import promised
from clearspan.emit.promised import Promised
from clearspan.runtime.identifiers import identifiers
from clearspan.runtime.promising import Promising, Provider, starting
from clearspan.runtime.sampling import Foreseen

SCOPE = ("clearspan", "1.0", "https://example.org/schema")
RESOURCE = Resource({"service.name": "tests"})
START, END = 1_700_000_000_000_000_000, 1_700_000_000_500_000_000
EVERYWHERE = Context()
STATE = TraceState([("vendor", "x")])


class Ended(SpanProcessor):
    """All that has begun and ended, as a destination sees it."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: list[ReadableSpan] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.started.append(span.name)

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)


def tracer_to(processor: SpanProcessor, share: float | None = None) -> Any:
    provider = Provider(Foreseen(share), RESOURCE)
    provider.add_span_processor(processor)
    return starting(provider, SCOPE)


def start(tracer: Any, context: Context = EVERYWHERE, attributes: Any = None) -> Any:
    return tracer.start_span("chat gpt", context, SpanKind.CLIENT, attributes, start_time=START)


def below(trace_id: int, flags: int, *, remote: bool, state: TraceState | None = None) -> Context:
    above = SpanContext(trace_id, 7, remote, TraceFlags(flags), state)
    return trace.set_span_in_context(NonRecordingSpan(above), Context())


ABOVE = [
    Context(),
    Context({"somebody's": "own"}),
    *(
        below(trace_id, flags, remote=remote, state=state)
        for trace_id in (0, 2**64 - 1, 2**100 + 1)
        for flags in range(4)
        for remote in (True, False)
        for state in (None, STATE)
    ),
]


def told(span: Any) -> Any:
    """All that is exported of a span, but for its own id, and its trace's where that begins with it."""
    context, above = span.get_span_context(), span.parent
    return (
        span.name, span.kind, span.start_time, span.end_time, dict(span.attributes), span.resource,
        span.instrumentation_scope, span.events, span.links, span.status.status_code, span.status.description, span.dropped_attributes,
        above and tuple(above), context.trace_flags, context.trace_state, context.is_remote, context.is_valid,
        context.trace_id if above else None,
    )  # fmt: skip


@given(
    st.sampled_from(ABOVE),
    st.sampled_from([None, 0.0, 1.0]),
    st.none() | st.dictionaries(st.text(min_size=1), st.integers(0, 9), max_size=2),
)
@hypothesis_settings(max_examples=300)
def test_a_promised_span_is_the_one_that_the_sdk_would_have_made(
    above: Context, share: float | None, attributes: Any
) -> None:
    ours, theirs = Ended(), Ended()
    plain = TracerProvider(
        Foreseen(share), RESOURCE, shutdown_on_exit=False, id_generator=identifiers
    )
    plain.add_span_processor(theirs)
    one = start(tracer_to(ours, share), above, attributes)
    other = start(plain.get_tracer(*SCOPE), above, attributes)
    for span in one, other:
        assert span.is_recording() is (type(other) is not NonRecordingSpan)
        span.set_attributes({"a": 1, "b": ["c", "d"]})
        span.set_status(Status(StatusCode.ERROR, "went wrong"))
        span.end(END)
        assert not span.is_recording()
    assert tuple(one.get_span_context())[2:] == tuple(other.get_span_context())[2:]
    assert [told(span) for span in ours.ended] == [told(span) for span in theirs.ended]
    assert [span.context for span in ours.ended] == [one.get_span_context()] * len(theirs.ended)


def test_what_is_asked_of_a_promised_span_is_asked_of_the_one_that_is_made() -> None:
    ended = Ended()
    tracer = tracer_to(ended)
    span = start(tracer)
    assert ended.started == []
    assert isinstance(span, Span)
    assert isinstance(span, ReadableSpan)
    assert span.parent is None
    assert span.is_recording()
    other = SpanContext(1, 2, is_remote=False)
    with span:
        span.set_attribute("one", 1)
        span.update_name("another")
        span.add_event("came", {"number": 1}, START + 1)
        span.add_link(other)
        span.record_exception(ValueError("no"))
        assert ended.started == ["chat gpt"]
        assert dict(span.attributes) == {"one": 1}
        assert (span.name, span.kind, span.start_time) == ("another", SpanKind.CLIENT, START)
        assert "another" in repr(span)
        assert copy.copy(span).name == "another"
    (end,) = ended.ended
    assert end.name == "another"
    assert [event.name for event in end.events] == ["came", "exception"]
    assert [link.context for link in end.links] == [other]
    assert end.context == span.get_span_context()
    with pytest.raises(AttributeError, match="unheard_of"):
        _ = span.unheard_of


def test_an_exception_that_leaves_a_block_is_told_by_the_span() -> None:
    ended = Ended()
    tracer = tracer_to(ended)
    with pytest.raises(KeyError), start(tracer):
        raise KeyError("x")
    (end,) = ended.ended
    assert end.status.status_code is StatusCode.ERROR


def test_two_threads_that_ask_at_once_get_the_same_span(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = Ended()
    span = start(tracer_to(ended))
    make = Promising.make
    first: list[Any] = []

    def slowly(*given: Any) -> Any:
        monkeypatch.undo()  # meanwhile another thread is quicker
        first.append(span.made())
        return make(*given)

    monkeypatch.setattr(Promising, "make", slowly)
    assert span.made() is first[0]
    span.end(END)
    assert len(ended.ended) == 1


def test_a_span_that_is_made_in_the_middle_of_another_has_the_ids_that_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where a collection runs there, and what it finalizes looks at its span."""
    provider = Provider(Foreseen(None), RESOURCE)
    tracer = starting(provider, SCOPE)
    outer, inner = start(tracer), start(tracer)
    promised = [span.get_span_context() for span in (outer, inner)]
    trace_id = provider.given.generate_trace_id

    def interrupted() -> int:
        monkeypatch.undo()
        inner.set_attribute("looked", 1)
        return trace_id()

    monkeypatch.setattr(provider.given, "generate_trace_id", interrupted)
    made = [outer.made(), inner.made()]
    assert [span.get_span_context() for span in made] == promised
    assert made[1].attributes == {"looked": 1}


def test_where_the_sdk_is_off_or_the_provider_an_applications_nothing_is_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs = TracerProvider(Foreseen(), shutdown_on_exit=False)
    assert type(starting(theirs, SCOPE)) is Tracer
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not start(tracer_to(Ended())).is_recording()


def test_a_program_may_use_the_current_span() -> None:
    exporter = InMemorySpanExporter()
    clearspan.init(exporters=[exporter], hardware="off")
    theirs = TracerProvider(shutdown_on_exit=False).get_tracer("app")
    seen: list[Any] = []

    @clearspan.task
    def work() -> None:
        here = trace.get_current_span()
        assert isinstance(here, ReadableSpan)
        here.set_attribute("app.order", 7)
        here.add_event("checked")
        with theirs.start_as_current_span("inner") as inner:
            seen.append(inner)

    work()
    assert clearspan.flush(10)
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["app.order"] == 7
    assert [event.name for event in span.events] == ["checked"]
    assert span.context == seen[0].parent


def test_the_time_of_a_span_is_that_of_its_call_whenever_it_is_made() -> None:
    ended = Ended()
    span = start(tracer_to(ended))
    span.end()
    (end,) = ended.ended
    assert end.start_time == START
    assert end.end_time is not None
    assert end.end_time > START


def test_a_span_that_cannot_be_made_costs_the_program_nothing_and_is_in_the_books(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    exporter = InMemorySpanExporter()
    clearspan.init(exporters=[exporter], hardware="off")

    def fail(*_: Any) -> Any:
        raise MemoryError("none left")

    monkeypatch.setattr(Promising, "make", fail)

    @clearspan.task
    def work(*, touches: bool) -> str:
        if touches:
            trace.get_current_span().set_attribute("a", 1)
        return "done"

    assert [work(touches=touches) for touches in (True, False)] == ["done", "done"]
    assert clearspan.flush(10)
    assert exporter.get_finished_spans() == ()
    accounts = clearspan.status().accounts
    assert (accounts.created, accounts.pending) == (2, 0)
    assert accounts.dropped == {"not_recorded": 2}


def test_what_could_not_be_made_once_is_made_when_it_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    exporter = InMemorySpanExporter()
    clearspan.init(exporters=[exporter], hardware="off")
    make = Promising.make

    def fail_once(*given: Any) -> Any:
        monkeypatch.setattr(Promising, "make", make)
        raise MemoryError("none left")

    @clearspan.task
    def work() -> None:
        here = trace.get_current_span()
        monkeypatch.setattr(Promising, "make", fail_once)
        here.set_attribute("lost", 1)
        here.set_attribute("kept", 1)

    work()
    assert clearspan.flush(10)
    (span,) = exporter.get_finished_spans()
    assert (span.attributes or {}).get("kept") == 1
    assert "lost" not in (span.attributes or {})


def with_room_for(calls: int, touch: Callable[[], object]) -> str:
    """What comes of `touch` where about so many calls may still be made one within the other."""

    def deepest(depth: int) -> int:
        try:
            return deepest(depth + 1)
        except RecursionError:
            return depth

    def descend(left: int) -> str:
        if left:
            return descend(left - 1)
        try:
            touch()
        except RecursionError:
            return "too deep"
        return "done"

    tracing = sys.gettrace()
    sys.settrace(None)  # a tracer's own calls take room in what it traces, which the SDK is not
    try:
        return descend(deepest(0) - calls)
    finally:
        sys.settrace(tracing)


@pytest.mark.parametrize("method", ["set_attribute", "add_event", "is_recording"])
def test_deep_in_calls_a_promised_span_needs_no_more_room_than_one_of_the_sdk(method: str) -> None:
    given: tuple[Any, ...] = {"set_attribute": ("a", 1), "add_event": ("a",)}.get(method, ())
    tracer, theirs = tracer_to(Ended()), TracerProvider(shutdown_on_exit=False).get_tracer("app")
    came: list[tuple[str, str]] = []
    for room in range(1, 40):
        both = theirs.start_span("x"), start(tracer)
        asked = [partial(getattr(span, method), *given) for span in both]
        of_theirs, of_ours = (with_room_for(room, ask) for ask in asked)
        came.append((of_theirs, of_ours))
        assert both[1].made().is_recording(), "it is made when there is room"
    assert ("done", "too deep") not in came
    assert came[-1] == ("done", "done")


def test_too_deep_in_calls_even_to_try_it_is_counted_and_made_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_deep(*given: object) -> Any:
        raise RecursionError

    fence.reset()
    span = start(tracer_to(Ended()))
    with monkeypatch.context() as deep:
        deep.setattr(promised, "fenced", too_deep)
        span.set_attribute("lost", 1)
        assert not span.made().is_recording()
    assert fence.failures() == {"recursion": 2}
    span.set_attribute("kept", 1)
    assert dict(span.made().attributes or {}) == {"kept": 1}
    fence.reset()


READ = [
    "name", "context", "kind", "parent", "start_time", "end_time", "status", "attributes", "events", "links", "resource",
    "dropped_attributes", "dropped_events", "dropped_links", "instrumentation_scope",
]  # fmt: skip
AS_A_WHOLE: list[Callable[[Any], Any]] = [repr, lambda span: span.to_json()]


@pytest.mark.parametrize("name", READ)
def test_what_a_program_reads_of_a_span_that_cannot_be_made_is_as_it_began(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    fence.reset()
    span, other = (start(tracer_to(Ended()), attributes={"a": 1}) for _ in range(2))
    expected = span.get_span_context() if name == "context" else getattr(other.made(), name)
    with monkeypatch.context() as full:

        def fail(*_: Any) -> Any:
            raise MemoryError("none left")

        full.setattr(Promising, "make", fail)
        found = getattr(span, name)
        assert not hasattr(span, "unheard_of")
    assert found.status_code is StatusCode.UNSET if name == "status" else found == expected
    assert fence.failures() == {"span.make": 1 + (name != "parent")}
    fence.reset()


@pytest.mark.parametrize("told", AS_A_WHOLE, ids=["repr", "to_json"])
@pytest.mark.parametrize("attributes", [{"a": 1}, None], ids=["with", "without"])
def test_as_a_whole_too_a_span_that_cannot_be_made_is_told_as_it_began(
    monkeypatch: pytest.MonkeyPatch, told: Callable[[Any], Any], attributes: Any
) -> None:
    tracer = tracer_to(Ended())
    top = start(tracer)
    around = trace.set_span_in_context(top, Context())
    span, other = (start(tracer, around, attributes=attributes) for _ in range(2))
    expected = told(other.made()).removeprefix("_")  # of the name of the SDK's own class
    for theirs, ours in zip(ids_of(other), ids_of(span), strict=True):
        expected = expected.replace(theirs, ours)
    with monkeypatch.context() as full:
        full.setattr(Promising, "make", lambda *_: NonRecordingSpan(span.get_span_context()))
        assert told(span) == expected


def ids_of(span: Any) -> tuple[str, str]:
    """As they are written in texts: in hexadecimal."""
    context = span.get_span_context()
    return format_trace_id(context.trace_id), format_span_id(context.span_id)


@pytest.mark.parametrize("name", READ)
def test_deep_in_calls_what_is_read_of_a_promised_span_is_there_or_it_is_too_deep(
    name: str,
) -> None:
    tracer = tracer_to(Ended())
    came = [
        with_room_for(room, partial(getattr, start(tracer), name)) for room in range(1, 40)
    ]  # which would raise an AttributeError, were it anything else
    assert came[-1] == "done"


def test_a_span_holds_nothing_of_the_context_that_it_began_in() -> None:
    """A program whose runs begin the next one from within themselves would keep all of them for ever."""

    class Order:
        """Something of the program's that is in its context."""

    tracer, orders = tracer_to(Ended()), weakref.WeakSet[Order]()
    spans = [start(tracer)]
    for _ in range(2):
        order = Order()
        orders.add(order)
        around = trace.set_span_in_context(spans[-1], Context({"order": order}))
        spans.append(start(tracer, around))
        del order, around
    ids, alive = spans[1].get_span_context(), [weakref.ref(span) for span in spans]
    last = spans.pop()
    del spans
    gc.collect()
    assert len(orders) == 0
    assert [span() is None for span in alive] == [True, True, False]
    assert last.made().parent == last.parent == ids


def test_where_the_sdk_counts_live_spans_it_starts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: list[Any] = []

    @clearspan.task
    def work() -> None:
        kinds.append(type(trace.get_current_span()))

    for told in ("", "True"):
        monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", told)
        clearspan.init(exporters=[InMemorySpanExporter()], hardware="off")
        work()
        clearspan.shutdown()
    assert kinds[0] is Promised
    assert issubclass(kinds[1], Span)
    assert kinds[1] is not Promised
