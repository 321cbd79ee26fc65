"""`captured()`: everything that clearspan records in a block, in memory, for assertions."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from clearspan import runtime
from clearspan.assess.seat import EvaluatorStatus
from clearspan.capture import guarding, inlet
from clearspan.core.ledger import Accounts, Ledger
from clearspan.draft import Draft
from clearspan.pipeline import Pipeline
from clearspan.record import Invocation, Operation
from clearspan.runtime.build import Providers
from clearspan.runtime.identifiers import identifiers
from clearspan.score import Score
from clearspan.settings import load

__all__ = ["Captured", "SeenEvent", "SeenSpan", "captured"]

_DEADLINE = 10.0
_EventExporter: Any = InMemoryLogRecordExporter  # its constructor has no types


@dataclass(frozen=True, eq=False)
class SeenSpan:
    """A span that ended. `status` is `UNSET`, `OK` or `ERROR`; ids are lower-case hex, times Unix nanoseconds."""

    name: str
    kind: str
    attributes: Mapping[str, Any]
    status: str
    error: str | None
    trace_id: str
    span_id: str
    parent_id: str | None
    start_ns: int
    end_ns: int
    exceptions: tuple[Mapping[str, Any], ...]
    _seen: Captured = field(repr=False)

    def children(self) -> list[SeenSpan]:
        """The spans directly below, in end order."""
        return [span for span in self._seen.spans if span.parent_id == self.span_id]


@dataclass(frozen=True)
class SeenEvent:
    """An event (a log record with a name) and the span it belongs to."""

    name: str
    attributes: Mapping[str, Any]
    body: Any
    severity: str | None
    trace_id: str
    span_id: str


_ASKED = (
    Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT, Operation.EMBEDDINGS,
)  # fmt: skip


def _calls(told: Invocation | Draft) -> bool:
    """Whether it is about a model that is asked for something."""
    return told.kind == "client" or told.operation in _ASKED


class Captured:
    """What was recorded so far; reading waits until every ended operation is complete."""

    def __init__(self, pipeline: Pipeline, ledger: Ledger, spans: InMemorySpanExporter, events: InMemoryLogRecordExporter, reader: InMemoryMetricReader, invocations: list[Invocation], scores: list[Score]) -> None:  # fmt: skip
        self._pipeline = pipeline
        self._ledger = ledger
        self._spans = spans
        self._events = events
        self._reader = reader
        self._invocations = invocations
        self._scores = scores

    def _settle(self) -> None:
        if not self._pipeline.flush(_DEADLINE):
            raise TimeoutError(f"clearspan.testing: records were not complete after {_DEADLINE} s")

    @property
    def spans(self) -> list[SeenSpan]:
        """Ended spans, in end order."""
        self._settle()
        return [_span(span, self) for span in self._spans.get_finished_spans()]

    def span(self, name: str) -> SeenSpan:
        """The only span of that name. Raises `LookupError` when there is none or more than one."""
        found = [span for span in self.spans if span.name == name]
        if len(found) != 1:
            names = ", ".join(repr(span.name) for span in self.spans) or "none"
            raise LookupError(f"{len(found)} spans are named {name!r}; the spans are: {names}")
        return found[0]

    @property
    def events(self) -> list[SeenEvent]:
        """Events, in order."""
        self._settle()
        return [_event(item.log_record) for item in self._events.get_finished_logs()]

    @property
    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        """Points by instrument: `attributes`, `unit`, and `value` or `count`, `sum`, `buckets`, `bounds`."""
        self._settle()
        data = self._reader.get_metrics_data()
        found: dict[str, list[dict[str, Any]]] = {}
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found[metric.name] = [
                        _point(point, metric.unit) for point in metric.data.data_points
                    ]
        return found

    @property
    def invocations(self) -> list[Invocation]:
        """The records themselves, in end order."""
        self._settle()
        return list(self._invocations)

    @property
    def scores(self) -> list[Score]:
        """What evaluators, guards and feedback said, those included that were skipped, in the order of their saying."""
        self._settle()
        return list(self._scores)

    @property
    def evaluators(self) -> tuple[EvaluatorStatus, ...]:
        """How each evaluator has fared."""
        self._settle()
        return self._pipeline.judges()

    @property
    def accounts(self) -> Accounts:
        """The books: created, exported, dropped, pending."""
        self._settle()
        return self._ledger.read()

    @property
    def open_calls(self) -> int:
        """Operations that have begun and not ended."""
        return self._pipeline.open_calls

    @property
    def calls(self) -> list[Invocation]:
        """The records of calls of models, elsewhere or in the process, without steps, tools and agents.

        What only tells of calls below it, as a pipeline does of its model's, is not among them.
        """
        return [
            record for record in self.invocations if _calls(record) and not record.inference_calls
        ]

    @property
    def open_model_calls(self) -> int:
        """Those that have begun and not ended."""
        return sum(_calls(draft) for draft in self._pipeline.calls())


@contextmanager
def captured(**settings: Any) -> Generator[Captured]:
    """Record into memory inside the block, whether clearspan is running or not, and undo itself.

    Takes the settings of `clearspan.init` that concern what is recorded: `content`,
    `content_target`, `redact`, `providers`, `sample_rate`, `pricing`, `count_tokens` and so on; `hardware` is
    off unless it is asked for. What the
    program's own clearspan would have recorded goes here instead until the block ends. What is still open then
    is `abandoned`: so is a stream that was left in the middle, unless it was closed or collected before.
    """
    wanted = load({"exporters": ("memory",), "hardware": "off", **settings}, environ={})
    ledger = Ledger()
    spans, events, reader = (
        InMemorySpanExporter(),
        _EventExporter(),
        InMemoryMetricReader(),
    )
    # Its own sampler, since the SDK would let the environment decide.
    sampler = runtime.sampler_of(wanted) or ParentBased(ALWAYS_ON)
    tracer = TracerProvider(sampler, shutdown_on_exit=False, id_generator=identifiers)
    tracer.add_span_processor(_Settling(spans, ledger))
    meter = MeterProvider([reader], shutdown_on_exit=False)
    logger = LoggerProvider(shutdown_on_exit=False)
    logger.add_log_record_processor(SimpleLogRecordProcessor(events))
    invocations: list[Invocation] = []
    scores: list[Score] = []
    providers = Providers(tracer, meter, logger, own=True, label="memory")
    hardware = runtime.Hardware(wanted)
    pipeline = runtime.make_pipeline(
        wanted,
        providers,
        ledger,
        hardware=hardware,
        heard=[scores.append],
        consumers=[invocations.append],
    )
    hardware.start(runtime.meter_of(providers))
    patches = runtime.ProviderSet()
    chosen = patches.choose(wanted.providers)
    own = runtime.warden_of(wanted)
    warden = own or guarding.current()
    inlet.lend(pipeline)
    guarding.lend(warden)
    try:
        for item in chosen:
            patches.install(item)
        yield Captured(pipeline, ledger, spans, events, reader, invocations, scores)
    finally:
        guarding.give_back(warden)
        if own is not None:
            own.close()
        inlet.give_back(pipeline)
        patches.remove()
        pipeline.end_open()
        pipeline.stop(_DEADLINE)
        meter.shutdown()
        hardware.close(_DEADLINE)


class _Settling(SimpleSpanProcessor):
    """Exports at once and settles the span in the books."""

    def __init__(self, exporter: InMemorySpanExporter, ledger: Ledger) -> None:
        super().__init__(exporter)
        self._ledger = ledger

    def on_end(self, span: ReadableSpan) -> None:
        super().on_end(span)
        if span.context is not None and span.context.trace_flags.sampled:
            self._ledger.settle("exported")


def _span(span: ReadableSpan, seen: Captured) -> SeenSpan:
    context = span.get_span_context()
    return SeenSpan(
        name=span.name,
        kind=span.kind.name,
        attributes=dict(span.attributes or {}),
        status=span.status.status_code.name,
        error=span.status.description,
        trace_id=f"{context.trace_id:032x}" if context else "",
        span_id=f"{context.span_id:016x}" if context else "",
        parent_id=f"{span.parent.span_id:016x}" if span.parent is not None else None,
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        exceptions=tuple(
            dict(event.attributes or {}) for event in span.events if event.name == "exception"
        ),
        _seen=seen,
    )


def _event(record: Any) -> SeenEvent:
    severity = record.severity_number
    return SeenEvent(
        name=record.event_name or "",
        attributes=dict(record.attributes or {}),
        body=record.body,
        severity=severity.name if severity is not None else None,
        trace_id=f"{record.trace_id:032x}",
        span_id=f"{record.span_id:016x}",
    )


def _point(point: Any, unit: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"attributes": dict(point.attributes), "unit": unit}
    if hasattr(point, "bucket_counts"):
        found.update(
            count=point.count, sum=point.sum, min=point.min, max=point.max,
            buckets=list(point.bucket_counts), bounds=list(point.explicit_bounds),
        )  # fmt: skip
    else:
        found["value"] = point.value
    return found
