"""An exporter that prints each trace as a tree as soon as it is over."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from rich.console import Console

from clearspan.exporters.console.facts import SHOWN
from clearspan.exporters.console.render import render_trace

__all__ = ["ConsoleSpanExporter"]

MAX_WAITING: Final = 10_000
"""Spans kept of traces whose root has not ended."""
MAX_LINES: Final = 200
"""Spans drawn of one trace."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is drawn of a span, and nothing else: prompts are not kept waiting in memory."""

    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int
    status: str
    attributes: Mapping[str, Any]


class ConsoleSpanExporter(SpanExporter):
    """Prints a trace when its local root ends: the span without a parent in this process.

    Spans that end later than their root are printed by `force_flush` and `shutdown`, and so are
    traces whose root never ended. When more than `max_waiting` spans wait, the oldest trace is
    printed as it is.

    Args:
        console: Where to print; standard error when absent.
        max_waiting: How many spans of unfinished traces to keep.
        max_lines: How many spans of one trace to draw.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        max_waiting: int = MAX_WAITING,
        max_lines: int = MAX_LINES,
    ) -> None:
        self._console = console or Console(stderr=True)
        self._max_waiting = max_waiting
        self._max_lines = max_lines
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._waiting: dict[str, list[_Kept]] = {}
        self._count = 0
        self._closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Print the traces that are now over. Never raises; `FAILURE` when nobody can read it."""
        if self._pid != os.getpid():
            # A forked child: what waits here is the parent's to print.
            self._forget()
        with self._lock:
            if self._closed:
                return SpanExportResult.FAILURE
            over = dict.fromkeys(trace for span in spans if (trace := self._keep(span)))
            ready = [(f"trace {trace}", self._take(trace)) for trace in over]
            while self._count > self._max_waiting:
                oldest = next(iter(self._waiting))
                ready.append((f"trace {oldest} (not finished)", self._take(oldest)))
        return SpanExportResult.SUCCESS if self._print(ready) else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Print what waits."""
        with self._lock:
            ready = [
                (f"trace {trace} (in part)", self._take(trace)) for trace in list(self._waiting)
            ]
        return self._print(ready)

    def shutdown(self) -> None:
        """Print what waits, and take nothing more."""
        if self._pid == os.getpid():
            self.force_flush()
        self._closed = True

    def _keep(self, span: ReadableSpan) -> str | None:
        """Keep `span`; answers its trace if that is over with it."""
        context = span.get_span_context()
        if context is None:
            return None
        trace = f"{context.trace_id:032x}"
        given = span.attributes or {}
        start = span.start_time or span.end_time or 0
        self._waiting.setdefault(trace, []).append(
            _Kept(
                f"{context.span_id:016x}",
                f"{span.parent.span_id:016x}" if span.parent else None,
                span.name,
                start,
                span.end_time or start,
                span.status.status_code.name.lower(),
                {name: given[name] for name in SHOWN if name in given},
            )
        )
        self._count += 1
        return trace if span.parent is None or span.parent.is_remote else None

    def _take(self, trace: str) -> list[_Kept]:
        taken = self._waiting.pop(trace)
        self._count -= len(taken)
        return taken

    def _print(self, ready: Sequence[tuple[str, list[_Kept]]]) -> bool:
        try:
            for title, spans in ready:
                tree = render_trace(spans, title=title, max_spans=self._max_lines)
                self._console.print(tree)
        except (OSError, ValueError):  # the stream is closed, or its reader gone
            return False
        return True
