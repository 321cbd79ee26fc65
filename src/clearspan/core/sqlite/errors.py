"""What can be wrong with a database file."""

from __future__ import annotations

import os
import sqlite3

__all__ = ["Unusable", "is_busy", "is_damage", "is_hollow", "is_interrupted", "is_stale"]

_BUSY, _LOCKED, _READONLY, _INTERRUPT, _CORRUPT, _NOTADB = 5, 6, 8, 9, 11, 26
# A page that is not where the log's index says: somebody deleted the log.
_SHORT_READ = 522
# SQLite's own result codes reach Python only from 3.11 on; its English messages are the same
# in every version.
_DAMAGE_WORDS = ("malformed", "not a database", "file is encrypted")
_BUSY_WORDS = ("is locked", "is busy")
_HOLLOW_WORDS = ("no such table", "no such column", "has no column")
_STALE_WORDS = ("readonly", "unable to open", *_HOLLOW_WORDS)


class Unusable(Exception):
    """A database that cannot be used: `path`, and a `problem` that says what can be done."""

    def __init__(self, path: str | os.PathLike[str], problem: str) -> None:
        super().__init__(f"{os.fspath(path)!r} {problem}")
        self.path = os.fspath(path)
        self.problem = problem


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that the file is broken."""
    return _is(error, (_CORRUPT, _NOTADB), _DAMAGE_WORDS)


def is_busy(error: BaseException) -> bool:
    """Whether others were in the way: writers for too long, or a fork that could not wait."""
    return _is(error, (_BUSY, _LOCKED), _BUSY_WORDS) or is_interrupted(error)


def is_interrupted(error: BaseException) -> bool:
    """Whether what was going on was given up for the sake of a fork."""
    return _is(error, (_INTERRUPT,), ("interrupted",))


def is_hollow(error: BaseException) -> bool:
    """Whether a table, or a part of one, is not there."""
    return _is(error, (), _HOLLOW_WORDS)


def is_stale(error: BaseException) -> bool:
    """Whether the file may have been replaced below an open connection: a new one may do."""
    code = getattr(error, "sqlite_errorcode", None)
    short = code == _SHORT_READ or (code is None and "disk I/O" in str(error))
    return short or _is(error, (_READONLY,), _STALE_WORDS)


def _is(error: BaseException, codes: tuple[int, ...], words: tuple[str, ...]) -> bool:
    if not isinstance(error, sqlite3.Error):
        return False
    code: int | None = getattr(error, "sqlite_errorcode", None)
    # The low byte is the primary code; the rest tells variants of it apart.
    return (code is not None and code & 0xFF in codes) or any(word in str(error) for word in words)
