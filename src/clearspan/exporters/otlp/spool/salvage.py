"""What can still be read from a broken spool that was set aside.

SQLite reads it, as far as it can be brought to: a first page that is lost is made anew, since it is the same in every
spool; rows that cannot be found from the root of their table are read page by page. What was written is told from
what is not by its checksum, so nothing wrong comes of it.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final, NamedTuple

from clearspan.core.sqlite import files, opening
from clearspan.exporters.otlp.spool.tables import SCHEMA, Content, lenient

__all__ = [
    "Found",
    "Missing",
    "begin",
    "broken",
    "end",
    "given_up",
    "name_of",
    "readable",
    "tidy",
]

_BEGUN: Final = ".reading-"
_READ: Final = ".read"
_STAMPED: Final = re.compile(r"\.corrupt-([0-9]+T[0-9]+)Z")
_ATTEMPTS: Final = 3
_FARTHEST: Final = 100_000
_SIZE, _FREE = slice(28, 32), slice(32, 40)
_LEAF: Final = b"\x0d"
_MOVE: Final = "UPDATE sqlite_master SET rootpage = ? WHERE name = 'contents'"


class Found(NamedTuple):
    """A request, and who was to deliver it: on which machine and by which number, where that is known."""

    content: Content
    owner: str
    machine: str = ""
    pid: int = 0


@dataclass(slots=True)
class Missing:
    """What of a file could not be read."""

    numbers: set[int] = field(default_factory=set[int])
    """Of requests that were there."""
    nothing: bool = False
    """Whether all that was there is known, and was read."""


def broken(path: Path) -> list[Path]:
    """Broken files of the spool at `path` that nobody has read to the end; the oldest first."""
    begun = (f"{_BEGUN}{number}" for number in range(1, _ATTEMPTS + 1))
    return sorted(aside for suffix in ("", *begun) for aside in files.asides(path, suffix))


def name_of(aside: Path) -> str:
    """What it is called, however often it was begun."""
    return aside.name.partition(_BEGUN)[0]


def begin(aside: Path) -> Path | None:
    """Its name while it is read, which tells how often that was begun: one that ends its readers is given up.

    `None` where it is given up, or another process was faster, or it may not be touched.
    """
    number = int(aside.name.partition(_BEGUN)[2] or 0) + 1
    mine = aside.with_name(f"{name_of(aside)}{_BEGUN}{number}")
    if number > _ATTEMPTS:
        end(aside)
        return None
    try:
        files.rename(aside, mine)
    except OSError:
        return None
    return mine


def given_up(aside: Path) -> bool:
    """Whether it was given up, when there was nothing to begin."""
    return aside.name.endswith(f"{_BEGUN}{_ATTEMPTS}") and not aside.exists()


def end(aside: Path, *, keep: bool = True) -> None:
    """It was read. Where something is left in it that could not be, it is kept, of several such the last."""
    path = aside.with_name(f"{name_of(aside)}{_READ}")
    with contextlib.suppress(OSError):
        files.rename(aside, path)
    if not keep:
        files.delete(path)
        return
    for older in files.asides(path.with_name(path.name.partition(".corrupt-")[0]), _READ):
        if older != path:
            files.delete(older)


def tidy(path: Path, max_age: float) -> None:
    """Delete those that were read and kept, when they were set aside so many seconds ago: no prompt is kept for longer."""
    for aside in files.asides(path, _READ):
        stamp = _STAMPED.findall(aside.name)[-1]
        # One that tells no time was not named by us.
        with contextlib.suppress(ValueError, OverflowError):
            then = datetime.strptime(f"{stamp}+0000", "%Y%m%dT%H%M%S%z")
            if datetime.now(timezone.utc) - then >= timedelta(seconds=max_age):
                files.delete(aside)


def readable(path: Path, missing: Missing) -> Iterator[Found]:
    """What can be read; what was there and cannot be is told as `missing`, at the end."""
    lost, filled, whole = missing.numbers, set[int](), False
    with contextlib.suppress(sqlite3.Error), closing(_opened(path)) as connection:
        listed, whole = _numbers(connection, "parcels")
        filled, _ = _numbers(connection, "contents")
        lost |= listed
        for number in sorted(listed | filled):
            content = _content(connection, number)
            if content is not None:
                lost.discard(number)
                yield _found(connection, content)
    if lost or not whole:
        for number, content in _by_page(path):
            # Without the list, what was delivered comes again rather than that what was not never does.
            if number in lost or not (whole or number in filled):
                lost.discard(number)
                yield Found(content, content.owner)
    missing.nothing = whole and not lost


def _opened(path: Path) -> sqlite3.Connection:
    connection = _connected(path)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        connection.close()
        with contextlib.suppress(OSError, sqlite3.Error):
            _graft(path)
        return _connected(path)
    return connection


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None)
    return lenient(connection)


def _graft(path: Path) -> None:
    """Give the file a first page: that of a new spool, but for how many pages there are and that none is free."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        fresh = Path(folder, path.name)
        opening.writer(fresh, SCHEMA, 0.0, lambda _: 1_000, "OFF").connection.close()
        page = bytearray(fresh.read_bytes()[: opening.PAGE])
    page[_SIZE] = (path.stat().st_size // opening.PAGE).to_bytes(4, "big")
    page[_FREE] = bytes(8)
    with path.open("r+b") as file:
        file.write(page)


def _numbers(connection: sqlite3.Connection, table: str) -> tuple[set[int], bool]:
    """The numbers in a table, and whether these are all: from both ends up to what is damaged, and what may lie between."""
    first, whole = _walked(connection, f"SELECT id FROM {table} ORDER BY id")  # noqa: S608 -- our own words
    if whole:
        return set(first), True
    last, _ = _walked(connection, f"SELECT id FROM {table} ORDER BY id DESC")  # noqa: S608 -- our own words
    between = range(max(first, default=0) + 1, min(last, default=_FARTHEST))[:_FARTHEST]
    return {*first, *last, *(between if table == "contents" else ())}, False


def _walked(connection: sqlite3.Connection, query: str) -> tuple[list[int], bool]:
    found: list[int] = []
    with contextlib.suppress(sqlite3.Error):
        for row in connection.execute(query):
            found.append(row[0])  # noqa: PERF401 -- what came before the damage is kept
        return found, True
    return found, False


def _content(connection: sqlite3.Connection, number: int) -> Content | None:
    try:
        return Content.read(connection, number)
    except sqlite3.Error:
        return None


def _found(connection: sqlite3.Connection, content: Content) -> Found:
    """With what the rest of the file says of its owner, which may have changed since it was written."""
    owner, where = content.owner, None
    with contextlib.suppress(sqlite3.Error):
        query = "SELECT owner FROM parcels WHERE key = ?"
        row = connection.execute(query, (content.key,)).fetchone()
        owner = owner if row is None else str(row[0])
    with contextlib.suppress(sqlite3.Error):
        query = "SELECT machine, pid FROM owners WHERE id = ?"
        where = connection.execute(query, (owner,)).fetchone()
    if where is None or not isinstance(where[1], int):
        return Found(content, owner)
    return Found(content, owner, str(where[0]), where[1])


def _by_page(path: Path) -> Iterator[tuple[int, Content]]:
    """Each page that may hold contents in the place of their table's root: SQLite then finds the rows of that page."""
    for page in range(1, files.size(path) // opening.PAGE):
        if not _may_hold(path, page):
            continue
        with contextlib.suppress(sqlite3.Error):
            with closing(_connected(path)) as connection:
                connection.execute("PRAGMA synchronous = OFF")
                connection.execute("PRAGMA writable_schema = ON")
                connection.execute(_MOVE, (page + 1,))
            with closing(_connected(path)) as connection:
                numbers, _ = _walked(connection, "SELECT id FROM contents ORDER BY id")
                for number in numbers:
                    content = _content(connection, number)
                    if content is not None:
                        yield number, content


def _may_hold(path: Path, page: int) -> bool:
    """Whether a page looks like one that holds contents; one that the disk does not give costs what lies on it alone."""
    try:
        with path.open("rb") as file:
            file.seek(page * opening.PAGE)
            return file.read(1) == _LEAF
    except OSError:
        return False
