"""From the SDK's objects to rows of the store. One `Encoder` for each exporter.

A column is filled only by a value of its own type: what another program put under a standard name
with another type stays visible in `attributes`, and leaves the column empty.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

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
from clearspan.core import jsonfast

__all__ = ["Batch", "Encoder", "Row", "Value"]

Value: TypeAlias = str | int | float | None
Row: TypeAlias = tuple[Value, ...]

_LARGEST = 2**63
_SERVICE = "service.name"
_TEMPORALITY = {1: "delta", 2: "cumulative"}


@dataclass(slots=True)
class Batch:
    """Rows that are written in one transaction. `skipped` counts what had no row in it."""

    spans: list[Row] = field(default_factory=list[Row])
    events: list[Row] = field(default_factory=list[Row])
    points: list[Row] = field(default_factory=list[Row])
    traces: list[Row] = field(default_factory=list[Row])
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
            _clean(span.name),
            span.kind.name.lower(),
            start,
            end,
            span.status.status_code.name.lower(),
            _text(span.status.description),
            service,
            _text(span.instrumentation_scope.name) if span.instrumentation_scope else None,
            *_promoted(given),
            _json(given),
            resource,
            _json([_span_event(event) for event in span.events]) if span.events else None,
            _json([_link(link) for link in span.links]) if span.links else None,
        )

    def events(self, records: Iterable[ReadableLogRecord]) -> Batch:
        """Rows for log records, events among them."""
        batch = Batch()
        seen: dict[Value, tuple[Any, Any]] = {}
        for readable in records:
            row = self._event(readable)
            batch.events.append(row)
            if row[4] is not None:
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
            _text(record.event_name),
            _text(record.severity_text) or (severity.name if severity else None),
            severity.value if severity else None,
            f"{record.trace_id:032x}" if record.trace_id else None,
            f"{record.span_id:016x}" if record.span_id else None,
            None if record.body is None else _json(record.body),
            _json(record.attributes or {}),
            service,
            _text(scope.name) if scope else None,
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
            tail = (service, _text(scoped.scope.name), resource)
            for metric in scoped.metrics:
                yield from (row + tail for row in _points(metric))

    def _describe(self, resource: Resource | None) -> tuple[str | None, str]:
        """The service's name and the resource's JSON."""
        if resource is not self._resource:
            given: Mapping[str, Any] = resource.attributes if resource else {}
            self._described = (_text(given.get(_SERVICE)), _json(given))
            self._resource = resource
        return self._described


def _promoted(given: Mapping[str, Any]) -> Row:
    """The attributes that have a column of their own, in the order of the columns."""
    get = given.get
    asked = _text(get(semconv.REQUEST_MODEL))
    return (
        _text(get(semconv.SESSION_ID)) or _text(get(semconv.CONVERSATION_ID)),
        _text(get(semconv.USER_ID)),
        _text(get(semconv.OPERATION_NAME)),
        _text(get(semconv.PROVIDER_NAME)),
        _text(get(semconv.RESPONSE_MODEL)) or asked,
        asked,
        _whole(get(semconv.USAGE_INPUT_TOKENS)),
        _whole(get(semconv.USAGE_OUTPUT_TOKENS)),
        _text(get(semconv.ERROR_TYPE)),
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
            _clean(metric.name),
            _text(metric.unit),
            kind,
            temporality,
            monotonic,
            _json(point.attributes or {}),
            *_measured(point),
        )


def _measured(
    point: NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint,
) -> Row:
    """value, count, sum, min, max, buckets, bounds."""
    if isinstance(point, NumberDataPoint):
        return (_number(point.value), None, None, None, None, None, None)
    summary = (point.count, _number(point.sum), _number(point.min), _number(point.max))
    if isinstance(point, HistogramDataPoint):
        return (None, *summary, _json(point.bucket_counts), _json(point.explicit_bounds))
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
    return (None, *summary, _json(buckets), None)


def _times(start: int | None, end: int | None) -> tuple[int, int]:
    known = start if start is not None else end
    known = time.time_ns() if known is None else known
    return known, known if end is None else end


def _widen(seen: dict[Value, tuple[Any, Any]], trace: Value, start: Any, end: Any) -> None:
    """Let what is known of `trace` reach from `start` to `end`."""
    first, last = seen.get(trace, (start, end))
    seen[trace] = (min(first, start), max(last, end))


def _text(value: object) -> str | None:
    return _clean(value) if isinstance(value, str) and value else None


def _clean(value: str) -> str:
    """`value` without the lone surrogates that SQLite, like any UTF-8 consumer, refuses."""
    if value.isascii():
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _whole(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST:
        return int(value)
    return None


def _number(value: object) -> int | float | None:
    """A number as SQLite can hold it: infinite and unbounded ones are not known values."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    return _whole(value)


def _json(value: object) -> str:
    """Compact JSON text; bytes in base64, as in OTLP's own JSON."""
    try:
        encoded = _encode(value)
    except (TypeError, ValueError, RecursionError):
        return jsonfast.dumps(_bare(value))
    return _clean(encoded)


def _bare(value: object) -> object:
    """The outermost containers as `jsonfast` knows them."""
    if isinstance(value, Mapping):
        given = cast("Mapping[object, object]", value)
        return {str(key): _bare(item) for key, item in given.items()}
    return value


def _unusual(value: object) -> object:
    """What the `json` module does not know and OpenTelemetry's attributes may hold."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value).items())
    if isinstance(value, (Sequence, AbstractSet)):
        return list(cast("Iterable[object]", value))
    return f"<{type(value).__qualname__}>"


_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_unusual
).encode
