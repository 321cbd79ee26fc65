"""What processes that are gone have left beside a file: taken in, each for itself, or kept and told of."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from clearspan.core.sqlite import adoption, files
from clearspan.core.sqlite.database import Database
from clearspan.core.sqlite.schema import Schema

SCHEMA = Schema("thing", 0x0BADCAFE, (("CREATE TABLE things (id INTEGER PRIMARY KEY)",),))
NOBODY = 4_194_305
"""From here on no process has such a number."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


def copy(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR IGNORE INTO main.things SELECT id FROM beside.things")


def made(path: Path, absorb: Callable[[sqlite3.Connection], object] = copy) -> Database:
    return Database(path, SCHEMA, log_pages=lambda _: 1_000, absorb=absorb)


def orphan(path: Path, number: int, things: int = 0) -> Path:
    """What a process left beside the file at `path`; those of higher numbers come later. Without things, nothing yet."""
    ours = files.beside(path)
    left = ours.with_name(ours.name.replace(f"-{os.getpid()}.", f"-{NOBODY + number}."))
    if things:
        database = made(left)
        database.run(
            lambda connection: connection.executemany(
                "INSERT INTO things VALUES (?)", [(number * 10_000 + each,) for each in range(things)]
            )
        )  # fmt: skip
        database.close()
    return left


def kept(database: Database) -> int:
    return int(database.run(lambda connection: connection.execute("SELECT count(*) FROM things").fetchone()[0]))  # fmt: skip


def nothing(path: Path) -> None:
    files.create(path)


def no_table(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    assert path.stat().st_size


def no_database(path: Path) -> None:
    path.write_bytes(b"no database" * 1_000)


def broken_page(path: Path) -> None:
    orphan(path, 1, things=5_000).replace(path)
    with path.open("r+b") as file:
        file.seek(4 * 8_192)
        file.write(b"\xff" * 8_192)


@pytest.mark.parametrize("begun", [nothing, no_table])
def test_one_without_a_table_goes_and_the_others_are_taken_in(
    begun: Callable[[Path], None], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As a process leaves it that is killed before it has made its tables."""
    empty, full = orphan(path, 1), orphan(path, 2, things=3)
    begun(empty)
    database = made(path)
    assert kept(database) == 3
    assert [empty.exists(), full.exists()] == [False, False]
    database.close()
    assert (database.set_aside, caplog.messages) == ((), [])


@pytest.mark.parametrize("broken", [no_database, broken_page])
@pytest.mark.parametrize("closing", [True, False])
def test_a_damaged_one_is_set_aside_and_told_of_and_the_others_are_taken_in(
    closing: bool, broken: Callable[[Path], None], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = made(path)
    if closing:
        database.open()
    bad = orphan(path, 1)
    broken(bad)
    head, full = files.begins(bad, 10), orphan(path, 2, things=3)
    if closing:
        database.close()
    else:
        database.open()
    assert [bad.exists(), full.exists()] == [False, False]
    (aside,) = files.asides(path)
    assert (database.set_aside, files.begins(aside, 10)) == ((str(aside),), head)
    (said,) = caplog.records
    assert said.levelno == logging.WARNING
    assert said.getMessage() == (
        f"clearspan: what a forked process left in {str(bad)!r} is damaged; it was set aside as {aside}"
    )
    assert kept(database) == 3
    database.close()
    assert len(caplog.messages) == 1


def test_a_damaged_one_that_cannot_be_set_aside_is_told_of_once(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = orphan(path, 1)
    no_database(bad)
    orphan(path, 2, things=3)

    def refused(*_: object, **__: object) -> None:
        raise OSError("Operation not permitted")

    monkeypatch.setattr(files, "set_aside", refused)
    database = made(path)
    for _ in range(2):
        assert kept(database) == 3
        database.close()
    assert bad.exists()
    (said,) = caplog.messages
    assert "is damaged, and cannot be set aside (Operation not permitted)" in said


@pytest.mark.parametrize("problem", ["database or disk is full", "database disk image is malformed"])  # fmt: skip
def test_what_cannot_be_taken_in_stays_and_is_told_of_once(
    problem: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is whole: if something is damaged, then what it was to be taken into."""
    full = [orphan(path, number, things=3) for number in (1, 2)]

    def refused(connection: sqlite3.Connection) -> None:
        copy(connection)
        raise sqlite3.DatabaseError(problem)

    database = made(path, refused)
    for _ in range(2):
        database.open()
        database.close()
    assert [each.exists() for each in full] == [True, True]
    assert (kept(database), database.set_aside, database.failures) == (0, (), 0)
    database.close()
    assert [str(each) in said for each, said in zip(full, caplog.messages, strict=True)] == [True] * 2  # fmt: skip
    assert all(f"cannot be taken into {str(path)!r} ({problem})" in said for said in caplog.messages)  # fmt: skip
    database = made(path)
    assert kept(database) == 6
    database.close()


def test_one_that_somebody_has_open_stays_until_nobody_has(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What that one writes would go with the file."""
    first, second = orphan(path, 1, things=3), orphan(path, 2, things=2)
    user = made(first)
    assert kept(user) == 3
    database = made(path)
    assert kept(database) == 2
    assert (first.exists(), second.exists()) == (True, False)
    user.run(lambda connection: connection.execute("INSERT INTO things VALUES (1)"))
    user.close()
    database.close()
    assert not first.exists()
    assert kept(database) == 6
    database.close()
    assert caplog.messages == []


def test_a_fork_does_not_wait_for_all_of_them(path: Path) -> None:
    first, second = orphan(path, 1, things=3), orphan(path, 2, things=2)

    def meanwhile(connection: sqlite3.Connection) -> None:
        copy(connection)
        database.awaited = True

    database = made(path, meanwhile)
    database.open()
    assert (first.exists(), second.exists()) == (False, True)
    database.awaited = False
    database.close()
    assert not second.exists()


def test_what_is_sound(path: Path) -> None:
    assert adoption.sound(path.parent / "missing" / "x.db"), "nothing says that it is not"
    assert adoption.sound(orphan(path, 1, things=3))
    no_database(path)
    assert not adoption.sound(path)
