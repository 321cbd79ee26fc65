"""One connection a process to a file that others may use, break, replace or fill: healed where it can be."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from clearspan.core import deadline
from clearspan.core.sqlite import adoption, files, opening
from clearspan.core.sqlite.errors import Unusable, is_busy, is_damage, is_hollow, is_stale
from clearspan.core.sqlite.forks import Holder, leak, unsafe
from clearspan.core.sqlite.schema import HEADER, Schema, UnusableSchema

__all__ = ["DEFAULT_TIMEOUT", "Database"]

DEFAULT_TIMEOUT: Final = 5.0
"""Seconds."""
_CLOSING = 1.0
_SLICE = 0.02
_PAUSE = 0.002
_PROBE_INTERVAL = 1.0
_FAILURES = (sqlite3.Error, OSError, UnusableSchema)
_log = logging.getLogger("clearspan")

T = TypeVar("T")


class _Again(Exception):
    """Others were in the way, and there is time left for another try."""


class Database(Holder):
    """One SQLite file that several threads and processes may write to at once.

    Making one costs nothing: the file is opened, and created if need be, by `open` or by the first
    piece of work. A broken file inside a `.clearspan` folder is set aside, since all there is ours. Elsewhere
    it is left alone, the name may be a slip, unless it was once opened as one of ours, bears our sign or the
    statements of our tables, or begins with nothing but zeros, as files do whose end a power cut was.

    Others are waited for in small slices, between which the lock is free: a fork cannot wait longer. In a child
    that was forked all the same amid a write, `file` and `path` are those of a file beside: of one that is its own,
    as is that of a child of such a child, since the file of a process that is gone is taken in and deleted.

    Args:
        path: The file. Its folder must exist, but for one named `.clearspan`, which is made.
        schema: Its tables.
        timeout: Seconds to wait for other processes, at most.
        log_pages: After how many pages of that size the write-ahead log is folded into the file.
        synchronous: SQLite's setting of that name.
        absorb: Takes in all that another such file has, which is attached as `beside`. Without it that is set aside.

    Raises:
        Unusable: `~` cannot be resolved.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        schema: Schema,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        log_pages: Callable[[int], int],
        synchronous: str = "NORMAL",
        absorb: Callable[[sqlite3.Connection], object] | None = None,
    ) -> None:
        self.file = self._home = files.located(path)
        super().__init__(str(self.file))
        self.set_aside: tuple[str, ...] = ()
        """Broken files that were renamed to make way for new ones."""
        self.failures = 0
        """Pieces of work that were not done."""
        self.last_error: str | None = None
        """Why the last one was not; `None` where it was."""
        self._schema = schema
        self._timeout = timeout
        self._log_pages = log_pages
        self._synchronous = synchronous
        self._absorb = absorb
        self._notes: list[str] = []
        self._noted: set[Path] = set()
        self._identity: tuple[int, int] | None = None
        self._hollow = False
        self._established = False
        self._owner: int | None = None
        self._probe_at = 0.0

    def check_writable(self) -> None:
        """See that the file can be written, without creating it.

        Raises:
            Unusable: it cannot; the message names the path and the remedy.
        """
        files.check(self.file)
        if self.file.exists():
            self.open()

    def open(self) -> None:
        """Open the file, creating or upgrading it.

        Raises:
            Unusable: the file cannot be used; the message names the path and the remedy.
        """
        before = self.failures
        try:
            self.run(_nothing)
        except Unusable:
            self.failures = before  # nothing was to be kept
            raise

    def run(
        self,
        work: Callable[[sqlite3.Connection], T],
        after: Callable[[sqlite3.Connection], object] | None = None,
    ) -> T:
        """What `work` answers, done once more after a repair; `after` may fail without harm.

        Raises:
            Unusable: the file cannot be used; the message names the path and the remedy.
        """
        self.settle()
        until = time.monotonic() + deadline.at_most(self._timeout)
        while True:
            last = time.monotonic() >= until
            try:
                return self._turn(work, after, until, last=last)
            except _Again:
                time.sleep(_PAUSE)
            finally:
                # Logging is other people's code: never under the lock.
                while self._notes:
                    with contextlib.suppress(IndexError):  # another thread was quicker
                        _log.warning("clearspan: %s", self._notes.pop(0))

    def _turn(
        self,
        work: Callable[[sqlite3.Connection], T],
        after: Callable[[sqlite3.Connection], object] | None,
        until: float,
        *,
        last: bool,
    ) -> T:
        while self.awaited and time.monotonic() < until:
            time.sleep(_PAUSE)
        # The last try, too, may have to wait for threads that are at theirs.
        patience = max(until - time.monotonic(), deadline.at_most(min(_CLOSING, self._timeout)))
        # Re-entry: something that runs inside our own work (a finaliser) ended a span.
        if self._owner == threading.get_ident() or not self.lock.acquire(timeout=patience):
            raise Unusable(self.path, "is in use by another thread for too long")
        try:
            self._owner = threading.get_ident()
            done = self._attempt(work, last=last)
            self.last_error = None
            if after is not None and self.connection is not None:
                # The work is done; what could not be tidied up now will be after the next one.
                with contextlib.suppress(sqlite3.Error):
                    after(self.connection)
        finally:
            self._owner = None
            self.lock.release()
        return done

    def close(self) -> None:
        """Close the file. Later work opens it again."""
        self.settle()
        notes: list[str] = []
        if self.lock.acquire(timeout=self._timeout):
            try:
                if self.connection is not None:
                    self._adopt(self.connection)
                self.let_go()
                notes, self._notes = self._notes, notes
            finally:
                self.lock.release()
        for note in notes:
            _log.warning("clearspan: %s", note)

    def disown(self, *, idle: bool = False) -> None:
        """In a child: nobody is at work here, whatever the parent was at; its threads' numbers may come again.

        A file beside that the parent has gone to is the parent's: this process starts from where that one did.
        """
        super().disown(idle=idle)
        self._owner = None
        self.file, self.path = self._home, str(self._home)

    def let_go(self, patience: float = _CLOSING) -> None:
        """Close the connection, or abandon it where closing would harm another file.

        Who has the folder may be about to set the file aside; he is waited for as long as may be.
        """
        connection, self.connection = self.connection, None
        if connection is None:
            return
        with files.locked(self.file.parent, patience):
            if self._identity == files.identity(self.file):
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
            else:
                leak(connection)

    def _attempt(self, work: Callable[[sqlite3.Connection], T], *, last: bool) -> T:
        try:
            return self._mended(work, last=last)
        except (*_FAILURES, Unusable) as error:
            if is_busy(error) and not last:
                raise _Again from error
            problem = opening.explain(self.file, error)
            self.failures += 1
            self.last_error = str(problem)
            raise problem from error

    def _mended(self, work: Callable[[sqlite3.Connection], T], *, last: bool) -> T:
        try:
            return self._done(work, last=last)
        except _FAILURES as error:
            if not self._repaired(error):
                raise
        try:
            return self._done(work, last=last)
        except sqlite3.Error as error:
            # Its tables are gone for good. Said of a new file too, the fault would be in the work.
            opened = self.connection is not None
            if self._hollow or not (opened and is_hollow(error)) or not self._replace():
                raise
        try:
            return self._done(work, last=last)
        except sqlite3.Error as error:
            self._hollow = is_hollow(error)
            raise

    def _done(self, work: Callable[[sqlite3.Connection], T], *, last: bool) -> T:
        connection = self._connected(insist=last)
        if time.monotonic() >= self._probe_at:
            self._probe_at = time.monotonic() + _PROBE_INTERVAL
            opening.probe(self.file)
        return work(connection)

    def _connected(self, *, insist: bool) -> sqlite3.Connection:
        if unsafe(self.path):
            self._move_beside()
        if self.connection is not None and self._identity != files.identity(self.file):
            # Deleted or replaced: what is written to the old one nobody will find.
            self.let_go()
        if self.connection is None:
            # Known even when opening fails, for then the file may have to be set aside.
            self._identity = files.identity(self.file)
            opened = opening.writer(
                self.file, self._schema, min(_SLICE, self._timeout), self._log_pages, self._synchronous, insist=insist,
            )  # fmt: skip
            self.connection, self._identity = opened.connection, opened.identity
            self._established = True
            self._adopt(self.connection)
        return self.connection

    def _move_beside(self) -> None:
        """Go on in a file beside the one that this process must not touch."""
        told, self.file = self.path, files.beside(self._home)
        self.path = str(self.file)
        self._identity, self._established = None, False
        self._notes.append(
            f"this process was forked in the middle of a write to the {self._schema.kind} {told!r}, which cannot be used "
            f"here: what it records goes to {self.path!r}"
        )  # fmt: skip

    def _adopt(self, connection: sqlite3.Connection) -> None:
        """Take in what children that went on beside have left; what cannot be now may be the next time."""
        left = files.orphans(self.file)
        if not left:
            return
        with files.locked(self.file.parent, _SLICE) as held:
            for orphan in left if held else ():
                if self.awaited:  # a fork comes first
                    break
                self._take_in(connection, orphan)

    def _take_in(self, connection: sqlite3.Connection, orphan: Path) -> None:
        """Never raises: one that cannot be taken in must not keep the others from it."""
        try:
            if self._absorb is None:
                files.set_aside(orphan, of=self.file)
            elif orphan.exists():
                adoption.take_in(connection, orphan, self._absorb)
                files.delete(orphan)
        except (sqlite3.Error, OSError) as error:
            # Where that one is whole, the damage is in the file of ours, and the work will meet it.
            if is_damage(error) and not adoption.sound(orphan):
                self._give_up(orphan)
            elif not is_busy(error):
                self._note_of(orphan, f"cannot be taken into {self.path!r} ({error}): it stays for the next time")  # fmt: skip

    def _give_up(self, orphan: Path) -> None:
        try:
            aside = str(files.set_aside(orphan, of=self.file))
        except OSError as error:
            self._note_of(orphan, f"is damaged, and cannot be set aside ({error})")
            return
        self.set_aside = (*self.set_aside, aside)
        self._note_of(orphan, f"is damaged; it was set aside as {aside}")

    def _note_of(self, orphan: Path, problem: str) -> None:
        """Once for each, however often it is tried."""
        if orphan not in self._noted:
            self._noted.add(orphan)
            self._notes.append(f"what a forked process left in {str(orphan)!r} {problem}")

    def _repaired(self, error: Exception) -> bool:
        """Whether it is worth another try."""
        if is_damage(error):
            return self._replace()
        if is_busy(error) or (not is_stale(error) and self._reads()):
            return False
        self.let_go()
        return is_stale(error)

    def _reads(self) -> bool:
        """Whether the connection is good for something still: on a full disk no other could be opened."""
        with contextlib.suppress(sqlite3.Error):
            if self.connection is not None:
                self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                return True
        return False

    def _replace(self) -> bool:
        """Set the broken file aside, unless another process has just done so."""
        self.let_go()
        if not (
            self._established
            or self.file.parent.name == files.HOME
            or self._schema.signed(files.begins(self.file, HEADER))
        ):
            return False
        with files.locked(self.file.parent, self._timeout) as held:
            if not held:
                return False
            if self._identity is not None and files.identity(self.file) == self._identity:
                try:
                    aside = str(files.set_aside(self.file))
                except OSError:
                    return False
                self.set_aside = (*self.set_aside, aside)
                self._notes.append(f"the {self._schema.kind} was damaged; it was set aside as {aside}")  # fmt: skip
        return True


def _nothing(connection: sqlite3.Connection) -> None:
    """The file is opened, and no more."""
