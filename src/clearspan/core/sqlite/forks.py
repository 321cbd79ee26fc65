"""Keeping SQLite and `fork` apart.

SQLite keeps a process-wide list of the locks that it holds on a file. A forked child inherits the
list and not the locks: even a connection that the child opens *itself* then believes to be
protected, and when the parent closes its own, the write-ahead log is deleted under the child's
hands: its writes are lost without an error. So nothing may be open when the fork happens: a hook
closes the connections just before. It interrupts who is at work, whose work is done once more after the fork, and
waits until that is over: for moments, as a rule for the interpreter's lock. Nor may a thread be inside SQLite for a
reason of its own: the mutexes of the library that it holds would in the child be held for good, by nobody, and whoever
opens any file there would wait for ever. So the wait has a bound, but a generous one, and one that a disk which hangs
makes all forks wait for no more than once. Where it fails, the child never uses, closes or collects what it inherited,
and does not touch that file: what it has to write goes to one beside it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
import threading
import weakref
from typing import Final

__all__ = ["Holder", "unsafe"]

BEATS: Final = 100
"""How often a fork looks, at most, whether what is going on is over."""
FEW: Final = 5
"""How often it looks where the last fork has looked in vain."""
_BEAT: Final = 0.01
"""Seconds from one look to the next. On a busy machine they are longer, as is everything for which it waits."""
_NO_FOLDING: Final = getattr(sqlite3, "SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE", None)

_holders: weakref.WeakSet[Holder] = weakref.WeakSet()
_taken: dict[int, list[Holder]] = {}
_unsafe: set[str] = set()


class Holder:
    """What may have an SQLite connection open. `connection` is touched under `lock` only."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.connection: sqlite3.Connection | None = None
        self.awaited = False
        """A fork waits for the lock: it comes first."""
        self.stuck = False
        """The last fork has waited for the lock in vain."""
        self.pid = os.getpid()
        _holders.add(self)

    def let_go(self, patience: float = 0.0) -> None:
        """Close the connection, if one is open. Called with the lock held; never raises.

        Who has to wait for others does so for `patience` seconds.
        """
        del patience
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def interrupt(self) -> None:
        """Have what is going on given up, if it is SQLite that is at it. Called by others, without the lock."""
        connection = self.connection
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):  # closed just now
                connection.interrupt()

    def settle(self) -> None:
        """Notice a fork that happened without Python's hooks (from within a C library)."""
        if self.pid != os.getpid():
            self.disown()

    def disown(self, *, idle: bool = False) -> None:
        """In a child: start afresh, and never again touch what the parent had open.

        It was `idle` where the lock was had, and the connection closed, before the fork.
        """
        self.pid = os.getpid()
        if not idle and (self.connection is not None or self.lock.locked()):
            _unsafe.add(self.path)
        self.lock = threading.Lock()
        self.awaited = False
        if self.connection is not None:
            leak(self.connection)
            self.connection = None


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
    taken = _taken.setdefault(threading.get_ident(), [])
    beats = BEATS
    for holder in list(_holders):
        allowed = min(beats, FEW) if holder.stuck else beats
        left = _win(holder, allowed)
        holder.stuck = left < 0
        if not holder.stuck:
            if _NO_FOLDING is not None and holder.connection is not None:
                _leave_the_log(holder.connection)
            taken.append(holder)
            holder.let_go(_BEAT)
        beats -= allowed - max(left, 0)


def _win(holder: Holder, beats: int) -> int:
    """Get its lock within so many beats, before all others that want it; how many are left, -1 where it is not to be had.

    Who has the lock is interrupted, as often as it takes.
    """
    holder.awaited = True
    try:
        if holder.lock.acquire(blocking=False):
            return beats
        while beats > 0:
            beats -= 1
            if holder.lock.acquire(timeout=_BEAT):
                return beats
            holder.interrupt()
        return -1
    finally:
        holder.awaited = False


def _leave_the_log(connection: sqlite3.Connection) -> None:
    """Closing folds no log into the file: that may take long, and who opens it next goes on with the log."""
    with contextlib.suppress(sqlite3.Error):
        connection.setconfig(_NO_FOLDING)  # type: ignore[attr-defined,unused-ignore]  # from Python 3.12 on


def _after_in_parent() -> None:
    for holder in _taken.pop(threading.get_ident(), ()):
        holder.lock.release()


def _after_in_child() -> None:
    idle = _taken.pop(threading.get_ident(), [])
    _taken.clear()
    for holder in list(_holders):
        holder.disown(idle=any(each is holder for each in idle))


# One hook for the whole process, over weak references: stores may come and go.
if hasattr(os, "register_at_fork"):  # pragma: no branch -- absent on Windows only
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
