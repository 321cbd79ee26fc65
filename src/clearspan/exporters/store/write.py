"""The store as the exporters write to it: one connection a process, healed where it can be."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from dataclasses import dataclass, replace
from typing import Final

from clearspan.exporters.store import connection as database, files
from clearspan.exporters.store.errors import StoreError, is_busy, is_damage, is_stale
from clearspan.exporters.store.forks import Holder, leak, unsafe
from clearspan.exporters.store.retention import SMALLEST, Retention
from clearspan.exporters.store.rows import Batch
from clearspan.exporters.store.schema import UnusableSchema

__all__ = ["Store", "StoreStatus"]

DEFAULT_TIMEOUT: Final = 5.0
"""Seconds."""
_CLOSING = 1.0
_PROBE_INTERVAL = 1.0
_FAILURES = (sqlite3.Error, OSError, UnusableSchema)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What a store has done in this process so far."""

    path: str
    spans: int = 0
    events: int = 0
    points: int = 0
    """Rows taken in."""
    skipped: int = 0
    """Spans without ids, which have no place in a store."""
    failed_batches: int = 0
    last_error: str | None = None
    """Why the last batch failed; None when it did not."""
    set_aside: tuple[str, ...] = ()
    """Broken files that were renamed to make way for new ones."""


class Store(Holder):
    """One SQLite file that several threads and processes may write to at once.

    Making one costs nothing: the file is opened, and created if need be, by `open` or by the first
    batch. Nothing but `open` and `check_writable` raises.

    Args:
        path: The file. Its folder must exist, but for one named `.clearspan`, which is made.
        max_age: Seconds for which a trace is kept after its last span; `None` for ever.
        max_bytes: The size in bytes that file and side files keep to; `None` for any.
        timeout: Seconds to wait for other processes, at most.

    Raises:
        StoreError: a limit makes no sense, or `~` cannot be resolved.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_age: float | None = None,
        max_bytes: int | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        if max_age is not None and not max_age > 0:
            raise StoreError(
                path, f"cannot keep traces for {max_age} seconds: max_age must be positive"
            )
        if max_bytes is not None and max_bytes < SMALLEST:
            raise StoreError(
                path, f"cannot keep to {max_bytes} bytes: max_bytes must be at least {SMALLEST}"
            )
        self._file = files.located(path)
        super().__init__(str(self._file))
        self._timeout = timeout
        self._retention = Retention(self._file, max_age, max_bytes)
        self._identity: tuple[int, int] | None = None
        self._established = False
        self._owner: int | None = None
        self._probe_at = 0.0
        self._status = StoreStatus(self.path)
        self._failing = False

    @property
    def status(self) -> StoreStatus:
        """What was written, what was not, and why."""
        return self._status

    def check_writable(self) -> None:
        """See that the store can be written, without creating its file.

        Raises:
            StoreError: it cannot; the message names the path and the remedy.
        """
        files.check(self._file)
        if self._file.exists():
            self.open()

    def open(self) -> None:
        """Open the file, creating or upgrading it.

        A broken file inside a `.clearspan` folder is set aside, since all there is ours. Elsewhere
        it is left alone until it was once opened as a store: the name may be a slip.

        Raises:
            StoreError: the file cannot be used; the message names the path and the remedy.
        """
        self.settle()
        with self.lock:
            try:
                try:
                    self._connected()
                except sqlite3.Error as error:
                    if not (is_damage(error) and self._replace()):
                        raise
                    self._connected()
            except _FAILURES as error:
                raise database.explain(self._file, error) from error

    def write(self, batch: Batch) -> bool:
        """Write `batch` in one transaction; whether it is stored. Never raises for the file's sake."""
        self.settle()
        # Re-entry: something that runs inside our own write (a finaliser) ended a span.
        if self._owner == threading.get_ident() or not self.lock.acquire(timeout=self._timeout):
            return False
        before = self._status.set_aside
        try:
            self._owner = threading.get_ident()
            problem = self._attempt(batch)
        finally:
            self._owner = None
            self.lock.release()
        # Logging is other people's code: never under the lock.
        for path in self._status.set_aside[len(before) :]:
            _log.warning("clearspan: the store was damaged; it was set aside as %s", path)
        if problem and not self._failing:
            _log.warning("clearspan: %s", problem)
        self._failing = problem is not None
        return problem is None

    def close(self) -> None:
        """Close the file. A later batch opens it again."""
        self.settle()
        if self.lock.acquire(timeout=self._timeout):
            try:
                self.let_go()
            finally:
                self.lock.release()

    def let_go(self) -> None:
        """Close the connection, or abandon it where closing would harm another file."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        with files.locked(self._file.parent, _CLOSING):
            if self._identity == files.identity(self._file):
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
            else:
                leak(connection)

    def _attempt(self, batch: Batch) -> StoreError | None:
        """Write, once more after a repair; what went wrong, if it did."""
        try:
            try:
                connection = self._put(batch)
            except _FAILURES as error:
                if not self._repaired(error):
                    raise
                connection = self._put(batch)
        except _FAILURES as error:
            problem = database.explain(self._file, error)
            failed = self._status.failed_batches + 1
            self._status = replace(self._status, failed_batches=failed, last_error=str(problem))
            return problem
        self._count(batch)
        # The batch is stored; what could not be deleted now will be after the next one.
        with contextlib.suppress(sqlite3.Error):
            self._retention.keep(connection)
        return None

    def _put(self, batch: Batch) -> sqlite3.Connection:
        connection = self._connected()
        if time.monotonic() >= self._probe_at:
            self._probe_at = time.monotonic() + _PROBE_INTERVAL
            database.probe(self._file)
        database.write(connection, batch)
        return connection

    def _connected(self) -> sqlite3.Connection:
        if unsafe(self.path):
            raise StoreError(
                self._file, "cannot be used here: this process was forked in the middle of a write"
            )
        if self.connection is not None and self._identity != files.identity(self._file):
            # Deleted or replaced: what is written to the old one nobody will find.
            self.let_go()
        if self.connection is None:
            # Known even when opening fails, for then the file may have to be set aside.
            self._identity = files.identity(self._file)
            opened = database.writer(self._file, self._timeout, self._retention.log_pages)
            self.connection, self._identity = opened.connection, opened.identity
            self._established = True
        return self.connection

    def _repaired(self, error: Exception) -> bool:
        """Whether it is worth another try."""
        if is_damage(error):
            return self._replace()
        if is_busy(error):
            return False
        self.let_go()
        return is_stale(error)

    def _replace(self) -> bool:
        """Set the broken file aside, unless another process has just done so."""
        if not (self._established or self._file.parent.name == files.HOME):
            return False
        self.let_go()
        with files.locked(self._file.parent, self._timeout) as held:
            if not held:
                return False
            if self._identity is not None and files.identity(self._file) == self._identity:
                try:
                    aside = str(files.set_aside(self._file))
                except OSError:
                    return False
                self._status = replace(self._status, set_aside=(*self._status.set_aside, aside))
        return True

    def _count(self, batch: Batch) -> None:
        done = self._status
        self._status = replace(
            done,
            spans=done.spans + len(batch.spans),
            events=done.events + len(batch.events),
            points=done.points + len(batch.points),
            skipped=done.skipped + batch.skipped,
            last_error=None,
        )
