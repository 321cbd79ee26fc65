"""A store that breaks while it is in use: set aside, counted, seen, and gone on with."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from clearspan.core.sqlite import database, errors as store_errors, files, opening
from clearspan.exporters import Destination
from clearspan.exporters.store import (
    Store,
    StoreError,
    StoreReader,
    StoreSpanExporter,
    build,
)
from tests.exporters.kit import spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clearspan.exporters.store.rows import Batch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture
def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(database, "_PROBE_INTERVAL", 0.0)
    store = Store(path)
    yield store
    store.close()


def stored(store: Store, count: int = 1) -> bool:
    return StoreSpanExporter(store).export(spans(count)) is SpanExportResult.SUCCESS


def fold(path: Path) -> None:
    """Fold the log into the file, so that damage to the file is damage to what is read."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def garbage_at_the_start(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"no database any more" * 10)


def zeros_at_the_start(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(4096))


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def garbage_all_over(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * (size - 100))


@pytest.mark.parametrize(
    "damage", [garbage_at_the_start, zeros_at_the_start, cut_in_half, garbage_all_over]
)
def test_a_store_that_breaks_is_set_aside_and_a_new_one_goes_on(
    store: Store,
    path: Path,
    damage: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert stored(store, 40)
    fold(path)
    damage(path)
    broken = path.read_bytes()
    assert stored(store, 3)
    assert StoreReader(path).counts().spans == 3
    (aside,) = store.status.set_aside
    assert aside.startswith(f"{path}.corrupt-")
    # Nothing is thrown away: what can be saved from it may be wanted.
    assert path.with_name(Path(aside).name).stat().st_size == len(broken)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert aside in caplog.text
    assert stored(store)
    assert store.status.failed_batches == 0


def test_a_store_of_ours_that_is_broken_at_the_start_is_set_aside(tmp_path: Path) -> None:
    home = tmp_path / ".clearspan"
    home.mkdir()
    path = home / "x.db"
    path.write_bytes(b"rubbish" * 1000)
    built = build(Destination(path=str(path)))
    assert built.span is not None
    assert built.span.export(spans(2)) is SpanExportResult.SUCCESS
    assert StoreReader(path).counts().spans == 2
    assert f"{path}.corrupt-" in str(built.status()["set aside"])
    built.span.shutdown()


def test_two_broken_in_one_second_get_different_names(tmp_path: Path) -> None:
    home = tmp_path / ".clearspan"
    home.mkdir()
    path = home / "x.db"
    for content in (b"one" * 1000, b"two" * 1000):
        path.write_bytes(content)
        files.set_aside(path)
    aside = sorted(home.glob("x.db.corrupt-*"))
    assert sorted(found.read_bytes()[:3] for found in aside) == [b"one", b"two"]


def test_two_stores_that_meet_the_damage_set_it_aside_once(
    store: Store, path: Path, tmp_path: Path
) -> None:
    other = Store(path)
    assert stored(store, 40)
    assert stored(other, 40)
    fold(path)
    garbage_at_the_start(path)
    assert stored(store, 2)
    assert stored(other, 3)
    assert StoreReader(path).counts().spans == 5
    assert len(store.status.set_aside) + len(other.status.set_aside) == 1
    assert len([found for found in tmp_path.glob("*.corrupt-*") if found.suffix != ".x"]) >= 1
    other.close()
    # Closing the one that was opened on the old file does the new one no harm.
    assert stored(store)
    assert StoreReader(path).counts().spans == 6


def test_a_store_that_was_deleted_is_made_anew(store: Store, path: Path) -> None:
    assert stored(store, 5)
    path.unlink()
    assert stored(store, 2)
    assert StoreReader(path).counts().spans == 2
    assert store.status.set_aside == ()


def test_a_store_that_was_replaced_is_written_in_its_place(
    store: Store, path: Path, tmp_path: Path
) -> None:
    other = Store(tmp_path / "other.db")
    assert stored(other, 7)
    other.close()
    assert stored(store, 5)
    (tmp_path / "other.db").replace(path)
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink()
    assert stored(store, 2)
    assert StoreReader(path).counts().spans == 9


def test_a_store_that_was_emptied_is_filled_again(store: Store, path: Path) -> None:
    assert stored(store, 40)
    fold(path)
    os.truncate(path, 0)
    assert stored(store, 2)
    assert stored(store, 1)
    assert StoreReader(path).counts().spans == 3


def test_a_table_that_somebody_dropped_costs_the_file_and_nothing_more(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert stored(store)
    with sqlite3.connect(path) as other:
        other.execute("DROP TABLE traces")
    other.close()
    assert stored(store)
    assert stored(store)
    assert (store.status.failed_batches, store.status.last_error) == (0, None)
    assert StoreReader(path).counts().spans == 2
    (aside,) = store.status.set_aside
    with closing(sqlite3.connect(aside)) as kept:
        assert kept.execute("SELECT count(*) FROM spans").fetchone() == (1,)
    # Said once, not for each batch.
    assert len(caplog.records) == 1


def test_an_outage_is_said_once_and_the_next_one_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.mkdir()  # no file can be opened there
    store = Store(path)
    for times in (1, 2):
        assert [stored(store) for _ in range(3)] == [False, False, False]
        assert len(caplog.records) == times
        path.rmdir()
        assert stored(store)
        store.close()
        path.unlink()
        path.mkdir()
    store.close()


def test_a_store_that_others_hold_for_too_long_is_a_failure(path: Path) -> None:
    store = Store(path, timeout=0.05)
    assert stored(store)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert not stored(store)
    assert "in use by other processes" in str(store.status.last_error)
    holder.execute("ROLLBACK")
    holder.close()
    assert stored(store)
    assert (store.status.spans, store.status.failed_batches) == (2, 1)
    store.close()


def test_a_new_store_that_others_hold_says_so(path: Path) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="in use by other processes"):
        Store(path, timeout=0.05).open()
    holder.close()


def test_a_broken_store_that_cannot_be_renamed_is_a_failure(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stored(store, 40)
    fold(path)
    garbage_at_the_start(path)

    def refuse(_: Path) -> Path:
        raise PermissionError("not allowed")

    with monkeypatch.context() as changed:
        changed.setattr(files, "set_aside", refuse)
        assert not stored(store)
    assert "damaged" in str(store.status.last_error)
    assert stored(store)


def test_a_folder_that_somebody_holds_delays_setting_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PROBE_INTERVAL", 0.0)
    monkeypatch.setattr(database, "_CLOSING", 0.01)
    store = Store(path, timeout=0.02)
    assert stored(store, 40)
    fold(path)
    garbage_at_the_start(path)
    with files.locked(path.parent, 1) as held:
        assert held
        assert not stored(store)
        assert store.status.set_aside == ()
    assert stored(store)
    assert len(store.status.set_aside) == 1
    store.close()


def test_errors_are_known_without_sqlites_codes() -> None:
    """Python 3.10 does not pass them on."""
    bare = sqlite3.DatabaseError
    assert store_errors.is_damage(bare("database disk image is malformed"))
    assert store_errors.is_damage(bare("file is not a database"))
    assert store_errors.is_busy(bare("database is locked"))
    assert store_errors.is_stale(bare("attempt to write a readonly database"))
    assert store_errors.is_stale(bare("disk I/O error"))
    assert not store_errors.is_damage(bare("database is locked"))
    assert not store_errors.is_damage(OSError("malformed"))


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    with files.locked(tmp_path, 1) as first:
        assert first
        with files.locked(tmp_path, 0.01) as second:
            assert not second
    with files.locked(tmp_path, 1) as third:
        assert third


def test_where_folders_cannot_be_locked_the_store_works(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert stored(store, 40)
    fold(path)
    garbage_at_the_start(path)
    assert stored(store, 2)
    assert StoreReader(path).counts().spans == 2


def test_a_folder_that_went_away_is_a_failure(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    store = Store(folder / "x.db")
    folder.rmdir()
    assert not stored(store)
    folder.mkdir()
    assert stored(store)
    store.close()


def test_what_another_process_has_set_aside_is_left_alone(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stored(store, 5)
    write = store._put
    calls: list[Batch] = []

    def overtaken(connection: sqlite3.Connection, batch: Batch) -> None:
        calls.append(batch)
        if len(calls) == 1:
            files.set_aside(path)
            other = Store(path)
            other.open()
            other.close()
            raise sqlite3.DatabaseError("database disk image is malformed")
        write(connection, batch)

    monkeypatch.setattr(store, "_put", overtaken)
    assert stored(store, 3)
    assert store.status.set_aside == ()
    assert StoreReader(path).counts().spans == 3


def test_a_new_store_waits_for_its_turn(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    # Instead of waiting: the other is done in the meantime.
    monkeypatch.setattr(opening.time, "sleep", lambda _: holder.execute("ROLLBACK"))
    store = Store(path, timeout=0.1)
    assert stored(store)
    holder.close()
    store.close()


def test_a_disk_that_fails_at_once_is_said_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(opening, "_set_up", fail)
    with pytest.raises(StoreError, match=r"cannot be written \(disk I/O error\)"):
        Store(path).open()


def test_closing_does_not_wait_for_ever(path: Path) -> None:
    store = Store(path, timeout=0.01)
    assert stored(store)
    with store._database.lock:
        thread = threading.Thread(target=store.close)
        thread.start()
        thread.join()
        assert store._database.connection is not None
    store.close()
    assert store._database.connection is None


def test_a_folder_that_is_gone_is_no_reason_to_wait(tmp_path: Path) -> None:
    with files.locked(tmp_path / "gone", 60) as held:
        assert held
