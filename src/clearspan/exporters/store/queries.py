"""The questions put to a store, as SQL."""

from __future__ import annotations

from typing import Final

from clearspan.exporters.store.schema import EVENT_COLUMNS, POINT_COLUMNS, SPAN_COLUMNS
from clearspan.record import Operation

__all__ = ["COUNTS", "EVENTS", "OUTLINES", "POINTS", "SESSIONS", "SPANS", "Filter", "summaries"]

SPANS: Final = f"SELECT id, {', '.join(SPAN_COLUMNS)} FROM spans"  # noqa: S608 -- our own names
EVENTS: Final = f"SELECT id, {', '.join(EVENT_COLUMNS)} FROM events"  # noqa: S608 -- our own names
POINTS: Final = f"SELECT id, {', '.join(POINT_COLUMNS)} FROM metric_points"  # noqa: S608 -- our own names
# The attributes wanted are given as JSON paths, the traces as one JSON array: there may be any number.
# A span that another program wrote may have attributes that are no JSON.
OUTLINES: Final = (
    "SELECT trace_id, span_id, parent_id, name, start_ns, end_ns, status,"
    " CASE WHEN json_valid(attributes) THEN json_extract(attributes, {paths}) END"
    " FROM spans WHERE trace_id IN (SELECT value FROM json_each(?)) ORDER BY start_ns, id"
)
COUNTS: Final = (
    "SELECT (SELECT count(*) FROM traces t WHERE EXISTS"
    " (SELECT 1 FROM spans s WHERE s.trace_id = t.trace_id)),"
    " (SELECT count(*) FROM spans), (SELECT count(*) FROM events),"
    " (SELECT count(*) FROM metric_points)"
)

# An agent or workflow repeats the usage of the calls below it.
_ROLLUPS: Final = ", ".join(
    f"'{operation.value}'" for operation in (Operation.INVOKE_AGENT, Operation.INVOKE_WORKFLOW)
)
_TOTALS: Final = ", ".join(
    f"sum(CASE WHEN operation IN ({_ROLLUPS}) THEN NULL ELSE {column} END) AS {column}"
    for column in ("input_tokens", "output_tokens")
)

SESSIONS: Final = (
    "SELECT session, min(start_ns), max(end_ns), count(DISTINCT trace_id), count(*),"  # noqa: S608 -- our own names
    f" sum(status = 'error'), {_TOTALS}"
    " FROM spans WHERE session IS NOT NULL GROUP BY session ORDER BY max(end_ns) DESC LIMIT ?"
)

_ROOT: Final = (
    "(SELECT r.name FROM spans r WHERE r.trace_id = t.trace_id"
    " ORDER BY r.parent_id IS NOT NULL AND EXISTS (SELECT 1 FROM spans p"
    " WHERE p.trace_id = r.trace_id AND p.span_id = r.parent_id), r.start_ns, r.id LIMIT 1)"
)


class Filter:
    """Conditions that narrow a list of traces, with their values in order."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[str | int] = []

    def trace(self, condition: str, value: int | None) -> None:
        """Only traces whose own row fulfils `condition`; no value, no condition."""
        if value is not None:
            self._conditions.append(condition)
            self.values.append(value)

    def span(self, condition: str, *values: str | None) -> None:
        """Only traces with a span that fulfils `condition`; no value, no condition."""
        given = [value for value in values if value is not None]
        if len(given) == len(values):
            self._conditions.append(
                f"t.trace_id IN (SELECT trace_id FROM spans WHERE {condition})"  # noqa: S608 -- our own names
            )
            self.values.extend(given)

    def __str__(self) -> str:
        return "".join(f" AND {condition}" for condition in self._conditions)


def summaries(narrowed: Filter) -> str:
    """The query for the newest traces that pass `narrowed`; its last parameter is the limit."""
    return (
        "WITH chosen AS (SELECT t.trace_id, t.start_ns FROM traces t WHERE EXISTS"  # noqa: S608 -- our own names
        f" (SELECT 1 FROM spans s WHERE s.trace_id = t.trace_id){narrowed}"
        " ORDER BY t.start_ns DESC, t.trace_id LIMIT ?)"
        f" SELECT t.trace_id, {_ROOT}, min(s.start_ns), max(s.end_ns), count(*),"
        " sum(s.status = 'error'), json_group_array(DISTINCT s.model),"
        f" {_TOTALS}, max(s.session), max(s.user), max(s.service)"
        " FROM chosen t JOIN spans s ON s.trace_id = t.trace_id"
        " GROUP BY t.trace_id ORDER BY t.start_ns DESC, t.trace_id"
    )
