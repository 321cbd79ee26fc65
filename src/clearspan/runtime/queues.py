"""Queues in front of exporters: bounded in items and bytes, off every caller's thread, accounted.

OpenTelemetry's batch processors bound items only and flush without a deadline, so these stand in
their place: span and log processors and a metric reader, each on a `Worker` of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from opentelemetry.context import Context, attach, set_value
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from clearspan.core.ledger import Ledger
from clearspan.core.weight import weigh
from clearspan.core.worker import Worker

__all__ = ["LogQueue", "MetricQueue", "Nowhere", "Queue", "SpanQueue", "quiet"]

_ITEMS = 16_384
_BATCH = 512
_RECORD_WEIGHT = 1_024


class Queue(Protocol):
    """What the runtime needs of a queue to flush and close it by a deadline."""

    def mark(self) -> threading.Event | None:
        """Ask for all that is queued to be exported now; the event tells when it was."""

    def close(self, timeout: float) -> bool:
        """Export what is left within `timeout` seconds, then stop."""
        ...


def quiet() -> None:
    """Keep instrumentations of HTTP and gRPC clients still on this thread: it carries telemetry."""
    attach(
        set_value(
            "suppress_http_instrumentation", True, set_value("suppress_instrumentation", True)
        )
    )


class _Records:
    """A queue of finished records before one exporter. Shared by spans and logs."""

    def __init__(
        self,
        name: str,
        exporter: Any,
        *,
        max_bytes: int,
        interval: float,
        settle: Callable[[bool, int], None],
        refuse: Callable[[], None],
    ) -> None:
        self.exporter = exporter
        self._settle = settle
        self._refuse = refuse
        self.worker: Worker[Any] = Worker(
            name,
            self._export,
            max_items=_ITEMS,
            max_bytes=max_bytes,
            batch=_BATCH,
            linger=interval,
            setup=quiet,
            teardown=exporter.shutdown,
        )

    def put(self, record: Any, attributes: Any) -> None:
        if not self.worker.offer(record, _RECORD_WEIGHT + weigh(attributes)):
            self._refuse()

    def _export(self, batch: list[Any]) -> None:
        delivered = False
        try:
            # SUCCESS is 0 in the span's enum and in the log's.
            delivered = self.exporter.export(batch).value == 0
        finally:
            self._settle(delivered, len(batch))


class SpanQueue(SpanProcessor):
    """Takes ended spans to `exporter`. With a `ledger` every span is settled there under `where`."""

    def __init__(
        self,
        exporter: Any,
        *,
        max_bytes: int,
        interval: float,
        ledger: Ledger | None = None,
        where: str = "exported",
    ) -> None:
        self._ledger = ledger
        self._where = where
        self._records = _Records(
            "clearspan-spans", exporter, max_bytes=max_bytes, interval=interval,
            settle=self._settle, refuse=lambda: self._drop("export_queue_full", 1),
        )  # fmt: skip
        self.worker = self._records.worker
        self.mark, self.close = self.worker.mark, self.worker.close

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing: a span is taken when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a sampled span."""
        if span.context is not None and span.context.trace_flags.sampled:
            self._records.put(span, span.attributes)

    def _settle(self, delivered: object, spans: int) -> None:
        if not delivered:
            self._drop("export_failed", spans)
        elif self._ledger is not None:
            self._ledger.settle(self._where, spans)

    def _drop(self, reason: str, spans: int) -> None:
        if self._ledger is not None:
            self._ledger.drop(reason, spans)

    def shutdown(self) -> None:
        """The runtime closes queues itself, by its own deadline."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what is queued within the time."""
        return self.worker.flush(timeout_millis / 1e3)


class Nowhere(SpanProcessor):
    """Stands where no destination takes spans, so that the books tell of them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing: a span is counted when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Count a sampled span as dropped."""
        if span.context is not None and span.context.trace_flags.sampled:
            self._ledger.drop("no_destination")

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits."""
        return True


class LogQueue(LogRecordProcessor):
    """Takes log records (our events) to `exporter`."""

    def __init__(self, exporter: Any, *, max_bytes: int, interval: float) -> None:
        self._records = _Records(
            "clearspan-events", exporter, max_bytes=max_bytes, interval=interval,
            settle=lambda delivered, records: None, refuse=lambda: None,
        )  # fmt: skip
        self.worker = self._records.worker
        self.mark, self.close = self.worker.mark, self.worker.close

    def on_emit(self, log_record: Any) -> None:
        """Queue a record."""
        self._records.put(log_record, log_record.log_record.attributes)

    def shutdown(self) -> None:
        """The runtime closes queues itself, by its own deadline."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what is queued within the time."""
        return self.worker.flush(timeout_millis / 1e3)


class MetricQueue(MetricReader):
    """Collects every `interval` seconds and takes the points to `exporter`."""

    def __init__(self, exporter: MetricExporter, *, interval: float) -> None:
        super().__init__(
            preferred_temporality=exporter._preferred_temporality,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as the SDK's readers do
            preferred_aggregation=exporter._preferred_aggregation,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as the SDK's readers do
        )
        self._exporter = exporter
        self.worker: Worker[str] = Worker(
            "clearspan-metrics",
            self._on_demand,
            max_items=8,
            max_bytes=1_024,
            linger=0.0,
            setup=quiet,
            tick=self.collect,
            every=interval,
            teardown=exporter.shutdown,
        )
        self.worker.start()

    def _on_demand(self, batch: Sequence[str]) -> None:
        del batch
        self.collect()

    def mark(self) -> threading.Event | None:
        """Ask for a collection now; the event tells when its points were exported."""
        self.worker.offer("flush")
        return self.worker.mark()

    def close(self, timeout: float) -> bool:
        """Collect once more within `timeout` seconds, then stop."""
        self.worker.offer("last")
        return self.worker.close(timeout)

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        self._exporter.export(metrics_data, timeout_millis=timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """The runtime closes queues itself, by its own deadline."""
