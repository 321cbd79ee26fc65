"""Names of what was set aside, and how files are told apart by how they begin."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from pathlib import Path

import pytest

from clearspan.core.sqlite import files, opening
from clearspan.core.sqlite.database import Database
from clearspan.core.sqlite.errors import Unusable
from clearspan.core.sqlite.schema import HEADER, Schema, UnusableSchema
from tests.exporters.kit import unprivileged

SCHEMA = Schema("thing", 0x0BADCAFE, (("CREATE TABLE things (id INTEGER PRIMARY KEY)",),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


def made(path: Path) -> Database:
    return Database(path, SCHEMA, log_pages=lambda _: 1_000)


def test_what_was_set_aside_is_found_and_nothing_else_is(path: Path) -> None:
    for name in (
        "x.db", "x.db.corrupt-20260101T000000Z-wal", "x.db.corrupt-20260101T000000Z.read", "xxdb.corrupt-20260101T000000Z",
        "x.db.corrupt-old", "y.db.corrupt-20260101T000000Z",
    ):  # fmt: skip
        path.with_name(name).touch()
    assert files.asides(path) == []
    for name in ("x.db.corrupt-20260102T000000Z-2", "x.db.corrupt-20260102T000000Z"):
        path.with_name(name).touch()
    assert [each.name for each in files.asides(path)] == [
        "x.db.corrupt-20260102T000000Z", "x.db.corrupt-20260102T000000Z-2",
    ]  # fmt: skip
    assert [each.name for each in files.asides(path, ".read")] == [
        "x.db.corrupt-20260101T000000Z.read"
    ]
    assert files.asides(path / "missing" / "x.db") == []


def test_side_files_go_along_and_a_name_that_was_given_is_not_given_again(path: Path) -> None:
    for side in ("", "-wal", "-shm"):
        Path(f"{path}{side}").write_text(f"first{side}")
    aside = files.set_aside(path)
    assert [Path(f"{aside}{side}").read_text() for side in ("", "-wal", "-shm")] == [
        "first", "first-wal", "first-shm",
    ]  # fmt: skip
    files.rename(aside, Path(f"{aside}.read"))
    assert files.asides(path) == []
    assert Path(f"{aside}.read-wal").read_text() == "first-wal"
    path.write_text("second")
    again = files.set_aside(path)
    assert again != aside
    files.delete(Path(f"{aside}.read"))
    assert [each.name for each in path.parent.iterdir()] == [again.name]
    files.delete(path)
    with pytest.raises(FileNotFoundError):
        files.rename(path, again)


def test_the_beginning_of_a_file_is_what_there_is_of_it(path: Path) -> None:
    assert files.begins(path, 4) == b""
    path.write_bytes(b"abcdef")
    assert files.begins(path, 4) == b"abcd"
    assert files.begins(path, 100) == b"abcdef"
    assert files.begins(path.parent, 4) == b""


def test_a_file_bears_the_sign_of_its_kind_even_when_it_is_broken(path: Path) -> None:
    database = made(path)
    database.open()
    database.close()
    head = files.begins(path, HEADER)
    assert SCHEMA.signed(head)
    assert SCHEMA.signed(b"broken" + head[6:])
    assert SCHEMA.signed(b"broken" * 100 + head[600:])
    assert SCHEMA.signed(bytes(HEADER))
    assert not SCHEMA.signed(bytes(500))
    assert not SCHEMA.signed(b"as it says: CREATE TABLE things (id INTEGER PRIMARY KEY)")
    assert not SCHEMA.signed(b"broken" * 100 + bytes(HEADER))
    assert not SCHEMA.signed(b"")
    assert not Schema("other", 0x0BADCAFF, ()).signed(head)


@pytest.mark.parametrize("start", [b"broken format", bytes(HEADER)])
def test_a_broken_file_that_is_ours_makes_way_wherever_it_lies(path: Path, start: bytes) -> None:
    database = made(path)
    database.open()
    database.close()
    with path.open("r+b") as file:
        file.write(start)
    again = made(path)
    again.open()
    assert [Path(each).read_bytes()[: len(start)] for each in again.set_aside] == [start]
    assert again.run(lambda connection: connection.execute("SELECT * FROM things").fetchall()) == []
    again.close()


def test_a_file_that_may_be_anybodys_is_left_as_it_is(path: Path) -> None:
    path.write_text("notes " * 200)
    with pytest.raises(Unusable, match="is not an SQLite database"):
        made(path).open()
    assert path.read_text() == "notes " * 200


def test_another_programs_database_is_not_touched(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (id)")
    before = path.read_bytes()
    with pytest.raises(Unusable, match="is another program's"):
        made(path).open()
    with pytest.raises(UnusableSchema):
        opening.writer(path, SCHEMA, 1.0, lambda _: 1_000, "NORMAL")
    assert path.read_bytes() == before


def test_a_connection_that_still_reads_is_kept_and_one_that_does_not_is_not(path: Path) -> None:
    """On a full disk no other could be opened."""
    database = made(path)
    database.open()
    first = database.connection

    def full(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(Unusable, match="has room"):
        database.run(full)
    assert database.connection is first is not None
    assert (database.failures, database.last_error is not None) == (1, True)
    database.run(lambda connection: None)
    assert (database.failures, database.last_error) == (1, None)

    def closed(connection: sqlite3.Connection) -> None:
        connection.close()
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = 10
        raise error

    with pytest.raises(Unusable, match="has room"):
        database.run(closed)
    assert database.connection is None

    def gone(connection: sqlite3.Connection) -> None:
        connection.close()
        database.connection = None
        raise OSError("the disk was taken out")

    with pytest.raises(Unusable, match="cannot be written"):
        database.run(gone)
    database.close()


def test_a_path_has_one_spelling(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for spelt in (path, "x.db", "link/x.db", "~/x.db", "y/../x.db"):
        assert files.located(spelt) == Path(os.path.realpath(path)), spelt
    with pytest.raises(Unusable, match="home directory that is not known: give a full path"):
        files.located("~nobody-of-that-name/x.db")


def test_two_files_that_break_in_one_second_get_different_names(path: Path) -> None:
    given: list[Path] = []
    for content in (b"one", b"two", b"three"):
        path.write_bytes(content)
        given.append(files.set_aside(path))
    assert len(set(given)) == 3
    assert [each.read_bytes() for each in given] == [b"one", b"two", b"three"]
    assert not files.set_aside(path).exists()  # another process was faster


def test_the_size_is_that_of_all_files(path: Path) -> None:
    assert files.size(path) == 0
    path.write_bytes(bytes(10))
    Path(f"{path}-wal").write_bytes(bytes(200))
    assert files.size(path) == 210
    Path(f"{path}-shm").write_bytes(bytes(3000))
    assert files.size(path) == 3210


# -- the folder ---------------------------------------------------------------------------------


def test_a_file_that_could_be_written_is_not_made_for_that(path: Path) -> None:
    files.check(path)
    files.check(path.parent / files.HOME / "x.db")  # that folder would be made
    assert list(path.parent.iterdir()) == []
    path.write_text("mine")
    files.check(path)
    assert path.read_text() == "mine"


def test_where_no_file_can_be_it_is_said_what_to_do(path: Path) -> None:
    for missing in (path.parent / "missing", path.parent / "missing" / files.HOME):
        with pytest.raises(Unusable, match=r"there is no directory .*missing'; create it"):
            files.check(missing / "x.db")
    with pytest.raises(Unusable, match="is not a file: name a file"):
        files.check(path.parent)


def test_where_nobody_may_write_it_is_said_what_to_do() -> None:
    with unprivileged() as folder:
        path = folder / "x.db"
        path.touch()
        path.chmod(0o400)
        with pytest.raises(Unusable, match="not readable and writable for this user: change its"):
            files.check(path)
        path.unlink()
        folder.chmod(0o500)
        with pytest.raises(Unusable, match=r"is not writable \(.+\); allow writing there"):
            files.check(path)


def test_only_the_folder_of_ours_is_made_and_it_is_private(path: Path) -> None:
    home = path.parent / files.HOME
    files.make_home(path.parent / "other" / "x.db")
    assert list(path.parent.iterdir()) == []
    files.make_home(home / "x.db")
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / ".gitignore").read_text() == "*\n"
    (home / ".gitignore").write_text("x.db\n")
    files.make_home(home / "x.db")
    assert (home / ".gitignore").read_text() == "x.db\n"


# -- the lock -----------------------------------------------------------------------------------


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with files.locked(tmp_path, 0.0) as first, files.locked(tmp_path, 0.0) as second:
        assert (first, second) == (True, False)
    with files.locked(tmp_path, 0.0) as third:
        assert third
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.ExitStack() as other:
        assert other.enter_context(files.locked(tmp_path, 0.0))
        # Instead of waiting: the other is done in the meantime.
        monkeypatch.setattr(time, "sleep", lambda _: other.close())
        with files.locked(tmp_path, 3_600.0) as held:
            assert held


def test_where_nothing_can_be_locked_it_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with files.locked(tmp_path / "missing", 0.0) as held:
        assert held

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", refuse)
    with files.locked(tmp_path, 0.0) as first, files.locked(tmp_path, 0.0) as second:
        assert (first, second) == (True, True)


def test_where_there_is_no_folder_nobody_left_anything(tmp_path: Path) -> None:
    assert files.orphans(tmp_path / "missing" / "x.db") == []
