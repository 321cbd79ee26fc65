"""Opening a database for writing, all or nothing, and saying what can be done where that fails."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearspan.core.sqlite import opening
from clearspan.core.sqlite.errors import Unusable
from clearspan.core.sqlite.schema import Schema, UnusableSchema

SCHEMA = Schema("thing", 0x0BADCAFE, (("CREATE TABLE things (id INTEGER PRIMARY KEY)",),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


def opened(path: Path, timeout: float = 60.0) -> sqlite3.Connection:
    return opening.writer(path, SCHEMA, timeout, lambda _: 100, "FULL").connection


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(opened(path)) as made:
        yield made


def setting(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_file_is_set_up_for_good(path: Path, connection: sqlite3.Connection) -> None:
    assert (path.stat().st_mode & 0o777) == 0o600
    names = ("journal_mode", "page_size", "auto_vacuum", "synchronous", "wal_autocheckpoint", "journal_size_limit")  # fmt: skip
    assert [setting(connection, name) for name in names] == ["wal", 8192, 2, 2, 100, 819_200]
    with contextlib.closing(opened(path)) as again:
        assert setting(again, "journal_mode") == "wal"


def held(path: Path) -> sqlite3.Connection:
    """Another process's hand on the file."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other


def test_a_new_file_that_another_process_holds_is_tried_once_more(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(held(path)) as other:
        # Instead of waiting: the other is done in the meantime.
        monkeypatch.setattr(time, "sleep", lambda _: other.execute("ROLLBACK"))
        with contextlib.closing(opened(path, timeout=0.0)) as connection:
            assert setting(connection, "journal_mode") == "wal"


def test_a_new_file_that_another_process_goes_on_holding_is_refused(path: Path) -> None:
    with contextlib.closing(held(path)):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            opened(path, timeout=0.0)


def test_a_file_that_cannot_be_opened_is_not_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(path).close()
    Path(f"{path}-wal").mkdir()
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with pytest.raises(sqlite3.OperationalError):
        opened(path)
    assert waits == []


def test_a_transaction_is_done_whole_or_not_at_all(connection: sqlite3.Connection) -> None:
    with opening.transaction(connection):
        connection.execute("INSERT INTO things VALUES (1)")
    assert not connection.in_transaction

    def interrupted() -> None:
        with opening.transaction(connection):
            connection.execute("INSERT INTO things VALUES (2)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not connection.in_transaction
    assert connection.execute("SELECT id FROM things").fetchall() == [(1,)]


def test_the_first_page_is_read_afresh(path: Path, connection: sqlite3.Connection) -> None:
    opening.probe(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.write(b"no database any more" * 10)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        opening.probe(path)
    path.unlink()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        opening.probe(path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UnusableSchema("is another program's"), "is another program's"),
        (sqlite3.DatabaseError("file is not a database"), "is damaged (file is not a database): move it away"),
        (sqlite3.OperationalError("database is locked"), "is in use by other processes for too long (database is locked): try again"),
        (sqlite3.OperationalError("database or disk is full"), "cannot be written (database or disk is full): see that"),
        (OSError("no disk"), "cannot be written (no disk): see that its directory exists"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_said_with_the_path_and_a_remedy(error: Exception, said: str) -> None:
    told = opening.explain(Path("x.db"), error)
    assert told.path == "x.db"
    assert said in told.problem
    assert str(told).startswith("'x.db' ")


def test_what_says_it_already_is_told_as_it_is() -> None:
    known = Unusable("x.db", "is a folder: name a file")
    assert opening.explain(Path("y.db"), known) is known


def test_a_first_page_that_others_have_locked_is_not_looked_at(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Locked:
        """As where there is no shared memory, while somebody writes."""

        closed = False
        says = "database is locked"

        def execute(self, _: str) -> None:
            raise sqlite3.OperationalError(self.says)

        def close(self) -> None:
            self.closed = True

    locked = Locked()
    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: locked)
    opening.probe(path)
    assert locked.closed
    locked.says, locked.closed = "disk I/O error", False
    with pytest.raises(sqlite3.OperationalError, match="I/O"):
        opening.probe(path)
    assert locked.closed
