"""From Settings to OpenTelemetry providers: the application's own where it has them, else ours."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter

from clearspan import registry
from clearspan.core.fence import fenced
from clearspan.core.ledger import Ledger
from clearspan.core.worker import Worker
from clearspan.exporters import DEFAULT_STORE, Courier, Destination, DestinationError, Exporters
from clearspan.runtime.forks import Meters
from clearspan.runtime.histograms import Histograms, plain
from clearspan.runtime.identifiers import identifiers
from clearspan.runtime.promising import Provider, may_promise
from clearspan.runtime.queues import LogQueue, MetricQueue, Nowhere, Queue, SpanQueue, quiet
from clearspan.runtime.resource import resource_of
from clearspan.runtime.sampling import sampler_of
from clearspan.runtime.spooling import see_that_files_differ, spooling
from clearspan.settings import RECEIVERS, SettingError, Settings

__all__ = ["Providers", "assemble", "own_spans", "statuses"]

_log = logging.getLogger("clearspan")
_SPOOL_INTERVAL = 1.0
_CLOSING = 2.0


@dataclass(slots=True)
class Providers:
    """The three providers, and what of them is ours to flush and close."""

    tracer: trace.TracerProvider
    meter: metrics.MeterProvider
    logger: _logs.LoggerProvider
    own: bool
    label: str
    queues: list[Queue] = field(default_factory=list[Queue])
    couriers: list[Courier] = field(default_factory=list[Courier])
    exporters: list[Exporters] = field(default_factory=list[Exporters])
    beginnings: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])

    def start(self) -> None:
        """Begin to collect and to deliver, also what others have left: whoever only asks what there would be does not."""
        for begin in self.beginnings:
            begin()

    def hold(self) -> None:
        """Never begin, and have nothing to flush in the end."""
        for ours in (self.queues, self.couriers, self.beginnings):
            ours.clear()


def assemble(settings: Settings, ledger: Ledger) -> Providers:
    """Build what `settings` ask for.

    Raises `SettingError` (or `DestinationError`, which names the setting as well) when a
    destination cannot be used.
    """
    tracer = _tracer(settings)
    meter = settings.meter_provider or _applications(metrics.get_meter_provider())
    logger = settings.logger_provider or _applications(_logs.get_logger_provider())
    found = _destinations(settings, default=tracer is None)
    resource = resource_of(settings)
    queues: list[Queue] = []
    if tracer is None:
        tracer = _tracer_provider(settings, resource, found, ledger, queues)
        own = True
    else:
        own = False
        _say_what_is_not_used(settings, tracer)
    if meter is None:
        meter = _meter_provider(
            found, queues, settings, lambda: tracer.resource if own else resource_of(settings)
        )
    if logger is None:
        logger = _logger_provider(settings, resource, found, queues)
    couriers = [item.courier for item in found if item.courier is not None]
    beginnings = [queue.start for queue in queues if isinstance(queue, MetricQueue)]
    label = (
        " and ".join(item.label for item in found)
        if own
        else f"the application's {type(tracer).__name__}"
    )
    return Providers(
        tracer, meter, logger, own, label or "nowhere", queues, couriers, found,
        [*beginnings, partial(_set_out, found, ledger if own else None)],
    )  # fmt: skip


def _set_out(found: list[Exporters], ledger: Ledger | None) -> None:
    """Set those on their way that deliver by themselves; the spans' first destination tells the ledger."""
    first = next((item for item in found if item.span is not None), None)
    for item in found:
        if item.courier is not None:
            if ledger is not None and item is first:
                item.courier.start(ledger.settle, ledger.drop, quiet)
            else:
                item.courier.start(_untold, _untold, quiet)


def _untold(what: str, spans: int) -> None:
    """The spans are settled elsewhere."""


def own_spans(settings: Settings) -> bool:
    """Whether spans will go through a provider of ours, the application having none."""
    return _tracer(settings) is None


def _tracer(settings: Settings) -> Any:
    return settings.tracer_provider or _applications(trace.get_tracer_provider())


def _say_what_is_not_used(settings: Settings, tracer: Any) -> None:
    """Spans go through the application's provider: what was set for ours has no say in them."""
    named = [
        name
        for name in ("endpoint", "store", "exporters", "sample_rate")
        if getattr(settings, name) not in (None, ())
    ]
    if named:
        _log.warning(
            "clearspan: spans go to the application's %s; %s concerns what it does not take. "
            "Add an exporter to that provider, or call init() before it is set.",
            type(tracer).__name__, ", ".join(named),
        )  # fmt: skip


def _applications(provider: Any) -> Any:
    """The provider if the application has set one; `None` for the API's placeholders."""
    name = type(provider).__name__
    return None if "Proxy" in name or name.startswith(("NoOp", "_NoOp")) else provider


def _destinations(settings: Settings, *, default: bool) -> list[Exporters]:
    """OTLP where an address is known, the store where a file is; the default store without either."""
    foreign = [_foreign(item) for item in settings.exporters if not isinstance(item, str)]
    found: list[Exporters] = []
    try:
        _named(settings, found, default=default)
    except SettingError:
        _close(found)
        raise
    return found + foreign


def _named(settings: Settings, found: list[Exporters], *, default: bool) -> None:
    see_that_files_differ(settings)
    argued = Destination(
        endpoint=settings.endpoint,
        protocol=settings.protocol,
        headers=settings.headers,
        path=settings.store,
        max_age=settings.max_age,
        max_bytes=settings.max_bytes,
        spool=spooling(settings),
    )
    if settings.endpoint or any(os.environ.get(name) for name in RECEIVERS):
        built = _build("otlp", argued)
        found.append(built if settings.endpoint else _without_silenced(built))
    if settings.store:
        found.append(_build("store", argued))
    elif not found and not settings.exporters and default:
        found.extend(_default_store(replace(argued, path=DEFAULT_STORE)))
    for item in settings.exporters:
        if isinstance(item, str):
            name, _, path = item.partition(":")
            kept = replace(argued, path=path or None)
            found.append(_build(name, kept))


def _interval(settings: Settings, item: Exporters) -> float:
    """Seconds between exports: what goes to a disk first is soon safe there."""
    interval = settings.export_interval
    return interval if item.courier is None else min(interval, _SPOOL_INTERVAL)


def _kept(item: Exporters) -> str:
    """Where what its exporters took is then: a courier has it on a disk, and tells by itself what arrived."""
    return item.counts_as if item.courier is None else "stored"


def _without_silenced(built: Exporters) -> Exporters:
    """What the environment names, less the signals that it turns off by `OTEL_*_EXPORTER=none`."""
    signals = {"span": "TRACES", "metric": "METRICS", "log": "LOGS"}
    silenced: dict[str, Any] = {
        field: None
        for field, signal in signals.items()
        if os.environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() == "none"
    }
    return replace(built, **silenced)


def _default_store(destination: Destination) -> list[Exporters]:
    """The store that nobody asked for: a folder that cannot be written to must not stop a program."""
    try:
        return [_build("store", destination)]
    except SettingError as error:
        _log.warning("%s. Nothing is kept: set CLEARSPAN_STORE or an OTLP endpoint.", error)
        return []


def _close(found: list[Exporters]) -> None:
    """Take back what was built, when something beside it could not be."""
    for item in found:
        for exporter in (item.span, item.log, item.metric):
            if exporter is not None:
                fenced("exporter.shutdown", exporter.shutdown)
        if item.courier is not None:
            fenced("courier.close", item.courier.close, _CLOSING)


def _build(name: str, destination: Destination) -> Exporters:
    try:
        built: Exporters = registry.load(registry.EXPORTERS, name)(destination)
    except registry.NotFound as error:
        raise SettingError(f"clearspan: exporters: {error}") from None
    except DestinationError as error:
        raise SettingError(f"clearspan: {error}") from None
    except Exception as error:  # a plug-in may fail to load or to build in any way
        raise SettingError(
            f"clearspan: exporters: {name!r} cannot be used ({type(error).__name__}: {error}); "
            "repair or uninstall the package that brings it"
        ) from error
    return built


def _foreign(exporter: Any) -> Exporters:
    """An OpenTelemetry exporter of anyone's, told apart by what it can be handed."""
    label = type(exporter).__name__
    if isinstance(exporter, SpanExporter):
        return Exporters(exporter, None, None, label)
    if isinstance(exporter, (MetricExporter, MetricReader)):
        metric: Any = exporter  # a reader is wired as it is
        return Exporters(None, None, metric, label)
    if callable(getattr(exporter, "export", None)):
        return Exporters(None, exporter, None, label)
    raise SettingError(
        f"clearspan: exporters: {label} is no OpenTelemetry exporter: "
        "give a SpanExporter, LogRecordExporter, MetricExporter, MetricReader, or a name such as 'console'"
    )


def _tracer_provider(
    settings: Settings,
    resource: Resource,
    found: list[Exporters],
    ledger: Ledger,
    queues: list[Queue],
) -> TracerProvider:
    sampler = sampler_of(settings)
    provider = (
        Provider(sampler, resource)
        if sampler is not None and may_promise()  # without one the standard variables decide
        else TracerProvider(sampler, resource, shutdown_on_exit=False, id_generator=identifiers)
    )
    keeping: Ledger | None = (
        ledger  # a span is settled once, by the first destination that takes spans
    )
    for item in found:
        if item.span is not None:
            queue = SpanQueue(
                item.span, max_bytes=settings.queue_bytes, interval=_interval(settings, item),
                ledger=keeping, where=item.counts_as if item.courier is None else None, destination=item.label,
            )  # fmt: skip
            keeping = None
            provider.add_span_processor(queue)
            queues.append(queue)
    if keeping is not None:
        provider.add_span_processor(Nowhere(ledger))
    return provider


def _meter_provider(
    found: list[Exporters],
    queues: list[Queue],
    settings: Settings,
    resource: Callable[[], Resource],
) -> metrics.MeterProvider:
    theirs: list[MetricReader] = []
    ours: list[MetricQueue] = []
    for item in found:
        metric: Any = item.metric  # an application may hand in a reader of its own
        if isinstance(metric, MetricReader):
            theirs.append(metric)
            queues.append(_Reader(metric))
        elif metric is not None:
            queue = MetricQueue(
                metric, interval=settings.metric_interval, where=_kept(item), destination=item.label
            )
            ours.append(queue)
            queues.append(queue)
    if not theirs and not ours:
        return metrics.NoOpMeterProvider()

    def made() -> MeterProvider:
        readers = [*theirs, *(queue.reader() for queue in ours)]
        return MeterProvider(readers, resource(), shutdown_on_exit=False)

    if theirs:  # a reader can be given to one provider only
        return made()
    histograms = _histograms(found, resource)
    meters = Meters(made, histograms)
    for queue in ours:
        queue.ready = meters.current
        queue.view = None if histograms is None else histograms.view(queue.exporter)
    return meters


def _histograms(found: list[Exporters], resource: Callable[[], Resource]) -> Histograms | None:
    """Our own, unless an exporter wants them in another form than their instruments say."""
    exporters = [item.metric for item in found if item.metric is not None]
    return Histograms(resource) if all(map(plain, exporters)) else None


class _Reader:
    """A reader that the application handed in: collects when asked to flush, ends with the runtime."""

    def __init__(self, reader: MetricReader) -> None:
        self._reader = reader
        self.worker: Worker[str] = Worker(
            "clearspan-reader", self._collect, max_items=8, max_bytes=1_024, linger=0.0,
            setup=quiet, teardown=reader.shutdown,
        )  # fmt: skip

    def _collect(self, batch: list[str]) -> None:
        del batch
        self._reader.force_flush()

    def mark(self) -> threading.Event | None:
        """Ask for a collection now; the event tells when it is over."""
        self.worker.offer("flush")
        return self.worker.mark()

    def close(self, timeout: float) -> bool:
        """Stop the reader, which collects once more, within `timeout` seconds."""
        return self.worker.close(timeout)


def _logger_provider(
    settings: Settings, resource: Resource, found: list[Exporters], queues: list[Queue]
) -> _logs.LoggerProvider:
    provider = LoggerProvider(resource, shutdown_on_exit=False)
    for item in found:
        if item.log is not None:
            queue = LogQueue(
                item.log, max_bytes=settings.queue_bytes, interval=_interval(settings, item),
                where=_kept(item), destination=item.label,
            )  # fmt: skip
            provider.add_log_record_processor(queue)
            queues.append(queue)
    return provider


def statuses(found: list[Exporters]) -> Mapping[str, str | int]:
    """What the destinations say of themselves."""
    return {name: value for item in found for name, value in item.status().items()}
