"""Queues in front of exporters: bounded in items and bytes, off every caller's thread, accounted.

OpenTelemetry's batch processors bound items only and flush without a deadline, so these stand in
their place: span and log processors and a metric reader, each on a `Worker` of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from opentelemetry.context import Context, attach
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from clearspan.core.fence import fenced
from clearspan.core.ledger import Accounts, Ledger
from clearspan.core.weight import weigh
from clearspan.core.worker import Worker
from clearspan.emit.quiet import silenced
from clearspan.runtime.halving import by_halves, fate, halves, halves_of_points, points
from clearspan.runtime.histograms import View

__all__ = ["Delivery", "LogQueue", "MetricQueue", "Nowhere", "Queue", "SpanQueue", "quiet"]

_ITEMS = 16_384
_BATCH = 512
_RECORD_WEIGHT = 1_024
_PART_WEIGHT = 64
"""Bytes of an attribute, an event or a link, beside its texts."""
_PATIENCE = 10_000
"""Milliseconds that an export of metrics may take, as the SDK's readers have it."""


class Queue(Protocol):
    """What the runtime needs of a queue to flush and close it by a deadline."""

    def mark(self) -> threading.Event | None:
        """Ask for all that is queued to be exported now; the event tells when it was."""

    def close(self, timeout: float) -> bool:
        """Export what is left within `timeout` seconds, then stop."""
        ...


def quiet() -> None:
    """Keep instrumentations of HTTP and gRPC clients still on this thread: it carries telemetry."""
    attach(silenced())


class Delivery(NamedTuple):
    """What became of one signal on its way to one destination: the books of a queue.

    `accounts` are in spans, events or metric points, as `signal` says, and fulfil the same identity as those of
    the spans of a program. `stored` counts what is on a disk of this machine: in the store, or in the spool.
    """

    signal: str
    destination: str
    accounts: Accounts


class _Books:
    """The books of a queue, renewed in a forked child by the runtime."""

    def __init__(self, signal: str, destination: str, where: str) -> None:
        self._signal = signal
        self._destination = destination
        self._where = where
        self.ledger = Ledger()

    def read(self) -> Delivery:
        """As they stand."""
        return Delivery(self._signal, self._destination, self.ledger.read())

    def settle(self, reason: str | None, items: int) -> None:
        """So many items arrived, or were lost for a reason."""
        if reason is None:
            self.ledger.settle(self._where, items)
        else:
            self.ledger.drop(reason, items)


def _weight_of_span(span: ReadableSpan) -> int:
    """With all that the program added to it: events and links are as large as it likes."""
    weight = _weight(span.attributes) + weigh(span.name) + weigh(span.status.description)
    for event in span.events:
        weight += _PART_WEIGHT + _weight(event.attributes) + weigh(event.name)
    for link in span.links:
        weight += _PART_WEIGHT + _weight(link.attributes)
    return weight


def _weight_of_log(record: Any) -> int:
    return _weight(record.log_record.attributes) + weigh(record.log_record.body)


def _weight(attributes: Any) -> int:
    """Of attributes, which the SDK keeps behind a lock: in a copy each is looked at without it."""
    if not attributes:
        return 0
    return _PART_WEIGHT * len(attributes) + weigh(attributes.copy())


class _Records:
    """A queue of finished records before one exporter. Shared by spans and logs.

    `settle` is told of so many records that they arrived (`None`), or why they did not.
    """

    def __init__(
        self,
        name: str,
        exporter: Any,
        *,
        max_bytes: int,
        interval: float,
        settle: Callable[[str | None, int], None],
    ) -> None:
        self.exporter = exporter
        self._settle = settle
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

    def put(self, record: Any, weight: Callable[[Any], int]) -> None:
        taken = False
        try:
            taken = self.worker.offer(record, _RECORD_WEIGHT + weight(record))
        finally:
            if not taken:
                self._settle("export_queue_full", 1)

    def _export(self, batch: list[Any]) -> None:
        by_halves(
            batch,
            lambda part: fate(self.exporter, self.exporter.export(part)),
            halves,
            lambda reason, part: self._settle(reason, len(part)),
        )


class SpanQueue(SpanProcessor):
    """Takes ended spans to `exporter`. With a `ledger` every span is settled there under `where`.

    Without `where` those that were exported are settled by a courier, when they have arrived.
    """

    def __init__(
        self,
        exporter: Any,
        *,
        max_bytes: int,
        interval: float,
        ledger: Ledger | None = None,
        where: str | None = "exported",
        destination: str = "",
    ) -> None:
        self._ledger = ledger
        self._where = where
        self.books = _Books("spans", destination, where or "stored")
        self._records = _Records(
            "clearspan-spans", exporter, max_bytes=max_bytes, interval=interval, settle=self._settle,
        )  # fmt: skip
        self.worker = self._records.worker
        self.mark, self.close = self.worker.mark, self.worker.close

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing: a span is taken when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a sampled span."""
        if span.context is not None and span.context.trace_flags.sampled:
            self.books.ledger.create()
            fenced("queue.put", self._records.put, span, _weight_of_span)

    def _settle(self, reason: str | None, spans: int) -> None:
        self.books.settle(reason, spans)
        if self._ledger is None:
            return
        if reason is not None:
            self._ledger.drop(reason, spans)
        elif self._where is not None:
            self._ledger.settle(self._where, spans)

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

    def __init__(
        self,
        exporter: Any,
        *,
        max_bytes: int,
        interval: float,
        where: str = "exported",
        destination: str = "",
    ) -> None:
        self.books = _Books("events", destination, where)
        self._records = _Records(
            "clearspan-events", exporter, max_bytes=max_bytes, interval=interval, settle=self.books.settle,
        )  # fmt: skip
        self.worker = self._records.worker
        self.mark, self.close = self.worker.mark, self.worker.close

    def on_emit(self, log_record: Any) -> None:
        """Queue a record."""
        self.books.ledger.create()
        fenced("queue.put", self._records.put, log_record, _weight_of_log)

    def shutdown(self) -> None:
        """The runtime closes queues itself, by its own deadline."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what is queued within the time."""
        return self.worker.flush(timeout_millis / 1e3)


class _Collector(MetricReader):
    """Reads one provider."""

    def __init__(self, exporter: MetricExporter) -> None:
        super().__init__(
            preferred_temporality=exporter._preferred_temporality,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as the SDK's readers do
            preferred_aggregation=exporter._preferred_aggregation,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as the SDK's readers do
        )
        self._found: MetricsData | None = None

    def read(self) -> MetricsData | None:
        """All of its metrics; `None` where there are none."""
        self._found = None
        self.collect()
        found, self._found = self._found, None
        return found

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        self._found = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """The runtime closes queues itself, by its own deadline."""


class MetricQueue:
    """Collects every `interval` seconds and takes the points to `exporter`.

    A provider takes `reader()`; another one, in a forked child, another. `ready` is called before each collection.
    `view` has the histograms that the provider does not know of.
    """

    def __init__(
        self,
        exporter: MetricExporter,
        *,
        interval: float,
        where: str = "exported",
        destination: str = "",
    ) -> None:
        self.exporter = exporter
        self._reader: _Collector | None = None
        self.ready: Callable[[], object] = tuple
        self.view: View | None = None
        self.books = _Books("metric points", destination, where)
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

    def start(self) -> None:
        """Begin to collect."""
        self.worker.start()

    def reader(self) -> MetricReader:
        """A reader for a provider; what earlier ones read is collected no more."""
        self._reader = _Collector(self.exporter)
        return self._reader

    def collect(self) -> None:
        """Have all metrics read and exported."""
        self.ready()
        if self._reader is None:
            return
        found = self._reader.read()
        if self.view is not None:
            found = self.view.beside(found)
        if found is not None:
            self._take(found)

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

    def _take(self, metrics_data: MetricsData) -> None:
        exporter = self.exporter
        needless = getattr(exporter, "needless", None)
        if needless is not None and needless(metrics_data) is True:
            return
        self.books.ledger.create(points(metrics_data))
        by_halves(
            metrics_data,
            lambda part: fate(exporter, exporter.export(part, timeout_millis=_PATIENCE)),
            halves_of_points,
            lambda reason, part: self.books.settle(reason, points(part)),
        )
