"""OpenTelemetry exporters that hand their batches, encoded, to the spool."""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.metrics.view import Aggregation
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from clearspan.core import deadline
from clearspan.core.rarely import Rarely
from clearspan.core.sqlite.errors import Unusable
from clearspan.exporters.otlp.sending import Sender, Sent
from clearspan.exporters.otlp.spool.carrier import Carrier
from clearspan.exporters.otlp.spool.halves import packed

__all__ = ["KINDS", "SpooledLogs", "SpooledMetrics", "SpooledSpans"]

_UID: Final = "log.record.uid"
_FIRST_PAUSE = 1.0
_NOWHERE: Final = "http://localhost/"
_log = logging.getLogger("clearspan")


class _Spooled:
    """What the three have in common: a batch is on disk before `export` returns.

    Where the disk does not take it, it is sent at once: then the receiver has it, or it has failed.
    """

    signal: str

    def __init__(self, carrier: Carrier, direct: Sender, seconds: float) -> None:
        super().__init__()
        self._carrier = carrier
        self._direct = direct
        self._seconds = seconds
        self._said = Rarely()
        self.too_large = False
        """Whether the last batch had to be sent at once and was refused for its size: a queue halves it then."""

    def keep(self, items: int, request: Any) -> bool:
        """Whether it is on disk, or has arrived."""
        body = packed(request)
        try:
            self._carrier.accept(self.signal, items, body)
        except Unusable as error:
            if self._said.due("disk"):
                _log.warning("clearspan: the spool %s; %s are sent without it", error, self.signal)
            return self._send(items, body)
        return True

    def _send(self, items: int, body: bytes) -> bool:
        with deadline.within(self._seconds):
            sent = self._tried(body)
        self.too_large = sent.too_large
        if sent.arrived:
            self._carrier.sent(self.signal, items, sent)
        return sent.arrived

    def _tried(self, body: bytes) -> Sent:
        """Try until the time is over that one attempt may take, as exporters do that have no spool."""
        pause = _FIRST_PAUSE
        while True:
            sent = self._direct.send(body)
            if sent.again is None or sent.elsewhere:
                return sent
            wait = max(sent.again, pause * random.uniform(0.8, 1.2))  # noqa: S311 -- so that not all come at once
            if wait >= (deadline.left() or 0.0):
                return sent
            time.sleep(wait)
            pause *= 2

    def force_flush(self, timeout_millis: float = 30_000) -> bool:
        """Nothing is held back here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Give back what was opened here; the carrier goes on until it is closed itself."""
        self._direct.close()


class SpooledSpans(_Spooled, SpanExporter):
    """Keeps finished spans."""

    signal = "traces"

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Encode and keep the batch."""
        if self.keep(len(spans), encode_spans(spans)):
            return SpanExportResult.SUCCESS
        return SpanExportResult.FAILURE


class SpooledLogs(_Spooled, LogRecordExporter):
    """Keeps log records, which is what events are."""

    signal = "logs"

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Encode and keep the batch, each record with an id by which one that comes twice can be told."""
        request = encode_logs(batch)
        for resource in request.resource_logs:
            for scope in resource.scope_logs:
                for record in scope.log_records:
                    if all(pair.key != _UID for pair in record.attributes):
                        record.attributes.add(key=_UID).value.string_value = uuid.uuid4().hex
        if self.keep(len(batch), request):
            return LogRecordExportResult.SUCCESS
        return LogRecordExportResult.FAILURE


class SpooledMetrics(_Spooled, MetricExporter):
    """Keeps metric points."""

    signal = "metrics"

    def __init__(self, carrier: Carrier, direct: Sender, seconds: float) -> None:
        super().__init__(carrier, direct, seconds)
        temporality, aggregation = _preferences()
        MetricExporter.__init__(
            self, preferred_temporality=temporality, preferred_aggregation=aggregation
        )

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Encode and keep the points."""
        points = sum(
            len(metric.data.data_points)
            for resource in metrics_data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        )
        if self.keep(points, encode_metrics(metrics_data)):
            return MetricExportResult.SUCCESS
        return MetricExportResult.FAILURE


def _preferences() -> tuple[
    dict[type, AggregationTemporality] | None, dict[type, Aggregation] | None
]:
    """How the environment wants metrics to be summed up, as OpenTelemetry's own exporter reads it, which is not used otherwise."""
    import requests
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    # All is given that it would read besides, and may not be able to.
    made = OTLPMetricExporter(
        endpoint=_NOWHERE, timeout=1, compression=Compression.Gzip, session=requests.Session()
    )
    preferred = (made._preferred_temporality, made._preferred_aggregation)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as the SDK's readers do
    made.shutdown()
    return preferred


KINDS: Final[Mapping[str, type[_Spooled]]] = {
    kind.signal: kind for kind in (SpooledSpans, SpooledLogs, SpooledMetrics)
}
