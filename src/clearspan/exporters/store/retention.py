"""Keeping a store to an age and a size, a little at a time, as it is written.

Whole traces go, the one that ended longest ago first; what belongs to no trace goes by its time.
Each step is a short transaction and each pass has a time budget, so writing never stands still for
long; a pass that was not enough is taken up after the next batch.

The size is that of the file with its side files. After a batch it is at most `max_bytes`, except
that a reader in the middle of a long query delays the return of space, and that a pass out of time
leaves the rest to the following ones: the margin is then what was written meanwhile.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from clearspan.core.sqlite import files
from clearspan.core.sqlite.opening import transaction
from clearspan.core.sqlite.space import fold, reclaim, used
from clearspan.exporters.store import queries

__all__ = ["Retention"]

_BUDGET = 0.25
_INTERVAL = 30.0
_ROWS_AT_ONCE = 2_000
_TRACES_AT_ONCE = 256
# Some room is made at a time, so that not every batch has to.
_ENOUGH, _GOAL = 0.95, 0.85
_NANOS = 1_000_000_000
_NEVER = 2**63 - 1


class Retention:
    """The limits of one store. `None` is no limit.

    `file` answers where it lies now, which a fork may change.
    """

    def __init__(
        self, file: Callable[[], Path], max_age: float | None, max_bytes: int | None
    ) -> None:
        self._file = file
        self._max_age = max_age
        self._max_bytes = max_bytes
        self._next = 0.0

    @property
    def _path(self) -> Path:
        return self._file()

    def keep(self, connection: sqlite3.Connection) -> None:
        """Delete what is due, if anything is. Called after each batch, outside a transaction.

        Raises:
            sqlite3.Error: the file cannot be written; the batch before is stored nevertheless.
        """
        deadline = time.monotonic() + _BUDGET
        if self._max_age is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + min(_INTERVAL, self._max_age / 4)
            if self._expire(connection, time.time_ns() - int(self._max_age * _NANOS), deadline):
                self._next = 0.0
            reclaim(connection)
        if self._max_bytes is not None and files.size(self._path) > self._max_bytes:
            _shrink(connection, self._path, self._max_bytes, deadline)

    def _expire(self, connection: sqlite3.Connection, before: int, deadline: float) -> bool:
        """Delete what is older than `before`; whether some of it is left."""
        while time.monotonic() < deadline:
            old = connection.execute(
                "SELECT trace_id FROM traces WHERE end_ns < ? ORDER BY end_ns LIMIT ?",
                (before, _TRACES_AT_ONCE),
            ).fetchall()
            with transaction(connection):
                gone = _delete_traces(connection, [row[0] for row in old])
                gone += _delete_points(connection, _ROWS_AT_ONCE, before)
                gone += _delete_loose(connection, "events", _ROWS_AT_ONCE, before)
                gone += _delete_loose(connection, "scores", _ROWS_AT_ONCE, before)
            if not gone:
                return False
        return True


def _shrink(connection: sqlite3.Connection, path: Path, limit: int, deadline: float) -> None:
    goal = int(limit * _GOAL)
    while time.monotonic() < deadline:
        fold(connection)
        if files.size(path) <= limit * _ENOUGH:
            return
        excess = used(connection) - goal
        gone = _thin(connection, excess / (excess + goal)) if excess > 0 else 0
        # Nothing left to delete or to give back: the rest is a log that a reader holds.
        if not reclaim(connection, leave=0) and not gone:
            return


def _thin(connection: sqlite3.Connection, share: float) -> int:
    """Delete the oldest `share` of everything, up to what one step may; answers the rows gone."""
    traces, points, events, scores = (
        math.ceil(share * _count(connection, kind))
        for kind in (
            "traces",
            "metric_points",
            "events WHERE trace_id IS NULL",
            "scores WHERE trace_id IS NULL",
        )
    )
    old = connection.execute(
        "SELECT trace_id FROM traces ORDER BY end_ns LIMIT ?", (min(traces, _TRACES_AT_ONCE),)
    ).fetchall()
    with transaction(connection):
        return (
            _delete_traces(connection, [row[0] for row in old])
            + _delete_points(connection, points)
            + _delete_loose(connection, "events", events)
            + _delete_loose(connection, "scores", scores)
        )


def _delete_traces(connection: sqlite3.Connection, traces: list[str]) -> int:
    """Delete `traces`, with all that belongs to them, until it is enough for one transaction."""
    gone = 0
    by_response = bool(connection.execute(queries.SCORED_BY_RESPONSE).fetchall())
    for trace in traces:
        if by_response:
            gone += connection.execute(queries.UNSCORE, (trace,)).rowcount
        for table in ("scores", "spans", "events", "traces"):
            gone += connection.execute(
                f"DELETE FROM {table} WHERE trace_id = ?",  # noqa: S608 -- our own names
                (trace,),
            ).rowcount
        if gone >= _ROWS_AT_ONCE:
            break
    return gone


def _delete_points(connection: sqlite3.Connection, rows: int, before: int = _NEVER) -> int:
    """Delete up to `rows` of the oldest metric points from before that time."""
    return connection.execute(
        "DELETE FROM metric_points WHERE id IN"
        " (SELECT id FROM metric_points WHERE time_ns < ? ORDER BY time_ns LIMIT ?)",
        (before, min(rows, _ROWS_AT_ONCE)),
    ).rowcount


def _delete_loose(
    connection: sqlite3.Connection, table: str, rows: int, before: int = _NEVER
) -> int:
    """Delete up to `rows` of the oldest events or scores that belong to no trace."""
    return connection.execute(
        f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table}"  # noqa: S608 -- our own names
        " WHERE trace_id IS NULL AND time_ns < ? ORDER BY time_ns LIMIT ?)",
        (before, min(rows, _ROWS_AT_ONCE)),
    ).rowcount


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 -- our own names
