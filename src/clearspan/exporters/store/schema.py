"""The tables of a store.

Times are nanoseconds since 1970, ids lower-case hex, JSON compact UTF-8 text.
"""

from __future__ import annotations

from typing import Final

from clearspan.core.sqlite.schema import Schema
from clearspan.exporters.store.scores import backfill

__all__ = ["EVENT_COLUMNS", "POINT_COLUMNS", "SCHEMA", "SCORES_SINCE", "SPAN_COLUMNS", "insert"]

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

TABLES: Final = {
    "spans": SPAN_COLUMNS,
    "events": EVENT_COLUMNS,
    "metric_points": POINT_COLUMNS,
}
"""What only grows, by table."""

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

SCHEMA: Final = Schema("store", 0x636C7370, (_FIRST, _SCORES))  # "clsp"
SCORES_SINCE: Final = 2
"""The version from which on a file has scores; an older one can be read for all else."""


def insert(table: str, columns: tuple[str, ...]) -> str:
    """The statement that adds a row; one that breaks a unique index is left out."""
    marks = ",".join("?" * len(columns))
    return f"INSERT OR IGNORE INTO {table} ({','.join(columns)}) VALUES ({marks})"  # noqa: S608 -- our own names
