"""One connection to a file that others hold, break, delete, replace or inherit: healed where it can be."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearspan.core import deadline
from clearspan.core.sqlite import database as databases, files, opening
from clearspan.core.sqlite.database import Database
from clearspan.core.sqlite.errors import Unusable
from clearspan.core.sqlite.schema import Schema

SCHEMA = Schema("thing", 0x0BADCAFE, (("CREATE TABLE things (id INTEGER PRIMARY KEY)",),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


def made(path: Path, timeout: float = 5.0) -> Database:
    return Database(path, SCHEMA, timeout=timeout, log_pages=lambda _: 1_000)


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a file is sound is looked at before each piece of work; and nothing is waited for."""
    monkeypatch.setattr(databases, "_PROBE_INTERVAL", 0.0)
    monkeypatch.setattr(databases, "_CLOSING", 0.0)


@pytest.fixture
def database(path: Path, looking: None) -> Iterator[Database]:
    opened = made(path)
    yield opened
    opened.close()


def add(connection: sqlite3.Connection) -> list[int]:
    """A piece of work: one thing more; answers all."""
    connection.execute("INSERT INTO things DEFAULT VALUES")
    return [each for (each,) in connection.execute("SELECT id FROM things ORDER BY id").fetchall()]


def damage(path: Path) -> bytes:
    """Break the file, the log folded into it before; answers how it begins now."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.write(b"no database any more" * 10)
    return files.begins(path, 200)


def asides(database: Database) -> list[bytes]:
    return [files.begins(Path(each), 200) for each in database.set_aside]


class _Raced(list[str]):
    """Notes that another thread takes as soon as somebody has seen that there are any."""

    def __bool__(self) -> bool:
        found = len(self) > 0
        self.clear()
        return found


def test_what_another_thread_says_first_is_no_failure(database: Database) -> None:
    database._notes = _Raced(["it was damaged"])
    assert database.run(add) == [1]
    assert database.failures == 0


# -- others that are at work -------------------------------------------------------------------


def test_work_within_work_is_refused_and_the_outer_done(database: Database) -> None:
    refused: list[str] = []

    def outer(connection: sqlite3.Connection) -> list[int]:
        try:
            database.run(add)
        except Unusable as error:
            refused.append(error.problem)
        return add(connection)

    assert database.run(outer) == [1]
    assert refused == ["is in use by another thread for too long"]
    assert database.run(add) == [1, 2]


def test_what_another_thread_holds_for_too_long_is_neither_used_nor_closed(path: Path) -> None:
    database = made(path, timeout=0.0)
    inside, go = threading.Event(), threading.Event()
    done: list[list[int]] = []

    def slow(connection: sqlite3.Connection) -> list[int]:
        inside.set()
        go.wait(60)
        return add(connection)

    thread = threading.Thread(target=lambda: done.append(database.run(slow)))
    thread.start()
    assert inside.wait(60)
    with pytest.raises(Unusable, match="in use by another thread"):
        database.run(add)
    database.close()
    assert database.connection is not None
    go.set()
    thread.join(60)
    assert done == [[1]]
    database.close()
    assert database.connection is None


def test_what_another_process_is_writing_to_is_a_failure_and_no_damage(path: Path) -> None:
    database = made(path, timeout=0.0)
    database.run(add)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unusable, match="in use by other processes"):
            database.run(add)
    assert database.connection is not None
    assert (database.failures, database.set_aside) == (1, ())
    assert database.run(add) == [1, 2]
    database.close()


def test_what_could_not_be_tidied_up_does_no_harm(database: Database) -> None:
    given: list[sqlite3.Connection] = []

    def tidy(connection: sqlite3.Connection) -> None:
        given.append(connection)
        raise sqlite3.OperationalError("database is locked")

    assert database.run(add, tidy) == [1]
    assert given == [database.connection]
    assert (database.failures, database.last_error) == (0, None)


# -- files that break or go ---------------------------------------------------------------------


def test_a_file_that_breaks_is_set_aside_and_the_work_done_in_a_new_one(
    database: Database, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert database.run(add) == [1]
    broken = damage(path)
    assert database.run(add) == [1]
    assert asides(database) == [broken]
    (said,) = caplog.records
    assert said.levelno == logging.WARNING
    assert said.getMessage() == (
        f"clearspan: the thing was damaged; it was set aside as {database.set_aside[0]}"
    )
    assert database.run(add) == [1, 2]
    assert (database.failures, len(caplog.records)) == (0, 1)


def test_a_file_that_is_gone_or_another_is_opened_anew(database: Database, path: Path) -> None:
    database.run(add)
    path.unlink()
    assert database.run(add) == [1]
    other = made(path.with_name("other.db"))
    for _ in range(3):
        other.run(add)
    other.close()
    for side in ("-wal", "-shm"):
        Path(f"{path}{side}").unlink()
    other.file.replace(path)
    assert database.run(add) == [1, 2, 3, 4]
    assert (database.failures, database.set_aside) == (0, ())


def test_closing_does_nothing_to_a_file_that_came_in_its_place(
    database: Database, path: Path
) -> None:
    database.run(add)
    left = database.connection
    aside = files.set_aside(path)
    other = made(path)
    assert other.run(add) == [1]
    database.close()
    assert database.connection is None
    assert left is not None
    assert left.execute("SELECT count(*) FROM things").fetchone() == (1,)
    assert aside.exists()
    with contextlib.closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT count(*) FROM things").fetchone() == (1,)
    assert other.run(add) == [1, 2]
    other.close()


def test_what_another_process_has_set_aside_is_left_alone(database: Database, path: Path) -> None:
    database.run(add)

    def overtaken(connection: sqlite3.Connection) -> list[int]:
        if not files.asides(path):
            files.set_aside(path)
            other = made(path)
            other.run(add)
            other.close()
            raise sqlite3.DatabaseError("database disk image is malformed")
        return add(connection)

    assert database.run(overtaken) == [1, 2]
    assert database.set_aside == ()
    assert len(files.asides(path)) == 1


@pytest.mark.usefixtures("looking")
def test_while_the_folder_is_held_nothing_is_set_aside(path: Path) -> None:
    database = made(path, timeout=0.0)
    database.run(add)
    broken = damage(path)
    with files.locked(path.parent, 0.0) as held:
        assert held
        with pytest.raises(Unusable, match="is damaged"):
            database.run(add)
    assert database.set_aside == ()
    assert database.run(add) == [1]
    assert asides(database) == [broken]
    database.close()


def test_a_broken_file_that_cannot_be_renamed_is_a_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its name leaves no room for another ending."""
    database = made(tmp_path / ("x" * 240))
    database.run(add)
    database.close()
    broken = damage(database.file)
    with pytest.raises(Unusable, match="is damaged"):
        database.run(add)
    assert (database.failures, database.set_aside, caplog.records) == (1, (), [])
    assert files.begins(database.file, 200) == broken


# -- files that cannot be used ------------------------------------------------------------------


def test_what_can_be_written_is_checked_without_making_it(path: Path) -> None:
    database = made(path)
    database.check_writable()
    assert not path.exists()
    database.run(add)
    database.close()
    database.check_writable()
    assert database.connection is not None
    database.close()
    damage(path)
    path.write_text("notes " * 200)
    with pytest.raises(Unusable, match="is not an SQLite database"):
        made(path).check_writable()


def test_a_process_that_was_forked_in_the_middle_of_a_write_goes_on_beside(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = made(path)
    database.run(add)
    inherited = database.connection
    database.pid = -1  # as after a fork that no hook saw
    assert database.run(add) == [1]
    beside = files.beside(path)
    assert (database.file, database.path) == (beside, str(beside))
    (said,) = caplog.messages
    assert "forked in the middle of a write" in said
    assert str(beside) in said
    database.open()
    assert database.run(add) == [1, 2]
    assert (database.failures, len(caplog.messages)) == (0, 1)
    assert inherited is not None
    assert inherited.execute("SELECT id FROM things").fetchall() == [(1,)]
    inherited.close()
    database.close()


@pytest.mark.parametrize("idle", [True, False])
def test_a_child_of_one_that_went_on_beside_has_a_file_of_its_own(
    idle: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of its parent goes when that one does; and only what is named after the first is found again."""
    database = made(path)
    database.run(add)
    database.pid = -1  # as after a fork that no hook saw
    assert database.run(add) == [1]
    parents = database.file
    if idle:
        database.close()
    left, number = database.connection, os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: number)
    assert database.run(add) == [1]
    assert database.file == files.beside(path) != parents
    assert f"-{number}." in database.path
    assert database.run(add) == [1, 2]
    database.close()
    if left is not None:
        left.close()
    with contextlib.closing(sqlite3.connect(parents)) as reader:
        assert reader.execute("SELECT count(*) FROM things").fetchone() == (1,)


# -- others that are in the way -----------------------------------------------------------------


def test_what_a_fork_interrupts_is_done_once_more(path: Path) -> None:
    database = made(path)
    tries: list[bool] = []

    def endless(connection: sqlite3.Connection) -> list[int]:
        with opening.transaction(connection):
            found = add(connection)
            tries.append(True)
            if len(tries) == 1:
                begun.set()
                connection.execute(ENDLESS).fetchone()
        return found

    begun = threading.Event()
    done: list[list[int]] = []
    thread = threading.Thread(target=lambda: done.append(database.run(endless)))
    thread.start()
    assert begun.wait(60)
    while thread.is_alive():
        database.interrupt()
        thread.join(0.01)
    assert (done, len(tries), database.failures) == ([[1]], 2, 0)
    database.close()
    database.interrupt()  # nothing is open


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_while_it_waits_for_another_process_its_lock_is_free_now_and_then(path: Path) -> None:
    database = made(path, timeout=600)
    database.run(add)
    tries, done = threading.Semaphore(0), []

    def work(connection: sqlite3.Connection) -> list[int]:
        tries.release()
        with opening.transaction(connection):
            return add(connection)

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=lambda: done.append(database.run(work)))
        thread.start()
        assert tries.acquire(timeout=60)
        assert database.lock.acquire(timeout=60)  # ten minutes before it would give up
        database.lock.release()
        assert tries.acquire(timeout=60)
        other.execute("COMMIT")
    thread.join(60)
    assert (done, database.failures) == ([[1, 2]], 0)
    database.close()


def test_a_folder_that_another_process_has_is_waited_for_and_then_done_without(path: Path) -> None:
    database = made(path, timeout=0.05)
    with files.locked(path.parent, 0.0) as held:
        assert held
        assert database.run(add) == [1]
        database.let_go(0.0)
        assert database.connection is None
    assert database.run(add) == [1, 2]
    database.close()


def test_who_has_a_deadline_waits_no_longer(path: Path) -> None:
    database = made(path, timeout=600)
    database.run(add)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with deadline.within(0.05), pytest.raises(Unusable, match="in use by other processes"):
            database.run(add)
    database.close()


def test_in_a_child_nobody_is_at_work(path: Path) -> None:
    """The number of the thread that was, at the fork, may be that of the child's."""
    database = made(path)
    database._owner = threading.get_ident()
    database.pid = -1  # as after a fork that no hook saw
    assert database.run(add) == [1]
    database.close()


def test_what_children_left_beside_is_set_aside_or_absorbed(path: Path) -> None:
    gone = files.beside(path).with_name(
        files.beside(path).name.replace(f"-{os.getpid()}.", "-4194305.")
    )
    for absorb, found in ((None, []), (copy, [1])):
        child = made(gone)
        child.run(add)
        child.close()
        database = Database(path, SCHEMA, log_pages=lambda _: 1_000, absorb=absorb)
        database.open()
        assert not gone.exists()
        assert database.run(things) == found
        database.close()
    assert len(files.asides(path)) == 1


def test_what_cannot_be_absorbed_now_stays(path: Path) -> None:
    gone = files.beside(path).with_name(
        files.beside(path).name.replace(f"-{os.getpid()}.", "-4194305.")
    )
    database = Database(path, SCHEMA, log_pages=lambda _: 1_000, absorb=copy)
    assert database.run(add) == [1]
    child = made(gone)
    child.run(add)
    child.close()
    with files.locked(path.parent, 0.0) as held:
        assert held
        database.close()
    assert gone.exists()


def copy(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO main.things SELECT id FROM beside.things")


def things(connection: sqlite3.Connection) -> list[int]:
    return [each for (each,) in connection.execute("SELECT id FROM things ORDER BY id").fetchall()]


# -- tables that are gone -----------------------------------------------------------------------


def test_a_file_without_its_tables_makes_way_for_a_new_one(
    database: Database, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database.run(add)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE notes (text)")
        other.execute("DROP TABLE things")
        other.commit()
    assert database.run(add) == [1]
    assert len(database.set_aside) == len(caplog.messages) == 1
    with contextlib.closing(sqlite3.connect(database.set_aside[0])) as aside:
        assert aside.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]
    assert database.run(add) == [1, 2]


def test_a_repair_that_others_came_in_the_way_of_is_not_the_last(
    database: Database, path: Path
) -> None:
    def gut() -> None:
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE things")
            other.commit()

    tries: list[list[int]] = []

    def interrupted(connection: sqlite3.Connection) -> list[int]:
        tries.append(add(connection))
        if len(tries) == 1:
            raise sqlite3.OperationalError("database is locked")
        return tries[-1]

    database.run(add)
    gut()
    assert database.run(interrupted) == [1, 2]
    gut()
    assert database.run(add) == [1]
    assert (database.failures, len(database.set_aside)) == (0, 2)


def test_work_that_asks_for_what_never_was_costs_one_file_and_not_more(database: Database) -> None:
    def wrong(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT * FROM nowhere")

    for _ in range(3):
        with pytest.raises(Unusable, match="no such table"):
            database.run(wrong)
    assert len(database.set_aside) == 1


def test_what_children_left_beside_may_be_taken_by_another_process_first(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = files.beside(path)
    monkeypatch.setattr(files, "orphans", lambda _: [gone])
    database = Database(path, SCHEMA, log_pages=lambda _: 1_000, absorb=pytest.fail)
    assert database.run(add) == [1]
    database.close()


def test_work_waits_while_a_fork_is_awaited(path: Path) -> None:
    database = made(path)
    database.awaited = True
    thread = threading.Timer(0.05, setattr, (database, "awaited", False))
    thread.start()
    assert database.run(add) == [1]
    assert not database.awaited
    thread.join()
    database.close()
