"""Opening a store for reading."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from clearspan.core.sqlite.errors import is_busy, is_damage
from clearspan.exporters.store.errors import StoreError, StoreNotFound

__all__ = ["explain", "opened"]

_TIMEOUT = 5.0


def opened(path: Path) -> sqlite3.Connection:
    """A connection that can only read.

    Raises:
        StoreNotFound: there is no file.
        sqlite3.Error: it is no database, or cannot be opened.
    """
    if not path.is_file():
        raise StoreNotFound(
            path, "does not exist: nothing was stored there yet, or it lies elsewhere"
        )
    uri = path.as_uri()
    connection = sqlite3.connect(
        f"{uri}?mode=ro", uri=True, timeout=_TIMEOUT, check_same_thread=False
    )
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if is_busy(error) or Path(f"{path}-wal").exists():
            raise
        # A folder that cannot be written, an archive for instance, has no room for SQLite's shared
        # memory; and nobody can be writing there.
        return sqlite3.connect(f"{uri}?immutable=1", uri=True, check_same_thread=False)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def explain(path: Path, error: sqlite3.Error) -> StoreError:
    """`error` as a message that names the path."""
    if is_damage(error):
        return StoreError(path, f"is not an SQLite database or is damaged ({error})")
    return StoreError(path, f"cannot be read ({error})")
