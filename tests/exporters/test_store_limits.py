"""How long a store keeps things, and how much of them."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import set_span_in_context

from clearspan.core.sqlite import files, forks
from clearspan.exporters.store import (
    Store,
    StoreLogExporter,
    StoreMetricExporter,
    StoreReader,
    StoreSpanExporter,
    retention,
)
from tests.exporters.kit import SECOND, logger, meter, spans, tracer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 1_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture
def ample(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pass runs out of time, however slow the machine."""
    monkeypatch.setattr(retention, "_BUDGET", 60.0)


@pytest.fixture
def always(ample: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Age is looked at after each batch."""
    monkeypatch.setattr(retention, "_INTERVAL", 0.0)


@pytest.fixture
def bounded(path: Path) -> Iterator[Store]:
    store = Store(path, max_bytes=LIMIT)
    yield store
    store.close()


@pytest.fixture
def aging(path: Path) -> Iterator[Store]:
    store = Store(path, max_age=3600)
    yield store
    store.close()


def ago(seconds: int) -> int:
    return time.time_ns() - seconds * SECOND


@pytest.mark.usefixtures("ample")
def test_the_size_is_kept_after_every_batch(bounded: Store, path: Path) -> None:
    exporter = StoreSpanExporter(bounded)
    sizes = []
    for _ in range(12):
        exporter.export(spans(100, attributes={"text": "x" * 3000}))
        sizes.append(files.size(path))
    assert max(sizes) <= LIMIT
    counts = StoreReader(path).counts()
    # It keeps what fits, not next to nothing.
    assert counts.spans * 3000 > LIMIT // 3
    assert bounded.status.spans == 1200


@pytest.mark.usefixtures("ample")
def test_the_size_of_a_file_beside_is_kept_too(
    bounded: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "_unsafe", {bounded.path})  # as after a fork amid a write
    exporter = StoreSpanExporter(bounded)
    sizes = []
    for _ in range(5):
        exporter.export(spans(100, attributes={"text": "x" * 3000}))
        sizes.append(files.size(files.beside(path)))
    assert LIMIT // 3 < max(sizes) <= LIMIT
    assert not path.exists()


@pytest.mark.usefixtures("ample")
def test_the_oldest_traces_go_first_and_whole(bounded: Store, path: Path) -> None:
    exporter = StoreSpanExporter(bounded)
    log = logger(StoreLogExporter(bounded))
    source = tracer(exporter)
    filler = {"text": "x" * 20_000}
    for number in range(80):
        root = source.start_span(f"trace {number}", start_time=number * SECOND, attributes=filler)
        inside = set_span_in_context(root)
        log.emit(event_name="inside", context=inside)
        source.start_span("child", context=inside, start_time=number * SECOND).end(
            end_time=number * SECOND + 1
        )
        root.end(end_time=number * SECOND + 2)
    reader = StoreReader(path)
    names = [summary.name for summary in reader.traces(limit=1000)]
    assert 10 < len(names) < 80
    # Newest first: an unbroken run down from the last.
    assert names == [f"trace {number}" for number in range(79, 79 - len(names), -1)]
    counts = reader.counts()
    assert (counts.traces, counts.spans, counts.events) == (len(names), 2 * len(names), len(names))


@pytest.mark.usefixtures("ample")
def test_a_trace_that_is_still_alive_is_not_the_oldest(bounded: Store, path: Path) -> None:
    exporter = StoreSpanExporter(bounded)
    source = tracer(exporter)
    root = source.start_span("long", start_time=1)
    source.start_span("early", context=set_span_in_context(root), start_time=2).end(end_time=3)
    for number in range(80):
        exporter.export(spans(1, attributes={"text": "x" * 20_000}, start=number * SECOND))
        inside = set_span_in_context(root)
        source.start_span("beat", context=inside, start_time=number * SECOND + 9).end(
            end_time=(number + 2) * SECOND
        )
    names = {
        span.name for span in StoreReader(path).trace(f"{root.get_span_context().trace_id:032x}")
    }
    assert names == {"early", "beat"}


@pytest.mark.usefixtures("ample")
def test_events_and_points_are_bounded_too(bounded: Store, path: Path) -> None:
    log = logger(StoreLogExporter(bounded))
    for number in range(400):
        log.emit(body="x" * 5_000, timestamp=number + 1)
    assert files.size(path) <= LIMIT
    assert 20 < StoreReader(path).counts().events < 400
    with meter(StoreMetricExporter(bounded)) as (source, provider):
        counter = source.create_counter("calls")
        for _ in range(40):
            for series in range(20):
                counter.add(1, {"series": f"{series}{'x' * 2_000}"})
            provider.force_flush()
    assert files.size(path) <= LIMIT
    assert 0 < StoreReader(path).counts().metric_points < 800


@pytest.mark.usefixtures("ample")
def test_a_trace_larger_than_the_store_is_let_go(bounded: Store, path: Path) -> None:
    StoreSpanExporter(bounded).export(spans(1, attributes={"text": "x" * 2 * LIMIT}))
    assert files.size(path) <= LIMIT
    assert StoreReader(path).counts().traces == 0


@pytest.mark.usefixtures("ample")
def test_a_limit_given_later_shrinks_what_is_there(path: Path) -> None:
    free = Store(path)
    StoreSpanExporter(free).export(spans(1000, attributes={"text": "x" * 3000}))
    free.close()
    assert files.size(path) > 3 * LIMIT
    limited = Store(path, max_bytes=LIMIT)
    StoreSpanExporter(limited).export(spans(1))
    limited.close()
    assert files.size(path) <= LIMIT
    assert StoreReader(path).counts().spans > 100


def test_a_pass_that_ran_out_of_time_is_taken_up_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = Store(path)
    StoreSpanExporter(free).export(spans(1000, attributes={"text": "x" * 3000}))
    free.close()
    before = files.size(path)
    limited = Store(path, max_bytes=LIMIT)
    exporter = StoreSpanExporter(limited)
    monkeypatch.setattr(retention, "_BUDGET", 0.0)
    exporter.export(spans(1))
    assert files.size(path) >= before
    monkeypatch.setattr(retention, "_BUDGET", 60.0)
    exporter.export(spans(1))
    assert files.size(path) <= LIMIT
    limited.close()


@pytest.mark.usefixtures("ample")
def test_a_reader_in_the_middle_of_a_query_is_not_disturbed(bounded: Store, path: Path) -> None:
    exporter = StoreSpanExporter(bounded)
    exporter.export(spans(100, attributes={"text": "x" * 3000}))
    reading = sqlite3.connect(path, isolation_level=None)
    reading.execute("BEGIN")
    seen = reading.execute("SELECT count(*) FROM spans").fetchone()[0]
    for _ in range(10):
        exporter.export(spans(100, attributes={"text": "x" * 3000}))
    assert reading.execute("SELECT count(*) FROM spans").fetchone()[0] == seen
    reading.execute("COMMIT")
    reading.close()
    # Once it is done, the space comes back with the next batch.
    exporter.export(spans(1))
    assert files.size(path) <= LIMIT
    assert bounded.status.failed_batches == 0


@pytest.mark.usefixtures("always")
def test_what_is_too_old_goes_with_all_that_belongs_to_it(aging: Store, path: Path) -> None:
    exporter = StoreSpanExporter(aging)
    log = logger(StoreLogExporter(aging))
    source = tracer(exporter)
    log.emit(body="old and loose", timestamp=ago(7200))
    log.emit(body="new and loose", timestamp=ago(5))
    for name, age in (("old", 7200), ("new", 60)):
        root = source.start_span(name, start_time=ago(age))
        log.emit(body=f"in {name}", timestamp=ago(age), context=set_span_in_context(root))
        root.end(end_time=ago(age - 1))
    reader = StoreReader(path)
    assert [summary.name for summary in reader.traces()] == ["new"]
    assert reader.counts().events == 2


@pytest.mark.usefixtures("always")
def test_a_trace_of_thousands_of_spans_goes_too(aging: Store, path: Path) -> None:
    free = Store(path)
    memory = InMemorySpanExporter()
    source = tracer(memory)
    root = source.start_span("root", start_time=ago(7200))
    for _ in range(retention._ROWS_AT_ONCE + 10):
        source.start_span("step", context=set_span_in_context(root), start_time=ago(7200)).end(
            end_time=ago(7199)
        )
    StoreSpanExporter(free).export(memory.get_finished_spans())
    StoreSpanExporter(free).export(spans(5, start=ago(7200)))
    free.close()
    StoreSpanExporter(aging).export(spans(1, start=ago(5)))
    assert StoreReader(path).counts().spans == 1


@pytest.mark.usefixtures("always")
def test_old_points_go(aging: Store, path: Path) -> None:
    with meter(StoreMetricExporter(aging)) as (source, provider):
        source.create_counter("calls").add(1)
        provider.force_flush()
        with sqlite3.connect(path) as change:
            change.execute("UPDATE metric_points SET time_ns = ?", (ago(7200),))
        change.close()
        source.create_counter("later").add(1)
        provider.force_flush()
    assert [point.name for point in StoreReader(path).metric_points()] == ["later"]


@pytest.mark.usefixtures("always")
def test_old_traces_by_the_thousand_give_their_space_back(aging: Store, path: Path) -> None:
    exporter = StoreSpanExporter(aging)
    baseline = 0
    for round_ in range(3):
        exporter.export(spans(1500, attributes={"text": "x" * 3000}, start=ago(7200)))
        exporter.export(spans(1, start=ago(5)))
        aging.close()
        size = path.stat().st_size
        baseline = baseline or size
        assert size <= baseline + LIMIT, round_
    assert StoreReader(path).counts().spans == 3


def test_expiry_that_ran_out_of_time_goes_on_with_the_next_batch(
    aging: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = StoreSpanExporter(aging)
    monkeypatch.setattr(retention, "_BUDGET", 0.0)
    exporter.export(spans(3, start=ago(7200)))
    assert StoreReader(path).counts().spans == 3
    monkeypatch.setattr(retention, "_BUDGET", 60.0)
    exporter.export(spans(1, start=ago(5)))
    assert StoreReader(path).counts().spans == 1


def test_age_is_looked_at_now_and_then_only(aging: Store, path: Path) -> None:
    exporter = StoreSpanExporter(aging)
    exporter.export(spans(1, start=ago(5)))
    exporter.export(spans(3, start=ago(7200)))
    assert StoreReader(path).counts().spans == 4


def test_deleting_that_others_prevent_does_not_fail_the_batch(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(path, max_age=3600)

    def refuse(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(store._retention, "keep", refuse)
    assert StoreSpanExporter(store).export(spans(1)).name == "SUCCESS"
    assert store.status.last_error is None
    store.close()


def test_a_deletion_that_fails_is_undone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BUDGET", 60.0)
    store = Store(path, max_bytes=LIMIT)
    exporter = StoreSpanExporter(store)

    def fail(*_: object) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as changed:
        changed.setattr(retention, "_delete_points", fail)
        assert exporter.export(spans(500, attributes={"text": "x" * 3000})).name == "SUCCESS"
    assert StoreReader(path).counts().spans == 500
    assert exporter.export(spans(1)).name == "SUCCESS"
    assert files.size(path) <= LIMIT
    store.close()
