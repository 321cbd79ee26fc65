"""OTLP-JSON lines: one request in OTLP's own JSON encoding a line, appended to a file.

The collector's `otlpjsonfile` receiver and every other reader of the format understands it: ids in
hex, 64-bit integers as text, enums as numbers, camelCase names. Spans, log records and metrics may
share one file; which of the three a line holds is told by its only key (`resourceSpans`,
`resourceLogs`, `resourceMetrics`).

Several threads and processes may append to the same file. A line is kept below the length at which
common readers cut (1 MiB) by dividing the batch, as long as one item alone is not longer.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # has no types
from google.protobuf.message import Message  # type: ignore[import-untyped]  # has no types
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    ResourceMetrics,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from clearspan.exporters import Destination, DestinationError, Exporters

__all__ = [
    "DEFAULT_PATH",
    "JsonLines",
    "JsonLinesLogExporter",
    "JsonLinesMetricExporter",
    "JsonLinesSpanExporter",
    "build",
]

DEFAULT_PATH: Final = "telemetry.jsonl"
"""The file, in the working directory, when nothing else is said."""

_LONGEST = 1_000_000
_IDS = ("traceId", "spanId", "parentSpanId")
_NEWLINE = b"\n"
_log = logging.getLogger(__name__)

Item = TypeVar("Item")


class JsonLines:
    """A file that whole lines are appended to. Opened for each batch: it may be moved or removed
    between two, and nothing is carried over a fork.

    Args:
        path: The file; it is created, readable by its owner alone. Its folder must exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(os.path.realpath(path))
        self._lock = threading.Lock()
        self._failing = False
        self.lines = 0
        """Lines written."""
        self.skipped = 0
        """Items that could not be encoded."""
        self.last_error: str | None = None
        """Why the last batch failed; None when it did not."""

    def check_writable(self) -> None:
        """See that the file can be appended to, without creating it.

        Raises:
            DestinationError: it cannot; the message names the path and the remedy.
        """
        folder = self.path.parent
        if not folder.is_dir():
            raise DestinationError(
                f"the file {str(self.path)!r} cannot be created: there is no directory"
                f" {str(folder)!r}; create it, or name another file"
            )
        target = self.path if self.path.exists() else folder
        # By the rights that opening will go by, which need not be those of the real user.
        effective = os.access in os.supports_effective_ids
        if self.path.is_dir() or not os.access(target, os.W_OK, effective_ids=effective):
            raise DestinationError(
                f"{str(self.path)!r} is not a file that can be written: allow writing there, or"
                " name another file"
            )

    def write(self, encode: Callable[[Sequence[Item]], Message], items: Sequence[Item]) -> bool:
        """Append `items` as one line or more; whether that worked. Never raises."""
        data = b"".join(self._lines(encode, items))
        try:
            if data:
                _append(self.path, data)
        except OSError as error:
            self._failed(str(error))
            return False
        with self._lock:
            self.lines += data.count(_NEWLINE)
            self._failing, self.last_error = False, None
        return True

    def _failed(self, reason: str) -> None:
        with self._lock:
            known, self._failing = self._failing, True
            self.last_error = reason
        if not known:
            _log.warning("clearspan: cannot append to %s: %s", self.path, reason)

    def _lines(
        self, encode: Callable[[Sequence[Item]], Message], items: Sequence[Item]
    ) -> Iterator[bytes]:
        """Lines for `items`, halved as long as a line is too long or an item spoils it."""
        if not items:
            return
        line: bytes | None
        try:
            line = to_json(encode(items)).encode() + _NEWLINE
        # The encoder is not ours, and neither is what was put into the attributes: it raises
        # whatever it likes. One bad item must not take the others with it.
        except Exception:  # noqa: BLE001 -- as said above
            line = None
        if line is not None and (len(line) <= _LONGEST or len(items) == 1):
            yield line
        elif len(items) == 1:
            with self._lock:
                self.skipped += 1
        else:
            middle = len(items) // 2
            yield from self._lines(encode, items[:middle])
            yield from self._lines(encode, items[middle:])


def to_json(request: Message) -> str:
    """An OTLP request in OTLP's JSON encoding, on one line.

    It differs from protobuf's own JSON in that trace and span ids are hex and enums are numbers.
    """
    document = MessageToDict(request, use_integers_for_enums=True)
    for carrier in _carriers(document):
        for name in _IDS:
            if name in carrier:
                carrier[name] = base64.b64decode(carrier[name]).hex()
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _carriers(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every object that has ids: spans, their links, log records, exemplars."""
    for span in _inside(document, "resourceSpans", "scopeSpans", "spans"):
        yield span
        yield from span.get("links", ())
    yield from _inside(document, "resourceLogs", "scopeLogs", "logRecords")
    for metric in _inside(document, "resourceMetrics", "scopeMetrics", "metrics"):
        for kind in ("gauge", "sum", "histogram", "exponentialHistogram"):
            yield from _inside(metric.get(kind, {}), "dataPoints", "exemplars")


def _inside(holder: dict[str, Any], name: str, *further: str) -> Iterator[dict[str, Any]]:
    for item in holder.get(name, ()):
        if further:
            yield from _inside(item, *further)
        else:
            yield item


def _append(path: Path, data: bytes) -> None:
    """Append whole lines, or nothing.

    Raises:
        OSError: the file cannot be written, or the disk is full.
    """
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        with _alone(handle):
            size = os.fstat(handle).st_size
            # A process that was killed in the middle of a line must not spoil the next one.
            if size and _last_byte(handle, size) != _NEWLINE:
                data = _NEWLINE + data
            try:
                _write_all(handle, data)
            except OSError:
                os.ftruncate(handle, size)
                raise
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _last_byte(handle: int, size: int) -> bytes:
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1)


@contextlib.contextmanager
def _alone(handle: int) -> Generator[None]:
    """Keep other processes from appending meanwhile, where the system has such locks."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)


class _Writing:
    """What the three exporters have in common: a batch is in the file when `export` returns."""

    def __init__(self, lines: JsonLines) -> None:
        super().__init__()
        self._lines = lines
        self._closed = False

    def force_flush(self, timeout_millis: float = 30_000) -> bool:
        """Nothing is held back here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Take no more batches."""
        self._closed = True


class JsonLinesSpanExporter(_Writing, SpanExporter):
    """Appends finished spans as `{"resourceSpans": ...}`."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the batch."""
        if not self._closed and self._lines.write(encode_spans, spans):
            return SpanExportResult.SUCCESS
        return SpanExportResult.FAILURE


class JsonLinesLogExporter(_Writing, LogRecordExporter):
    """Appends log records as `{"resourceLogs": ...}`."""

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Append the batch."""
        if not self._closed and self._lines.write(encode_logs, batch):
            return LogRecordExportResult.SUCCESS
        return LogRecordExportResult.FAILURE


class JsonLinesMetricExporter(_Writing, MetricExporter):
    """Appends metrics as `{"resourceMetrics": ...}`, cumulative unless the reader asks otherwise."""

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,
    ) -> MetricExportResult:
        """Append the points."""
        if not self._closed and self._lines.write(_encode_points, metrics_data.resource_metrics):
            return MetricExportResult.SUCCESS
        return MetricExportResult.FAILURE


def _encode_points(resources: Sequence[ResourceMetrics]) -> Message:
    return encode_metrics(MetricsData(resource_metrics=resources))


def build(destination: Destination) -> Exporters:
    """The three exporters over one file at `destination.path`, which the first batch creates.

    Raises:
        DestinationError: the path cannot be written.
    """
    lines = JsonLines(destination.path or DEFAULT_PATH)
    lines.check_writable()
    return Exporters(
        JsonLinesSpanExporter(lines),
        JsonLinesLogExporter(lines),
        JsonLinesMetricExporter(lines),
        label=f"OTLP-JSON lines {lines.path}",
        status=lambda: {
            "path": str(lines.path),
            "lines": lines.lines,
            "skipped": lines.skipped,
            "last error": lines.last_error or "",
        },
    )
