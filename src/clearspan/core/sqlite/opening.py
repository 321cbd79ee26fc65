"""Opening a database for writing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clearspan.core.sqlite import files
from clearspan.core.sqlite.errors import Unusable, is_busy, is_damage
from clearspan.core.sqlite.schema import Schema, UnusableSchema

__all__ = ["PAGE", "Opened", "explain", "probe", "transaction", "writer"]

_RETRY = 0.05
PAGE = 8192
"""Bytes of a page."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection, and which file it was opened on."""

    connection: sqlite3.Connection
    identity: tuple[int, int] | None


def writer(
    path: Path,
    schema: Schema,
    timeout: float,
    log_pages: Callable[[int], int],
    synchronous: str,
    *,
    insist: bool = True,
) -> Opened:
    """Open the database at `path`, creating or upgrading it.

    Who does not `insist` is told that it is locked while another process has the folder for longer than `timeout`;
    who does goes on without.

    Raises:
        sqlite3.Error, OSError: the file cannot be created, opened or written.
        UnusableSchema: the file is another program's, or a newer version's.
    """
    files.make_home(path)
    # One process at a time: two that turn a new file into a WAL database at once get in each
    # other's way, and no file may be set aside between its opening and its identification.
    with files.locked(path.parent, timeout) as held:
        if not (held or insist):
            raise sqlite3.OperationalError("the folder is locked")
        files.create(path)
        connection = sqlite3.connect(
            path, timeout=timeout, isolation_level=None, check_same_thread=False
        )
        try:
            _into_wal(connection, schema)
            # NORMAL: a killed process loses nothing, a power cut may lose the last moments. FULL: nor does that.
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            page_size = int(connection.execute("PRAGMA page_size").fetchone()[0])
            pages = log_pages(page_size)
            connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
            connection.execute(f"PRAGMA journal_size_limit = {pages * page_size}")
            schema.prepare(connection)
        except BaseException:  # Ctrl-C too must not leave it half done; it goes on its way
            connection.close()
            raise
        return Opened(connection, files.identity(path))


def _into_wal(connection: sqlite3.Connection, schema: Schema) -> None:
    """Make the file a WAL database if it is none: probed first, and set only once in its life."""
    try:
        _set_up(connection, schema)
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        # SQLite does not always wait by itself for the lock that the change of mode takes.
        time.sleep(_RETRY)
        _set_up(connection, schema)


def _set_up(connection: sqlite3.Connection, schema: Schema) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        schema.version(connection)  # what is another's is not touched
        # Before there are tables, or never. Spans with their prompts run to some kilobytes:
        # pages of the usual size would each hold one and be half empty.
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # A file system without shared memory answers another mode: slower, and sound.
        connection.execute("PRAGMA journal_mode = WAL").fetchone()


def probe(path: Path) -> None:
    """Read the file's first page afresh, which a long-lived connection never does again.

    One that others keep locked, as every writer does where there is no shared memory, is not looked at.

    Raises:
        sqlite3.Error: it is damaged, or gone.
    """
    fresh = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=0)
    try:
        fresh.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
    finally:
        fresh.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """All of it, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:  # Ctrl-C too must not leave it half done; it goes on its way
        connection.rollback()
        raise


def explain(path: Path, error: Exception) -> Unusable:
    """`error` as a message that names the path and what can be done."""
    if isinstance(error, Unusable):
        return error
    if isinstance(error, UnusableSchema):
        return Unusable(path, str(error))
    if is_damage(error):
        return Unusable(
            path,
            f"is not an SQLite database or is damaged ({error}): move it away, or name another file",
        )
    if is_busy(error):
        return Unusable(
            path,
            f"is in use by other processes for too long ({error}): try again, or name another file",
        )
    return Unusable(
        path,
        f"cannot be written ({error}): see that its directory exists, is writable and has room, or name another file",
    )
