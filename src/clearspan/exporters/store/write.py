"""The store as the exporters write to it."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from dataclasses import dataclass, replace
from functools import partial

from clearspan.core.parse import LEAST_STORE
from clearspan.core.sqlite.database import DEFAULT_TIMEOUT, Database
from clearspan.core.sqlite.errors import Unusable
from clearspan.core.sqlite.opening import transaction
from clearspan.core.sqlite.space import log_pages
from clearspan.exporters.store import schema, scores
from clearspan.exporters.store.errors import StoreError, explained
from clearspan.exporters.store.retention import Retention
from clearspan.exporters.store.rows import Batch

__all__ = ["Store", "StoreStatus"]

_log = logging.getLogger(__name__)
_SPAN = schema.insert("spans", schema.SPAN_COLUMNS)
_EVENT = schema.insert("events", schema.EVENT_COLUMNS)
_POINT = schema.insert("metric_points", schema.POINT_COLUMNS)
_LONGER = (
    " ON CONFLICT (trace_id) DO UPDATE SET"
    " start_ns = min(start_ns, excluded.start_ns), end_ns = max(end_ns, excluded.end_ns)"
)
_TRACE = f"INSERT INTO traces (trace_id, start_ns, end_ns) VALUES (?, ?, ?){_LONGER}"  # noqa: S608 -- our own names
_TRACES = (
    "INSERT INTO main.traces (trace_id, start_ns, end_ns)"  # noqa: S608 -- our own names
    f" SELECT trace_id, start_ns, end_ns FROM beside.traces WHERE true{_LONGER}"
)
_JUDGED = "INSERT OR IGNORE INTO traces (trace_id, start_ns, end_ns) VALUES (?, ?, ?)"


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


class Store:
    """A file of spans, events, scores and metric points.

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
        if max_bytes is not None and max_bytes < LEAST_STORE:
            raise StoreError(
                path, f"cannot keep to {max_bytes} bytes: max_bytes must be at least {LEAST_STORE}"
            )
        with explained():
            database = Database(
                path,
                schema.SCHEMA,
                timeout=timeout,
                log_pages=partial(log_pages, max_bytes),
                absorb=_absorb,
            )
        self._database = database
        self._retention = Retention(lambda: database.file, max_age, max_bytes)
        self._status = StoreStatus(self.path)
        # One line for each outage, however many threads find it: who takes this away says it.
        self._unsaid = [True]

    @property
    def path(self) -> str:
        """The file."""
        return self._database.path

    @property
    def status(self) -> StoreStatus:
        """What was written, what was not, and why."""
        file = self._database
        return replace(
            self._status,
            path=self.path,
            failed_batches=file.failures,
            last_error=file.last_error,
            set_aside=file.set_aside,
        )

    def check_writable(self) -> None:
        """See that the store can be written, without creating its file.

        Raises:
            StoreError: it cannot; the message names the path and the remedy.
        """
        with explained():
            self._database.check_writable()

    def open(self) -> None:
        """Open the file, creating or upgrading it.

        Raises:
            StoreError: the file cannot be used; the message names the path and the remedy.
        """
        with explained():
            self._database.open()

    def write(self, batch: Batch) -> bool:
        """Write `batch` in one transaction; whether it is stored. Never raises for the file's sake."""
        try:
            self._database.run(
                lambda connection: self._put(connection, batch),
                self._retention.keep,
            )
        except Unusable as error:
            with contextlib.suppress(IndexError):
                self._unsaid.pop()
                _log.warning("clearspan: %s", StoreError(error.path, error.problem))
            return False
        if not self._unsaid:
            self._unsaid = [True]
        return True

    def close(self) -> None:
        """Close the file. A later batch opens it again."""
        self._database.close()

    def _put(self, connection: sqlite3.Connection, batch: Batch) -> None:
        with transaction(connection):
            connection.executemany(_SPAN, batch.spans)
            connection.executemany(_EVENT, batch.events)
            connection.executemany(_POINT, batch.points)
            for score in batch.scores:
                scores.put(connection, score)
            connection.executemany(_TRACE, batch.traces)
            connection.executemany(_JUDGED, batch.judged)
        self._count(batch)

    def _count(self, batch: Batch) -> None:
        done = self._status
        self._status = replace(
            done,
            spans=done.spans + len(batch.spans),
            events=done.events + len(batch.events),
            points=done.points + len(batch.points),
            skipped=done.skipped + batch.skipped,
        )


def _absorb(connection: sqlite3.Connection) -> None:
    """Take in all that the store has that is attached as `beside`."""
    for table, columns in schema.TABLES.items():
        names = ",".join(columns)
        connection.execute(
            f"INSERT OR IGNORE INTO main.{table} ({names}) SELECT {names} FROM beside.{table} ORDER BY id"  # noqa: S608 -- our own names
        )
    connection.execute(_TRACES)
    names = ",".join(scores.SCORE_COLUMNS)
    for row in connection.execute(f"SELECT {names} FROM beside.scores ORDER BY id").fetchall():  # noqa: S608 -- our own names
        scores.put(connection, row)
