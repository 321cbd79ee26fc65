"""Calls that were recorded: from files of OTLP-JSON, and from the embedded store."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from clearspan import semconv as sc
from clearspan.exporters.store import (
    StoredEvent,
    StoredSpan,
    StoreReader,
    TraceNotFound,
    TraceSummary,
)
from clearspan.offline import lines, otlp, traces
from clearspan.offline.content import Event
from clearspan.offline.errors import SourceError
from clearspan.offline.items import Item, unreadable
from clearspan.offline.otlp import Told

__all__ = ["OtlpFiles", "Stored"]

_KEPT = 64
_ALL = 2**62


class _Where(NamedTuple):
    """The lines that tell of a trace: the numbers of their files and lines, and where they begin."""

    files: array[int]
    numbers: array[int]
    offsets: array[int]


class OtlpFiles:
    """Files with OTLP requests, one a line, or one in all. A trace may be spread over all of them.

    A line that cannot be read is an item that says so. They are read twice: once to learn where each trace stands, then trace by trace. Of the lines the
    last `_KEPT` are in memory.
    """

    def __init__(self, files: Sequence[Path], *, since: int | None = None) -> None:
        self._files = files
        self._since = since
        self._index: dict[str, _Where] = {}
        self._sessions: dict[str, str] = {}
        self._broken: list[tuple[str, SourceError]] = []
        self._lines: OrderedDict[tuple[int, int], dict[str, _Part]] = OrderedDict()

    def total(self) -> int:
        """Traces, and lines that tell of none."""
        self._read()
        return len(self._index) + len(self._broken)

    def items(self, *, by_session: bool) -> Iterator[Item]:
        """The calls, trace by trace in the order in which the files tell of them."""
        self._read()
        order: Iterable[str] = self._index
        if by_session:
            groups: dict[str, list[str]] = {}
            for trace_id in self._index:
                groups.setdefault(self._sessions.get(trace_id, ""), []).append(trace_id)
            order = [trace_id for group in groups.values() for trace_id in group]
        position = 0
        for position, trace_id in enumerate(order, 1):
            yield from self._trace(trace_id, position)
        for place, error in self._broken:
            position += 1
            yield unreadable(place, position, error)

    def _read(self) -> None:
        if self._index or self._broken:
            return
        for at, path in enumerate(self._files):
            for line in _requests(path):
                if isinstance(line.value, SourceError):
                    self._broken.append((f"{path.name}:{line.number}", line.value))
                    continue
                for trace_id, part in _parts(line.value).items():
                    self._note(trace_id, part, at, line)

    def _note(self, trace_id: str, part: _Part, at: int, line: lines.Line) -> None:
        where = self._index.setdefault(trace_id, _Where(array("q"), array("q"), array("q")))
        where.files.append(at)
        where.numbers.append(line.number)
        where.offsets.append(line.offset)
        session = next(filter(None, (_session(span.attributes) for span in part.spans)), None)
        if session is not None:
            self._sessions.setdefault(trace_id, session)

    def _trace(self, trace_id: str, position: int) -> Iterator[Item]:
        spans: dict[str, Told] = {}
        details: dict[str, list[Event]] = {}
        for at, number, offset in zip(*self._index[trace_id], strict=True):
            part = self._line(at, number, offset).get(trace_id)
            if (
                part is not None
            ):  # pragma: no branch -- the index says so, unless the file has changed
                # What was sent twice counts once.
                spans.update({span.span_id: span for span in part.spans})
                for record in part.logs:
                    details.setdefault(record.span_id, []).append((record.name, record.attributes))
        if self._since is None or any(span.end_ns >= self._since for span in spans.values()):
            yield from traces.items(spans.values(), details, position)

    def _line(self, at: int, number: int, offset: int) -> dict[str, _Part]:
        known = self._lines.pop((at, offset), None)
        if known is None:
            path = self._files[at]
            value = lines.whole(path) if offset < 0 else lines.value_at(path, offset, number)
            known = _parts(value)
        self._lines[at, offset] = known
        if len(self._lines) > _KEPT:
            self._lines.popitem(last=False)
        return known


class _Part(NamedTuple):
    """What one line tells of one trace."""

    spans: list[Told]
    logs: list[Told]


def _requests(path: Path) -> Iterator[lines.Line]:
    """The requests of a file; one that is a document over many lines has the offset -1."""
    if not lines.one_a_line(path):
        yield lines.Line(1, -1, lines.whole(path))
        return
    yield from lines.lines(path, broken=True)


def _parts(document: Any) -> dict[str, _Part]:
    """The spans and log records of a request, or of a list of such, by trace."""
    requests = cast("list[object]", document) if isinstance(document, list) else [document]
    found: dict[str, _Part] = {}
    for request in requests:
        if not isinstance(request, Mapping):
            continue
        held = cast("Mapping[str, Any]", request)
        for span in otlp.spans(held):
            found.setdefault(span.trace_id, _Part([], [])).spans.append(span)
        for record in otlp.logs(held):
            found.setdefault(record.trace_id, _Part([], [])).logs.append(record)
    return found


def _session(attributes: Mapping[str, Any]) -> str | None:
    found = attributes.get(sc.SESSION_ID) or attributes.get(sc.CONVERSATION_ID)
    return None if found is None else str(found)


class Stored:
    """The calls of an embedded store, of the newest traces first; the store is only read."""

    def __init__(
        self, reader: StoreReader, *, since: int | None = None, session: str | None = None
    ) -> None:
        self._reader = reader
        self._since = since
        self._session = session
        self._found: list[TraceSummary] | None = None

    def total(self) -> int:
        """Traces."""
        return len(self._summaries())

    def items(self, *, by_session: bool) -> Iterator[Item]:
        """The calls, trace by trace; with `by_session` those of a session in the order of time."""
        found = self._summaries()
        if by_session:
            groups: dict[str, list[TraceSummary]] = {}
            for summary in found:
                groups.setdefault(summary.session or "", []).append(summary)
            found = [summary for group in groups.values() for summary in reversed(group)]
        for position, summary in enumerate(found, 1):
            for item in self._trace(summary.trace_id, position):
                if self._session is None or item.session in (None, self._session):
                    yield item

    def _trace(self, trace_id: str, position: int) -> Iterator[Item]:
        try:
            spans = [_told(span) for span in self._reader.trace(trace_id)]
        except TraceNotFound:
            return  # deleted since it was listed: a store forgets while it is read
        yield from traces.items(spans, _details(self._reader.events(trace_id)), position)

    def _summaries(self) -> list[TraceSummary]:
        if self._found is None:
            self._found = self._reader.traces(limit=_ALL, since=self._since, session=self._session)
            if not self._found:
                raise SourceError(self._reader.path, "no trace there passes the filters")
        return self._found


def _told(span: StoredSpan) -> Told:
    return Told(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        name=span.name,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        kind=span.kind,
        failed=span.status == "error",
        message=span.status_message,
        attributes=span.attributes,
        events=tuple((event["name"], event["attributes"]) for event in span.events),
    )


def _details(events: Iterable[StoredEvent]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in events:
        body: Mapping[str, Any] = event.body if isinstance(event.body, dict) else {}
        said = (event.name or "", {**body, **event.attributes})
        found.setdefault(event.span_id or "", []).append(said)
    return found
