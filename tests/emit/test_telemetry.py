"""Spans, points and events as OpenTelemetry's own SDK sees them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry._logs import NoOpLogger, SeverityNumber
from opentelemetry.context import Context, attach, detach, get_current, set_value
from opentelemetry.metrics import NoOpMeter, NoOpMeterProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    NoOpTracer,
    SpanContext,
    SpanKind,
    StatusCode,
    set_span_in_context,
)

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.emit import measures, tally
from clearspan.emit.content import ContentPolicy
from clearspan.emit.instruments import READ
from clearspan.emit.telemetry import Telemetry
from clearspan.record import Cost, ErrorInfo, HardwareUse, Invocation, Outcome, TraceRef, Usage
from clearspan.score import Score, Target

KEY = "sk-proj-aB3dE6gH9jK2mN5pQ8sT1vW4"
START, END = 1_700_000_000_000_000_000, 1_700_000_002_000_000_000


class Deciding(Sampler):
    """Keeps what it was asked; decides as told."""

    def __init__(self, decision: Decision = Decision.RECORD_AND_SAMPLE) -> None:
        self.decision = decision
        self.asked: list[tuple[str, Any, dict[str, Any]]] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        self.asked.append((name, kind, dict(attributes or {})))
        return SamplingResult(self.decision)

    def get_description(self) -> str:
        return "deciding"


@dataclass
class Rig:
    """The three providers in memory, and a Telemetry over them."""

    sampler: Sampler = field(default_factory=Deciding)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.logs: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self.reader = InMemoryMetricReader()
        self.tracer = TracerProvider(self.sampler, shutdown_on_exit=False)
        self.tracer.add_span_processor(SimpleSpanProcessor(self.spans))
        self.logger = LoggerProvider(shutdown_on_exit=False)
        self.logger.add_log_record_processor(SimpleLogRecordProcessor(self.logs))
        self.meter = MeterProvider([self.reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(
            self.tracer.get_tracer("clearspan", "1", schema_url=sc.SCHEMA_URL),
            self.meter.get_meter("clearspan", "1", schema_url=sc.SCHEMA_URL),
            self.logger.get_logger("clearspan", "1", schema_url=sc.SCHEMA_URL),
            **self.options,
        )

    def run(self, draft: Draft, policy: ContentPolicy | None = None) -> Invocation:
        draft.start_ns, draft.end_ns = START, END
        self.telemetry.open(draft, get_current())
        record = draft.seal(policy or ContentPolicy())
        self.telemetry.close(record, draft.span)
        return record

    @property
    def span(self) -> Any:
        (span,) = self.spans.get_finished_spans()
        return span

    @property
    def events(self) -> dict[str, Any]:
        return {
            item.log_record.event_name: item.log_record for item in self.logs.get_finished_logs()
        }

    @property
    def metrics(self) -> dict[str, Any]:
        data = self.reader.get_metrics_data()
        scopes = (
            [scope for item in data.resource_metrics for scope in item.scope_metrics]
            if data
            else []
        )
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def close(self) -> None:
        self.meter.shutdown()


@pytest.fixture
def rigs() -> Iterator[Any]:
    made: list[Rig] = []

    def make(sampler: Sampler | None = None, **options: Any) -> Rig:
        made.append(Rig(sampler or Deciding(), options))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(rigs: Any) -> Rig:
    made: Rig = rigs()
    return made


def call(operation: str = "chat", **facts: Any) -> Draft:
    draft = Draft(operation)
    draft.provider, draft.model = "openai", "gpt-4o"
    draft.server_address, draft.server_port = "api.openai.com", 443
    draft.input("question")
    draft.text("answer")
    draft.finish("stop")
    draft.usage(input=12, output=3)
    for name, value in facts.items():
        setattr(draft, name, value)
    return draft


def step(operation: str, name: str | None) -> Draft:
    draft = Draft(operation, kind="internal")
    draft.name = name
    return draft


# -- spans -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draft", "name", "kind"),
    [
        (call(), "chat gpt-4o", SpanKind.CLIENT),
        (call("embeddings"), "embeddings gpt-4o", SpanKind.CLIENT),
        (call(model=None), "chat", SpanKind.CLIENT),
        (call(kind="internal"), "chat gpt-4o", SpanKind.INTERNAL),
        (step("execute_tool", "add"), "execute_tool add", SpanKind.INTERNAL),
        (step("invoke_agent", None), "invoke_agent", SpanKind.INTERNAL),
        (step("invoke_workflow", "w"), "invoke_workflow w", SpanKind.INTERNAL),
        (step("task", "rank"), "rank", SpanKind.INTERNAL),
    ],
)
def test_name_kind_and_times(rig: Rig, draft: Draft, name: str, kind: SpanKind) -> None:
    rig.run(draft)
    assert (rig.span.name, rig.span.kind) == (name, kind)
    assert (rig.span.start_time, rig.span.end_time) == (START, END)
    assert rig.span.status.status_code is StatusCode.UNSET
    assert rig.span.status.description is None
    assert rig.span.events == ()


def test_scope_and_schema(rigs: Any) -> None:
    rig = rigs(events=True)
    rig.run(call())
    scopes = [rig.span.instrumentation_scope, rig.logs.get_finished_logs()[0].instrumentation_scope]
    data = rig.reader.get_metrics_data()
    assert data is not None
    scopes += [scope.scope for item in data.resource_metrics for scope in item.scope_metrics]
    for scope in scopes:
        assert (scope.name, scope.version) == ("clearspan", "1")
        assert scope.schema_url == "https://opentelemetry.io/schemas/1.37.0"
    assert len(scopes) == 3


@pytest.mark.parametrize("odd", [None, object(), INVALID_SPAN])
def test_what_a_tracer_of_anybodys_says_of_a_spans_parent_is_not_taken_for_granted(
    odd: Any,
) -> None:
    class Theirs(NonRecordingSpan):
        parent = odd

        def is_recording(self) -> bool:
            return True

    class Tracing(NoOpTracer):
        def start_span(self, *given: Any, **named: Any) -> Any:
            return Theirs(SpanContext(5, 6, is_remote=False))

    around = SpanContext(5, 4, is_remote=False)
    context = set_span_in_context(NonRecordingSpan(around), Context())
    draft = call()
    Telemetry(Tracing(), NoOpMeter("x"), NoOpLogger("x")).open(draft, context)
    assert draft.trace is not None
    # One that says there is none is believed: so does the SDK's, of a root.
    assert draft.trace.parent_id == (None if odd is None else f"{4:016x}")


def test_a_sampler_is_asked_with_what_is_known_at_the_start(rigs: Any) -> None:
    sampler = Deciding()
    rigs(sampler).run(call())
    assert sampler.asked == [
        (
            "chat gpt-4o",
            SpanKind.CLIENT,
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o",
                "server.address": "api.openai.com",
                "server.port": 443,
            },
        )
    ]


def test_everything_else_is_there_at_the_end(rig: Rig) -> None:
    draft = call()
    draft.set(temperature=0.5, stop_sequences=["a"])
    rig.run(draft)
    assert dict(rig.span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "server.address": "api.openai.com",
        "server.port": 443,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stop_sequences": ("a",),
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"question"}]}]',
        "gen_ai.output.messages": (
            '[{"role":"assistant","parts":[{"type":"text","content":"answer"}],"finish_reason":"stop"}]'
        ),
    }


def test_a_model_that_becomes_known_on_the_way_names_the_span(rig: Rig) -> None:
    draft = call(model=None)
    draft.start_ns, draft.end_ns = START, END
    rig.telemetry.open(draft, get_current())
    draft.model = "late"
    rig.telemetry.close(draft.seal(ContentPolicy()), draft.span)
    assert rig.span.name == "chat late"


def test_the_span_stands_under_the_current_one_and_is_current_inside(rig: Rig) -> None:
    with rig.tracer.get_tracer("host").start_as_current_span("outer") as outer:
        above = outer.get_span_context()
        draft = call(start_ns=START)
        rig.telemetry.open(draft, get_current())
        assert trace.get_current_span() is outer
        before = get_current()
        token = rig.telemetry.attach(draft)
        inner = trace.get_current_span().get_span_context()
        assert rig.telemetry.current() is not None
        rig.telemetry.detach(token)
        assert get_current() is before
    assert draft.trace is not None
    assert draft.trace.trace_id == f"{above.trace_id:032x}"
    assert draft.trace.parent_id == f"{above.span_id:016x}"
    assert draft.trace.span_id == f"{inner.span_id:016x}"
    assert draft.trace.sampled is True


def test_what_is_no_token_undoes_nothing(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    draft = call()
    rig.telemetry.open(draft, get_current())
    token = rig.telemetry.attach(draft)
    inside = get_current()
    for nonsense in (None, object(), "token"):
        rig.telemetry.detach(nonsense)
        assert get_current() is inside
    rig.telemetry.detach(token)
    assert get_current() is not inside
    assert caplog.records == []


def test_a_span_without_a_parent(rig: Rig) -> None:
    draft = call()
    rig.telemetry.open(draft, get_current())
    assert draft.trace is not None
    assert draft.trace.parent_id is None


def test_where_the_program_is(rig: Rig) -> None:
    assert rig.telemetry.current() is None
    with rig.tracer.get_tracer("host").start_as_current_span("outer") as outer:
        here = rig.telemetry.current()
        assert here is not None
        assert here.span_id == f"{outer.get_span_context().span_id:016x}"
        assert here.parent_id is None


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("suppress_instrumentation", True, True),
        ("suppress_language_model_instrumentation", True, True),
        ("suppress_instrumentation", False, False),
        ("suppress_http_instrumentation", True, False),
    ],
)
def test_suppression_keys(rig: Rig, key: str, value: bool, expected: bool) -> None:
    assert rig.telemetry.around() is get_current()
    token = attach(set_value(key, value))
    try:
        assert (rig.telemetry.around() is None) is expected
    finally:
        detach(token)


# -- failures ------------------------------------------------------------------------------------------------

ERROR = ErrorInfo("rate_limit", "slow down", "the stack", "openai.RateLimitError")
EXCEPTION = {
    "exception.type": "openai.RateLimitError",
    "exception.message": "slow down",
    "exception.stacktrace": "the stack",
}


def failed(**facts: Any) -> Draft:
    return call(error=ERROR, outcome=Outcome.FAILED, **facts)


@pytest.mark.parametrize(
    ("signal", "on_span", "in_logs"),
    [("", True, False), ("logs", False, True), ("logs/dup", True, True), ("odd", True, False)],
)
def test_an_exception_is_told_once_or_as_asked(
    rigs: Any, signal: str, on_span: bool, in_logs: bool
) -> None:
    rig = rigs(exception_signal=signal)
    rig.run(failed())
    assert rig.span.status.status_code is StatusCode.ERROR
    assert rig.span.status.description == "slow down"
    assert rig.span.attributes["error.type"] == "rate_limit"
    assert [(event.name, dict(event.attributes), event.timestamp) for event in rig.span.events] == (
        [("exception", EXCEPTION, END)] if on_span else []
    )
    assert set(rig.events) == ({"gen_ai.client.operation.exception"} if in_logs else set())
    if in_logs:
        record = rig.events["gen_ai.client.operation.exception"]
        assert dict(record.attributes) == EXCEPTION
        assert record.severity_number is SeverityNumber.WARN
        assert record.severity_text == "WARN"
        assert record.timestamp == END
        assert record.span_id == rig.span.context.span_id
        assert record.trace_id == rig.span.context.trace_id


@pytest.mark.parametrize("signal", ["", "logs", "logs/dup"])
def test_a_failure_without_an_exception_has_none(rigs: Any, signal: str) -> None:
    rig = rigs(exception_signal=signal)
    draft = call()
    draft.fail("content_filter", "refused")
    rig.run(draft)
    assert rig.span.status.description == "refused"
    assert rig.span.attributes["error.type"] == "content_filter"
    assert rig.span.events == ()
    assert rig.events == {}


def test_without_content_an_exception_has_no_message(rigs: Any) -> None:
    rig = rigs(exception_signal="logs/dup")
    rig.run(failed(), ContentPolicy("metadata"))
    assert rig.span.status.status_code is StatusCode.ERROR
    assert rig.span.status.description is None
    bare = {name: EXCEPTION[name] for name in ("exception.type", "exception.stacktrace")}
    assert dict(rig.span.events[0].attributes) == bare
    assert dict(rig.events["gen_ai.client.operation.exception"].attributes) == bare


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.CLOSED, Outcome.ABANDONED])
def test_leaving_early_is_no_failure(rig: Rig, outcome: Outcome) -> None:
    rig.run(call(outcome=outcome))
    assert rig.span.status.status_code is StatusCode.UNSET
    assert rig.span.attributes["clearspan.outcome"] == outcome.value
    assert "error.type" not in rig.span.attributes


def test_a_failure_carries_its_type_on_the_duration(rig: Rig) -> None:
    rig.run(failed())
    (point,) = rig.metrics["gen_ai.client.operation.duration"].data.data_points
    assert point.attributes["error.type"] == "rate_limit"


# -- where content goes --------------------------------------------------------------------------------------

DETAILS = "gen_ai.client.inference.operation.details"


@pytest.mark.parametrize(
    ("spans", "events"), [(True, False), (False, True), (True, True), (False, False)]
)
def test_content_goes_where_it_is_asked_for(rigs: Any, spans: bool, events: bool) -> None:
    rig = rigs(spans=spans, events=events)
    rig.run(call())
    assert ("gen_ai.input.messages" in rig.span.attributes) is spans
    assert set(rig.events) == ({DETAILS} if events else set())
    assert rig.span.attributes["gen_ai.usage.input_tokens"] == 12


def test_the_details_event_has_the_spans_attributes_with_structure(rigs: Any) -> None:
    rig = rigs(events=True)
    rig.run(call())
    record = rig.events[DETAILS]

    def facts(attributes: Any) -> dict[str, Any]:
        return {
            name: tuple(value) if isinstance(value, (list, tuple)) else value
            for name, value in attributes.items()
            if "messages" not in name
        }

    assert facts(record.attributes) == facts(rig.span.attributes)
    assert record.attributes.keys() == rig.span.attributes.keys()
    (asked,) = record.attributes["gen_ai.input.messages"]
    (answered,) = record.attributes["gen_ai.output.messages"]
    assert asked["role"] == "user"
    assert asked["parts"][0]["content"] == "question"
    assert answered["finish_reason"] == "stop"
    assert record.severity_number is SeverityNumber.DEBUG
    assert record.severity_text == "DEBUG"
    assert record.timestamp == END
    assert record.observed_timestamp > END
    assert record.body is None
    assert record.span_id == rig.span.context.span_id
    assert record.trace_id == rig.span.context.trace_id


@pytest.mark.parametrize("operation", ["embeddings", "execute_tool", "invoke_agent", "task"])
def test_only_inference_has_details(rigs: Any, operation: str) -> None:
    rig = rigs(events=True)
    rig.run(Draft(operation))
    assert rig.events == {}


# -- sampling ------------------------------------------------------------------------------------------------


class Untouchable(ContentPolicy):
    """Fails when it is asked to clean anything that is there."""

    __slots__ = ()

    def messages(self, messages: Any) -> Any:
        assert not messages
        return super().messages(messages)

    def value(self, value: Any) -> Any:
        assert value is None
        return super().value(value)


def unreadable() -> Iterator[Any]:
    yield pytest.fail("was read")


def test_an_unsampled_call_costs_no_content(rigs: Any) -> None:
    rig = rigs(ALWAYS_OFF)
    draft = Draft("chat")
    draft.model = "m"
    draft.start_ns, draft.end_ns = START, END
    rig.telemetry.open(draft, get_current())
    assert (draft.content, draft.recording) == (False, False)
    assert draft.trace is not None
    assert draft.trace.sampled is False
    draft.input(unreadable())
    draft.text("answer")
    draft.value("given", "made")
    draft.usage(input=1)
    rig.telemetry.close(draft.seal(Untouchable()), draft.span)
    assert rig.spans.get_finished_spans() == ()
    assert rig.events == {}
    (point,) = rig.metrics["gen_ai.client.token.usage"].data.data_points
    assert (point.sum, point.attributes["gen_ai.request.model"]) == (1, "m")


def test_events_do_not_depend_on_sampling(rigs: Any) -> None:
    rig = rigs(ALWAYS_OFF, events=True)
    draft = call()
    draft.content = True
    rig.run(draft)
    assert draft.recording is True
    assert rig.spans.get_finished_spans() == ()
    (asked,) = rig.events[DETAILS].attributes["gen_ai.input.messages"]
    assert asked["parts"][0]["content"] == "question"


def test_what_is_recorded_and_not_sampled_is_filled_all_the_same(rigs: Any) -> None:
    ended: list[Any] = []

    class Watching(SimpleSpanProcessor):
        def on_end(self, span: Any) -> None:
            ended.append(span)

    rig = rigs(Deciding(Decision.RECORD_ONLY))
    rig.tracer.add_span_processor(Watching(rig.spans))
    rig.run(call())
    (span,) = ended
    assert span.attributes["gen_ai.usage.input_tokens"] == 12
    assert rig.spans.get_finished_spans() == ()


def test_content_that_is_not_wanted_is_not_wanted_by_sampling_either(rig: Rig) -> None:
    draft = call(content=False, start_ns=START)
    rig.telemetry.open(draft, get_current())
    assert draft.content is False
    assert draft.recording is True


# -- metrics -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vocabulary", ["current", "next", "both"])
def test_instruments_as_the_sdk_makes_them(rigs: Any, vocabulary: Any) -> None:
    """Every point of every kind of record finds its instrument, with unit and buckets."""
    rig = rigs(vocabulary=vocabulary)
    for operation in ("chat", "embeddings", "fetch_response", "retrieval"):
        rig.run(streamed(operation))
    rig.run(streamed("text_completion", kind="internal"))
    for operation in ("execute_tool", "invoke_agent", "invoke_workflow", "task"):
        rig.run(step(operation, "n"))
    going = Going(call())
    rig.telemetry.watch(going.calls)
    for score in (Score(0.5, cost=0.1, duration=0.1), Score(error="e"), Score(skipped="s")):
        rig.telemetry.judge(score)
    known = {item.name: item for item in measures.INSTRUMENTS}
    wanted = {
        name
        for name, item in known.items()
        if vocabulary == "both" or item.vocabulary in ("any", vocabulary)
    }
    found = rig.metrics
    assert found.keys() == wanted
    for name, metric in found.items():
        item = known[name]
        assert (metric.unit, metric.description) == (item.unit, item.note)
        (point, *_) = metric.data.data_points
        assert getattr(metric.data, "is_monotonic", None) is MONOTONIC[item.kind]
        assert getattr(point, "explicit_bounds", None) == (
            tuple(item.buckets or ()) if item.kind == "histogram" else None
        )


MONOTONIC = {"counter": True, "updowncounter": False, "gauge": None, "histogram": None}


class Going:
    """Who knows which calls go on."""

    def __init__(self, *drafts: Draft) -> None:
        self.drafts = list(drafts)

    def calls(self) -> list[Draft]:
        return self.drafts


def streamed(operation: str, **facts: Any) -> Draft:
    """A call of which everything is known."""
    draft = call(operation, **facts)
    for at in (0.1, 0.2):
        draft.stamp(at, content=True)
    draft.usage(cache_read=1, cache_write=1, reasoning=1, audio_input=1)
    draft.phase("decode", 0.5)
    draft.pace.decoded = 10
    draft.cost = Cost(0.5)
    draft.hardware = HardwareUse(energy=2.0, attribution="exclusive")
    draft.extra(sc.RETRY_COUNT, 1)
    draft.extras.update(
        {
            f"{sc.RATE_LIMIT}requests.limit": 10,
            f"{sc.RATE_LIMIT}requests.remaining": 9,
            f"{sc.RATE_LIMIT}requests.reset": 30.0,
            sc.RETRY_AFTER: 20.0,
        }
    )
    return draft


def test_no_pause_of_a_long_stream_is_lost(rig: Rig) -> None:
    draft = call()
    at = 0.0
    for n in range(2_001):
        at += 0.03 if n % 4 else 0.3
        draft.stamp(at, content=True)
    rig.run(draft)
    name = "gen_ai.client.operation.time_per_output_chunk"
    (point,) = rig.metrics[name].data.data_points
    assert point.count == 2_000
    assert point.sum == pytest.approx(1_500 * 0.03 + 500 * 0.3, rel=0.01)
    held = {point.explicit_bounds[n]: count for n, count in enumerate(point.bucket_counts) if count}
    assert held == {0.04: 1_500, 0.32: 500}


def test_points_are_taken_in_the_context_of_their_span(rigs: Any) -> None:
    rig = rigs()
    rig.run(call())
    (point,) = rig.metrics["gen_ai.client.operation.duration"].data.data_points
    (exemplar,) = point.exemplars
    assert exemplar.span_id == rig.span.context.span_id
    assert exemplar.trace_id == rig.span.context.trace_id
    assert (point.sum, point.count) == (2.0, 1)


def test_it_works_without_an_sdk() -> None:
    telemetry = Telemetry(
        trace.NoOpTracerProvider().get_tracer("x"),
        NoOpMeterProvider().get_meter("x"),
        LoggerProvider(shutdown_on_exit=False).get_logger("x"),
        vocabulary="both",
        events=True,
    )
    draft = call()
    telemetry.open(draft, get_current())
    telemetry.detach(telemetry.attach(draft))
    telemetry.close(draft.seal(ContentPolicy()), draft.span)
    assert draft.trace is not None
    assert draft.trace.sampled is False
    assert draft.recording is True  # the events want it


# -- baggage -------------------------------------------------------------------------------------------------


def test_what_is_propagated_and_received(rig: Rig) -> None:
    before = get_current()
    assert rig.telemetry.received(get_current()) == {}
    undo = rig.telemetry.propagate({"session": "s", "user": "u"})
    assert dict(baggage.get_all()) == {"clearspan.session": "s", "clearspan.user": "u"}
    token = attach(baggage.set_baggage("other", "x"))
    assert rig.telemetry.received(get_current()) == {"session": "s", "user": "u"}
    detach(token)
    undo()
    assert get_current() is before


# -- what a batch must survive -------------------------------------------------------------------------------


def test_no_text_can_spoil_a_batch(rigs: Any) -> None:
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    rig = rigs(events=True, exception_signal="logs/dup")
    bad = "\ud800"
    draft = Draft("chat")
    draft.name, draft.model, draft.provider = bad, f"m{bad}", bad
    draft.response_id, draft.finish_reasons = bad, [bad]
    draft.input([{"role": bad, "parts": [{"type": "text", "content": bad, bad: [1, None, 2.5]}]}])
    draft.text(bad)
    draft.extra("x", bad)
    draft.set(seed=2**70, conversation_id=bad)
    draft.outcome, draft.error = Outcome.FAILED, ErrorInfo(f"e{bad}", bad, None, "E")
    rig.run(draft)
    sent = encode_spans(rig.spans.get_finished_spans())
    (span,) = sent.resource_spans[0].scope_spans[0].spans
    names = {attribute.key for attribute in span.attributes}
    assert "gen_ai.request.seed" not in names
    assert {"x", "gen_ai.request.model", "gen_ai.input.messages"} <= names
    assert span.name == "chat m\ufffd"
    assert span.status.message == "\ufffd"
    logs = encode_logs(rig.logs.get_finished_logs()).resource_logs[0].scope_logs[0].log_records
    assert {record.event_name for record in logs} == {DETAILS, "gen_ai.client.operation.exception"}
    assert b"\xef\xbf\xbd" in logs[0].SerializeToString()


def test_usage_that_is_unknown_is_absent(rig: Rig) -> None:
    record = rig.run(Draft("chat"))
    assert record.usage == Usage()
    assert not [name for name in rig.span.attributes if "usage" in name]
    assert "gen_ai.client.token.usage" not in rig.metrics


# -- points that wait ------------------------------------------------------------------------------------------

DURATION = "gen_ai.client.operation.duration"


def test_whoever_collects_sees_every_call_so_far(rig: Rig) -> None:
    """Nobody flushes: what waits is recorded when metrics are collected."""
    for calls in (1, 2, 3):
        rig.run(call())
        assert rig.metrics[DURATION].data.data_points[0].count == calls
        assert rig.metrics[DURATION].data.data_points[0].count == calls
    assert rig.metrics["clearspan.client.operation.count"].data.data_points[0].value == 3


def test_every_reader_sees_every_call(rigs: Any) -> None:
    readers = [InMemoryMetricReader() for _ in range(2)]
    meter = MeterProvider(readers, shutdown_on_exit=False)
    telemetry = Telemetry(
        trace.NoOpTracerProvider().get_tracer("x"),
        meter.get_meter("x"),
        LoggerProvider(shutdown_on_exit=False).get_logger("x"),
    )
    rig = rigs()
    rig.telemetry, rig.meter = telemetry, meter
    for calls in (1, 2):
        rig.run(call())
        for rig.reader in readers:
            assert rig.metrics[DURATION].data.data_points[0].count == calls


@pytest.mark.parametrize("name", [row.name for row in measures.INSTRUMENTS if row.kind in READ])
def test_what_waits_is_recorded_before_an_instrument_is_read(rig: Rig, name: str) -> None:
    rig.run(call())
    assert len(rig.telemetry._tally._waiting) > 0
    assert rig.telemetry.read(name) == []
    assert len(rig.telemetry._tally._waiting) == 0


def test_points_wait_for_who_settles_them(rig: Rig) -> None:
    rig.run(call())
    waiting = rig.telemetry._tally._waiting
    assert {noted.way.buckets is None for noted in waiting} == {True, False}
    rig.telemetry.settle()
    assert len(waiting) == 0
    assert rig.metrics[DURATION].data.data_points[0].count == 1


def test_a_forked_child_does_not_record_what_waits(rig: Rig) -> None:
    rig.run(call())
    rig.telemetry.renew()
    assert DURATION not in rig.metrics
    rig.run(call())
    assert rig.metrics[DURATION].data.data_points[0].count == 1


def test_many_points_are_a_crowd_until_somebody_settles(rig: Rig) -> None:
    crowded = [rig.telemetry.crowded]
    draft = call()
    for n in range(2_050):
        draft.stamp(0.5 * n, content=True)
    rig.run(draft)
    crowded.append(rig.telemetry.crowded)
    assert rig.metrics["gen_ai.client.operation.time_per_output_chunk"].data.data_points[0].count == 2_049  # fmt: skip
    crowded.append(rig.telemetry.crowded)
    assert crowded == [False, True, False]


def linked(rig: Rig) -> set[int | None]:
    """The spans that exemplars link."""
    return {
        each.span_id
        for metric in rig.metrics.values()
        for point in metric.data.data_points
        for each in getattr(point, "exemplars", ())
    }


def test_who_collects_inside_a_span_is_not_linked(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "time", SimpleNamespace(monotonic=lambda: 5.0))
    rig.run(call())
    rig.run(call())
    first: Any = rig.spans.get_finished_spans()[0]
    with rig.tracer.get_tracer("host").start_as_current_span("somebody's"):
        assert linked(rig) == {first.context.span_id}


def test_points_that_wait_keep_nothing_of_their_call(rig: Rig) -> None:
    draft = call()
    rig.run(draft)
    span = weakref.ref(draft.span.span)
    ended = rig.span.context.span_id
    del draft
    rig.spans.clear()
    gc.collect()
    assert span() is None
    assert len(rig.telemetry._tally._waiting) > 0
    assert linked(rig) == {ended}


def test_where_a_call_stood_keeps_nothing_of_it(rig: Rig) -> None:
    """The place is asked for through a response, which outlives its call but not what that held."""
    draft = call()
    rig.run(draft)
    span, place = weakref.ref(draft.span.span), draft.place
    ended = rig.span.context.span_id
    del draft
    rig.spans.clear()
    gc.collect()
    told = place()
    assert told is not None
    assert told.span_id == f"{ended:016x}"
    assert span() is None


def test_a_score_is_recorded_in_the_context_of_what_was_judged(rig: Rig) -> None:
    judged = rig.run(call()).trace
    assert judged is not None
    with rig.tracer.get_tracer("host").start_as_current_span("somebody's"):
        rig.telemetry.judge(Score(0.5, target=Target(trace=judged)))
        rig.telemetry.judge(Score(0.75))
        assert len(rig.telemetry._tally._waiting) > 0
        found = rig.metrics
    (point,) = found[sc.METRIC_EVALUATION_SCORE].data.data_points
    assert (point.sum, point.count) == (1.25, 2)
    (exemplar,) = point.exemplars
    assert (exemplar.value, f"{exemplar.span_id:016x}") == (0.5, judged.span_id)
    (counted,) = found[sc.METRIC_EVALUATION_RESULTS].data.data_points
    assert counted.value == 2


def test_a_score_of_what_was_not_sampled_links_nothing(rig: Rig) -> None:
    unsampled = TraceRef("1" * 32, "2" * 16, None, False)
    rig.telemetry.judge(Score(0.5, target=Target(trace=unsampled)))
    assert linked(rig) == set()
    assert sc.METRIC_EVALUATION_SCORE in rig.metrics


# -- the name of a span ----------------------------------------------------------------------------------------


class Renaming(SpanProcessor):
    """The application's: it gives its spans names of its own."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        span.update_name("mine")


@pytest.mark.parametrize("model", ["gpt-4o", f"m {KEY}", None])
def test_a_name_that_was_known_at_the_start_is_not_set_again(rig: Rig, model: str | None) -> None:
    rig.tracer.add_span_processor(Renaming())
    rig.run(call(model=model))
    assert rig.span.name == "mine"


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ({"model": None}, {"model": "late"}, "chat late"),
        ({"model": "m"}, {"model": f"m {KEY}"}, "chat m [secret]"),
        ({"model": f"m {KEY}"}, {}, "chat m [secret]"),
        ({"model": "m"}, {"name": "n"}, "chat m"),
        ({"model": None}, {"name": "n"}, "chat n"),
        ({"operation": "text_completion"}, {"operation": "chat"}, "chat gpt-4o"),
    ],
)
def test_a_span_is_named_by_what_is_known_in_the_end(
    rig: Rig, before: dict[str, Any], after: dict[str, Any], name: str
) -> None:
    draft = call(**before)
    draft.start_ns, draft.end_ns = START, END
    rig.telemetry.open(draft, get_current())
    for fact, value in after.items():
        setattr(draft, fact, value)
    rig.telemetry.close(draft.seal(ContentPolicy()), draft.span)
    assert rig.span.name == name
