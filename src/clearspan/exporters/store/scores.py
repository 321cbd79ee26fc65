"""Rows of the table `scores`, from events `gen_ai.evaluation.result` of any program."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from clearspan import semconv
from clearspan.core import jsonfast
from clearspan.exporters.store.cells import Row, Value, as_json, number, text

__all__ = ["INSERT", "OUTDATED", "SCORE_COLUMNS", "backfill", "put", "score_row"]

SCORE_COLUMNS: Final = (
    "time_ns", "name", "trace_id", "span_id", "response_id", "session", "key", "value", "label", "passed", "kind",
    "level", "direction", "threshold", "min", "max", "explanation", "error", "skipped", "version", "cost", "duration",
    "model", "identity", "metadata", "guard_action", "service",
)  # fmt: skip

INSERT: Final = (
    f"INSERT OR IGNORE INTO scores ({','.join(SCORE_COLUMNS)})"  # noqa: S608 -- our own names
    f" VALUES ({','.join('?' * len(SCORE_COLUMNS))})"
)
# Deleted and written anew, so that who follows the table by id sees what was changed.
OUTDATED: Final = "DELETE FROM scores WHERE identity = ? AND time_ns <= ?"

_TIME, _IDENTITY = SCORE_COLUMNS.index("time_ns"), SCORE_COLUMNS.index("identity")
_TEXTS: Final = {
    "response_id": semconv.RESPONSE_ID,
    "key": semconv.EVALUATION_KEY,
    "label": semconv.EVALUATION_LABEL,
    "kind": semconv.EVALUATION_KIND,
    "level": semconv.EVALUATION_LEVEL,
    "direction": semconv.EVALUATION_DIRECTION,
    "explanation": semconv.EVALUATION_EXPLANATION,
    "error": semconv.ERROR_TYPE,
    "skipped": semconv.EVALUATION_SKIPPED,
    "version": semconv.EVALUATION_VERSION,
    "identity": semconv.EVALUATION_IDENTITY,
    "guard_action": semconv.GUARD_ACTION,
}
_NUMBERS: Final = {
    "value": semconv.EVALUATION_VALUE,
    "threshold": semconv.EVALUATION_THRESHOLD,
    "min": semconv.EVALUATION_MIN,
    "max": semconv.EVALUATION_MAX,
    "cost": semconv.EVALUATION_COST,
    "duration": semconv.EVALUATION_DURATION,
}


def score_row(
    given: Mapping[str, Any], *, time_ns: Value, trace: Value, span: Value, service: Value
) -> Row | None:
    """The row for an evaluation event with the attributes `given`; `None` where it names no evaluation."""
    name = text(given.get(semconv.EVALUATION_NAME))
    if name is None:
        return None
    get = given.get
    passed = get(semconv.EVALUATION_PASSED)
    cells: dict[str, Value] = {
        "time_ns": time_ns,
        "name": name,
        "trace_id": trace,
        "span_id": span,
        "session": text(get(semconv.SESSION_ID)) or text(get(semconv.CONVERSATION_ID)),
        "passed": int(passed) if isinstance(passed, bool) else None,
        "model": text(get(semconv.RESPONSE_MODEL)) or text(get(semconv.REQUEST_MODEL)),
        "metadata": _metadata(get(semconv.EVALUATION_METADATA)),
        "service": service,
        **{column: text(get(attribute)) for column, attribute in _TEXTS.items()},
        **{column: number(get(attribute)) for column, attribute in _NUMBERS.items()},
    }
    return tuple(cells[column] for column in SCORE_COLUMNS)


def _metadata(value: object) -> str | None:
    """JSON text of an object, whether it came as such or as its text."""
    found = jsonfast.loads(value)
    return as_json(found) if isinstance(found, Mapping) and found else None


def put(connection: sqlite3.Connection, row: Row) -> None:
    """Write a score; one of the same identity gives way to it, unless it is the later one."""
    if row[_IDENTITY] is not None:
        connection.execute(OUTDATED, (row[_IDENTITY], row[_TIME]))
    connection.execute(INSERT, row)


def backfill(connection: sqlite3.Connection) -> None:
    """Give the events that an older version stored their rows."""
    events = connection.execute(
        "SELECT time_ns, trace_id, span_id, attributes, service FROM events WHERE name = ? ORDER BY time_ns, id",
        (semconv.EVENT_EVALUATION,),
    ).fetchall()
    for time_ns, trace, span, attributes, service in events:
        given = jsonfast.loads(attributes)
        if not isinstance(given, Mapping):
            continue  # another program wrote into the file
        row = score_row(given, time_ns=time_ns, trace=trace, span=span, service=service)
        if row is not None:
            put(connection, row)
