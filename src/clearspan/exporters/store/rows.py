"""From the SDK's objects to rows of the store. One `Encoder` for each exporter."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import (
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from clearspan import semconv
from clearspan.exporters.store.cells import Row, Value, as_json, clean, number, text, whole
from clearspan.exporters.store.scores import score_row

__all__ = ["Batch", "Encoder"]

_SERVICE = "service.name"
_EVENT_NAME = "event.name"
_TEMPORALITY = {1: "delta", 2: "cumulative"}


@dataclass(slots=True)
class Batch:
    """Rows that are written in one transaction. `skipped` counts what had no row in it."""

    spans: list[Row] = field(default_factory=list[Row])
    events: list[Row] = field(default_factory=list[Row])
    points: list[Row] = field(default_factory=list[Row])
    scores: list[Row] = field(default_factory=list[Row])
    traces: list[Row] = field(default_factory=list[Row])
    judged: list[Row] = field(default_factory=list[Row])
    """Traces that a score is about, which may be long over: it makes none last longer."""
    skipped: int = 0


class Encoder:
    """Makes batches. Not thread-safe: a processor exports one batch after the other."""

    def __init__(self) -> None:
        # A program has one resource, rarely two: encoding it once is enough.
        self._resource: Resource | None = None
        self._described: tuple[str | None, str] = (None, "{}")

    def spans(self, spans: Iterable[ReadableSpan]) -> Batch:
        """Rows for finished spans; one without ids cannot be stored and is counted as skipped."""
        batch = Batch()
        seen: dict[Value, tuple[Any, Any]] = {}
        for span in spans:
            row = self._span(span)
            if row is None:
                batch.skipped += 1
                continue
            batch.spans.append(row)
            _widen(seen, row[0], row[5], row[6])
        batch.traces = [(trace, *times) for trace, times in seen.items()]
        return batch

    def _span(self, span: ReadableSpan) -> Row | None:
        context = span.get_span_context()
        if context is None or not context.is_valid:
            return None
        given = span.attributes or {}
        service, resource = self._describe(span.resource)
        start, end = _times(span.start_time, span.end_time)
        return (
            f"{context.trace_id:032x}",
            f"{context.span_id:016x}",
            f"{span.parent.span_id:016x}" if span.parent else None,
            clean(span.name),
            span.kind.name.lower(),
            start,
            end,
            span.status.status_code.name.lower(),
            text(span.status.description),
            service,
            text(span.instrumentation_scope.name) if span.instrumentation_scope else None,
            *_promoted(given),
            as_json(given),
            resource,
            as_json([_span_event(event) for event in span.events]) if span.events else None,
            as_json([_link(link) for link in span.links]) if span.links else None,
        )

    def events(self, records: Iterable[ReadableLogRecord]) -> Batch:
        """Rows for log records, events among them."""
        batch = Batch()
        seen: dict[Value, tuple[Any, Any]] = {}
        for readable in records:
            row = self._event(readable)
            batch.events.append(row)
            if _is_evaluation(readable):
                _score(batch, row, readable.log_record.attributes or {})
            elif row[4] is not None:
                _widen(seen, row[4], row[0], row[0])
        batch.traces = [(trace, *times) for trace, times in seen.items()]
        return batch

    def _event(self, readable: ReadableLogRecord) -> Row:
        record = readable.log_record
        service, resource = self._describe(readable.resource)
        scope = readable.instrumentation_scope
        severity = record.severity_number
        return (
            record.timestamp or record.observed_timestamp or time.time_ns(),
            text(record.event_name),
            text(record.severity_text) or (severity.name if severity else None),
            severity.value if severity else None,
            f"{record.trace_id:032x}" if record.trace_id else None,
            f"{record.span_id:016x}" if record.span_id else None,
            None if record.body is None else as_json(record.body),
            as_json(record.attributes or {}),
            service,
            text(scope.name) if scope else None,
            resource,
        )

    def points(self, data: MetricsData) -> Batch:
        """Rows for metric points: one a point of each series."""
        batch = Batch()
        for resource in data.resource_metrics:
            batch.points.extend(self._of_resource(resource))
        return batch

    def _of_resource(self, metrics: ResourceMetrics) -> Iterator[Row]:
        service, resource = self._describe(metrics.resource)
        for scoped in metrics.scope_metrics:
            tail = (service, text(scoped.scope.name), resource)
            for metric in scoped.metrics:
                yield from (row + tail for row in _points(metric))

    def _describe(self, resource: Resource | None) -> tuple[str | None, str]:
        """The service's name and the resource's JSON."""
        if resource is not self._resource:
            given: Mapping[str, Any] = resource.attributes if resource else {}
            self._described = (text(given.get(_SERVICE)), as_json(given))
            self._resource = resource
        return self._described


def _is_evaluation(readable: ReadableLogRecord) -> bool:
    record = readable.log_record
    # Before log records had a field for it, an event's name was an attribute.
    name = record.event_name or (record.attributes or {}).get(_EVENT_NAME)
    return name == semconv.EVENT_EVALUATION


def _score(batch: Batch, event: Row, given: Mapping[str, Any]) -> None:
    time_ns, trace, span, service = event[0], event[4], event[5], event[8]
    row = score_row(given, time_ns=time_ns, trace=trace, span=span, service=service)
    if row is not None:
        batch.scores.append(row)
    if trace is not None:
        batch.judged.append((trace, time_ns, time_ns))


def _promoted(given: Mapping[str, Any]) -> Row:
    """The attributes that have a column of their own, in the order of the columns."""
    get = given.get
    asked = text(get(semconv.REQUEST_MODEL))
    return (
        text(get(semconv.SESSION_ID)) or text(get(semconv.CONVERSATION_ID)),
        text(get(semconv.USER_ID)),
        text(get(semconv.OPERATION_NAME)),
        text(get(semconv.PROVIDER_NAME)),
        text(get(semconv.RESPONSE_MODEL)) or asked,
        asked,
        whole(get(semconv.USAGE_INPUT_TOKENS)),
        whole(get(semconv.USAGE_OUTPUT_TOKENS)),
        text(get(semconv.ERROR_TYPE)),
    )


def _span_event(event: Any) -> dict[str, Any]:
    return {
        "name": event.name,
        "time_ns": event.timestamp,
        "attributes": event.attributes or {},
    }


def _link(link: Any) -> dict[str, Any]:
    return {
        "trace_id": f"{link.context.trace_id:032x}",
        "span_id": f"{link.context.span_id:016x}",
        "attributes": link.attributes or {},
    }


def _points(metric: Metric) -> Iterator[Row]:
    data = metric.data
    kind = "gauge"
    monotonic: int | None = None
    temporality: str | None = None
    if isinstance(data, Sum):
        kind, monotonic = "sum", int(data.is_monotonic)
    elif isinstance(data, Histogram):
        kind = "histogram"
    elif isinstance(data, ExponentialHistogram):
        kind = "exponential_histogram"
    if isinstance(data, (Sum, Histogram, ExponentialHistogram)):
        temporality = _TEMPORALITY.get(int(data.aggregation_temporality))
    for point in data.data_points:
        yield (
            point.time_unix_nano,
            point.start_time_unix_nano,
            clean(metric.name),
            text(metric.unit),
            kind,
            temporality,
            monotonic,
            as_json(point.attributes or {}),
            *_measured(point),
        )


def _measured(
    point: NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint,
) -> Row:
    """value, count, sum, min, max, buckets, bounds."""
    if isinstance(point, NumberDataPoint):
        return (number(point.value), None, None, None, None, None, None)
    summary = (point.count, number(point.sum), number(point.min), number(point.max))
    if isinstance(point, HistogramDataPoint):
        return (None, *summary, as_json(point.bucket_counts), as_json(point.explicit_bounds))
    buckets = {
        "scale": point.scale,
        "zero_count": point.zero_count,
        "positive": {
            "offset": point.positive.offset,
            "counts": point.positive.bucket_counts,
        },
        "negative": {
            "offset": point.negative.offset,
            "counts": point.negative.bucket_counts,
        },
    }
    return (None, *summary, as_json(buckets), None)


def _times(start: int | None, end: int | None) -> tuple[int, int]:
    known = start if start is not None else end
    known = time.time_ns() if known is None else known
    return known, known if end is None else end


def _widen(seen: dict[Value, tuple[Any, Any]], trace: Value, start: Any, end: Any) -> None:
    """Let what is known of `trace` reach from `start` to `end`."""
    first, last = seen.get(trace, (start, end))
    seen[trace] = (min(first, start), max(last, end))
