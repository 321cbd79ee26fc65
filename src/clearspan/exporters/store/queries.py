"""The questions put to a store, as SQL."""

from __future__ import annotations

from typing import Final

from clearspan import semconv
from clearspan.exporters.store.schema import EVENT_COLUMNS, POINT_COLUMNS, SPAN_COLUMNS
from clearspan.exporters.store.scores import SCORE_COLUMNS
from clearspan.record import Operation

__all__ = [
    "COUNTS",
    "EVENTS",
    "OUTLINES",
    "PASSED",
    "POINTS",
    "SCORED_BY_RESPONSE",
    "SESSIONS",
    "SPANS",
    "TAIL_SCORES",
    "UNSCORE",
    "Filter",
    "ScoreFilter",
    "guard_summary",
    "score_summary",
    "scores",
    "summaries",
]

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

_SCORES: Final = f"SELECT id, {', '.join(SCORE_COLUMNS)} FROM scores"  # noqa: S608 -- our own names
TAIL_SCORES: Final = f"{_SCORES} WHERE id > ? ORDER BY id LIMIT ?"
# The responses of spans, which is what feedback from elsewhere knows of a call.
_RESPONSE: Final = f"CASE WHEN json_valid(p.attributes) THEN json_extract(p.attributes, '$.\"{semconv.RESPONSE_ID}\"') END"
_LOOSE: Final = f"trace_id IS NULL AND response_id IN (SELECT {_RESPONSE} FROM spans p WHERE "  # noqa: S608 -- our own names
SCORED_BY_RESPONSE: Final = (
    "SELECT 1 FROM scores WHERE trace_id IS NULL AND response_id IS NOT NULL LIMIT 1"
)
UNSCORE: Final = f"DELETE FROM scores WHERE {_LOOSE} p.trace_id = ?)"  # noqa: S608 -- our own names
# Which scores are a trace's, by its id or by a response of its; one that two spans have counts once. What guards
# say is left out: it tells when they stepped in, not how good answers are.
PASSED: Final = (
    "SELECT trace, sum(passed), count(passed) FROM ("  # noqa: S608 -- our own names
    "SELECT t.value AS trace, s.id, s.passed FROM json_each(?) t JOIN scores s ON s.trace_id = t.value AND s.guard_action IS NULL"
    " UNION SELECT p.trace_id, s.id, s.passed FROM json_each(?) t JOIN spans p ON p.trace_id = t.value"
    f" JOIN scores s ON s.trace_id IS NULL AND s.guard_action IS NULL AND s.response_id = {_RESPONSE}"
    ") WHERE passed IS NOT NULL GROUP BY trace"
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


class ScoreFilter:
    """Conditions that narrow scores, with their values in order."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[str | int] = []

    def plain(self, condition: str, value: str | int | None) -> None:
        """Only scores whose own row fulfils `condition`; no value, no condition."""
        if value is not None:
            self._conditions.append(condition)
            self.values.append(value)

    def of(self, trace: str | None, span: str | None) -> None:
        """Only scores of this trace, of this span: by its id, or by the response that it had."""
        wanted = {"trace_id": trace, "span_id": span}
        known = {column: value for column, value in wanted.items() if value is not None}
        if known:
            own = " AND ".join(f"{column} = ?" for column in known)
            responses = " AND ".join(f"p.{column} = ?" for column in known)
            self._conditions.append(f"({own} OR {_LOOSE} {responses}))")
            self.values += [*known.values()] * 2

    def session(self, session: str | None) -> None:
        """Only scores that say so, or that are about a call of this session."""
        if session is not None:
            self._conditions.append(
                "(session = ? OR trace_id IN (SELECT trace_id FROM spans WHERE session = ?)"  # noqa: S608 -- our own names
                f" OR {_LOOSE} p.session = ?))"
            )
            self.values += [session] * 3

    def __str__(self) -> str:
        return " AND ".join(self._conditions or ("1",))


def scores(narrowed: ScoreFilter) -> str:
    """The query for the latest scores that pass `narrowed`; its last parameter is the limit, -1 for all."""
    return f"{_SCORES} WHERE {narrowed} ORDER BY id DESC LIMIT ?"


def score_summary(narrowed: ScoreFilter) -> str:
    """The query for what the scores of evaluators and people that pass `narrowed` come to, by their names."""
    return (
        "SELECT name, sum(error IS NULL AND skipped IS NULL), avg(value), avg(passed),"  # noqa: S608 -- our own names
        " sum(error IS NOT NULL), sum(error IS NULL AND skipped IS NOT NULL)"
        f" FROM scores WHERE {narrowed} AND guard_action IS NULL GROUP BY name ORDER BY name"
    )


def guard_summary(narrowed: ScoreFilter) -> str:
    """The query for what guards did in the scores that pass `narrowed`, by their names."""
    did = ", ".join(f"sum(guard_action = '{action}')" for action in ("block", "redact", "warn"))
    return (
        f"SELECT name, {did}, sum(error IS NOT NULL) FROM scores"  # noqa: S608 -- our own names
        f" WHERE {narrowed} AND guard_action IS NOT NULL GROUP BY name ORDER BY name"
    )
