"""What of a file is in use, and how the rest goes back to the file system."""

from __future__ import annotations

import sqlite3
from typing import Final

__all__ = ["fold", "log_pages", "pragma", "reclaim", "used"]

_PAGES_AT_ONCE: Final = 1_024
_PAGES_TO_SPARE: Final = 256
_MOST_LOG_PAGES, _FEWEST_LOG_PAGES = 1_000, 16


def log_pages(most: int | None, page_size: int) -> int:
    """After how many pages the write-ahead log is folded into the file: an eighth of the `most` bytes of it all."""
    if most is None:
        return _MOST_LOG_PAGES
    return min(_MOST_LOG_PAGES, max(_FEWEST_LOG_PAGES, most // 8 // page_size))


def used(connection: sqlite3.Connection) -> int:
    """Bytes of the file that hold something."""
    pages = pragma(connection, "page_count") - pragma(connection, "freelist_count")
    return pages * pragma(connection, "page_size")


def reclaim(connection: sqlite3.Connection, leave: int = _PAGES_TO_SPARE) -> int:
    """Give free pages back to the file system, but for `leave` that the next writes will use."""
    pages = min(pragma(connection, "freelist_count") - leave, _PAGES_AT_ONCE)
    if pages > 0:
        # The pragma frees one page a step, and only a script is stepped to its end.
        connection.executescript(f"PRAGMA incremental_vacuum({pages})")
    return max(pages, 0)


def fold(connection: sqlite3.Connection) -> None:
    """Fold the write-ahead log into the file and empty it, unless a reader is in the way."""
    patience = pragma(connection, "busy_timeout")
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """The number that SQLite answers."""
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
