"""The tables of a store, and how an older file is brought up to date.

`PRAGMA user_version` counts the steps of `MIGRATIONS` that a file has seen; a new version of the
schema is one more step at the end. `PRAGMA application_id` tells our files from other people's.
Times are nanoseconds since 1970, ids lower-case hex, JSON compact UTF-8 text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final, TypeAlias

from clearspan.exporters.store.scores import backfill

__all__ = [
    "APPLICATION_ID",
    "EVENT_COLUMNS",
    "MIGRATIONS",
    "POINT_COLUMNS",
    "SCORES_SINCE",
    "SPAN_COLUMNS",
    "UnusableSchema",
    "insert",
    "prepare",
    "version",
]

APPLICATION_ID: Final = 0x636C7370  # "clsp"

SPAN_COLUMNS: Final = (
    "trace_id", "span_id", "parent_id", "name", "kind", "start_ns", "end_ns", "status",
    "status_message", "service", "scope", "session", "user", "operation", "provider", "model",
    "request_model", "input_tokens", "output_tokens", "error_type", "attributes", "resource",
    "events", "links",
)  # fmt: skip
EVENT_COLUMNS: Final = (
    "time_ns", "name", "severity", "severity_number", "trace_id", "span_id", "body", "attributes",
    "service", "scope", "resource",
)  # fmt: skip
POINT_COLUMNS: Final = (
    "time_ns", "start_ns", "name", "unit", "kind", "temporality", "monotonic", "attributes",
    "value", "count", "sum", "min", "max", "buckets", "bounds", "service", "scope", "resource",
)  # fmt: skip

_FIRST: Final = (
    # One row a trace, so that the newest are listed and the oldest deleted without reading spans.
    # A trace known only from its events has a row too: they are deleted with it.
    """CREATE TABLE traces (
        trace_id TEXT PRIMARY KEY, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL
    ) WITHOUT ROWID""",
    # AUTOINCREMENT: who follows the table by id must never see a number twice.
    """CREATE TABLE spans (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT, name TEXT NOT NULL,
        kind TEXT NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
        status TEXT NOT NULL, status_message TEXT, service TEXT, scope TEXT, session TEXT,
        user TEXT, operation TEXT, provider TEXT, model TEXT, request_model TEXT,
        input_tokens INTEGER, output_tokens INTEGER, error_type TEXT, attributes TEXT NOT NULL,
        resource TEXT NOT NULL, events TEXT, links TEXT
    )""",
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time_ns INTEGER NOT NULL, name TEXT, severity TEXT, severity_number INTEGER,
        trace_id TEXT, span_id TEXT, body TEXT, attributes TEXT NOT NULL, service TEXT,
        scope TEXT, resource TEXT NOT NULL
    )""",
    # `value` and the like have no type, so whole numbers stay whole.
    """CREATE TABLE metric_points (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time_ns INTEGER NOT NULL, start_ns INTEGER, name TEXT NOT NULL, unit TEXT,
        kind TEXT NOT NULL, temporality TEXT, monotonic INTEGER, attributes TEXT NOT NULL,
        value, count INTEGER, sum, min, max, buckets TEXT, bounds TEXT, service TEXT, scope TEXT,
        resource TEXT NOT NULL
    )""",
    "CREATE INDEX traces_start ON traces (start_ns)",
    "CREATE INDEX traces_end ON traces (end_ns)",
    # A span that is delivered twice is kept once.
    "CREATE UNIQUE INDEX spans_trace ON spans (trace_id, span_id)",
    "CREATE INDEX spans_start ON spans (start_ns)",
    "CREATE INDEX spans_session ON spans (session, trace_id) WHERE session IS NOT NULL",
    "CREATE INDEX spans_model ON spans (model, trace_id) WHERE model IS NOT NULL",
    "CREATE INDEX spans_asked ON spans (request_model, trace_id) WHERE request_model IS NOT NULL",
    "CREATE INDEX spans_failed ON spans (trace_id) WHERE status = 'error'",
    "CREATE INDEX events_trace ON events (trace_id, span_id) WHERE trace_id IS NOT NULL",
    "CREATE INDEX events_time ON events (time_ns)",
    "CREATE INDEX events_loose ON events (time_ns) WHERE trace_id IS NULL",
    "CREATE INDEX points_name ON metric_points (name, time_ns)",
    "CREATE INDEX points_time ON metric_points (time_ns)",
)

_SCORES: Final = (
    # `value` and the like have no type, so whole numbers stay whole. `min` and `max` are those of the scale.
    """CREATE TABLE scores (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time_ns INTEGER NOT NULL, name TEXT NOT NULL, trace_id TEXT, span_id TEXT,
        response_id TEXT, session TEXT, key TEXT, value, label TEXT, passed INTEGER, kind TEXT,
        level TEXT, direction TEXT, threshold, min, max, explanation TEXT, error TEXT, skipped TEXT,
        version TEXT, cost, duration, model TEXT, identity TEXT, metadata TEXT, guard_action TEXT,
        service TEXT
    )""",
    # Who says the same thing again changes what was said.
    "CREATE UNIQUE INDEX scores_identity ON scores (identity) WHERE identity IS NOT NULL",
    "CREATE INDEX scores_trace ON scores (trace_id, span_id) WHERE trace_id IS NOT NULL",
    "CREATE INDEX scores_response ON scores (response_id) WHERE response_id IS NOT NULL",
    "CREATE INDEX scores_session ON scores (session) WHERE session IS NOT NULL",
    "CREATE INDEX scores_key ON scores (key) WHERE key IS NOT NULL",
    "CREATE INDEX scores_name ON scores (name, time_ns)",
    "CREATE INDEX scores_loose ON scores (time_ns) WHERE trace_id IS NULL",
    backfill,
)

Step: TypeAlias = "tuple[str | Callable[[sqlite3.Connection], None], ...]"
"""Statements, and what takes more than a statement."""

MIGRATIONS: tuple[Step, ...] = (_FIRST, _SCORES)
SCORES_SINCE: Final = 2
"""The version from which on a file has scores; an older one can be read for all else."""


class UnusableSchema(Exception):
    """The file is a sound database, and not one that this version may write to."""


def insert(table: str, columns: tuple[str, ...]) -> str:
    """The statement that adds a row; one that breaks a unique index is left out."""
    marks = ",".join("?" * len(columns))
    return f"INSERT OR IGNORE INTO {table} ({','.join(columns)}) VALUES ({marks})"  # noqa: S608 -- our own names


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables, or upgrade those of an older version, in one transaction.

    Raises:
        UnusableSchema: the database is another program's, or a newer version's.
    """
    if _number(connection, "user_version") == len(MIGRATIONS) and _is_ours(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again: another process may have done the work while we waited for the lock.
        for step in MIGRATIONS[version(connection) :]:
            for statement in step:
                if callable(statement):
                    statement(connection)
                else:
                    connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:  # Ctrl-C too must not leave it half done; it goes on its way
        connection.rollback()
        raise


def version(connection: sqlite3.Connection) -> int:
    """Which version's tables there are to read; 0 for a file that is still empty.

    Raises:
        UnusableSchema: the database is another program's, or of a newer version.
    """
    found = _number(connection, "user_version")
    _refuse_strangers(connection, found)
    return found


def _refuse_strangers(connection: sqlite3.Connection, found: int) -> None:
    if not _is_ours(connection):
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables or found:
            raise UnusableSchema(
                "is another program's SQLite database: name a file of its own for the store"
            )
    elif found > len(MIGRATIONS):
        raise UnusableSchema(
            "was written by a newer clearspan: upgrade clearspan or name another file"
        )


def _is_ours(connection: sqlite3.Connection) -> bool:
    return _number(connection, "application_id") == APPLICATION_ID


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
