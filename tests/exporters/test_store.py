"""What goes into the store comes out of it."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace as api
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from clearspan import registry
from clearspan.exporters import Destination, DestinationError, store as package
from clearspan.exporters.store import (
    Store,
    StoreError,
    StoreLogExporter,
    StoreMetricExporter,
    StoreReader,
    StoreSpanExporter,
    build,
    schema,
)
from tests.exporters.kit import (
    CHAT,
    SECOND,
    bare,
    finished,
    logger,
    meter,
    program,
    spans,
    tracer,
    unprivileged,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a b ü.db"


def only(path: Path) -> Any:
    (span,) = StoreReader(path).tail()
    return span


def test_a_span_comes_back_as_it_was(store: Store, path: Path) -> None:
    source = tracer(StoreSpanExporter(store))
    linked = api.Link(api.SpanContext(7, 9, is_remote=True), {"why": "retry"})
    with source.start_as_current_span("invoke_agent x") as outer:
        inner = source.start_span(
            "chat gpt-4o",
            kind=api.SpanKind.CLIENT,
            attributes={**CHAT, "session.id": "s-1", "user.id": "u-1", "error.type": "Boom"},
            links=[linked],
            start_time=5 * SECOND,
        )
        inner.add_event("first chunk", {"size": 3}, timestamp=6 * SECOND)
        inner.set_status(api.StatusCode.ERROR, "broken pipe")
        inner.end(end_time=7 * SECOND)
    by_name = {span.name: span for span in StoreReader(path).tail()}
    parent, span = by_name["invoke_agent x"], by_name["chat gpt-4o"]
    context = inner.get_span_context()
    assert span.trace_id == f"{context.trace_id:032x}" == parent.trace_id
    assert span.span_id == f"{context.span_id:016x}"
    assert span.parent_id == f"{outer.get_span_context().span_id:016x}" == parent.span_id
    assert parent.parent_id is None
    assert (span.kind, span.start_ns, span.end_ns) == ("client", 5 * SECOND, 7 * SECOND)
    assert span.duration_ns == 2 * SECOND
    assert (span.status, span.status_message) == ("error", "broken pipe")
    assert (parent.status, parent.status_message) == ("unset", None)
    assert (span.service, span.scope) == ("shop", "kit")
    assert (span.session, span.user) == ("s-1", "u-1")
    assert (span.operation, span.provider) == ("chat", "openai")
    assert (span.model, span.request_model) == ("gpt-4o-2024-08-06", "gpt-4o")
    assert (span.input_tokens, span.output_tokens, span.error_type) == (12, 3, "Boom")
    assert span.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert span.resource == {"service.name": "shop", "host.cores": 4}
    assert span.events == [
        {"name": "first chunk", "time_ns": 6 * SECOND, "attributes": {"size": 3}}
    ]
    assert span.links == [
        {"trace_id": f"{7:032x}", "span_id": f"{9:016x}", "attributes": {"why": "retry"}}
    ]
    assert (parent.events, parent.links, parent.input_tokens) == ([], [], None)


def test_every_kind_of_value_survives(store: Store, path: Path) -> None:
    values = {
        "text": "naïve 🎈 \u202e עברית",
        "nul": "a\x00b",
        "list": (1, 2.5, True, "x"),
        "nested": {"a": [{"b": None}, {"c": {"d": "e"}}]},
        "bytes": b"\x00\xff",
        "large": 2**70,
        "empty": "",
    }
    StoreSpanExporter(store).export([bare(values)])
    assert only(path).attributes == {
        **values,
        "list": [1, 2.5, True, "x"],
        "bytes": "AP8=",
    }


def test_one_bad_value_spoils_nothing_else(store: Store, path: Path) -> None:
    # The SDK lets these through; JSON, SQLite or both refuse them.
    bad: dict[str, Any] = {
        "nan": float("nan"),
        "lone": "a\ud800b",
        "gen_ai.usage.input_tokens": 2**70,
        "gen_ai.usage.output_tokens": True,
        "session.id": 5,
        "gen_ai.operation.name": "",
        "fine": "yes",
    }
    assert StoreSpanExporter(store).export([bare(bad)]) is SpanExportResult.SUCCESS
    span = only(path)
    assert span.attributes["fine"] == "yes"
    assert span.attributes["nan"] is None
    assert span.attributes["lone"] == "a\ufffdb"
    assert (span.input_tokens, span.output_tokens) == (None, None)
    assert (span.session, span.operation) == (None, None)


def test_values_of_no_known_kind_are_named_by_their_type(store: Store, path: Path) -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    odd = bare({"set": {1}, "odd": object()}, name="\ud800")
    turning = ReadableSpan(
        name="no times",
        context=api.SpanContext(5, 6, is_remote=False),
        attributes={"cycle": cycle, "nan": {"x": float("inf")}},
    )
    assert StoreSpanExporter(store).export([odd, turning]) is SpanExportResult.SUCCESS
    first, second = StoreReader(path).tail()
    assert (first.name, first.attributes) == ("\ufffd", {"set": [1], "odd": "<object>"})
    assert set(second.attributes) == {"cycle", "nan"}
    assert second.start_ns == second.end_ns > 0


def test_conversation_stands_in_for_a_session_and_request_for_a_model(
    store: Store, path: Path
) -> None:
    given = {"gen_ai.conversation.id": "c-1", "gen_ai.request.model": "m"}
    StoreSpanExporter(store).export(spans(attributes=given))
    assert (only(path).session, only(path).model) == ("c-1", "m")


def test_a_span_without_ids_is_counted_and_the_rest_is_stored(store: Store) -> None:
    batch = [ReadableSpan(name="no ids"), *spans(2)]
    assert StoreSpanExporter(store).export(batch) is SpanExportResult.SUCCESS
    assert (store.status.spans, store.status.skipped) == (2, 1)


def test_a_span_that_is_delivered_twice_is_kept_once(store: Store, path: Path) -> None:
    batch = spans(3)
    exporter = StoreSpanExporter(store)
    exporter.export(batch)
    exporter.export(batch)
    assert StoreReader(path).counts().spans == 3


def test_events_come_back_with_their_trace(store: Store, path: Path) -> None:
    log = logger(StoreLogExporter(store))
    with tracer(StoreSpanExporter(store)).start_as_current_span("chat") as span:
        log.emit(
            event_name="gen_ai.evaluation.result",
            severity_number=SeverityNumber.INFO,
            body={"text": ["a", {"b": 1}]},
            attributes={"score": 0.5, "messages": [{"role": "user"}]},
            timestamp=4,
        )
    log.emit(body="loose", severity_text="NOTICE", observed_timestamp=9)
    context = span.get_span_context()
    (event,) = StoreReader(path).events(f"{context.trace_id:032x}")
    assert (event.name, event.time_ns) == ("gen_ai.evaluation.result", 4)
    assert (event.severity, event.severity_number) == ("INFO", 9)
    assert event.span_id == f"{context.span_id:016x}"
    assert event.body == {"text": ["a", {"b": 1}]}
    assert event.attributes == {"score": 0.5, "messages": [{"role": "user"}]}
    assert (event.service, event.scope) == ("shop", "kit")
    assert event.resource["service.name"] == "shop"
    assert StoreReader(path).counts().events == 2


def test_metric_points_come_back(store: Store, path: Path) -> None:
    views = [
        View(instrument_name="grown", aggregation=ExponentialBucketHistogramAggregation()),
    ]
    with meter(StoreMetricExporter(store), views=views) as (source, provider):
        source.create_counter("calls", "{call}").add(2, {"model": "m"})
        source.create_gauge("load").set(0.5)
        source.create_up_down_counter("open").add(-1)
        source.create_histogram("took", "s", explicit_bucket_boundaries_advisory=[0.1, 1.0]).record(
            0.5
        )
        source.create_histogram("grown").record(8)
        provider.force_flush()
    points = {point.name: point for point in StoreReader(path).metric_points()}
    calls, load, took = points["calls"], points["load"], points["took"]
    assert (calls.kind, calls.temporality, calls.monotonic) == ("sum", "delta", True)
    assert (calls.value, calls.unit, calls.attributes) == (2, "{call}", {"model": "m"})
    assert isinstance(calls.value, int)
    assert calls.start_ns is not None
    assert calls.start_ns <= calls.time_ns
    assert (load.kind, load.temporality, load.monotonic) == ("gauge", None, None)
    assert load.value == 0.5
    # What goes up and down is meaningless as a delta to a reader that came late.
    assert (points["open"].value, points["open"].temporality) == (-1, "cumulative")
    assert points["open"].monotonic is False
    assert (took.kind, took.count, took.sum, took.min, took.max) == ("histogram", 1, 0.5, 0.5, 0.5)
    assert (took.buckets, took.bounds, took.value) == ([0, 1, 0], [0.1, 1.0], None)
    assert points["grown"].kind == "exponential_histogram"
    assert sum(points["grown"].buckets["positive"]["counts"]) == 1
    assert points["grown"].buckets["negative"]["counts"] == [0]
    assert (took.service, took.scope, took.resource["host.cores"]) == ("shop", "kit", 4)


def test_counters_are_stored_as_what_was_added_since(store: Store, path: Path) -> None:
    with meter(StoreMetricExporter(store)) as (source, provider):
        counter = source.create_counter("calls")
        for amount in (2, 3):
            counter.add(amount)
            provider.force_flush()
        provider.force_flush()  # nothing happened since: nothing is stored
    assert [point.value for point in StoreReader(path).metric_points("calls")] == [2, 3]


def test_exporters_share_the_store_and_refuse_after_shutdown(store: Store, path: Path) -> None:
    span, log, metric = (
        StoreSpanExporter(store),
        StoreLogExporter(store),
        StoreMetricExporter(store),
    )
    assert span.export(spans()) is SpanExportResult.SUCCESS
    span.shutdown()
    assert span.export(spans()) is SpanExportResult.FAILURE
    # The others go on: each provider is shut down in its turn.
    logger(log).emit(body="last words")
    assert (log.force_flush(), metric.force_flush(), span.force_flush()) == (True, True, True)
    log.shutdown()
    assert log.export([]) is LogRecordExportResult.FAILURE
    metric.shutdown()
    assert metric.export(MetricsData([])) is MetricExportResult.FAILURE
    assert not path.with_name(f"{path.name}-wal").exists()
    assert StoreReader(path).counts().events == 1


def test_making_a_store_touches_nothing(path: Path) -> None:
    store = Store(path)
    store.close()
    assert not path.exists()


def test_the_file_is_private_and_so_is_its_folder(tmp_path: Path) -> None:
    path = tmp_path / ".clearspan" / "x.db"
    store = Store(path)
    StoreSpanExporter(store).export(spans())
    for part in (path, path.with_name("x.db-wal"), path.with_name("x.db-shm")):
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (path.parent / ".gitignore").read_text() == "*\n"
    store.close()


def test_an_existing_folder_of_ours_is_left_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / ".clearspan"
    home.mkdir()
    with_store = Store(home / "x.db")
    with_store.open()
    with_store.close()
    assert [found.name for found in home.iterdir()] == ["x.db"]


def test_the_place_is_fixed_when_the_store_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store("x.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.open()
    store.close()
    assert (tmp_path / "x.db").exists()


def test_a_home_that_is_not_known_is_said_so() -> None:
    with pytest.raises(StoreError, match="home directory"):
        Store("~nobody-of-that-name/x.db")


def test_a_missing_folder_is_said_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "no" / "x.db")
    with pytest.raises(StoreError, match=r"there is no directory '.*no'; create it"):
        store.check_writable()
    with pytest.raises(StoreError, match="its directory exists"):
        store.open()


def test_a_folder_in_the_place_of_the_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not a file"):
        Store(tmp_path).check_writable()


def test_a_folder_that_cannot_be_written_is_said_so() -> None:
    with unprivileged() as folder:
        store = Store(folder / "x.db")
        folder.chmod(0o500)
        with pytest.raises(StoreError, match="is not writable") as caught:
            store.check_writable()
        assert caught.value.path == str(folder / "x.db")
        with pytest.raises(StoreError, match="cannot be written"):
            store.open()
        assert StoreSpanExporter(store).export(spans()) is SpanExportResult.FAILURE
        assert "cannot be written" in str(store.status.last_error)
        folder.chmod(0o700)
        assert StoreSpanExporter(store).export(spans()) is SpanExportResult.SUCCESS
        assert (store.status.failed_batches, store.status.last_error) == (1, None)
        store.close()


def test_a_file_that_cannot_be_written_is_said_so() -> None:
    with unprivileged() as folder:
        file = folder / "x.db"
        file.touch(0o400)
        with pytest.raises(StoreError, match="change its mode"):
            Store(file).check_writable()


def test_a_file_that_is_no_database_is_said_so_and_left_alone(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("my notes\n" * 200)
    store = Store(notes)
    with pytest.raises(StoreError, match="not an SQLite database"):
        store.check_writable()
    assert StoreSpanExporter(store).export(spans()) is SpanExportResult.FAILURE
    assert notes.read_text() == "my notes\n" * 200
    assert sorted(found.name for found in tmp_path.iterdir()) == ["notes.txt"]


def test_another_programs_database_is_said_so_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    theirs = sqlite3.connect(path)
    theirs.execute("CREATE TABLE accounts (name)")
    theirs.close()
    store = Store(path)
    with pytest.raises(StoreError, match="another program's"):
        store.check_writable()
    assert StoreSpanExporter(store).export(spans()) is SpanExportResult.FAILURE
    with pytest.raises(StoreError, match="another program's"):
        StoreReader(path).counts()


def test_limits_that_make_no_sense_are_said_so(path: Path) -> None:
    with pytest.raises(StoreError, match="max_age must be positive"):
        Store(path, max_age=0)
    with pytest.raises(StoreError, match="max_bytes must be at least"):
        Store(path, max_bytes=1000)


def test_checking_leaves_no_file_behind(tmp_path: Path) -> None:
    Store(tmp_path / ".clearspan" / "x.db").check_writable()
    assert list(tmp_path.iterdir()) == []


def test_checking_an_existing_store_is_fine(store: Store) -> None:
    store.open()
    store.check_writable()
    assert store.status.failed_batches == 0


def test_the_file_is_a_log_database_from_the_start(store: Store, path: Path) -> None:
    store.open()
    with sqlite3.connect(path) as reading:
        assert reading.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert reading.execute("PRAGMA application_id").fetchone() == (
            schema.SCHEMA.application_id,
        )
        assert reading.execute("PRAGMA user_version").fetchone() == (len(schema.SCHEMA.migrations),)
    reading.close()


def test_the_questions_that_matter_have_an_index(store: Store, path: Path) -> None:
    store.open()
    asked = {
        "trace": "SELECT * FROM spans WHERE trace_id = 'x'",
        "session": "SELECT trace_id FROM spans WHERE session = 'x'",
        "time": "SELECT * FROM spans WHERE start_ns > 5",
        "model": "SELECT trace_id FROM spans WHERE model = 'x' OR request_model = 'x'",
        "events": "SELECT * FROM events WHERE trace_id = 'x' AND span_id = 'y'",
        "metric": "SELECT * FROM metric_points WHERE name = 'x' AND time_ns > 5",
        "newest": "SELECT * FROM traces ORDER BY start_ns DESC LIMIT 5",
    }
    with sqlite3.connect(path) as reading:
        plans = {
            name: " ".join(row[3] for row in reading.execute(f"EXPLAIN QUERY PLAN {query}"))
            for name, query in asked.items()
        }
    reading.close()
    assert {name: plan for name, plan in plans.items() if "INDEX" not in plan} == {}


def test_an_older_file_is_upgraded_and_keeps_its_rows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Store(path)
    StoreSpanExporter(old).export(spans(2))
    old.close()
    steps = (*schema.SCHEMA.migrations, ("ALTER TABLE spans ADD COLUMN added TEXT DEFAULT 'new'",))
    monkeypatch.setattr(schema, "SCHEMA", replace(schema.SCHEMA, migrations=steps))
    assert StoreReader(path).counts().spans == 2
    new = Store(path)
    assert StoreSpanExporter(new).export(spans(1)) is SpanExportResult.SUCCESS
    new.close()
    assert StoreReader(path).counts().spans == 3
    with sqlite3.connect(path) as reading:
        assert reading.execute("SELECT DISTINCT added FROM spans").fetchall() == [("new",)]
        assert reading.execute("PRAGMA user_version").fetchone() == (len(steps),)
    reading.close()


def test_an_upgrade_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Store(path)
    StoreSpanExporter(old).export(spans(2))
    old.close()
    with monkeypatch.context() as changed:
        steps = (*schema.SCHEMA.migrations, ("CREATE TABLE extra (x)", "SELECT nonsense"))
        changed.setattr(schema, "SCHEMA", replace(schema.SCHEMA, migrations=steps))
        with pytest.raises(StoreError):
            Store(path).open()
    assert StoreReader(path).counts().spans == 2


def test_a_newer_file_is_refused(store: Store, path: Path) -> None:
    store.open()
    store.close()
    with sqlite3.connect(path) as change:
        change.execute("PRAGMA user_version = 99")
    change.close()
    with pytest.raises(StoreError, match="newer clearspan"):
        Store(path).check_writable()
    with pytest.raises(StoreError, match="newer clearspan"):
        StoreReader(path).counts()


def test_threads_write_at_once(store: Store, path: Path) -> None:
    batches = [spans(20) for _ in range(8)]
    exporters = [StoreSpanExporter(store) for _ in batches]
    results: list[SpanExportResult] = []
    threads = [
        threading.Thread(target=lambda e=e, b=b: results.append(e.export(b)))
        for e, b in zip(exporters, batches, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [SpanExportResult.SUCCESS] * 8
    assert StoreReader(path).counts().spans == 160


def test_a_span_that_ends_inside_our_own_write_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = StoreSpanExporter(store)
    inner: list[SpanExportResult] = []
    keep = store._retention.keep

    def reenter(connection: sqlite3.Connection) -> None:
        inner.append(exporter.export(spans()))
        keep(connection)

    monkeypatch.setattr(store._retention, "keep", reenter)
    assert exporter.export(spans()) is SpanExportResult.SUCCESS
    assert inner == [SpanExportResult.FAILURE]


def test_an_interrupt_leaves_the_store_usable(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = StoreSpanExporter(store)
    with monkeypatch.context() as changed:

        def interrupt(_: sqlite3.Connection) -> None:
            raise KeyboardInterrupt

        changed.setattr(store._retention, "keep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            exporter.export(spans())
    assert exporter.export(spans()) is SpanExportResult.SUCCESS
    assert StoreReader(path).counts().spans == 2


def test_build_gives_three_exporters_and_creates_no_file(tmp_path: Path) -> None:
    path = tmp_path / ".clearspan" / "x.db"
    built = build(Destination(path=str(path), max_age=60, max_bytes=10_000_000, timeout=1))
    assert built.counts_as == "stored"
    assert str(path) in built.label
    assert not path.exists()
    assert built.span is not None
    assert built.span.export(spans(2)) is SpanExportResult.SUCCESS
    assert built.status()["spans"] == 2
    assert (built.status()["last error"], built.status()["set aside"]) == ("", "")
    built.span.shutdown()


def test_build_has_a_default_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert build(Destination()).label == f"store {tmp_path / '.clearspan' / 'clearspan.db'}"


def test_build_refuses_what_cannot_work(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="there is no directory"):
        build(Destination(path=str(tmp_path / "no" / "x.db")))


def test_the_registry_finds_it() -> None:
    assert registry.load(registry.EXPORTERS, "store") is build


def test_names_are_there_and_no_others() -> None:
    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = package.Nothing


def test_reading_loads_no_sdk() -> None:
    code = (
        "import sys; from clearspan.exporters.store import StoreReader;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    assert finished(program(code)) == "[]\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_limits_of_the_system_are_failures_and_pass(tmp_path: Path) -> None:
    """A full disk, as far as a process can have one of its own: a limit on the size of files."""
    code = """
import resource, sys
from clearspan.exporters.store import Store, StoreReader, StoreSpanExporter
from tests.exporters.kit import spans
store = Store(sys.argv[1])
exporter = StoreSpanExporter(store)
print(exporter.export(spans(1)).name)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
print(exporter.export(spans(200, attributes={"text": "x" * 5000})).name)
print(store.status.last_error is not None)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(exporter.export(spans(1)).name, StoreReader(sys.argv[1]).counts().spans)
store.close()
"""
    process = program(code, str(tmp_path / "x.db"))
    output, _ = process.communicate(timeout=60)
    assert output.split() == ["SUCCESS", "FAILURE", "True", "SUCCESS", "2"]
