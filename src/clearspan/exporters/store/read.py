"""Reading a store, while others write to it or when nobody does."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from clearspan.core import jsonfast
from clearspan.core.sqlite import files
from clearspan.core.sqlite.errors import is_interrupted
from clearspan.core.sqlite.forks import Holder, unsafe
from clearspan.core.sqlite.schema import UnusableSchema
from clearspan.exporters.store import queries, schema, scores as judged
from clearspan.exporters.store.errors import (
    AmbiguousTrace,
    StoreError,
    StoreNotFound,
    TraceNotFound,
    explained,
)
from clearspan.exporters.store.models import (
    Counts,
    GuardSummary,
    ScoreSummary,
    SessionSummary,
    SpanOutline,
    StoredEvent,
    StoredPoint,
    StoredScore,
    StoredSpan,
    TraceSummary,
)
from clearspan.exporters.store.opened import explain, opened

__all__ = ["StoreReader"]

_PAUSE = 0.002
_ID_LENGTH = 32
_HEX = frozenset("0123456789abcdef")


def _places(columns: Sequence[str], *names: str) -> frozenset[int]:
    """Where the columns of these names stand in a row, which begins with its id."""
    return frozenset(columns.index(name) + 1 for name in names)


_SPAN_JSON = _places(schema.SPAN_COLUMNS, "attributes", "resource", "events", "links")
_EVENT_JSON = _places(schema.EVENT_COLUMNS, "body", "attributes", "resource")
_POINT_JSON = _places(schema.POINT_COLUMNS, "attributes", "buckets", "bounds", "resource")
_SCORE_METADATA = judged.SCORE_COLUMNS.index("metadata") + 1
_PASSED = judged.SCORE_COLUMNS.index("passed") + 1
_MONOTONIC = schema.POINT_COLUMNS.index("monotonic") + 1


class StoreReader(Holder):
    """Answers questions about the store at `path`. Never writes to it and never creates it.

    Each question opens the file anew and sees one consistent state of it, so a reader may outlive
    the file, a fork, and a file that takes its place. Safe from any thread.

    Raises (each method):
        StoreNotFound: there is no store at the path, or nothing was ever stored in it.
        StoreError: the file is damaged, another program's, or of a newer version.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        with explained():
            self._file = files.located(path)
        super().__init__(str(self._file))

    def traces(
        self,
        *,
        limit: int = 50,
        since: int | None = None,
        until: int | None = None,
        session: str | None = None,
        model: str | None = None,
        operation: str | None = None,
        provider: str | None = None,
        service: str | None = None,
        errors_only: bool = False,
        text: str | None = None,
    ) -> list[TraceSummary]:
        """The newest traces that pass every filter given, newest first.

        Args:
            limit: How many at most.
            since: Only traces that were going on at or after this time.
            until: Only traces that started before this time.
            session: Only traces of this session.
            model: Only traces with a call that asked for this model, or was answered by it.
            operation: Only traces with such an operation, `chat` for instance.
            provider: Only traces with a call to this provider.
            service: Only traces of this service.
            errors_only: Only traces with a failed span.
            text: Only traces with this text in a span's name, error or attributes; ASCII letters
                match in either case.
        """
        narrowed = queries.Filter()
        narrowed.trace("t.end_ns >= ?", since)
        narrowed.trace("t.start_ns < ?", until)
        narrowed.span("session = ?", session)
        narrowed.span("model = ? OR request_model = ?", model, model)
        narrowed.span("operation = ?", operation)
        narrowed.span("provider = ?", provider)
        narrowed.span("service = ?", service)
        if errors_only:
            narrowed.span("status = 'error'")
        wanted = _like(text)
        narrowed.span(
            "name LIKE ? ESCAPE '\\' OR status_message LIKE ? ESCAPE '\\'"
            " OR attributes LIKE ? ESCAPE '\\'",
            wanted,
            wanted,
            wanted,
        )
        rows = self._ask(queries.summaries(narrowed), (*narrowed.values, limit))
        return [_summary(row) for row in rows]

    def trace(self, prefix: str) -> list[StoredSpan]:
        """The spans of one trace in the order of their start.

        Args:
            prefix: The trace's id, or the beginning of it that no other stored trace shares.

        Raises:
            TraceNotFound: there is no such trace.
            AmbiguousTrace: there are several.
        """
        trace_id = self.resolve(prefix)
        rows = self._ask(f"{queries.SPANS} WHERE trace_id = ? ORDER BY start_ns, id", (trace_id,))
        return [_span(row) for row in rows]

    def outlines(
        self, traces: Sequence[str], attributes: Sequence[str]
    ) -> dict[str, list[SpanOutline]]:
        """The spans of some traces (their full ids), each trace's in the order of their start.

        Of the attributes only those named are read, which is a fraction of the work where messages
        were stored. A trace that is not there is left out.
        """
        # Two paths at least: for one alone SQLite gives the value itself, and no array.
        paths = [f'$."{name}"' for name in (*attributes, "", "")]
        query = queries.OUTLINES.format(paths=",".join("?" * len(paths)))
        found: dict[str, list[SpanOutline]] = {}
        for trace_id, *cells, values in self._ask(query, (*paths, jsonfast.dumps(list(traces)))):
            known: Sequence[Any] = jsonfast.loads(values) or ()
            told = {
                name: value
                for name, value in zip(attributes, known, strict=False)
                if value is not None
            }
            found.setdefault(trace_id, []).append(SpanOutline._make((*cells, told)))
        return found

    def resolve(self, prefix: str) -> str:
        """The full id of the one trace whose id begins with `prefix`; see `trace`."""
        wanted = prefix.strip().lower()
        if not wanted or len(wanted) > _ID_LENGTH or not _HEX.issuperset(wanted):
            raise TraceNotFound(
                f"{prefix!r} is not a trace id: it takes up to 32 hexadecimal digits"
            )
        rows = self._ask(
            "SELECT DISTINCT trace_id FROM spans WHERE trace_id >= ? AND trace_id < ? LIMIT 6",
            # "g" is greater than every hexadecimal digit.
            (wanted, f"{wanted}g"),
        )
        if not rows:
            raise TraceNotFound(f"no trace in {self.path!r} has an id that begins with {wanted!r}")
        if len(rows) > 1:
            some = ", ".join(row[0] for row in rows[:5])
            raise AmbiguousTrace(
                f"several traces begin with {wanted!r}: {some}{', ...' if len(rows) > 5 else ''}"
            )
        return str(rows[0][0])

    def events(self, trace_id: str) -> list[StoredEvent]:
        """The events of one trace (its full id) in the order of their time."""
        rows = self._ask(f"{queries.EVENTS} WHERE trace_id = ? ORDER BY time_ns, id", (trace_id,))
        return [StoredEvent(*_decoded(row, _EVENT_JSON)) for row in rows]

    def sessions(self, *, limit: int = 50) -> list[SessionSummary]:
        """The sessions, the one with the latest activity first."""
        return [SessionSummary(*row) for row in self._ask(queries.SESSIONS, (limit,))]

    def metric_points(
        self, name: str | None = None, *, since: int | None = None, limit: int = 10_000
    ) -> list[StoredPoint]:
        """The latest metric points in the order of their time, of one metric or of all."""
        rows = self._ask(
            f"{queries.POINTS} WHERE (? IS NULL OR name = ?) AND time_ns >= ?"
            " ORDER BY time_ns DESC, id DESC LIMIT ?",
            (name, name, since or 0, limit),
        )
        return [_point(row) for row in reversed(rows)]

    def tail(self, after: int = 0, *, limit: int = 500) -> list[StoredSpan]:
        """The spans stored after the one with the id `after`, in the order of storing."""
        rows = self._ask(f"{queries.SPANS} WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [_span(row) for row in rows]

    def last_id(self) -> int:
        """The id of the span that was stored last, deleted ones included: where `tail` goes on."""
        rows = self._ask("SELECT seq FROM sqlite_sequence WHERE name = 'spans'", ())
        return int(rows[0][0]) if rows else 0

    def scores(
        self,
        trace_id: str | None = None,
        span_id: str | None = None,
        response_id: str | None = None,
        *,
        session: str | None = None,
        key: str | None = None,
        name: str | None = None,
        since: int | None = None,
        limit: int | None = None,
    ) -> list[StoredScore]:
        """The scores that pass every filter given, in the order of storing; the latest of them.

        Args:
            trace_id: Only those of this trace (its full id), feedback on its responses among them.
            span_id: Only those of this span, feedback on its response among them.
            response_id: Only those that name this response.
            session: Only those of this session, or of calls of it.
            key: Only those of what the application calls so.
            name: Only those of this name.
            since: Only those given at or after this time.
            limit: How many at most; all, when absent.
        """
        narrowed = _scores_of(trace_id, span_id, session=session, name=name, since=since)
        narrowed.plain("response_id = ?", response_id)
        narrowed.plain("key = ?", key)
        most = -1 if limit is None else limit
        rows = self._ask(queries.scores(narrowed), (*narrowed.values, most), schema.SCORES_SINCE)
        return [_score(row) for row in reversed(rows)]

    def score_summary(
        self,
        trace_id: str | None = None,
        *,
        session: str | None = None,
        name: str | None = None,
        since: int | None = None,
    ) -> list[ScoreSummary]:
        """What the scores that pass every filter given come to, by their names; see `scores`. Guards are left out."""
        narrowed = _scores_of(trace_id, None, session=session, name=name, since=since)
        rows = self._ask(queries.score_summary(narrowed), narrowed.values, schema.SCORES_SINCE)
        return [ScoreSummary(*row) for row in rows]

    def guard_summary(
        self,
        trace_id: str | None = None,
        *,
        session: str | None = None,
        name: str | None = None,
        since: int | None = None,
    ) -> list[GuardSummary]:
        """How often guards stepped in, by their names; see `scores`."""
        narrowed = _scores_of(trace_id, None, session=session, name=name, since=since)
        rows = self._ask(queries.guard_summary(narrowed), narrowed.values, schema.SCORES_SINCE)
        return [GuardSummary(*row) for row in rows]

    def passed(self, traces: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Of some traces (their full ids): how many scores passed, of how many that did or did not; guards are left out.

        A trace without such a score is left out.
        """
        wanted = jsonfast.dumps(list(traces))
        rows = self._ask(queries.PASSED, (wanted, wanted), schema.SCORES_SINCE)
        return {trace_id: (passed, of) for trace_id, passed, of in rows}

    def tail_scores(self, after: int = 0, *, limit: int = 500) -> list[StoredScore]:
        """The scores stored after the one with the id `after`, in the order of storing; changed ones again."""
        rows = self._ask(queries.TAIL_SCORES, (after, limit), schema.SCORES_SINCE)
        return [_score(row) for row in rows]

    def last_score_id(self) -> int:
        """The id of the score that was stored last: where `tail_scores` goes on."""
        rows = self._ask("SELECT seq FROM sqlite_sequence WHERE name = 'scores'", ())
        return int(rows[0][0]) if rows else 0

    def counts(self) -> Counts:
        """How much there is."""
        traces, spans, events, points = self._ask(queries.COUNTS, ())[0]
        return Counts(traces, spans, events, points, files.size(self._file))

    def _ask(self, query: str, values: Sequence[object], since: int = 1) -> list[Any]:
        """The answer to `query`; nothing, where the file is older than the version `since`."""
        while True:
            try:
                return self._asked(query, values, since)
            except sqlite3.OperationalError:  # interrupted, for the sake of a fork
                time.sleep(_PAUSE)

    def _asked(self, query: str, values: Sequence[object], since: int) -> list[Any]:
        self.settle()
        with self.lock:
            if unsafe(self.path):
                raise StoreError(
                    self._file,
                    "cannot be read here: this process was forked in the middle of a write",
                )
            try:
                self.connection = opened(self._file)
                if not (version := schema.SCHEMA.version(self.connection)):
                    raise StoreNotFound(self._file, "is empty: nothing was stored in it yet")
                if version < since:
                    return []
                with closing(self.connection.execute(query, values)) as cursor:
                    return cursor.fetchall()
            except UnusableSchema as error:
                raise StoreError(self._file, str(error)) from error
            except sqlite3.Error as error:
                if is_interrupted(error):
                    raise
                raise explain(self._file, error) from error
            finally:
                self.let_go()


def _scores_of(
    trace_id: str | None,
    span_id: str | None,
    *,
    session: str | None,
    name: str | None,
    since: int | None,
) -> queries.ScoreFilter:
    narrowed = queries.ScoreFilter()
    narrowed.of(trace_id, span_id)
    narrowed.session(session)
    narrowed.plain("name = ?", name)
    narrowed.plain("time_ns >= ?", since)
    return narrowed


def _like(text: str | None) -> str | None:
    if text is None:
        return None
    # The attributes are searched as JSON, where some characters are escaped.
    bare = jsonfast.dumps(text)[1:-1]
    for special in ("\\", "%", "_"):
        bare = bare.replace(special, f"\\{special}")
    return f"%{bare}%"


def _summary(row: Sequence[Any]) -> TraceSummary:
    cells = list(row)
    cells[6] = tuple(sorted(model for model in jsonfast.loads(row[6]) if model))
    return TraceSummary(*cells)


def _span(row: Sequence[Any]) -> StoredSpan:
    cells = _decoded(row, _SPAN_JSON)
    # No events and no links are stored as nothing.
    cells[-2:] = [cells[-2] or [], cells[-1] or []]
    return StoredSpan(*cells)


def _point(row: Sequence[Any]) -> StoredPoint:
    cells = _decoded(row, _POINT_JSON)
    cells[_MONOTONIC] = None if cells[_MONOTONIC] is None else bool(cells[_MONOTONIC])
    return StoredPoint(*cells)


def _score(row: Sequence[Any]) -> StoredScore:
    cells = list(row)
    cells[_PASSED] = None if cells[_PASSED] is None else bool(cells[_PASSED])
    cells[_SCORE_METADATA] = jsonfast.loads(cells[_SCORE_METADATA]) or {}
    return StoredScore(*cells)


def _decoded(row: Sequence[Any], json: frozenset[int]) -> list[Any]:
    return [jsonfast.loads(cell) if at in json else cell for at, cell in enumerate(row)]
