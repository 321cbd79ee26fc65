"""Lines in OTLP's JSON encoding, as any reader of the format expects them."""

from __future__ import annotations

import base64
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry import trace as api
from opentelemetry._logs import SeverityNumber
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from clearspan import registry
from clearspan.exporters import Destination, DestinationError
from clearspan.exporters.otlp_json import (
    DEFAULT_PATH,
    JsonLines,
    JsonLinesLogExporter,
    JsonLinesMetricExporter,
    JsonLinesSpanExporter,
    build,
)
from tests.exporters.kit import bare, finished, logger, meter, program, spans, tracer, unprivileged

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys
from clearspan.exporters.otlp_json import JsonLines, JsonLinesSpanExporter
from tests.exporters.kit import spans
exporter = JsonLinesSpanExporter(JsonLines(sys.argv[1]))
for size in (10, 10_000, 100_000):
    for _ in range(10):
        assert exporter.export(spans(2, attributes={"text": sys.argv[2] * size})).name == "SUCCESS"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.jsonl"


@pytest.fixture
def lines(path: Path) -> JsonLines:
    return JsonLines(path)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def parsed(document: Any, message: Any) -> Any:
    """The document as the generated classes read it; they take ids in base64, OTLP has hex.

    Unknown fields are errors to them, so every name is one of the protocol's.
    """
    return ParseDict(with_base64_ids(document), message)


def with_base64_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode()
            if key in ("traceId", "spanId", "parentSpanId")
            else with_base64_ids(item)
            for key, item in value.items()
        }
    return [with_base64_ids(item) for item in value] if isinstance(value, list) else value


def values(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["key"]: item["value"] for item in attributes}


def test_spans_are_written_in_the_official_encoding(lines: JsonLines, path: Path) -> None:
    source = tracer(JsonLinesSpanExporter(lines))
    link = api.Link(api.SpanContext(0xABC, 0xDEF, is_remote=True))
    with source.start_as_current_span("outer") as outer:
        span = source.start_span(
            "chat",
            kind=api.SpanKind.CLIENT,
            links=[link],
            start_time=1_700_000_000_123_456_789,
            attributes={
                "text": "ü🎈\n",
                "count": 2**62,
                "share": 0.5,
                "yes": True,
                "list": ("a", "b"),
                # What looks like an id is none when it is a value.
                "traceId": "AAAA",
            },
        )
        span.add_event("first chunk", {"spanId": "BBBB"})
        span.set_status(api.StatusCode.ERROR, "boom")
        span.end()
    document = read(path)[0]
    assert list(document) == ["resourceSpans"]
    (resource,) = document["resourceSpans"]
    assert values(resource["resource"]["attributes"])["host.cores"] == {"intValue": "4"}
    (scoped,) = resource["scopeSpans"]
    assert scoped["scope"]["name"] == "kit"
    (written,) = scoped["spans"]
    context = span.get_span_context()
    assert written["traceId"] == f"{context.trace_id:032x}"
    assert written["spanId"] == f"{context.span_id:016x}"
    assert written["parentSpanId"] == f"{outer.get_span_context().span_id:016x}"
    assert (written["kind"], written["status"]) == (3, {"code": 2, "message": "boom"})
    assert written["startTimeUnixNano"] == "1700000000123456789"
    assert (written["links"][0]["traceId"], written["links"][0]["spanId"]) == (
        f"{0xABC:032x}",
        f"{0xDEF:016x}",
    )
    assert written["events"][0]["attributes"] == [
        {"key": "spanId", "value": {"stringValue": "BBBB"}}
    ]
    given = values(written["attributes"])
    assert given["text"] == {"stringValue": "ü🎈\n"}
    assert given["count"] == {"intValue": str(2**62)}
    assert (given["share"], given["yes"]) == ({"doubleValue": 0.5}, {"boolValue": True})
    assert given["list"]["arrayValue"]["values"] == [{"stringValue": "a"}, {"stringValue": "b"}]
    assert given["traceId"] == {"stringValue": "AAAA"}
    request = parsed(document, ExportTraceServiceRequest())
    assert request.resource_spans[0].scope_spans[0].spans[0].name == "chat"


def test_nested_values_survive(lines: JsonLines, path: Path) -> None:
    nested = {"deep": [{"er": 1}, "x"], "traceId": "AAAA"}
    JsonLinesSpanExporter(lines).export([bare({"nested": nested, "bytes": b"\x00\xff"})])
    (document,) = read(path)
    (written,) = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    given = values(written["attributes"])
    inner = values(given["nested"]["kvlistValue"]["values"])
    first, second = inner["deep"]["arrayValue"]["values"]
    assert first["kvlistValue"]["values"] == [{"key": "er", "value": {"intValue": "1"}}]
    assert second == {"stringValue": "x"}
    assert inner["traceId"] == {"stringValue": "AAAA"}
    assert given["bytes"] == {"bytesValue": "AP8="}


def test_events_are_written_in_the_official_encoding(lines: JsonLines, path: Path) -> None:
    log = logger(JsonLinesLogExporter(lines))
    with tracer().start_as_current_span("chat") as span:
        log.emit(
            event_name="gen_ai.evaluation.result",
            severity_number=SeverityNumber.INFO,
            body={"parts": [{"type": "text"}]},
            attributes={"messages": [{"role": "user", "parts": [{"content": "hi"}]}]},
        )
    (document,) = read(path)
    (record,) = document["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    context = span.get_span_context()
    assert (record["traceId"], record["spanId"]) == (
        f"{context.trace_id:032x}",
        f"{context.span_id:016x}",
    )
    assert (record["eventName"], record["severityNumber"]) == ("gen_ai.evaluation.result", 9)
    assert "kvlistValue" in record["body"]
    request = parsed(document, ExportLogsServiceRequest())
    attribute = request.resource_logs[0].scope_logs[0].log_records[0].attributes[0]
    assert attribute.value.array_value.values[0].kvlist_value.values[0].value.string_value == "user"


def test_metrics_are_written_in_the_official_encoding(lines: JsonLines, path: Path) -> None:
    with meter(JsonLinesMetricExporter(lines)) as (source, provider):
        with tracer().start_as_current_span("chat") as span:
            source.create_counter("calls", "{call}").add(2, {"model": "m"})
            source.create_histogram("took", "s").record(0.5)
        provider.force_flush()
    metrics = {
        metric["name"]: metric
        for metric in read(path)[0]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    }
    (calls,) = metrics["calls"]["sum"]["dataPoints"]
    assert calls["asInt"] == "2"
    assert (metrics["calls"]["sum"]["aggregationTemporality"], metrics["calls"]["unit"]) == (
        2,
        "{call}",
    )
    (took,) = metrics["took"]["histogram"]["dataPoints"]
    assert took["count"] == "1"
    assert "1" in took["bucketCounts"]
    # Exemplars lead from a point to a trace: their ids are hex as everywhere.
    context = span.get_span_context()
    assert calls["exemplars"][0]["traceId"] == f"{context.trace_id:032x}"
    request = parsed(read(path)[0], ExportMetricsServiceRequest())
    assert request.resource_metrics[0].scope_metrics[0].metrics[0].name == "calls"


def test_signals_share_a_file_a_line_each(lines: JsonLines, path: Path) -> None:
    JsonLinesSpanExporter(lines).export(spans(3))
    logger(JsonLinesLogExporter(lines)).emit(body="x")
    with meter(JsonLinesMetricExporter(lines)) as (source, provider):
        source.create_counter("calls").add(1)
        provider.force_flush()
    assert [next(iter(document)) for document in read(path)][:3] == [
        "resourceSpans",
        "resourceLogs",
        "resourceMetrics",
    ]
    assert lines.lines == len(read(path))


def test_the_file_is_private(lines: JsonLines, path: Path) -> None:
    JsonLinesSpanExporter(lines).export(spans())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_long_batches_become_several_lines(lines: JsonLines, path: Path) -> None:
    JsonLinesSpanExporter(lines).export(spans(8, attributes={"text": "x" * 300_000}))
    raw = path.read_bytes().splitlines()
    assert len(raw) > 1
    assert max(map(len, raw)) <= 1024 * 1024
    found = [
        span
        for document in read(path)
        for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ]
    assert len(found) == 8
    # One alone that is too long is written nevertheless: half a span is no span.
    JsonLinesSpanExporter(lines).export(spans(1, attributes={"text": "x" * 1_500_000}))
    assert len(path.read_bytes().splitlines()) == len(raw) + 1


def test_one_bad_span_spoils_no_other(lines: JsonLines, path: Path) -> None:
    good = spans(6)
    bad = ReadableSpan(name="lone \ud800", context=good[0].get_span_context())
    batch = [*good[:3], bad, *good[3:]]
    assert JsonLinesSpanExporter(lines).export(batch) is SpanExportResult.SUCCESS
    found = [
        span["name"]
        for document in read(path)
        for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ]
    assert found == ["chat gpt-4o"] * 6
    assert lines.skipped == 1


def test_nothing_to_write_makes_no_file(lines: JsonLines, path: Path) -> None:
    assert JsonLinesSpanExporter(lines).export([]) is SpanExportResult.SUCCESS
    assert JsonLinesMetricExporter(lines).export(MetricsData([])) is MetricExportResult.SUCCESS
    assert not path.exists()


def test_a_line_that_was_cut_by_a_kill_costs_no_other(lines: JsonLines, path: Path) -> None:
    exporter = JsonLinesSpanExporter(lines)
    exporter.export(spans())
    with path.open("ab") as file:
        file.write(b'{"resourceSpans":[{"scop')
    exporter.export(spans())
    first, cut, second = path.read_text().splitlines()
    assert json.loads(first)
    assert json.loads(second)
    assert cut.endswith("scop")


def test_processes_append_whole_lines(path: Path) -> None:
    writers = [program(WRITER, str(path), letter) for letter in "abcd"]
    for writer in writers:
        finished(writer)
    documents = read(path)
    texts = [
        values(span["attributes"])["text"]["stringValue"]
        for document in documents
        for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ]
    assert len(texts) == 4 * 30 * 2
    assert {letter for text in texts for letter in set(text)} == set("abcd")
    assert all(len(set(text)) == 1 for text in texts)


def test_a_full_disk_is_a_failure_and_leaves_whole_lines(path: Path) -> None:
    code = """
import resource, sys
from clearspan.exporters.otlp_json import JsonLines, JsonLinesSpanExporter
from tests.exporters.kit import spans
lines = JsonLines(sys.argv[1])
exporter = JsonLinesSpanExporter(lines)
print(exporter.export(spans(1)).name)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
print(exporter.export(spans(1, attributes={"text": "x" * 50_000})).name, bool(lines.last_error))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(exporter.export(spans(1)).name, bool(lines.last_error))
"""
    process = program(code, str(path))
    output, _ = process.communicate(timeout=60)
    assert output.split() == ["SUCCESS", "FAILURE", "True", "SUCCESS", "False"]
    assert len(read(path)) == 2


def test_a_folder_that_went_away_is_a_failure_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    lines = JsonLines(folder / "x.jsonl")
    exporter = JsonLinesSpanExporter(lines)
    folder.rmdir()
    assert exporter.export(spans()) is SpanExportResult.FAILURE
    assert exporter.export(spans()) is SpanExportResult.FAILURE
    assert len(caplog.records) == 1
    folder.mkdir()
    assert exporter.export(spans()) is SpanExportResult.SUCCESS
    assert lines.last_error is None


def test_after_shutdown_nothing_is_taken(lines: JsonLines, path: Path) -> None:
    span, log, metric = (
        kind(lines)
        for kind in (JsonLinesSpanExporter, JsonLinesLogExporter, JsonLinesMetricExporter)
    )
    for exporter in (span, log, metric):
        assert exporter.force_flush()
        exporter.shutdown()
    assert span.export(spans()) is SpanExportResult.FAILURE
    assert log.export([]) is LogRecordExportResult.FAILURE
    assert metric.export(MetricsData([])) is MetricExportResult.FAILURE
    assert not path.exists()


def test_build(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = registry.load(registry.EXPORTERS, "otlp_json")(Destination(path=str(path)))
    assert not path.exists()
    assert (built.counts_as, built.label) == ("exported", f"OTLP-JSON lines {path}")
    assert built.span.export(spans()) is SpanExportResult.SUCCESS
    assert built.status() == {"path": str(path), "lines": 1, "skipped": 0, "last error": ""}
    monkeypatch.chdir(tmp_path)
    assert build(Destination()).label.endswith(f"{os.sep}{DEFAULT_PATH}")


def test_build_refuses_what_cannot_work(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="there is no directory"):
        build(Destination(path=str(tmp_path / "no" / "x.jsonl")))
    with pytest.raises(DestinationError, match="not a file that can be written"):
        build(Destination(path=str(tmp_path)))
    with unprivileged() as folder:
        folder.chmod(0o500)
        with pytest.raises(DestinationError, match="not a file that can be written"):
            build(Destination(path=str(folder / "x.jsonl")))
