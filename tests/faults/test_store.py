"""Rows F54 to F59: a store that many write, that is killed, broken, filled and taken away while it is in use."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan import SettingError
from clearspan.core.sqlite import database, files, opening
from clearspan.exporters.otlp.spool.box import SMALLEST, Box
from clearspan.exporters.store import Store, StoreReader, StoreSpanExporter, retention, schema
from tests.exporters.kit import SECOND, finished, program, spans, unprivileged
from tests.faults.kit import of_the_test, ran

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# Imports once and forks: so many interpreters would take longer to start than the test to run.
NURSERY = """
import os, sys
from clearspan.exporters.store import Store, StoreSpanExporter
from tests.exporters.kit import spans

def write(path, batches, size, churn):
    store = Store(path)
    exporter = StoreSpanExporter(store)
    for number in range(batches):
        batch = spans(size)
        if exporter.export(batch).name == "SUCCESS":
            # One write: what was acknowledged is told whole or not at all.
            os.write(1, (" ".join(f"{span.get_span_context().span_id:016x}" for span in batch) + "\\n").encode())
        if churn:
            store.close()
    store.close()

def child(*work):
    pid = os.fork()
    if pid == 0:
        try:
            write(*work)
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(1)
        os._exit(0)
    return pid
"""


def sound(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


def kept(path: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT span_id FROM spans")}


@needs_fork
def test_F55_thirty_two_processes_write_while_others_read(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    code = (
        NURSERY
        + """
children = [child(sys.argv[1], 4, 10, number % 2 == 0) for number in range(32)]
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children))
"""
    )
    writers = program(code, str(path))
    assert writers.stdout is not None
    acknowledged: set[str] = set(writers.stdout.readline().split())
    reader = StoreReader(path)
    long = sqlite3.connect(path, isolation_level=None)
    long.execute("BEGIN")
    before = long.execute("SELECT count(*) FROM spans").fetchone()[0]
    for line in writers.stdout:
        counts = reader.counts()
        assert counts.spans >= len(acknowledged)
        assert counts.spans % 10 == 0
        acknowledged.update(line.split())
    assert finished(writers) == ""
    # One that began to read before all that still sees what it saw.
    assert long.execute("SELECT count(*) FROM spans").fetchone()[0] == before
    long.close()
    assert len(acknowledged) == 32 * 4 * 10
    assert kept(path) == acknowledged
    assert sound(path)
    assert list(tmp_path.glob("*.corrupt-*")) == []


@needs_fork
def test_F54_forks_in_the_middle_of_transactions(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    code = (
        NURSERY
        + """
import threading
store = Store(sys.argv[1])
exporter = StoreSpanExporter(store)
stop, written = threading.Event(), [0, 0]

def busy(which):
    while not stop.is_set():
        written[which] += exporter.export(spans(3)).name == "SUCCESS"

threads = [threading.Thread(target=busy, args=(which,), daemon=True) for which in (0, 1)]
for thread in threads:
    thread.start()
children = []
for number in range(60):
    pid = os.fork()
    if pid == 0:
        # Every other one goes as programs go: what it inherited is collected then.
        good = exporter.export(spans(2)).name == "SUCCESS" and exporter.export(spans(2)).name == "SUCCESS"
        if number % 2:
            store.close()
            del store, exporter
        os._exit(0 if good else 1)
    children.append(pid)
    if len(children) == 8:
        assert not any(os.waitpid(pid, 0)[1] for pid in children)
        children.clear()
assert not any(os.waitpid(pid, 0)[1] for pid in children)
stop.set()
for thread in threads:
    thread.join()
store.close()
print(3 * sum(written) + 60 * 4)
"""
    )
    run = program(code, str(path))
    output, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert StoreReader(path).counts().spans == int(output)
    assert sound(path)


@needs_fork
def test_F57_what_was_acknowledged_survives_forty_kills(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    code = (
        NURSERY
        + """
import signal
for line in sys.stdin:
    pid = child(sys.argv[1], 100_000, 10, False)
    # The parent of this says when: after so many batches, in the middle of another.
    sys.stdin.readline()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.write(1, b"killed\\n")
"""
    )
    chance = random.Random(9)
    acknowledged: set[str] = set()
    with _piped(code, str(path)) as nursery:
        for _ in range(40):
            _say(nursery)
            for _ in range(chance.randint(1, 4)):
                acknowledged.update(_heard(nursery))
            _say(nursery)
            # A line is one write to a pipe, and so there as a whole or not at all.
            while (line := _heard(nursery)) != ["killed"]:
                acknowledged.update(line)
            assert acknowledged <= kept(path)
    assert len(acknowledged) >= 400
    assert sound(path)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda path: Store(path)._database, 1),  # NORMAL: the log is synchronised now and then
        (lambda path: Box(path, max_bytes=SMALLEST, max_age=60.0, lease=60.0).database, 2),  # FULL
    ],
    ids=["store", "spool"],
)
def test_F57_what_a_power_cut_may_take_is_what_is_said(
    made: Callable[[Path], database.Database], wanted: int, tmp_path: Path
) -> None:
    """No test can cut the power; that SQLite is told to synchronise as the documentation says can be seen."""
    file = made(tmp_path / "x.db")
    file.open()
    assert file.connection is not None
    told = [file.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]  # fmt: skip
    file.close()
    assert told == ["wal", wanted]


@contextlib.contextmanager
def _piped(code: str, *arguments: str) -> Generator[subprocess.Popen[str]]:
    process = program(code, *arguments, stdin=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    return line.split()


# -- broken while a program runs -------------------------------------------------------------------------------


def _write(path: Path, at: int, what: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(what)


def _header(path: Path) -> None:
    _write(path, 0, b"no database any more" * 10)


def _header_of_a_later_format(path: Path) -> None:
    _write(path, 18, b"\x07\x07")


def _pages(path: Path) -> None:
    _write(path, 4096, b"\xa5" * (path.stat().st_size - 4096))


def _zeros(path: Path) -> None:
    _write(path, 0, bytes(path.stat().st_size))


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def _emptied(path: Path) -> None:
    os.truncate(path, 0)


def _deleted(path: Path) -> None:
    path.unlink()


def _all_deleted(path: Path) -> None:
    for side in ("", "-wal", "-shm"):
        Path(f"{path}{side}").unlink(missing_ok=True)


def _log_deleted(path: Path) -> None:
    Path(f"{path}-wal").unlink(missing_ok=True)


def _index_deleted(path: Path) -> None:
    Path(f"{path}-shm").unlink(missing_ok=True)


def _log_of_rubbish(path: Path) -> None:
    _write(Path(f"{path}-wal"), 0, b"\xa5" * 4096)


def _text_in_its_place(path: Path) -> None:
    _all_deleted(path)
    path.write_text("my notes\n" * 1000)


DAMAGES = (
    _header, _header_of_a_later_format, _pages, _zeros, _cut, _emptied, _deleted, _all_deleted, _log_deleted, _index_deleted,
    _log_of_rubbish, _text_in_its_place,
)  # fmt: skip


@pytest.fixture
def looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Health is looked at with each batch, and failures are no errors of the test's."""
    monkeypatch.setattr(database, "_PROBE_INTERVAL", 0.0)


def call(number: int = 1) -> None:
    for _ in range(number):
        with clearspan.invocation("chat", provider="acme", model="m") as made:
            made.input("x" * 2_000)
            made.text("done")


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was warned of."""
    return [
        record.getMessage() for record in of_the_test(caplog) if record.levelno >= logging.WARNING
    ]


def fold(path: Path) -> None:
    """Have the log's pages in the file, so that damage to the file is damage to what is read."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def consistent(accounts: Any) -> bool:
    lost = sum(accounts.dropped.values())
    return bool(accounts.created == accounts.exported + accounts.stored + lost + accounts.pending)


@pytest.mark.usefixtures("looked_after")
@pytest.mark.parametrize("damage", DAMAGES)
def test_F58_a_program_whose_store_breaks_goes_on_and_so_does_the_store(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / ".clearspan" / "x.db"
    with clearspan.init(store=path, hardware="off") as runtime:
        call(30)
        assert runtime.flush(20)
        fold(path)
        damage(path)
        for _ in range(3):
            call(2)
            assert runtime.flush(20)
        status = runtime.status()
    assert status.internal_errors == {}
    assert consistent(status.accounts)
    assert status.accounts.created == 36
    # At most the batch that found it is lost, and then it is counted.
    lost = status.accounts.dropped.get("export_failed", 0)
    assert status.accounts.stored >= 34
    assert StoreReader(path).counts().spans >= 6 - lost
    assert sound(path)


@pytest.mark.usefixtures("looked_after")
def test_F58_a_header_that_breaks_is_set_aside_whole_and_seen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "x.db"
    with clearspan.init(store=path, hardware="off") as runtime:
        call(30)
        assert runtime.flush(20)
        fold(path)
        before = path.read_bytes()
        _header(path)
        caplog.clear()
        call(2)
        assert runtime.flush(20)
        aside = str(runtime.status().destination_status["set aside"])
    assert aside.startswith(f"{path}.corrupt-")
    assert [
        record.getMessage().endswith(aside)
        for record in caplog.records
        if record.levelno == logging.WARNING
    ] == [True]
    assert Path(aside).read_bytes()[200:] == before[200:]
    assert StoreReader(path).counts().spans == 2
    # What was not touched can be had again.
    mended = tmp_path / "mended.db"
    mended.write_bytes(before[:200] + Path(aside).read_bytes()[200:])
    assert StoreReader(mended).counts().spans == 30


@pytest.mark.parametrize("seed", range(6))
def test_F57_a_store_with_flipped_bits_opens_and_takes_more(tmp_path: Path, seed: int) -> None:
    path = tmp_path / ".clearspan" / "x.db"
    store = Store(path)
    StoreSpanExporter(store).export(spans(200, attributes={"text": "x" * 500}))
    store.close()
    chance = random.Random(seed)
    held = bytearray(path.read_bytes())
    for page in range(len(held) // 8192):
        # In what holds a page together, and somewhere in it; the first page is what tells that it is ours.
        for place in (chance.randrange(12), chance.randrange(8192)):
            held[page * 8192 + (place if page else 100 + place % 12)] ^= 1 << chance.randrange(8)
    path.write_bytes(held)
    again = Store(path)
    exporter = StoreSpanExporter(again)
    batches = [spans(20) for _ in range(5)]
    acknowledged = [exporter.export(batch).name == "SUCCESS" for batch in batches]
    again.close()
    assert acknowledged.count(False) == again.status.failed_batches
    assert acknowledged[-1]
    assert again.status.spans == 20 * acknowledged.count(True)


@pytest.mark.usefixtures("looked_after")
def test_F59_a_folder_in_the_place_of_the_store_costs_what_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with clearspan.init(store=path, hardware="off") as runtime:
        call(3)
        assert runtime.flush(20)
        _all_deleted(path)
        path.mkdir()
        call(2)
        assert runtime.flush(20)
        status = runtime.status()
        assert status.accounts.dropped == {"export_failed": 2}
        assert "x.db" in str(status.destination_status["last error"])
        path.rmdir()
        call(4)
        assert runtime.flush(20)
        assert consistent(runtime.status().accounts)
        assert runtime.status().accounts.stored == 7
    assert StoreReader(path).counts().spans == 4


# -- no room, no right, no place ----------------------------------------------------------------------------------


@needs_fork
def test_F59_a_full_disk_is_counted_and_got_over(tmp_path: Path) -> None:
    code = """
import resource, sys, json
import clearspan

def call(size):
    for _ in range(10):
        with clearspan.invocation("chat", provider="acme", model="m") as made:
            made.input("x" * size)
    print(clearspan.flush(20))

def room(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

runtime = clearspan.init(store=sys.argv[1], hardware="off", export_interval=0.01)
call(10)
room(300_000)
for _ in range(5):
    call(20_000)
accounts = clearspan.status().accounts
print(accounts.dropped["export_failed"] > 0, list(accounts.dropped))
full = accounts.stored
room(resource.RLIM_INFINITY)
call(20_000)
accounts = clearspan.status().accounts
lost = sum(accounts.dropped.values())
print(accounts.stored == full + 10, accounts.created == accounts.stored + lost == 70, accounts.stored)
clearspan.shutdown()
"""
    path = tmp_path / "x.db"
    run = program(code, str(path))
    output, _ = run.communicate(timeout=120)
    lines = output.splitlines()
    assert run.returncode == 0
    assert lines[:6] == ["True"] * 6
    assert lines[6:8] == ["True ['export_failed']", "True"]
    good, whole, stored = lines[8].split()
    assert (good, whole) == ("True", "True")
    assert StoreReader(path).counts().spans == int(stored)
    assert sound(path)


def test_F59_a_folder_that_may_not_be_written_is_memory_only_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with unprivileged() as folder:
        monkeypatch.chdir(folder)
        folder.chmod(0o500)
        with clearspan.init(hardware="off") as runtime:
            call(3)
            assert runtime.flush(20)
            call(3)
            assert runtime.flush(20)
            accounts = runtime.status().accounts
        assert (accounts.created, accounts.dropped) == (6, {"no_destination": 6})
        (warned,) = warnings(caplog)
        assert "is not writable" in warned
        assert list(folder.iterdir()) == []
        # Asked for by name it is a mistake that can be mended, so it is said at once.
        with pytest.raises(clearspan.SettingError, match="not writable"):
            clearspan.init(store="x.db")


@pytest.mark.usefixtures("looked_after")
def test_F59_a_store_that_becomes_read_only_is_said_once_and_got_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with unprivileged() as folder:
        path = folder / "x.db"
        with clearspan.init(store=path, hardware="off") as runtime:
            call(2)
            assert runtime.flush(20)
            for side in ("", "-wal", "-shm"):
                Path(f"{path}{side}").chmod(0o400)
            folder.chmod(0o500)
            runtime.status()
            for _ in range(3):
                call(1)
                assert runtime.flush(20)
            spoilt = runtime.status()
            assert consistent(spoilt.accounts)
            folder.chmod(0o700)
            for side in ("", "-wal", "-shm"):
                Path(f"{path}{side}").chmod(0o600)
            call(2)
            assert runtime.flush(20)
            accounts = runtime.status().accounts
        assert accounts.stored == spoilt.accounts.stored + 2
        assert accounts.stored + sum(accounts.dropped.values()) == accounts.created == 7
        assert len(warnings(caplog)) == (1 if accounts.dropped else 0)


LIVE = """
import json, os, sys
import clearspan
clearspan.init(hardware="off", **json.loads(sys.argv[1]))
with clearspan.invocation("chat", provider="acme", model="m") as made:
    made.input("hello")
print(clearspan.flush(20), clearspan.status().accounts.stored, dict(clearspan.status().accounts.dropped))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that is in use")
def test_F59_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    code = f"import os\nos.mkdir({gone!r}); os.chdir({gone!r}); os.rmdir({gone!r})\n" + LIVE
    run = program(code, "{}")
    output, errors = run.communicate(timeout=60)
    assert (run.returncode, output) == (0, "True 0 {'no_destination': 1}\n")
    assert errors.count("\n") == 1
    assert "Nothing is kept" in errors
    asked = program(code, f'{{"store": "{tmp_path}/kept.db"}}')
    assert finished(asked) == "True 1 {}\n"
    assert StoreReader(tmp_path / "kept.db").counts().spans == 1


@pytest.mark.parametrize("home", [None, "", "/nowhere/at/all"])
def test_F59_without_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.delenv("HOME", raising=False)
    if home is not None:
        monkeypatch.setenv("HOME", home)
    assert finished(program(LIVE, "{}", cwd=tmp_path)) == "True 1 {}\n"
    assert StoreReader(tmp_path / ".clearspan" / "clearspan.db").counts().spans == 1


@pytest.mark.parametrize(
    "name",
    [
        "two words",
        "Übergröße 数据 🎈",
        "a#b?c=d&e%20f",
        'it\'s "quoted"; DROP TABLE',
        "-wal",
        "x\ttab",
        "e\u0301",
    ],
)
@pytest.mark.usefixtures("looked_after")
def test_F59_folders_and_files_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    path = folder / f"{name}.db"
    with clearspan.init(store=path, hardware="off") as runtime:
        call(2)
        assert runtime.flush(20)
        fold(path)
        _header(path)
        call(3)
        assert runtime.flush(20)
        assert runtime.status().accounts.stored == 5
    assert StoreReader(path).counts().spans == 3
    # Nothing lies where the name would lead, were it taken for something else.
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (
        len(
            [
                each
                for each in folder.glob("*.corrupt-*")
                if not each.name.endswith(("-wal", "-shm"))
            ]
        )
        == 1
    )


NO_SHARED_MEMORY = """
import pathlib, sqlite3
connect = sqlite3.connect
def without(path, *args, **given):
    given["uri"] = True
    text = str(path)
    text = text if text.startswith("file:") else pathlib.Path(text).as_uri()
    # One that locks by files of its own and knows no shared memory, as on network file systems.
    return connect(text + ("&" if "?" in text else "?") + "vfs=unix-dotfile", *args, **given)
sqlite3.connect = without
"""


@pytest.mark.skipif(sys.platform == "win32", reason="that VFS is for Unix")
def test_F59_a_file_system_without_shared_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    code = (
        NO_SHARED_MEMORY
        + """
import sys
from clearspan.exporters.store import Store, StoreReader, StoreSpanExporter
from tests.exporters.kit import spans
store = Store(sys.argv[1])
exporter = StoreSpanExporter(store)
good = [exporter.export(spans(5)).name for _ in range(10)]
print(set(good), store.status.last_error)
with sqlite3.connect(sys.argv[1]) as asked:
    print(asked.execute("PRAGMA journal_mode").fetchone()[0])
print(StoreReader(sys.argv[1]).counts().spans % 5)
store.close()
"""
    )
    writers = [program(code, str(path)) for _ in range(2)]
    for writer in writers:
        said, errors = writer.communicate(timeout=120)
        assert (writer.returncode, errors) == (0, "")
        assert said.splitlines() == ["{'SUCCESS'} None", "delete", "0"]
    assert StoreReader(path).counts().spans == 100
    assert sound(path)
    assert not Path(f"{path}-wal").exists()


@pytest.mark.usefixtures("looked_after")
def test_F59_a_folder_that_is_taken_away_and_given_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    with clearspan.init(store=folder / "x.db", hardware="off") as runtime:
        call(2)
        assert runtime.flush(20)
        shutil.rmtree(folder)
        for _ in range(4):
            call(1)
            assert runtime.flush(20)
        lost = runtime.status().accounts
        folder.mkdir()
        call(2)
        assert runtime.flush(20)
        accounts = runtime.status().accounts
    assert lost.dropped == accounts.dropped == {"export_failed": 4}
    assert accounts.stored == 4
    assert len(warnings(caplog)) == 1


def test_F58_a_store_that_another_program_holds_blocks_nobody_and_loses_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.db"
    with clearspan.init(store=path, hardware="off", export_interval=0.01) as runtime:
        call(1)
        assert runtime.flush(20)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        call(20)
        # Had any of them waited for the file, they would wait still.
        assert not runtime.flush(0.2)
        assert runtime.status().accounts.pending == 20
        holder.execute("ROLLBACK")
        holder.close()
        assert runtime.flush(20)
        assert runtime.status().accounts.stored == 21
    assert StoreReader(path).counts().spans == 21


def test_F56_what_has_expired_leaves_no_space_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BUDGET", 60.0)
    monkeypatch.setattr(retention, "_INTERVAL", 0.0)
    path = tmp_path / "x.db"
    store = Store(path, max_age=3600)
    exporter = StoreSpanExporter(store)
    long_ago, sizes = time.time_ns() - 7200 * SECOND, []
    for _ in range(20):
        exporter.export(spans(300, attributes={"text": "x" * 2000}, start=long_ago))
        exporter.export(spans(1))
        sizes.append(files.size(path))
    # What was once large does not stay so.
    exporter.export(spans(5, attributes={"text": "x" * 2_000_000}, start=long_ago))
    for _ in range(3):
        exporter.export(spans(1))
    store.close()
    assert StoreReader(path).counts().spans == 23
    assert max(sizes[10:]) <= max(sizes[:10])
    assert path.stat().st_size < 5 * 2_000_000 / 2


# -- files of ours that are hardly any more ---------------------------------------------------------

ONE_MORE = """
import sys
import clearspan
clearspan.init(store=sys.argv[1], providers=(), hardware="off")
with clearspan.span("one"):
    pass
assert clearspan.flush(30)
found = clearspan.status().accounts
print(found.stored, found.dropped)
"""


def _dropped(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE spans")
        other.commit()


def _without_a_header(size: int, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.write(random.Random(3).randbytes(size))


@pytest.mark.parametrize("folder", [".", ".clearspan"])
@pytest.mark.parametrize(
    "harm",
    [_dropped, *(functools.partial(_without_a_header, size) for size in (16, 100, 512, 4_096))],
    ids=["dropped", "16", "100", "512", "4096"],
)
def test_F57_a_file_of_ours_that_lost_its_tables_or_its_header_is_begun_anew(
    harm: Callable[[Path], None], folder: str, tmp_path: Path
) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    path = tmp_path / folder / "runs.db"
    assert ran(ONE_MORE, str(path)).stdout == "1 {}\n"
    harm(path)
    found = ran(ONE_MORE, str(path))
    assert (found.returncode, found.stdout) == (0, "1 {}\n"), found
    assert "was damaged; it was set aside as" in found.stderr
    assert len(files.asides(path)) == 1
    assert ran(ONE_MORE, str(path)).stdout == "1 {}\n"
    assert StoreReader(path).counts().spans == 2


def test_F57_what_only_tells_of_our_tables_is_not_ours(tmp_path: Path) -> None:
    """A file of notes with the very statements in it stays what it is, and the program is told."""
    notes = tmp_path / "schema.sql"
    statements = [
        each for step in schema.SCHEMA.migrations for each in step if isinstance(each, str)
    ]
    notes.write_text("\n".join(statements))
    before = notes.read_bytes()
    found = ran(ONE_MORE, str(notes))
    assert found.returncode != 0
    assert "SettingError" in found.stderr
    assert "name another file" in found.stderr
    assert notes.read_bytes() == before
    assert list(tmp_path.iterdir()) == [notes]


def test_F58_a_look_at_the_file_that_others_keep_locked_is_no_failure(tmp_path: Path) -> None:
    """As on file systems without shared memory, where each writer keeps all others out."""
    path = tmp_path / "x.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE x (x)")
        other.execute("BEGIN EXCLUSIVE")
        opening.probe(path)
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(sqlite3.DatabaseError):
        opening.probe(path)


def test_F59_a_store_and_a_spool_cannot_share_a_file(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "x.db")
    for store in (str(tmp_path / "x.db"), str(tmp_path / "." / "link.db")):
        with pytest.raises(SettingError, match="spool and store name the same file"):
            clearspan.init(endpoint="http://127.0.0.1:9", spool=tmp_path / "x.db", store=store)
        with pytest.raises(SettingError, match="spool and store name the same file"):
            clearspan.init(
                endpoint="http://127.0.0.1:9", spool=tmp_path / "x.db", exporters=[f"store:{store}"]
            )
    with clearspan.init(
        endpoint="http://127.0.0.1:9", spool=tmp_path / "x.db", store=tmp_path / "y.db",
        providers=(), hardware="off",
    ) as runtime:  # fmt: skip
        assert runtime.running
