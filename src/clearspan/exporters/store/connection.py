"""Opening a store for writing, and writing a batch into it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clearspan.exporters.store import files, schema, scores
from clearspan.exporters.store.errors import StoreError, is_busy, is_damage
from clearspan.exporters.store.rows import Batch

__all__ = ["Opened", "explain", "probe", "write", "writer"]

_SPAN = schema.insert("spans", schema.SPAN_COLUMNS)
_EVENT = schema.insert("events", schema.EVENT_COLUMNS)
_POINT = schema.insert("metric_points", schema.POINT_COLUMNS)
_TRACE = (
    "INSERT INTO traces (trace_id, start_ns, end_ns) VALUES (?, ?, ?)"
    " ON CONFLICT (trace_id) DO UPDATE SET"
    " start_ns = min(start_ns, excluded.start_ns), end_ns = max(end_ns, excluded.end_ns)"
)
_JUDGED = "INSERT OR IGNORE INTO traces (trace_id, start_ns, end_ns) VALUES (?, ?, ?)"
_RETRY = 0.05
_PAGE = 8192


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection, and which file it was opened on."""

    connection: sqlite3.Connection
    identity: tuple[int, int] | None


def writer(path: Path, timeout: float, log_pages: Callable[[int], int]) -> Opened:
    """Open the store at `path`, creating or upgrading it.

    Raises:
        sqlite3.Error, OSError: the file cannot be created, opened or written.
        schema.UnusableSchema: the file is another program's, or a newer version's.
    """
    files.make_home(path)
    # One process at a time: two that turn a new file into a WAL database at once get in each
    # other's way, and no file may be set aside between its opening and its identification.
    with files.locked(path.parent, timeout):
        files.create(path)
        connection = sqlite3.connect(
            path, timeout=timeout, isolation_level=None, check_same_thread=False
        )
        try:
            _into_wal(connection)
            # A killed process loses nothing; a power cut may lose the last moments.
            connection.execute("PRAGMA synchronous = NORMAL")
            page_size = int(connection.execute("PRAGMA page_size").fetchone()[0])
            pages = log_pages(page_size)
            connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
            connection.execute(f"PRAGMA journal_size_limit = {pages * page_size}")
            schema.prepare(connection)
        except BaseException:  # Ctrl-C too must not leave it half done; it goes on its way
            connection.close()
            raise
        return Opened(connection, files.identity(path))


def _into_wal(connection: sqlite3.Connection) -> None:
    """Make the file a WAL database if it is none: probed first, and set only once in its life."""
    try:
        _set_up(connection)
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        # SQLite does not always wait by itself for the lock that the change of mode takes.
        time.sleep(_RETRY)
        _set_up(connection)


def _set_up(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        # Before there are tables, or never. Spans with their prompts run to some kilobytes:
        # pages of the usual size would each hold one and be half empty.
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # A file system without shared memory answers another mode: slower, and sound.
        connection.execute("PRAGMA journal_mode = WAL").fetchone()


def probe(path: Path) -> None:
    """Read the file's first page afresh, which a long-lived connection never does again.

    Raises:
        sqlite3.Error: it is damaged, or gone.
    """
    fresh = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=0)
    try:
        fresh.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        fresh.close()


def write(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write `batch` in one transaction: all of it, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(_SPAN, batch.spans)
        connection.executemany(_EVENT, batch.events)
        connection.executemany(_POINT, batch.points)
        for score in batch.scores:
            scores.put(connection, score)
        connection.executemany(_TRACE, batch.traces)
        connection.executemany(_JUDGED, batch.judged)
        connection.execute("COMMIT")
    except BaseException:  # Ctrl-C too must not leave it half done; it goes on its way
        connection.rollback()
        raise


def explain(path: Path, error: Exception) -> StoreError:
    """`error` as a message that names the path and what can be done."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, schema.UnusableSchema):
        return StoreError(path, str(error))
    if is_damage(error):
        return StoreError(
            path,
            f"is not an SQLite database or is damaged ({error}): move it away, or name another file",
        )
    if is_busy(error):
        return StoreError(
            path,
            f"is in use by other processes for too long ({error}): try again, or name another file",
        )
    return StoreError(
        path,
        f"cannot be written ({error}): see that its directory exists, is writable and has room, or name another file",
    )
