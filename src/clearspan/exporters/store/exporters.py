"""OpenTelemetry exporters that put their signal into a store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from clearspan.exporters.store.rows import Encoder
from clearspan.exporters.store.write import Store

__all__ = ["StoreLogExporter", "StoreMetricExporter", "StoreSpanExporter"]


_MACHINE = ("process.", "system.", "cpython.", "hw.")


class _Storing:
    """What the three have in common: a batch is stored before `export` returns, or has failed.

    None of them raises; `store.status` says why a batch was not stored. `SUCCESS` means that the
    batch is on disk, safe from a killed process.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._encoder = Encoder()
        self._closed = False

    def force_flush(self, timeout_millis: float = 30_000) -> bool:
        """Nothing is held back here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Close the file; the exporters of the other signals open it again if they must."""
        self._closed = True
        self._store.close()


class StoreSpanExporter(_Storing, SpanExporter):
    """Stores finished spans, of any instrumentation."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write the batch."""
        if not self._closed and self._store.write(self._encoder.spans(spans)):
            return SpanExportResult.SUCCESS
        return SpanExportResult.FAILURE


class StoreLogExporter(_Storing, LogRecordExporter):
    """Stores log records, which is what events are."""

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Write the batch."""
        if not self._closed and self._store.write(self._encoder.events(batch)):
            return LogRecordExportResult.SUCCESS
        return LogRecordExportResult.FAILURE


class StoreMetricExporter(_Storing, MetricExporter):
    """Stores metric points. A file is not begun for what is told of the process and the machine alone.

    Counters and histograms are asked for as deltas: an idle series then costs nothing, and the
    points of several processes add up.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._preferred_temporality = dict.fromkeys(
            (Counter, Histogram, ObservableCounter), AggregationTemporality.DELTA
        )

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,
    ) -> MetricExportResult:
        """Write the points."""
        if self.needless(metrics_data):
            return MetricExportResult.SUCCESS
        if not self._closed and self._store.write(self._encoder.points(metrics_data)):
            return MetricExportResult.SUCCESS
        return MetricExportResult.FAILURE

    def needless(self, metrics_data: MetricsData) -> bool:
        """Whether these points are not kept: nobody has asked a model yet, and there is no file. They count nowhere."""
        return _of_the_machine(metrics_data) and not os.path.exists(self._store.path)  # noqa: PTH110 -- a text


def _of_the_machine(data: MetricsData) -> bool:
    """Whether there is nothing but figures of the process and the machine it runs on."""
    return all(
        metric.name.startswith(_MACHINE)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )
