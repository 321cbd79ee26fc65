"""What can be wrong with a store, or with a question put to it."""

from __future__ import annotations

import os
import sqlite3

from clearspan.exporters import DestinationError

__all__ = [
    "AmbiguousTrace",
    "StoreError",
    "StoreNotFound",
    "TraceNotFound",
    "is_busy",
    "is_damage",
    "is_stale",
]

_BUSY, _LOCKED, _READONLY, _CORRUPT, _NOTADB = 5, 6, 8, 11, 26
# SQLite's own result codes reach Python only from 3.11 on; its English messages are the same
# in every version.
_DAMAGE_WORDS = ("malformed", "not a database", "file is encrypted")
_BUSY_WORDS = ("is locked", "is busy")
_STALE_WORDS = ("readonly", "no such table", "no such column", "has no column", "unable to open")


class StoreError(DestinationError, OSError):
    """A store that cannot be used. The message names its path and what can be done."""

    def __init__(self, path: str | os.PathLike[str], problem: str) -> None:
        super().__init__(f"the store {os.fspath(path)!r} {problem}")
        self.path = os.fspath(path)


class StoreNotFound(StoreError):
    """There is no store at that path yet."""


class TraceNotFound(LookupError):
    """No stored trace has an id that begins so."""


class AmbiguousTrace(LookupError):
    """More than one stored trace has an id that begins so."""


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that the file is broken."""
    return _is(error, (_CORRUPT, _NOTADB), _DAMAGE_WORDS)


def is_busy(error: BaseException) -> bool:
    """Whether other writers were in the way for too long."""
    return _is(error, (_BUSY, _LOCKED), _BUSY_WORDS)


def is_stale(error: BaseException) -> bool:
    """Whether the file may have been replaced below an open connection: a new one may do."""
    return _is(error, (_READONLY,), _STALE_WORDS)


def _is(error: BaseException, codes: tuple[int, ...], words: tuple[str, ...]) -> bool:
    if not isinstance(error, sqlite3.Error):
        return False
    code: int | None = getattr(error, "sqlite_errorcode", None)
    # The low byte is the primary code; the rest tells variants of it apart.
    return (code is not None and code & 0xFF in codes) or any(word in str(error) for word in words)
