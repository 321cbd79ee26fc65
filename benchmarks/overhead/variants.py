"""Who records: nobody, a span by hand, clearspan in several modes, and the others, each as its documentation says.

All write to exporters that throw away what they get, behind the batch processor of OpenTelemetry or their own
pipeline; content is on, and so are metrics, where there are any.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

__all__ = ["OURS", "PEERS", "VARIANTS", "Running", "Sink", "Variant", "metrics_away", "spans_to"]

Decorator = Callable[[Any], Any]
Sink = Literal["discard", "keep", "stall"]
"""What becomes of spans: nothing, they are there to be looked at, or whoever brings them waits for ever."""


def _as_it_is(function: Any) -> Any:
    return function


@dataclass
class Running:
    """A variant that runs."""

    decorate: Decorator | None = _as_it_is
    """`None` where it has none."""
    flush: Callable[[], object] = tuple
    taken: Callable[[], list[Any]] = list
    """The spans that it handed on, where they are kept."""
    logged: Callable[[], list[Any]] = list
    """The same of log records: some put content there."""


@dataclass(frozen=True)
class Variant:
    """How it is started, with exporters that keep what they get or do not."""

    title: str
    start: Callable[[Sink], Running]
    content: bool = True
    records: bool = True
    libraries: tuple[str, ...] = field(default=("openai",))
    environment: dict[str, str] = field(default_factory=dict[str, str])


def spans_to(sink: Sink) -> Any:
    """An exporter of spans."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    class Discard(SpanExporter):
        def export(self, spans: Any) -> Any:
            if sink == "stall":
                threading.Event().wait()
            return SpanExportResult.SUCCESS

    return InMemorySpanExporter() if sink == "keep" else Discard()


def metrics_away() -> Any:
    """An exporter of metrics that throws them away."""
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult

    class Discard(MetricExporter):
        def export(self, metrics_data: Any, timeout_millis: float = 0, **kwargs: Any) -> Any:
            return MetricExportResult.SUCCESS

        def force_flush(self, timeout_millis: float = 0) -> bool:
            return True

        def shutdown(self, timeout_millis: float = 0, **kwargs: Any) -> None:
            """Nothing is open."""

    return Discard()


def _providers(sink: Sink) -> tuple[Any, Any, Any]:
    """A program's own providers: of spans, of metrics, and the exporter behind the first."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = spans_to(sink)
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(exporter))
    reader = PeriodicExportingMetricReader(metrics_away(), export_interval_millis=60_000)
    return tracers, MeterProvider([reader], shutdown_on_exit=False), exporter


def _logger(sink: Sink) -> tuple[Any, Any]:
    """A program's own provider of loggers, and what its records go to."""
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    exporter = _logs_to(sink)
    loggers = LoggerProvider(shutdown_on_exit=False)
    loggers.add_log_record_processor(BatchLogRecordProcessor(exporter))
    return loggers, exporter


def _logs_to(sink: Sink) -> Any:
    from opentelemetry.sdk._logs import export

    # By the names that they have in newer releases of the SDK, and in older ones.
    base: Any = getattr(export, "LogRecordExporter", None) or vars(export)["LogExporter"]
    result: Any = getattr(export, "LogRecordExportResult", None) or vars(export)["LogExportResult"]
    kept: list[Any] = []

    class Keep(base):  # type: ignore[misc]  # which of the two it is depends on the release
        records = kept

        def export(self, batch: Any) -> Any:
            if sink == "keep":
                kept.extend(each.log_record for each in batch)
            return result.SUCCESS

        def force_flush(self, timeout_millis: float = 0) -> bool:
            return True

        def shutdown(self) -> None:
            """Nothing is open."""

    return Keep()


def _flush(*providers: Any) -> Callable[[], None]:
    def flush() -> None:
        for provider in providers:
            provider.force_flush()

    return flush


def _taken(exporter: Any) -> Callable[[], list[Any]]:
    return lambda: list(exporter.get_finished_spans())


def _raw(sink: Sink) -> Running:
    return Running()


def _bare(sink: Sink) -> Running:
    from benchmarks.overhead.bare import Bare

    tracers, meters, exporter = _providers(sink)
    bare = Bare(tracers.get_tracer("bare"), meters.get_meter("bare"))
    bare.install()
    return Running(bare.decorate, _flush(tracers, meters), _taken(exporter))


def _task(function: Any) -> Any:
    """The decorator, which is loaded when it is used."""
    import clearspan

    return clearspan.task(function)


def _clearspan(**settings: Any) -> Callable[[Sink], Running]:
    def start(sink: Sink) -> Running:
        import clearspan

        exporter = spans_to(sink)
        clearspan.init(exporters=[exporter, metrics_away()], hardware="off", **settings)
        return Running(_task, lambda: clearspan.flush(60), _taken(exporter))

    return start


def _theirs(sink: Sink) -> Running:
    import clearspan

    tracers, meters, exporter = _providers(sink)
    clearspan.init(tracer_provider=tracers, meter_provider=meters, hardware="off")

    def flush() -> None:
        clearspan.flush(60)
        _flush(tracers, meters)()

    return Running(_task, flush, _taken(exporter))


def _instrumentor(module: str, **more: Any) -> Callable[[Sink], Running]:
    def start(sink: Sink) -> Running:
        tracers, meters, exporter = _providers(sink)
        loggers, logs = _logger(sink)
        import_module(module).OpenAIInstrumentor().instrument(
            tracer_provider=tracers, meter_provider=meters, logger_provider=loggers,
            skip_dep_check=True, **more,
        )  # fmt: skip
        flush = _flush(tracers, meters, loggers)
        return Running(None, flush, _taken(exporter), lambda: list(logs.records))

    return start


def _langfuse(sink: Sink) -> Running:
    langfuse = import_module("langfuse")
    exporter = spans_to(sink)
    client = langfuse.Langfuse(
        public_key="pk-lf-unused", secret_key="sk-lf-unused",  # noqa: S106 -- nobody is asked
        base_url="http://127.0.0.1:9", span_exporter=exporter,
    )  # fmt: skip
    import_module("langfuse.openai")
    return Running(langfuse.observe(), client.flush, _taken(exporter))


def _logfire(sink: Sink) -> Running:
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    logfire = import_module("logfire")
    exporter = spans_to(sink)
    reader = PeriodicExportingMetricReader(metrics_away(), export_interval_millis=60_000)
    logfire.configure(
        send_to_logfire=False, console=False, inspect_arguments=False,
        additional_span_processors=[BatchSpanProcessor(exporter)],
        metrics=logfire.MetricsOptions(additional_readers=[reader]),
    )  # fmt: skip
    logfire.instrument_openai()
    return Running(logfire.instrument(record_return=True), logfire.force_flush, _taken(exporter))


def _openlit(sink: Sink) -> Running:
    from opentelemetry import metrics, trace

    tracers, meters, exporter = _providers(sink)
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(meters)
    openlit = import_module("openlit")
    openlit.init(disable_metrics=False, collect_gpu_stats=False, disabled_instrumentors=[])
    return Running(None, _flush(tracers, meters), _taken(exporter))


_OPENLLMETRY = "opentelemetry.instrumentation.openai"
_OFFICIAL = "opentelemetry.instrumentation.openai_v2"
_GENAI = "opentelemetry.instrumentation.genai.openai"
_INFERENCE = "openinference.instrumentation.openai"
_SPEAKS = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true",
    "TRACELOOP_TRACE_CONTENT": "true",
}
_SPEAKS_ON_SPANS = {
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
}
_BOTH = ("openai", "ollama")

OURS = {
    "raw": Variant("the client alone", _raw, content=False, records=False, libraries=_BOTH),
    "bare": Variant("by hand", _bare, libraries=_BOTH),
    "clearspan": Variant("clearspan", _clearspan(), libraries=_BOTH),
    "providers": Variant("clearspan, the program's providers", _theirs, libraries=_BOTH),
    "off": Variant(
        "clearspan, content off", _clearspan(content="off"), content=False, libraries=_BOTH
    ),
    "unsampled": Variant(
        "clearspan, unsampled", _clearspan(sample_rate=0.0), content=False, records=False,
        libraries=_BOTH,
    ),
    "disabled": Variant(
        "clearspan, disabled", _clearspan(disabled=True), content=False, records=False,
        libraries=_BOTH,
    ),
    "8kB": Variant("clearspan, content up to 8 kB", _clearspan(content_limit=8_192)),
}  # fmt: skip
PEERS = {
    "official-genai": Variant(
        "OpenTelemetry genai-openai", _instrumentor(_GENAI), environment=_SPEAKS_ON_SPANS
    ),
    "official-v2": Variant(
        "OpenTelemetry openai-v2", _instrumentor(_OFFICIAL), environment=_SPEAKS
    ),
    "openllmetry": Variant(
        "OpenLLMetry", _instrumentor(_OPENLLMETRY), environment=_SPEAKS
    ),
    "openinference": Variant(
        "OpenInference", _instrumentor(_INFERENCE)
    ),
    "langfuse": Variant("Langfuse", _langfuse),
    "logfire": Variant("Logfire", _logfire),
    "openlit": Variant("OpenLIT", _openlit),
}  # fmt: skip
VARIANTS = {**OURS, **PEERS}
