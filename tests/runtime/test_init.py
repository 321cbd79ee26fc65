"""`init`, `shutdown`, `flush`, `status`: one runtime, begun and ended cleanly."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    InMemoryMetricReader,
    PeriodicExportingMetricReader,
)

import clearspan
from clearspan import runtime, semconv as sc
from clearspan.capture import inlet
from clearspan.core import fence
from clearspan.runtime import Runtime
from clearspan.settings import load
from tests.runtime.conftest import ours
from tests.runtime.support import Kept, Stuck, names, stored, use, work


def test_a_second_init_with_the_same_settings_answers_the_running_one() -> None:
    kept = Kept()
    first = clearspan.init(exporters=[kept], providers=())
    assert clearspan.init(exporters=[kept], providers=()) is first
    assert first.running


def test_other_settings_warn_once_and_the_first_stay(caplog: pytest.LogCaptureFixture) -> None:
    first = clearspan.init(exporters=[Kept()], providers=(), content="off")
    with caplog.at_level(logging.WARNING, "clearspan"):
        for _ in range(3):
            assert clearspan.init(content="full", providers=()) is first
    assert first.settings.content == "off"
    (record,) = caplog.records
    assert "already running, with another content; that stays" in record.message
    assert "clearspan.shutdown()" in record.message


def test_nothing_runs_before_it_is_started(folder: Path) -> None:
    """So whoever only asks where telemetry would go takes over nothing of what others have left."""
    given = {
        "endpoint": "http://127.0.0.1:9",
        "spool": str(folder / "spool.db"),
        "store": "runs.db",
    }
    before = threading.enumerate()
    made = runtime.Runtime(load(given))
    assert made.status().destination_status["spool"] == str(folder / "spool.db")
    assert threading.enumerate() == before
    assert not (folder / "spool.db").exists()


def test_the_store_is_bounded_unless_told_otherwise(folder: Path) -> None:
    assert load({}).max_bytes == 2**30
    assert load({"max_bytes": "2GiB"}).max_bytes == 2**31


def test_threads_that_start_at_once_share_one_runtime() -> None:
    kept = Kept()
    barrier = threading.Barrier(8, timeout=30)
    found: list[Runtime] = []

    def start() -> None:
        barrier.wait()
        found.append(clearspan.init(exporters=[kept], providers=()))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_one_line_says_what_is_recorded_where(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    with caplog.at_level(logging.INFO, "clearspan"):
        clearspan.init(providers=())
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert record.message == (
        f"clearspan: recording decorated code to store {folder}/.clearspan/clearspan.db, content full"
    )
    assert capsys.readouterr() == ("", "")


def test_as_a_context_manager_it_ends_with_the_block() -> None:
    kept = Kept()
    with clearspan.init(exporters=[kept], providers=()) as runtime:
        assert clearspan.status().running
        work()
    assert names(kept.spans) == ["work"]
    assert kept.closed == 1
    assert not runtime.running
    assert not clearspan.status().running
    with pytest.raises(LookupError, match="out"):
        with clearspan.init(exporters=[Kept()], providers=()):
            raise LookupError("out")
    assert not clearspan.status().running


def test_shutdown_may_be_called_again_and_without_init() -> None:
    assert clearspan.shutdown()
    kept = Kept()
    runtime = clearspan.init(exporters=[kept], providers=())
    work()
    assert clearspan.shutdown()
    assert clearspan.shutdown()
    assert runtime.shutdown()
    assert kept.closed == 1
    assert names(kept.spans) == ["work"]


def test_flush_without_init_has_nothing_to_do() -> None:
    assert clearspan.flush()


def test_after_a_shutdown_one_may_begin_anew() -> None:
    first, second = Kept(), Kept()
    with clearspan.init(exporters=[first], providers=()):
        work()
    work()
    with clearspan.init(exporters=[second], providers=(), content="off"):
        work()
    assert (len(first.spans), len(second.spans)) == (1, 1)


def test_an_older_runtime_does_not_stop_a_newer_one() -> None:
    first = clearspan.init(exporters=[Kept()], providers=())
    first.shutdown()
    kept = Kept()
    clearspan.init(exporters=[kept], providers=())
    first.shutdown()
    work()
    assert clearspan.flush()
    assert len(kept.spans) == 1


def test_shutdown_ends_what_is_open_and_its_own_end_changes_nothing() -> None:
    kept = Kept()
    runtime = clearspan.init(exporters=[kept], providers=())
    block = clearspan.span("open")
    block.__enter__()
    assert clearspan.status().open_calls == 1
    clearspan.shutdown()
    (span,) = kept.spans
    assert span.attributes is not None
    assert span.attributes[sc.OUTCOME] == "abandoned"
    block.__exit__(None, None, None)
    accounts = runtime.status().accounts
    assert (accounts.created, accounts.exported, accounts.dropped, accounts.pending) == (
        1,
        1,
        {},
        0,
    )
    assert len(kept.spans) == 1


def test_no_global_provider_is_set() -> None:
    before = [type(provider) for provider in _global()]
    with clearspan.init(exporters=[Kept()], providers=()):
        work()
        assert [type(provider) for provider in _global()] == before
    assert [type(provider) for provider in _global()] == before


def _global() -> list[Any]:
    return [trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()]


def test_spans_are_exported_on_threads_of_ours() -> None:
    kept = Kept()
    clearspan.init(exporters=[kept], providers=())
    work()
    clearspan.flush()
    assert kept.threads == {"clearspan-spans"}
    assert set(ours()) == {"clearspan", "clearspan-spans"}


def test_exports_happen_by_themselves() -> None:
    kept = Kept()
    clearspan.init(exporters=[kept], providers=(), export_interval=0.01)
    work()
    deadline = time.monotonic() + 30
    while not kept.spans and time.monotonic() < deadline:
        time.sleep(0.01)
    assert names(kept.spans) == ["work"]


# -- deadlines ------------------------------------------------------------------------------------


def test_F42_flush_and_shutdown_keep_their_deadline_whatever_hangs() -> None:
    stuck = Stuck()
    clearspan.init(exporters=[stuck], providers=(), export_interval=0.01)
    try:
        work()
        assert stuck.reached.wait(30)
        work()
        begun = time.monotonic()
        assert clearspan.flush(0.2) is False
        assert clearspan.shutdown(0.2) is False
        assert time.monotonic() - begun < 30, "neither waits for what hangs"
    finally:
        stuck.let_go.set()
    _wait_until_gone()


def _wait_until_gone() -> None:
    deadline = time.monotonic() + 30
    while ours() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_flush_says_when_all_was_exported() -> None:
    kept = Kept()
    clearspan.init(exporters=[kept], providers=())
    for number in range(1_000):
        work(number)
    assert clearspan.flush()
    assert len(kept.spans) == 1_000


# -- what status tells ----------------------------------------------------------------------------


def test_status_before_and_after() -> None:
    assert not clearspan.status().running
    with clearspan.init(exporters=[Kept()], providers=()) as runtime:
        work()
    last = clearspan.status()
    assert (last.running, last.accounts.created, last.accounts.exported) == (False, 1, 1)
    assert runtime.status().running is False
    with clearspan.init(exporters=[Kept()], providers=()):
        assert clearspan.status().accounts.created == 0


def test_status_tells_how_it_stands() -> None:
    kept = Kept()
    clearspan.init(exporters=[kept], providers=(), content="metadata", queue_bytes="1MB")
    work()
    with clearspan.span("open"):
        found = clearspan.status()
        assert (found.running, found.destination, found.content) == (True, "Kept", "metadata")
        assert found.open_calls == 1
    assert {queue.name: (queue.max_items, queue.max_bytes) for queue in found.queues} == {
        "clearspan": (8_192, 1_000_000), "clearspan-spans": (16_384, 1_000_000),
    }  # fmt: skip
    assert clearspan.flush()
    found = clearspan.status()
    assert all((queue.items, queue.bytes) == (0, 0) for queue in found.queues)
    assert (found.accounts.created, found.accounts.exported, found.accounts.pending) == (2, 2, 0)
    assert found.open_calls == 0


def test_the_store_tells_how_it_fares(folder: Path) -> None:
    clearspan.init(store="runs.db", providers=())
    work()
    clearspan.flush()
    found = clearspan.status()
    assert found.destination == f"store {folder / 'runs.db'}"
    assert found.destination_status["spans"] == 1
    assert found.accounts.stored == 1


def test_F47_accounts_are_equal_at_any_time() -> None:
    stuck = Stuck()
    runtime = clearspan.init(
        exporters=[stuck], providers=(), queue_bytes="8KB", export_interval=0.01
    )
    readings = []
    try:
        for number in range(300):
            work(number)
            if number % 10 == 0:
                readings.append(runtime.status().accounts)
    finally:
        stuck.let_go.set()
    assert clearspan.flush(30)
    readings.append(runtime.status().accounts)
    for reading in readings:
        settled = reading.exported + reading.stored + sum(reading.dropped.values())
        assert reading.created == settled + reading.pending
        assert reading.pending >= 0
    last = readings[-1]
    assert (last.created, last.pending) == (300, 0)
    assert last.exported == len(stuck.spans)
    assert set(last.dropped) <= {"queue_full", "export_queue_full"}


def test_F47_a_failed_export_is_counted() -> None:
    runtime = clearspan.init(exporters=[Kept(fail=True)], providers=())
    work()
    clearspan.flush()
    assert runtime.status().accounts.dropped == {"export_failed": 1}


def test_failures_of_ours_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT")

    def fail(text: str) -> str:
        raise RuntimeError("broken")

    fence.reset()
    clearspan.init(exporters=[Kept()], providers=(), redact=[fail])
    with clearspan.span("x") as step:
        step.set(output="text")
    clearspan.flush()
    assert clearspan.status().internal_errors["redact"] >= 1
    fence.reset()


# -- destinations ---------------------------------------------------------------------------------


def test_the_default_store_is_made_by_the_first_export(folder: Path) -> None:
    clearspan.init(providers=())
    assert list(folder.iterdir()) == []
    work()
    clearspan.flush()
    assert {path.name for path in (folder / ".clearspan").iterdir()} >= {
        "clearspan.db",
        ".gitignore",
    }
    assert (folder / ".clearspan" / ".gitignore").read_text().strip().endswith("*")
    assert names(stored(folder / ".clearspan" / "clearspan.db")) == ["work"]


def test_the_store_of_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "elsewhere").mkdir()
    monkeypatch.setenv("CLEARSPAN_STORE", "elsewhere/runs.db")
    with clearspan.init(providers=()):
        work()
    assert names(stored(folder / "elsewhere" / "runs.db")) == ["work"]


def test_exporters_of_all_kinds_by_name_and_by_object(folder: Path) -> None:
    kept, events, reader = Kept(), InMemoryLogRecordExporter(), InMemoryMetricReader()  # type: ignore[no-untyped-call]
    with clearspan.init(
        providers=(),
        exporters=["otlp_json:spans.jsonl", kept, events, reader],
        content_target="both",
    ) as runtime:
        with clearspan.invocation("chat", provider="acme", model="m") as draft:
            draft.input("why?")
        clearspan.flush()
        assert "otlp" in runtime.destination.lower()
        assert runtime.destination.endswith(
            "Kept and InMemoryLogRecordExporter and InMemoryMetricReader"
        )
        data = reader.get_metrics_data()
    assert names(kept.spans) == ["chat m"]
    assert [item.log_record.event_name for item in events.get_finished_logs()] == [sc.EVENT_DETAILS]
    assert data is not None
    found = [item.name for item in data.resource_metrics[0].scope_metrics[0].metrics]
    assert sc.METRIC_OPERATION_DURATION in found
    written = [json.loads(line) for line in (folder / "spans.jsonl").read_text().splitlines()]
    assert any("resourceSpans" in line for line in written)
    assert not (folder / ".clearspan").exists()


def test_a_span_is_settled_once_though_it_goes_to_two_places(folder: Path) -> None:
    kept = Kept()
    with clearspan.init(providers=(), store="runs.db", exporters=[kept]) as runtime:
        work()
    accounts = runtime.ledger.read()
    assert (accounts.created, accounts.stored, accounts.exported, accounts.pending) == (1, 1, 0, 0)
    assert names(kept.spans) == names(stored(folder / "runs.db")) == ["work"]


def test_a_metric_exporter_gets_points_at_flush_and_at_the_end(folder: Path) -> None:
    with (folder / "points.txt").open("w") as out:
        exporter = ConsoleMetricExporter(out=out)
        with clearspan.init(providers=(), exporters=[exporter]):
            use(1)
            clearspan.flush()
            out.flush()
            assert "gen_ai.execute_tool.duration" in (folder / "points.txt").read_text()
        before = len((folder / "points.txt").read_text())
        assert before > 0


def test_a_periodic_reader_of_the_applications_is_flushed_and_ended(folder: Path) -> None:
    with (folder / "points.txt").open("w") as out:
        reader = PeriodicExportingMetricReader(
            ConsoleMetricExporter(out=out), export_interval_millis=3_600_000
        )
        with clearspan.init(providers=(), exporters=[reader]):
            use(1)
            assert clearspan.flush()
            out.flush()
            flushed = (folder / "points.txt").read_text()
            assert '"count": 1' in flushed
            use(2)
        out.flush()
        assert '"count": 2' in (folder / "points.txt").read_text()[len(flushed) :]
    deadline = time.monotonic() + 30
    while any("Metric" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_service_and_its_environment_are_in_the_resource() -> None:
    kept = Kept()
    with clearspan.init(
        providers=(),
        exporters=[kept],
        service_name="shop",
        environment="test",
        attributes={"team": "a"},
    ):
        work()
    found = kept.spans[0].resource.attributes
    assert found["service.name"] == "shop"
    assert found["deployment.environment.name"] == "test"
    assert found["team"] == "a"


def test_what_no_exporter_takes_is_replaced_in_the_resource(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "sh\udcffp")
    kept = Kept()
    with clearspan.init(providers=(), exporters=[kept], attributes={"te\udcffam": "\udcff"}):
        work()
    found = kept.spans[0].resource.attributes
    assert (found["service.name"], found["te\ufffdam"]) == ("sh\ufffdp", "\ufffd")


def test_the_standard_variables_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "by-otel")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=b")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    kept = Kept()
    with clearspan.init(providers=(), exporters=[kept]) as runtime:
        work()
        assert clearspan.flush()
        assert runtime.status().accounts.dropped == {"unsampled": 1}
    monkeypatch.setenv("CLEARSPAN_SAMPLE_RATE", "1")
    with clearspan.init(providers=(), exporters=[kept]):
        work()
    (span,) = kept.spans
    assert span.resource.attributes["service.name"] == "by-otel"
    assert span.resource.attributes["team"] == "b"


def test_a_sample_rate_keeps_whole_traces() -> None:
    kept = Kept()
    with clearspan.init(providers=(), exporters=[kept], sample_rate=0.5):
        for _ in range(200):
            with clearspan.span("root"):
                work()
    traces: dict[int, set[str]] = {}
    for span in kept.spans:
        assert span.context is not None
        traces.setdefault(span.context.trace_id, set()).add(span.name)
    assert 0 < len(traces) < 200
    assert set(map(frozenset, traces.values())) == {frozenset({"root", "work"})}


# -- off ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables", [{"CLEARSPAN_DISABLED": "1"}, {"OTEL_SDK_DISABLED": "true"}, {}]
)
def test_F53_disabled_means_inert(
    variables: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    exporter = Kept()
    runtime = clearspan.init(
        exporters=[exporter], store="runs.db", **({} if variables else {"disabled": True})
    )
    assert inlet.current() is None
    assert work(3) == 3
    with clearspan.context(session="s", propagate=True), clearspan.span("x") as step:
        step.set(output="y")
    assert isinstance(clearspan.instrument("openai", "no such library"), clearspan.Instrumentation)
    clearspan.uninstrument()
    assert clearspan.flush()
    assert clearspan.status() == clearspan.Status(False)
    assert runtime.destination == "nowhere"
    assert ours() == []
    assert list(folder.iterdir()) == []
    assert clearspan.shutdown()
    for name in variables:
        monkeypatch.delenv(name)
    kept = Kept()
    with clearspan.init(exporters=[kept], providers=()):
        work()
    assert len(kept.spans) == 1
    assert exporter.spans == []


# -- taking over --------------------------------------------------------------------------------


def test_a_program_takes_over_from_what_was_started_for_it(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    started = runtime.stand_in()
    assert clearspan.init() is started
    own = clearspan.init(store="own.db")
    assert own is not started
    assert not started.running
    assert clearspan.init(store="own.db") is own
    assert clearspan.init(store="other.db") is own
    assert "already running, with another store" in caplog.text


def test_what_did_not_arrive_is_told_in_the_end_to_who_listens(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "clearspan"):
        for fail, rate in ((True, 1.0), (False, 1.0), (False, 0.0)):
            clearspan.init(exporters=[Kept(fail=fail)], providers=(), sample_rate=rate)
            work(1)
            work(2)
            clearspan.shutdown(30)
    told = [record for record in caplog.records if "did not arrive" in record.message]
    assert [record.levelno for record in told] == [logging.INFO]
    assert "2 of 2 spans did not arrive (export_failed 2)" in told[0].message
