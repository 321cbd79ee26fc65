"""Whose a file is, and how an older one is brought up to date."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest

from clearspan.core.sqlite.schema import Schema, UnusableSchema

ID = 0x0BADCAFE
FIRST = ("CREATE TABLE things (id INTEGER PRIMARY KEY)",)
OLD = Schema("thing", ID, (FIRST,))


def shout(connection: sqlite3.Connection) -> None:
    """What takes more than a statement."""
    for (each,) in connection.execute("SELECT id FROM things").fetchall():
        connection.execute("UPDATE things SET name = ? WHERE id = ?", (f"THING {each}", each))


NEW = Schema("thing", ID, (FIRST, ("ALTER TABLE things ADD COLUMN name TEXT", shout)))


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        yield made


def numbers(connection: sqlite3.Connection) -> tuple[int, int]:
    return tuple(
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    )


def test_an_empty_file_gets_all_steps(connection: sqlite3.Connection) -> None:
    assert NEW.version(connection) == 0
    NEW.prepare(connection)
    assert numbers(connection) == (ID, 2)
    assert connection.execute("SELECT id, name FROM things").fetchall() == []


def test_an_older_file_gets_what_it_lacks_and_keeps_what_it_has(
    connection: sqlite3.Connection,
) -> None:
    OLD.prepare(connection)
    connection.execute("INSERT INTO things VALUES (7)")
    assert NEW.version(connection) == 1
    NEW.prepare(connection)
    assert NEW.version(connection) == 2
    assert connection.execute("SELECT id, name FROM things").fetchall() == [(7, "THING 7")]
    changes = connection.total_changes
    NEW.prepare(connection)
    assert connection.total_changes == changes


def test_a_newer_file_is_not_touched(connection: sqlite3.Connection) -> None:
    NEW.prepare(connection)
    with pytest.raises(UnusableSchema, match="newer clearspan: upgrade"):
        OLD.prepare(connection)
    assert numbers(connection) == (ID, 2)
    assert not connection.in_transaction


@pytest.mark.parametrize(
    "theirs", ["CREATE TABLE theirs (id)", "PRAGMA user_version = 1", "PRAGMA application_id = 5; CREATE TABLE theirs (id)"]
)  # fmt: skip
def test_another_programs_file_is_not_touched(connection: sqlite3.Connection, theirs: str) -> None:
    connection.executescript(theirs)
    before = numbers(connection)
    with pytest.raises(UnusableSchema, match="file of its own for the thing"):
        NEW.prepare(connection)
    assert numbers(connection) == before
    assert not connection.in_transaction


def test_of_an_upgrade_that_fails_nothing_stays(connection: sqlite3.Connection) -> None:
    OLD.prepare(connection)
    connection.execute("INSERT INTO things VALUES (7)")
    broken = Schema("thing", ID, (FIRST, ("ALTER TABLE things ADD COLUMN name TEXT", shout, "CREATE NONSENSE")))  # fmt: skip
    with pytest.raises(sqlite3.OperationalError, match="syntax error"):
        broken.prepare(connection)
    assert numbers(connection) == (ID, 1)
    assert connection.execute("SELECT * FROM things").fetchall() == [(7,)]
    NEW.prepare(connection)
    assert connection.execute("SELECT name FROM things").fetchall() == [("THING 7",)]
