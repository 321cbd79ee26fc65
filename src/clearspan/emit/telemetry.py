"""Spans, metric points and events: the only module that holds a Tracer, a Meter and a Logger."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Token
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import baggage, propagate, trace
from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.metrics import Meter
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from clearspan import semconv as sc
from clearspan.core.fence import fenced
from clearspan.core.loading import load
from clearspan.draft import Draft
from clearspan.emit import measures, projection, quiet
from clearspan.emit.boards import board_of
from clearspan.emit.crowded import limit_of, limited
from clearspan.emit.gauges import ActiveCalls, RateLimits
from clearspan.emit.instruments import INSTRUMENTS, READ
from clearspan.emit.measures import Point, Vocabulary
from clearspan.emit.promised import Promised, Starting
from clearspan.emit.series import Series, Words
from clearspan.emit.tally import Tally
from clearspan.record import ErrorInfo, Invocation, TraceRef

if TYPE_CHECKING:
    from clearspan.score import Score

__all__ = ["Telemetry"]

_KINDS = {"client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
_PROPAGATED = "clearspan."
_UNKNOWN = object()
_DETAILED = measures.INFERENCE
_SPANS, _LOGS = "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT"


class _Handle(NamedTuple):
    """A started span, and the context in which it is the current one."""

    span: Span
    context: Context
    name: str
    subject: tuple[str, str | None, str | None]


class Telemetry:
    """Turns the life of a Draft into a span, and its Invocation into attributes and points.

    `spans` and `events` say where content goes; `exception_signal` is the value of
    `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`. Each instrument has at most `series` attribute sets.
    `counted` tokens, which no provider reported, are told where that is wanted; `context` names what of
    the call's context its cost is split by. `early`: a sampler or a processor may want to know at a span's start
    what it is about; else it gets all of its attributes in the end.
    """

    def __init__(
        self,
        tracer: Starting,
        meter: Meter,
        logger: Logger,
        *,
        vocabulary: Vocabulary = "current",
        spans: bool = True,
        events: bool = False,
        exception_signal: str = "",
        series: int = 1_000,
        counted: bool = False,
        context: Sequence[str] = (),
        early: bool = True,
    ) -> None:
        self._tracer = tracer
        self._logger = logger
        self._vocabulary: Vocabulary = vocabulary
        self._spans = spans
        self._events = events
        self._exceptions_logged = exception_signal in ("logs", "logs/dup")
        self._exceptions_on_spans = exception_signal != "logs"
        self._counted = counted
        self._context = tuple(context)
        self._early = early
        self._words = Words()
        told = [row for row in INSTRUMENTS if vocabulary == "both" or row.vocabulary in ("any", vocabulary)]  # fmt: skip
        self._tally = Tally(meter, told, series, _linked, _unlinked)
        self.settle, self.renew = self._tally.settle, self._tally.renew
        self._calls: Callable[[], Iterable[Draft]] = tuple
        self._active = ActiveCalls(Series(series))
        self._limits = RateLimits(Series(series))
        board = board_of(meter, "gauges.read")
        board.make(meter, (row for row in INSTRUMENTS if row.kind in READ))
        board.turn_to(self)

    @property
    def crowded(self) -> bool:
        """Whether so many points wait to be recorded that somebody should settle."""
        return self._tally.crowded

    @property
    def due(self) -> bool:
        """Whether a thread of ours should settle."""
        return self._tally.due

    def watch(self, calls: Callable[[], Iterable[Draft]]) -> None:
        """Who is asked, when metrics are collected, which calls go on. A method; held weakly."""
        reference = weakref.WeakMethod(calls)
        self._calls = lambda: _asked(reference)

    def read(self, name: str) -> list[Point]:
        """The points of an instrument that is read. Metrics are being collected: so all that waits is told first."""
        self._tally.settle()
        if name == sc.METRIC_ACTIVE_CALLS:
            return self._active.read(self._calls())
        return self._limits.read()[name]

    def around(self) -> Context | None:
        """The current context; `None` where it asks instrumentations to keep still."""
        context = get_current()
        return None if context and quiet.asked(context) else context

    def open(self, draft: Draft, context: Context) -> None:
        """Start the span of a draft in that context, with what a sampler may want to know."""
        name = projection.span_name(draft.operation, draft.model, draft.name)
        span = self._tracer.start_span(
            name,
            context,
            _KINDS[draft.kind],
            projection.start_attributes(draft) if self._early else None,
            start_time=draft.start_ns,
        )
        subject = draft.operation, draft.model, draft.name
        draft.span = _Handle(span, trace.set_span_in_context(span, context), name, subject)
        recording = span.is_recording()
        # The SDK's span knows what it is below; another tracer's may mean something else by that.
        above = getattr(span, "parent", _UNKNOWN) if context else None
        if above is not None and type(above) is not SpanContext:
            above = _above(context)
        draft.place = partial(_reference, span.get_span_context(), above)
        draft.recording = recording or self._events
        draft.content = draft.content and draft.recording

    def attach(self, draft: Draft) -> Any:
        """Make the draft's span the current one; answers the token for `detach`."""
        handle: _Handle | None = draft.span
        # It may be over before its code is: ended with clearspan, while the program reads on.
        return attach(get_current() if handle is None else handle.context)

    def detach(self, token: Any) -> None:
        """Undo `attach`."""
        if type(token) is Token:  # anything else would only be complained of, on standard error
            detach(token)

    def close(self, record: Invocation, handle: _Handle, *, at_once: bool = False) -> bool:
        """Set what the record tells, end the span at its own end time, record the points: `at_once` on a thread of ours.

        Answers whether there was a span to end: some are not recorded, whatever their context says.
        """
        if type(handle.span) is Promised:
            handle = handle._replace(span=handle.span.made())
        recorded = handle.span.is_recording()
        if recorded:
            fenced("emit.span", self._describe, handle, record)
            # Whatever was wrong with it, it is over; and what fails here is somebody else's processor.
            fenced("pipeline.emit", handle.span.end, record.timing.end_ns)
        fenced("emit.points", self._measure, record, handle, at_once=at_once)
        if self._events or record.error is not None:
            fenced("emit.events", self._report, record, handle)
        return recorded

    def _measure(self, record: Invocation, handle: _Handle, *, at_once: bool) -> None:
        points = measures.points(
            record, self._vocabulary, counted=self._counted, context=self._context
        )
        self._tally.note(points, handle.context, at_once=at_once)
        self._limits.note(record)

    def _report(self, record: Invocation, handle: _Handle) -> None:
        if self._events and record.operation in _DETAILED:
            self._emit(
                sc.EVENT_DETAILS,
                SeverityNumber.DEBUG,
                limited(projection.event_attributes(record), limit_of(None, _LOGS)),
                record,
                handle,
            )
        error = record.error
        if error is not None and error.exception is not None and self._exceptions_logged:
            self._emit(sc.EVENT_EXCEPTION, SeverityNumber.WARN, _exception(error), record, handle)

    def judge(self, score: Score) -> None:
        """Tell of a score: in the context of what was judged, although that may have ended long ago."""
        scores: Any = load("clearspan.emit.scores")  # what most programs do without
        target = score.target
        context = _context_of(target.trace if target is not None else None)
        self._tally.note(scores.points(score, self._words), context)
        if score.skipped is None and not scores.quiet(score):
            self._say(
                sc.EVENT_EVALUATION, SeverityNumber.INFO, scores.event_attributes(score), context
            )

    def _describe(self, handle: _Handle, record: Invocation) -> None:
        if (
            record.operation,
            record.model,
            record.name,
        ) != handle.subject:  # the model became known on the way
            name = projection.span_name(record.operation, record.model, record.name)
            if name != handle.name:
                handle.span.update_name(name)
        found = projection.attributes(record, content=self._spans)
        there: Any = getattr(handle.span, "attributes", None)
        others = sum(name not in found for name in there) if there else 0
        handle.span.set_attributes(limited(found, limit_of(handle.span, _SPANS) - others))
        if record.error is not None:
            self._fail(handle.span, record.error, record.timing.end_ns)

    def _fail(self, span: Span, error: ErrorInfo, end_ns: int) -> None:
        span.set_status(Status(StatusCode.ERROR, error.message))
        if error.exception is not None and self._exceptions_on_spans:
            span.add_event("exception", _exception(error), end_ns)

    def _emit(
        self,
        name: str,
        severity: SeverityNumber,
        attributes: Mapping[str, Any],
        record: Invocation,
        handle: _Handle,
    ) -> None:
        self._say(name, severity, attributes, handle.context, record.timing.end_ns)

    def _say(
        self,
        name: str,
        severity: SeverityNumber,
        attributes: Mapping[str, Any],
        context: Context,
        at_ns: int | None = None,
    ) -> None:
        now = time.time_ns()
        self._logger.emit(
            LogRecord(
                timestamp=at_ns or now,
                observed_timestamp=now,
                context=context,
                severity_number=severity,
                severity_text=severity.name,
                event_name=name,
                attributes=dict(attributes),
            )
        )

    def current(self) -> TraceRef | None:
        """The ids of the span that is current, whoever started it."""
        here = _above(get_current())
        return _reference(here, None) if here.is_valid else None

    def propagate(self, items: Mapping[str, str]) -> Callable[[], None]:
        """Put `items` into the baggage that goes to other processes; answers the undo."""
        context = get_current()
        for name, value in items.items():
            context = baggage.set_baggage(_PROPAGATED + name, value, context)
        token = attach(context)
        return lambda: detach(token)

    def received(self, context: Context) -> dict[str, str]:
        """What an upstream process put into the baggage of that context by `propagate`."""
        sent = baggage.get_all(context)
        if not sent:
            return {}
        return {
            name[len(_PROPAGATED) :]: str(value)
            for name, value in sent.items()
            if name.startswith(_PROPAGATED)
        }

    def join(self, headers: Mapping[str, str]) -> Callable[[], None] | None:
        """Take trace and baggage from a request's headers, unless a span is current; answers the undo.

        Where the program's own instrumentation has read them already, its context holds.
        """
        context = get_current()
        if trace.get_current_span(context).get_span_context().is_valid:
            return None
        joined = propagate.extract(headers, context)
        token = attach(joined)

        def leave() -> None:
            if get_current() is joined:  # else it is closed from elsewhere, or not its turn
                detach(token)

        return leave


def _above(context: Context) -> SpanContext:
    """The span that is current there; one that is not valid where none is."""
    return trace.get_current_span(context).get_span_context()


def _reference(context: SpanContext, above: SpanContext | None) -> TraceRef:
    return TraceRef(
        f"{context.trace_id:032x}",
        f"{context.span_id:016x}",
        f"{above.span_id:016x}" if above is not None and above.is_valid else None,
        context.trace_flags.sampled,
    )


def _context_of(trace_ref: TraceRef | None) -> Context:
    """A context in which the span of `trace_ref` is the current one, and nothing else is."""
    if trace_ref is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if trace_ref.sampled else TraceFlags.DEFAULT)
    span = SpanContext(
        int(trace_ref.trace_id, 16), int(trace_ref.span_id, 16), is_remote=True, trace_flags=flags
    )
    return trace.set_span_in_context(NonRecordingSpan(span), Context())


def _exception(error: ErrorInfo) -> dict[str, str]:
    found = {
        sc.EXCEPTION_TYPE: error.exception,
        sc.EXCEPTION_MESSAGE: error.message,
        sc.EXCEPTION_STACKTRACE: error.stacktrace,
    }
    return {name: value for name, value in found.items() if value is not None}


def _linked(context: Context) -> Context:
    """One with the same span and nothing of what that holds."""
    return trace.set_span_in_context(NonRecordingSpan(_above(context)), Context())


def _unlinked(context: Context) -> Context:
    """The same as if the span were not sampled: no exemplar comes of it, and where all are wanted it is the right one."""
    span = _above(context)
    bare = SpanContext(span.trace_id, span.span_id, is_remote=False)
    return trace.set_span_in_context(NonRecordingSpan(bare), Context())


def _asked(reference: weakref.WeakMethod[Callable[[], Iterable[Draft]]]) -> Iterable[Draft]:
    calls = reference()
    return () if calls is None else calls()
