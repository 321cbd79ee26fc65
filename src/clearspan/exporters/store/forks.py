"""Keeping SQLite and `fork` apart.

SQLite keeps a process-wide list of the locks that it holds on a file. A forked child inherits the
list and not the locks: even a connection that the child opens *itself* then believes to be
protected, and when the parent closes its own, the write-ahead log is deleted under the child's
hands: its writes are lost without an error. So nothing may be open when the fork happens: a hook
closes the connections just before, waiting a bounded time for one that is in use. Where that fails,
the child never uses, closes or collects what it inherited, and does not touch that file.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import threading
import time
import weakref
from typing import Final

__all__ = ["Holder", "unsafe"]

PATIENCE: Final = 1.0
"""Seconds that a fork waits, at most, for the write that is going on."""

_holders: weakref.WeakSet[Holder] = weakref.WeakSet()
_taken: dict[int, list[Holder]] = {}
_unsafe: set[str] = set()


class Holder:
    """What may have an SQLite connection open. `connection` is touched under `lock` only."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.connection: sqlite3.Connection | None = None
        self.pid = os.getpid()
        _holders.add(self)

    def let_go(self) -> None:
        """Close the connection, if one is open. Called with the lock held; never raises."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def settle(self) -> None:
        """Notice a fork that happened without Python's hooks (from within a C library)."""
        if self.pid != os.getpid():
            self.disown()

    def disown(self) -> None:
        """In a child: start afresh, and never again touch what the parent had open."""
        self.pid = os.getpid()
        self.lock = threading.Lock()
        if self.connection is not None:
            leak(self.connection)
            self.connection = None
            _unsafe.add(self.path)


def unsafe(path: str) -> bool:
    """Whether this process was forked while the file at `path` was being written."""
    return path in _unsafe


def leak(connection: sqlite3.Connection) -> None:
    """Make sure that `connection` is never closed, not even when the interpreter ends.

    Closing would run SQLite's clean-up, which deletes the write-ahead log *by name*: of a file
    that by now may be another one, or that another process has in use.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _before() -> None:
    deadline = time.monotonic() + PATIENCE
    taken = _taken.setdefault(threading.get_ident(), [])
    for holder in list(_holders):
        if holder.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            taken.append(holder)
            holder.let_go()


def _after_in_parent() -> None:
    for holder in _taken.pop(threading.get_ident(), ()):
        holder.lock.release()


def _after_in_child() -> None:
    _taken.clear()
    for holder in list(_holders):
        holder.disown()


# One hook for the whole process, over weak references: stores may come and go.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
