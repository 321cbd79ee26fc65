"""Exporters and programs that the tests of the runtime use."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

import clearspan
from clearspan.exporters.store import StoredSpan, StoreReader

SOURCE = Path(clearspan.__file__).parents[1]


@clearspan.task
def work(number: int = 0) -> int:
    return number


@clearspan.tool
def use(number: int = 0) -> int:
    return number


class Kept(SpanExporter):
    """Keeps what it is given, and says what was done to it."""

    def __init__(self, *, fail: bool = False) -> None:
        self.spans: list[ReadableSpan] = []
        self.threads: set[str] = set()
        self.closed = 0
        self.fail = fail

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.threads.add(threading.current_thread().name)
        self.spans += spans
        return SpanExportResult.FAILURE if self.fail else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.closed += 1


class Stuck(Kept):
    """Hangs in the export until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.let_go = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.reached.set()
        self.let_go.wait(60)
        return super().export(spans)


def program(
    text: str,
    folder: Path,
    *args: str,
    variables: dict[str, str] | None = None,
    timeout: float = 120,
    measured: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program of its own in `folder`.

    One that forks amid busy threads must not be `measured`: coverage holds a lock of its own while
    it meets a new file, and a child that inherits the lock taken never gets any further.
    """
    path = folder / "program.py"
    path.write_text(text)
    env = environment(variables)
    if not measured:
        env = {name: value for name, value in env.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(
        [sys.executable, "-W", "error", str(path), *args],
        cwd=folder, env=env, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip


def environment(variables: dict[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "CLEARSPAN_STRICT"}
    return {**kept, "PYTHONPATH": str(SOURCE), **(variables or {})}


def stored(path: Path) -> list[StoredSpan]:
    """All spans of a store."""
    reader = StoreReader(path)
    return [span for trace in reader.traces(limit=10_000) for span in reader.trace(trace.trace_id)]


def names(spans: Sequence[Any]) -> list[str]:
    return sorted(span.name for span in spans)
