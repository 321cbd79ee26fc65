from __future__ import annotations

import base64
from typing import Any

import pytest

from clearspan.offline import otlp

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def value(given: Any) -> dict[str, Any]:
    if isinstance(given, bool):
        return {"boolValue": given}
    if isinstance(given, int):
        return {"intValue": str(given)}
    if isinstance(given, float):
        return {"doubleValue": given}
    if isinstance(given, list):
        return {"arrayValue": {"values": [value(item) for item in given]}}
    if isinstance(given, dict):
        return {"kvlistValue": {"values": attributes(given)}}
    return {"stringValue": given}


def attributes(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": value(item)} for name, item in given.items()]


def request(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def span(**fields: Any) -> dict[str, Any]:
    return {"traceId": TRACE, "spanId": SPAN, "name": "chat", "startTimeUnixNano": "10", "endTimeUnixNano": "20", **fields}  # fmt: skip


def only(document: dict[str, Any]) -> otlp.Told:
    (told,) = otlp.spans(document)
    return told


def test_a_span_with_everything() -> None:
    told = only(
        request(
            span(
                parentSpanId="00f067aa0ba902b7",
                kind=3,
                status={"code": 2, "message": "no"},
                attributes=attributes({"a": "x", "b": True, "c": 2**40, "d": 0.5, "e": [1, "y"], "f": {"g": ["h"]}}),
                events=[{"name": "e", "attributes": attributes({"i": 1})}, {}],
            )
        )
    )  # fmt: skip
    assert (told.trace_id, told.span_id, told.parent_id) == (TRACE, SPAN, "00f067aa0ba902b7")
    assert (told.kind, told.failed, told.message) == ("client", True, "no")
    assert (told.start_ns, told.end_ns) == (10, 20)
    assert told.attributes == {"a": "x", "b": True, "c": 2**40, "d": 0.5, "e": [1, "y"], "f": {"g": ["h"]}}  # fmt: skip
    assert told.events == (("e", {"i": 1}), ("", {}))


def test_what_is_absent_is_what_protobuf_says() -> None:
    told = only(request({"spanId": SPAN, "parentSpanId": "", "status": None, "kind": "odd"}))
    assert (told.trace_id, told.parent_id, told.start_ns, told.end_ns) == ("", None, 0, 0)
    assert (told.kind, told.failed, told.message, told.attributes) == ("internal", False, None, {})


def test_ids_in_base64_and_names_in_snake_case() -> None:
    coded = {
        "trace_id": base64.b64encode(bytes.fromhex(TRACE)).decode(),
        "span_id": base64.b64encode(bytes.fromhex(SPAN)).decode(),
        "start_time_unix_nano": 5,
        "kind": "SPAN_KIND_SERVER",
        "status": {"code": "STATUS_CODE_ERROR"},
        "attributes": [{"key": "a", "value": {"string_value": "x"}}],
    }
    told = only({"resource_spans": [{"scope_spans": [{"spans": [coded]}]}]})
    assert (told.trace_id, told.span_id, told.start_ns) == (TRACE, SPAN, 5)
    assert (told.kind, told.failed, told.attributes) == ("server", True, {"a": "x"})


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("ABC!", "abc!"),
        ("AbCd", "abcd"),
        ("0" * 32, ""),
        (7, ""),
        (TRACE.upper(), TRACE),
    ],
)
def test_odd_ids(given: Any, found: str) -> None:
    assert only(request(span(traceId=given))).trace_id == found


def test_odd_values_are_nothing() -> None:
    odd = [{"key": "a"}, {"key": "b", "value": {"doubleValue": "x"}}, {"key": "c", "value": {"intValue": "x"}}, {"key": "d", "value": {}}, "no"]  # fmt: skip
    told = only(request(span(attributes=odd)))
    assert told.attributes == {"a": None, "b": None, "c": 0, "d": None}
    deep: dict[str, Any] = {"stringValue": "deep"}
    for _ in range(40):
        deep = {"arrayValue": {"values": [deep]}}
    found = only(request(span(attributes=[{"key": "a", "value": deep}]))).attributes["a"]
    for _ in range(31):
        found = found[0]
    assert found == [None]


def test_log_records_belong_to_their_spans() -> None:
    record = {"traceId": TRACE, "spanId": SPAN, "eventName": "e", "timeUnixNano": "3", "body": value({"content": "hi"}), "attributes": attributes({"a": 1})}  # fmt: skip
    older = {"traceId": TRACE, "spanId": SPAN, "body": value("text"), "attributes": attributes({"event.name": "f"})}  # fmt: skip
    found = list(otlp.logs({"resourceLogs": [{"scopeLogs": [{"logRecords": [record, older, {"body": value("x")}]}]}]}))  # fmt: skip
    assert [(told.name, told.attributes) for told in found] == [("e", {"content": "hi", "a": 1}), ("f", {"event.name": "f"})]  # fmt: skip
    assert (found[0].span_id, found[0].start_ns) == (SPAN, 3)


def test_the_groups_of_older_versions() -> None:
    assert only({"resourceSpans": [{"instrumentationLibrarySpans": [{"spans": [span()]}]}]}).name == "chat"  # fmt: skip
    record = {"traceId": TRACE, "spanId": SPAN}
    logs = {"resourceLogs": [{"instrumentationLibraryLogs": [{"logRecords": [record]}]}]}
    assert len(list(otlp.logs(logs))) == 1


def test_requests_are_told_from_rows() -> None:
    assert otlp.is_request(request())
    assert otlp.is_request({"resourceMetrics": []})
    assert otlp.is_request({"resource_logs": []})
    assert not otlp.is_request({"input": "?"})
    assert not otlp.is_request([request()])
