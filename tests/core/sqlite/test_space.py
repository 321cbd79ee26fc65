"""What of a file is in use, and how the rest goes back to the file system."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearspan.core.sqlite import space

PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


def opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.execute(f"PRAGMA page_size = {PAGE}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("CREATE TABLE IF NOT EXISTS things (content BLOB)")
    return connection


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(opened(path)) as made:
        yield made


def fill(connection: sqlite3.Connection, pages: int) -> None:
    connection.execute("INSERT INTO things VALUES (zeroblob(?))", (pages * PAGE,))


def log(path: Path) -> Path:
    return Path(f"{path}-wal")


def test_free_pages_are_not_in_use(connection: sqlite3.Connection) -> None:
    empty = space.used(connection)
    fill(connection, 50)
    full = space.used(connection)
    assert full >= empty + 50 * PAGE
    connection.execute("DELETE FROM things")
    assert space.used(connection) < full - 49 * PAGE
    assert space.pragma(connection, "page_count") * PAGE >= full  # the file is as large as before


def test_free_pages_are_given_back_but_for_some(path: Path, connection: sqlite3.Connection) -> None:
    fill(connection, 400)
    connection.execute("DELETE FROM things")
    free, used = space.pragma(connection, "freelist_count"), space.used(connection)
    assert space.reclaim(connection) == free - 256
    assert space.pragma(connection, "freelist_count") == 256
    assert space.reclaim(connection) == 0
    assert space.reclaim(connection, leave=0) == 256
    assert space.pragma(connection, "freelist_count") == 0
    assert space.used(connection) == used
    space.fold(connection)
    assert path.stat().st_size == used


def test_no_more_is_given_back_at_once_than_takes_a_moment(connection: sqlite3.Connection) -> None:
    fill(connection, 1_100)
    connection.execute("DELETE FROM things")
    free = space.pragma(connection, "freelist_count")
    assert space.reclaim(connection, leave=0) == 1_024
    assert space.pragma(connection, "freelist_count") == free - 1_024
    assert space.reclaim(connection, leave=0) == free - 1_024
    assert space.reclaim(connection, leave=0) == 0


def test_the_log_is_folded_into_the_file(path: Path, connection: sqlite3.Connection) -> None:
    fill(connection, 20)
    assert log(path).stat().st_size > 20 * PAGE
    space.fold(connection)
    assert log(path).stat().st_size == 0
    assert path.stat().st_size > 20 * PAGE


def test_a_reader_that_is_in_the_way_is_not_waited_for(
    path: Path, connection: sqlite3.Connection
) -> None:
    fill(connection, 20)
    with contextlib.closing(opened(path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM things").fetchone() == (1,)
        fill(connection, 20)
        space.fold(connection)  # the test would take a minute if it waited
        assert log(path).stat().st_size > 0
        assert space.pragma(connection, "busy_timeout") == 60_000
        reader.execute("COMMIT")
    space.fold(connection)
    assert log(path).stat().st_size == 0


def test_what_fails_leaves_the_patience_as_it_was(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        space.fold(connection)
    assert space.pragma(connection, "busy_timeout") == 60_000


def test_the_log_is_kept_in_proportion() -> None:
    sizes = (None, 600_000, 16_000_000, 100_000_000_000)
    found = [space.log_pages(most, 8192) for most in sizes]
    assert found == [1000, 16, 16_000_000 // 8 // 8192, 1000]
