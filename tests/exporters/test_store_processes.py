"""Several processes on one store: writing at once, killed, forked."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from clearspan.core.sqlite import files, forks
from clearspan.exporters.store import Store, StoreError, StoreReader, StoreSpanExporter
from tests.exporters.kit import finished, program, spans
from tests.support.forks import in_child

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys
from clearspan.exporters.store import Store, StoreSpanExporter
from tests.exporters.kit import spans
store = Store(sys.argv[1])
exporter = StoreSpanExporter(store)
for _ in range(int(sys.argv[2])):
    batch = spans(int(sys.argv[3]))
    if exporter.export(batch).name == "SUCCESS":
        # One write: what was acknowledged is told whole or not at all.
        ids = " ".join(f"{span.get_span_context().span_id:016x}" for span in batch)
        sys.stdout.write(ids + "\\n")
        sys.stdout.flush()
if len(sys.argv) < 5:
    store.close()
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
# From 3.12 on Python warns of forks in threaded programs, which is what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


def sound(path: Path) -> bool:
    connection = sqlite3.connect(path)
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])
    finally:
        connection.close()


def stored(exporter: StoreSpanExporter, count: int = 1) -> bool:
    return exporter.export(spans(count)) is SpanExportResult.SUCCESS


def test_four_processes_create_and_write_one_store_at_once(path: Path) -> None:
    writers = [program(WRITER, str(path), "12", "25") for _ in range(4)]
    acknowledged = {span for writer in writers for span in finished(writer).split()}
    assert len(acknowledged) == 4 * 12 * 25
    assert {span.span_id for span in StoreReader(path).tail(limit=10_000)} == acknowledged
    assert sound(path)


def test_what_was_acknowledged_survives_being_killed(path: Path) -> None:
    chance = random.Random(7)
    acknowledged: set[str] = set()
    for _ in range(6):
        writer = program(WRITER, str(path), "100000", "10")
        assert writer.stdout is not None
        # Some batches are known to have arrived; the kill then comes at any point of another.
        for _ in range(chance.randint(1, 6)):
            acknowledged.update(writer.stdout.readline().split())
        writer.kill()
        output, _ = writer.communicate(timeout=60)
        # The last line may have been cut by the kill; the ids in it are whole only if it ends.
        whole = output[: output.rfind("\n") + 1]
        acknowledged.update(whole.split())
        assert writer.returncode == -signal.SIGKILL
    kept = {span.span_id for span in StoreReader(path).tail(limit=1_000_000)}
    assert acknowledged
    assert acknowledged <= kept
    assert sound(path)


def test_a_reader_is_never_wrong_while_a_process_writes(path: Path) -> None:
    writer = program(WRITER, str(path), "40", "10")
    assert writer.stdout is not None
    acknowledged = len(writer.stdout.readline().split())
    reader = StoreReader(path)
    while line := writer.stdout.readline():
        counts = reader.counts()
        # Never less than what was told, and never half a batch.
        assert counts.spans >= acknowledged
        assert counts.spans % 10 == 0
        acknowledged += len(line.split())
    assert finished(writer) == ""
    assert reader.counts().spans == acknowledged == 400


@needs_fork
def test_a_forked_child_writes_with_a_connection_of_its_own(store: Store, path: Path) -> None:
    exporter = StoreSpanExporter(store)
    assert stored(exporter)

    def child() -> bool:
        return store._database.connection is None and stored(exporter, 2) and stored(exporter, 3)

    wait = in_child(child)
    assert stored(exporter)
    assert wait()
    assert StoreReader(path).counts().spans == 7
    assert sound(path)


@needs_fork
def test_what_a_child_writes_survives_the_parents_end(path: Path) -> None:
    """The inherited list of locks would make the parent delete the log that the child writes to."""
    code = """
import os, sys
from clearspan.exporters.store import Store, StoreSpanExporter
from tests.exporters.kit import spans
store = Store(sys.argv[1])
exporter = StoreSpanExporter(store)
exporter.export(spans(1))
ready, go = os.pipe(), os.pipe()
pid = os.fork()
if pid:
    os.read(ready[0], 1)
    store.close()
    os.write(go[1], b"x")
    os.waitpid(pid, 0)
else:
    exporter.export(spans(1))
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    exporter.export(spans(1))
    os._exit(0)
"""
    finished(program(code, str(path)))
    assert StoreReader(path).counts().spans == 3
    assert sound(path)


@needs_fork
def test_forks_amid_writing_threads_lose_nothing(store: Store, path: Path) -> None:
    exporters = [StoreSpanExporter(store) for _ in range(3)]
    stop = threading.Event()
    written = [0] * len(exporters)

    def keep_writing(which: int) -> None:
        while not stop.is_set():
            written[which] += stored(exporters[which])

    threads = [threading.Thread(target=keep_writing, args=(n,)) for n in range(len(exporters))]
    for thread in threads:
        thread.start()
    try:
        own = StoreSpanExporter(store)
        waits = [in_child(lambda: stored(own, 2)) for _ in range(25)]
        good = [wait() for wait in waits]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert good == [True] * 25
    store.close()  # what children had to write beside it is taken in
    assert StoreReader(path).counts().spans == sum(written) + 50
    assert sound(path)


@needs_fork
def test_a_child_that_never_writes_ends_without_touching_the_store(path: Path) -> None:
    code = """
import os, sys
from clearspan.exporters.store import Store, StoreReader, StoreSpanExporter
from tests.exporters.kit import spans
store = Store(sys.argv[1])
exporter = StoreSpanExporter(store)
exporter.export(spans(1))
pid = os.fork()
if pid:
    os.waitpid(pid, 0)
    exporter.export(spans(1))
    print(StoreReader(sys.argv[1]).counts().spans)
    store.close()
"""
    assert finished(program(code, str(path))) == "2\n"
    assert sound(path)


@needs_fork
def test_a_fork_in_the_middle_of_a_write_gives_the_child_a_file_beside(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = StoreSpanExporter(store)
    inside, go = threading.Event(), threading.Event()
    keep = store._retention.keep

    def stall(connection: sqlite3.Connection) -> None:
        if not inside.is_set():  # the child's own write is held up by nobody
            inside.set()
            go.wait(30)
        keep(connection)

    monkeypatch.setattr(store._retention, "keep", stall)
    thread = threading.Thread(target=stored, args=(exporter,))
    thread.start()
    inside.wait(30)

    def child() -> bool:
        taken = stored(exporter)
        beside = files.beside(path)
        try:
            StoreReader(path).counts()
        except StoreError:
            return taken and store.path == str(beside) and StoreReader(beside).counts().spans == 1
        return False

    wait = in_child(child)
    assert wait()
    go.set()
    thread.join()
    assert stored(exporter)
    store.close()
    assert StoreReader(path).counts().spans == 3, "the child's is taken in"
    assert not [each for each in path.parent.iterdir() if ".fork-" in each.name]
    assert sound(path)


@needs_fork
def test_a_fork_that_python_does_not_know_of_is_noticed(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = StoreSpanExporter(store)
    assert stored(exporter)

    def child() -> bool:
        # As if C code had forked: no hook ran, the connection is still there.
        return stored(exporter) and f"-{pid_of_parent + 1}{path.suffix}" in store.path

    monkeypatch.setattr(forks, "_before", list)
    pid_of_parent = os.getpid()
    with monkeypatch.context() as changed:
        # The pid is all that tells; the inherited connection must never be used or closed.
        changed.setattr(os, "getpid", lambda: pid_of_parent + 1)
        assert child()
    beside = store.path
    store.close()
    forks._unsafe.clear()
    assert StoreReader(beside).counts().spans == StoreReader(path).counts().spans == 1


@needs_fork
def test_thousands_of_stores_leave_no_hooks_behind(tmp_path: Path) -> None:
    before = len(forks._holders)
    for number in range(2_000):
        Store(tmp_path / f"{number}.db")
    assert len(forks._holders) <= before + 1
    assert in_child(lambda: True)()


def test_processes_that_start_without_fork_write_too(path: Path) -> None:
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    process = context.Process(target=write_one, args=(str(path),))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert StoreReader(path).counts().spans == 1


def write_one(path: str) -> None:
    store = Store(path)
    good = stored(StoreSpanExporter(store))
    store.close()
    sys.exit(0 if good else 1)
