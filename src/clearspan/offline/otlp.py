"""OTLP's JSON encoding: spans and log records as plain values, whoever wrote them.

The collector's file exporter, the SDKs' own JSON exporters and clearspan write one request a line. Ids are
hex there; protobuf's own JSON has them in base64 and spells names in snake case in some languages: both are
understood.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

__all__ = ["Told", "is_request", "logs", "spans"]

_REQUESTS = ("resourceSpans", "resourceLogs", "resourceMetrics")
_DEPTH = 32
_KINDS: Mapping[object, str] = {
    number_or_name: word
    for number, word in enumerate(("internal", "internal", "server", "client", "producer", "consumer"))
    for number_or_name in (number, f"SPAN_KIND_{word.upper()}")
}  # fmt: skip
_FAILED = (2, "STATUS_CODE_ERROR")


class Told(NamedTuple):
    """A span, or a log record that says something about one; ids are lower-case hex, times in ns."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int
    kind: str
    failed: bool
    message: str | None
    attributes: dict[str, Any]
    events: tuple[tuple[str, dict[str, Any]], ...] = ()


def is_request(document: object) -> bool:
    """Whether this is an OTLP request of one of the signals."""
    return isinstance(document, Mapping) and any(
        _get(cast("Mapping[str, Any]", document), name) is not None for name in _REQUESTS
    )


def spans(request: Mapping[str, Any]) -> Iterator[Told]:
    """The spans of a request."""
    for resource in _items(request, "resourceSpans"):
        for scope in _items(resource, "scopeSpans") or _items(resource, "instrumentationLibrarySpans"):  # fmt: skip
            for span in _items(scope, "spans"):
                yield _span(span)


def logs(request: Mapping[str, Any]) -> Iterator[Told]:
    """The log records of a request that belong to a span; the body's fields are among the attributes."""
    for resource in _items(request, "resourceLogs"):
        for scope in _items(resource, "scopeLogs") or _items(resource, "instrumentationLibraryLogs"):  # fmt: skip
            for record in _items(scope, "logRecords"):
                told = _record(record)
                if told.trace_id and told.span_id:
                    yield told


def _span(span: Mapping[str, Any]) -> Told:
    start = _whole(_get(span, "startTimeUnixNano"))
    status = _get(span, "status")
    status = cast("Mapping[str, Any]", status) if isinstance(status, Mapping) else {}
    message = status.get("message")
    return Told(
        trace_id=_hex(_get(span, "traceId"), 16),
        span_id=_hex(_get(span, "spanId"), 8),
        parent_id=_hex(_get(span, "parentSpanId"), 8) or None,
        name=str(span.get("name", "")),
        start_ns=start,
        end_ns=_whole(_get(span, "endTimeUnixNano")) or start,
        kind=_KINDS.get(span.get("kind"), "internal"),
        failed=status.get("code") in _FAILED,
        message=message if isinstance(message, str) and message else None,
        attributes=_attributes(span),
        events=tuple((str(e.get("name", "")), _attributes(e)) for e in _items(span, "events")),
    )


def _record(record: Mapping[str, Any]) -> Told:
    attributes = _attributes(record)
    body = _value(record.get("body"))
    if isinstance(body, dict):
        attributes = {**cast("dict[str, Any]", body), **attributes}
    # Before logs had event names of their own, the name was an attribute.
    name = _get(record, "eventName") or attributes.get("event.name") or ""
    time = _whole(_get(record, "timeUnixNano"))
    trace_id, span_id = _hex(_get(record, "traceId"), 16), _hex(_get(record, "spanId"), 8)
    return Told(trace_id, span_id, None, str(name), time, time, "", False, None, attributes)


def _get(holder: Mapping[str, Any], name: str) -> Any:
    """The field of that name, in camel case or in snake case."""
    if name in holder:
        return holder[name]
    return holder.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name))


def _items(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = _get(holder, name)
    if not isinstance(found, list):
        return []
    return [item for item in cast("list[object]", found) if isinstance(item, Mapping)]


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {str(item.get("key")): _value(item.get("value")) for item in _items(holder, "attributes")}  # fmt: skip


def _value(value: Any, depth: int = _DEPTH) -> Any:
    """The value of an `AnyValue`; what is none, and what lies too deep, is `None`."""
    if not isinstance(value, Mapping) or depth == 0:
        return None
    held = cast("Mapping[str, Any]", value)
    for name in ("stringValue", "boolValue", "bytesValue"):
        if _get(held, name) is not None:
            return _get(held, name)
    if (whole := _get(held, "intValue")) is not None:
        return _whole(whole)
    if (number := _get(held, "doubleValue")) is not None:
        return number if isinstance(number, (int, float)) else None
    if isinstance(several := _get(held, "arrayValue"), Mapping):
        items = _items(cast("Mapping[str, Any]", several), "values")
        return [_value(item, depth - 1) for item in items]
    if isinstance(fields := _get(held, "kvlistValue"), Mapping):
        items = _items(cast("Mapping[str, Any]", fields), "values")
        return {str(item.get("key")): _value(item.get("value"), depth - 1) for item in items}
    return None


def _whole(value: Any) -> int:
    """A 64-bit number, which JSON has as text; 0 for anything else, as protobuf reads what is absent."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _hex(given: Any, size: int) -> str:
    """An id as lower-case hex; an empty text for none."""
    if not isinstance(given, str) or not given:
        return ""
    if len(given) != 2 * size:
        try:
            decoded = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            return given.lower()
        if len(decoded) == size:
            return decoded.hex()
    return given.lower() if given.strip("0") else ""
