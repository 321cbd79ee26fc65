"""What `build` makes of a spool: exporters, a name for each receiver, a file that can be used."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics import Counter
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExportResult
from opentelemetry.sdk.trace.export import SpanExportResult

from clearspan.exporters import Destination, DestinationError, Exporters, Spooling
from clearspan.exporters.otlp import build
from clearspan.exporters.otlp.addresses import Target
from clearspan.exporters.otlp.spool import _receiver, exporters
from tests.exporters.kit import logger, meter, spans
from tests.support.otlp_sink import Reply, Sink, http_sink, plain

MIB = 1024 * 1024


@pytest.fixture
def sink() -> Iterator[Sink]:
    with http_sink() as made:
        yield made


def spooling(path: Path, **limits: Any) -> Spooling:
    return Spooling(str(path), **{"max_bytes": 16 * MIB, "max_age": 3_600.0, **limits})


def built(sink: Sink, path: Path, **limits: Any) -> Exporters:
    made = build(Destination(endpoint=sink.url, spool=spooling(path, **limits)))
    courier: Any = made.courier
    courier.worker.offer = lambda *_: True  # no thread wakes up
    return made


def delivered(made: Exporters) -> None:
    """Make one round on the test's own thread."""
    courier: Any = made.courier
    courier._on_demand([])


def test_nothing_is_opened_before_there_is_something(sink: Sink, tmp_path: Path) -> None:
    made = built(sink, tmp_path / "spool.db")
    assert list(tmp_path.iterdir()) == []
    assert sink.arrived == []
    assert made.label == f"OTLP http/protobuf {sink.url}, through the spool {tmp_path / 'spool.db'}"
    assert made.status() == {"spool": str(tmp_path / "spool.db")}


def test_batches_are_on_the_disk_before_they_are_sent(sink: Sink, tmp_path: Path) -> None:
    made = built(sink, tmp_path / "spool.db")
    assert made.span is not None
    assert made.metric is not None
    assert made.log is not None
    assert made.span.export(batch := spans(3)) is SpanExportResult.SUCCESS
    source = logger(made.log)
    source.emit(body="one", attributes={"log.record.uid": "mine"})
    source.emit(body="two")
    with meter(made.metric) as (gauge, provider):
        gauge.create_counter("calls").add(1)
        gauge.create_counter("tokens").add(2)
        assert provider.force_flush()
        assert made.metric.force_flush()
        assert sink.arrived == []
        delivered(made)
    assert [each.signal for each in sink.arrived[:4]] == ["traces", "logs", "logs", "metrics"]
    assert [item.item.span_id for item in sink.spans] == [
        span.context.span_id.to_bytes(8, "big") for span in batch if span.context is not None
    ]
    first, second = (plain(item.item.attributes)["log.record.uid"] for item in sink.logs)
    assert first == "mine"
    assert len(second) == 32
    assert sorted({item.item.name for item in sink.metrics}) == ["calls", "tokens"]
    assert made.status()["spool delivered"] == 3 + 2 + 2
    made.span.shutdown()
    made.log.shutdown()


@pytest.mark.parametrize(
    ("temporality", "aggregation"),
    [
        (None, None),
        ("delta", "base2_exponential_bucket_histogram"),
        ("lowmemory", "explicit_bucket_histogram"),
    ],
)
def test_metrics_are_summed_up_as_without_a_spool(
    temporality: str | None, aggregation: str | None, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    for name, value in (
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", temporality),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", aggregation),
    ):
        if value is not None:
            monkeypatch.setenv(name, value)
    # What does not concern a spool cannot stop it.
    direct = build(Destination(endpoint=sink.url)).metric
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "whatever")
    kept = built(sink, tmp_path / "spool.db").metric
    assert direct is not None
    assert kept is not None
    assert kept._preferred_temporality == direct._preferred_temporality
    assert kept._preferred_aggregation is not None
    assert direct._preferred_aggregation is not None
    assert {kind: type(how) for kind, how in kept._preferred_aggregation.items()} == {
        kind: type(how) for kind, how in direct._preferred_aggregation.items()
    }
    if temporality == "delta":
        assert kept._preferred_temporality is not None
        assert kept._preferred_temporality[Counter] is AggregationTemporality.DELTA


def test_another_path_of_the_same_server_is_followed_as_without_a_spool(
    sink: Sink, tmp_path: Path
) -> None:
    there = Reply(308, (("Location", "/there/v1/traces"),))
    for made in (build(Destination(endpoint=sink.url)), built(sink, tmp_path / "spool.db")):
        sink.script = [there]
        assert made.span is not None
        assert made.span.export(spans()) is SpanExportResult.SUCCESS
        if made.courier is not None:
            delivered(made)
            assert made.courier.counts() == {"delivered": 1}  # type: ignore[attr-defined]
    assert [each.path for each in sink.taken] == ["/there/v1/traces"] * 2


@pytest.mark.parametrize("status", [301, 302, 304])
def test_what_is_not_followed_has_not_arrived_without_a_spool_either(
    status: int, sink: Sink
) -> None:
    """OpenTelemetry's exporters take all below 400 for success."""
    sink.script = [Reply(status, (("Location", "/there/v1/traces"),))]
    made = build(Destination(endpoint=sink.url)).span
    assert made is not None
    assert made.export(spans()) is SpanExportResult.FAILURE
    assert len(sink.arrived) == 1


def test_a_status_tells_what_waits_and_why(sink: Sink, tmp_path: Path) -> None:
    sink.answer = 503
    made = built(sink, tmp_path / "spool.db")
    assert made.span is not None
    made.span.export(spans(3))
    delivered(made)
    told = dict(made.status())
    assert told.pop("spool bytes") > 100  # type: ignore[operator]
    assert told == {
        "spool": str(tmp_path / "spool.db"),
        "spool requests": 1,
        "spool items": 3,
        "spool problem": "traces: HTTP 503",
    }


def test_what_no_disk_takes_is_sent_at_once(
    sink: Sink,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    folder = tmp_path / "folder"
    folder.mkdir()
    made = built(sink, folder / "spool.db")
    folder.rmdir()
    assert made.span is not None
    assert made.metric is not None
    assert made.log is not None
    assert made.span.export(spans(2)) is SpanExportResult.SUCCESS
    sink.answer = 503
    assert made.span.export(spans(2)) is SpanExportResult.FAILURE
    assert [len(sink.spans), len(sink.taken)] == [4, 1]
    assert len([text for text in caplog.messages if "traces are sent without it" in text]) == 1
    assert made.log.export([]) is LogRecordExportResult.FAILURE
    with meter(made.metric) as (source, provider):
        source.create_counter("calls").add(1)
        results: list[Any] = []
        export = made.metric.export
        made.metric.export = lambda *given, **named: results.append(export(*given, **named))  # type: ignore[method-assign, assignment]
        provider.force_flush()
    assert results[0] is MetricExportResult.FAILURE
    told = made.status()
    assert told["spool delivered"] == 2
    assert "see that its directory exists" in str(told["spool error"])


def test_what_no_disk_takes_is_tried_again_for_as_long_as_without_a_spool(
    sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporters, "_FIRST_PAUSE", 0.01)
    folder = tmp_path / "folder"
    folder.mkdir()
    made = built(sink, folder / "spool.db")
    folder.rmdir()
    assert made.span is not None
    sink.script = [503, 502, "reset"]
    assert made.span.export(spans(2)) is SpanExportResult.SUCCESS
    assert (len(sink.arrived), len(sink.taken)) == (4, 1)
    sink.script = [503, 400]
    assert made.span.export(spans(2)) is SpanExportResult.FAILURE
    assert len(sink.arrived) == 6


def test_a_refusal_in_part_counts_without_a_disk_too(sink: Sink, tmp_path: Path) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 2
    sink.answer = Reply(200, (), response.SerializeToString())
    folder = tmp_path / "folder"
    folder.mkdir()
    made = built(sink, folder / "spool.db")
    folder.rmdir()
    books: list[tuple[str, int]] = []
    courier: Any = made.courier
    courier._settle = courier._drop = lambda what, spans: books.append((what, spans))
    assert made.span is not None
    assert made.span.export(spans(5)) is SpanExportResult.SUCCESS
    assert books == [("exported", 3), ("refused", 2)]
    assert courier.counts() == {"delivered": 3, "refused": 2}


def test_a_file_that_is_anothers_is_left_alone_and_one_beside_it_used(
    sink: Sink, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "spool.db"
    path.write_text("somebody's notes\n" * 100)
    with sqlite3.connect(tmp_path / "spool-2.db") as connection:
        connection.execute("CREATE TABLE theirs (id)")
    connection.close()
    made = built(sink, path)
    assert made.status() == {"spool": str(tmp_path / "spool-3.db")}
    assert made.span is not None
    made.span.export(spans())
    delivered(made)
    assert len(sink.spans) == 1
    assert path.read_text() == "somebody's notes\n" * 100
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "it is left alone, and one beside it is used" in caplog.text


def test_when_all_names_are_anothers_it_is_said(sink: Sink, tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_text("x" * 1_000)
    for number in range(2, 10):
        (tmp_path / f"spool-{number}.db").write_text("x" * 1_000)
    with pytest.raises(DestinationError, match=r"spool: the file .*spool-9\.db.* not an SQLite"):
        built(sink, tmp_path / "spool.db")


@pytest.mark.parametrize(
    ("path", "limits", "words"),
    [
        ("missing/spool.db", {}, r"spool: the file '.*missing.*no directory"),
        ("~no-such-user/spool.db", {}, r"spool: the file '~no-such-user.*home directory"),
        ("spool.db", {"max_bytes": 4 * MIB - 1}, r"spool_bytes=4194303 is too little"),
    ],
)
def test_what_cannot_be_is_said(
    path: str, limits: dict[str, Any], words: str, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DestinationError, match=words):
        built(sink, Path(path), **limits)


def test_a_timeout_that_is_none_is_said(sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    with pytest.raises(DestinationError, match="TIMEOUT='soon'"):
        built(sink, tmp_path / "spool.db")


def test_a_receiver_is_an_address_and_whom_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def name(url: str, protocol: str = "grpc", headers: Any = None, *, own: bool = False) -> str:
        return _receiver(Target("traces", protocol, url, own=own), Destination(headers=headers))

    plain_name = name("http://a:1/p")
    assert len(plain_name) == 32
    assert name("http://user:secret@a:1/p") == plain_name
    for credential in (
        "X-API-Key", "authorization", "api_key", "x-honeycomb-team", "x-auth-token", "Cookie", "uptrace-dsn", "x-client-secret",
    ):  # fmt: skip
        assert name("http://a:1/p", headers={credential: "k"}) == plain_name
        assert name(f"http://a:1/p?{credential}=k") == plain_name
    for version in ("x-release", "User-Agent", "x-client-version"):
        assert name("http://a:1/p", headers={version: "2"}) == plain_name
    others = {
        name("http://a:2/p"),
        name("http://a:1/p?q=1"),
        name("http://a:1/p?q=2&api-key=k"),
        name("http://a:1/p", protocol="http/protobuf"),
        *(
            name("http://a:1/p", headers={whose: which})
            for whose in ("x-scope-orgid", "x-team-id", "x-auth-tenant", "monkey", "x-keyspace", "tokenizer", "author")
            for which in ("one", "two")
        ),
    }  # fmt: skip
    assert len(others | {plain_name}) == 1 + 4 + 14
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-scope-orgid=one")
    assert name("http://a:1/p", own=True) == name("http://a:1/p", headers={"X-Scope-OrgID": "one"})
