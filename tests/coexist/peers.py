"""Other instrumentations of the openai client: how each is started, undone, silenced and read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

__all__ = ["PEERS", "Peer", "Started", "Telemetry"]


@dataclass
class Telemetry:
    """Where a peer is to write to."""

    tracer: TracerProvider
    meter: MeterProvider
    processor: Any


@dataclass
class Started:
    """A peer that is running. Without `undo` it cannot be taken back."""

    undo: Callable[[], object] | None = None
    around: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext
    """A block that its spans need about them."""
    told: Callable[[], Iterable[tuple[str, dict[str, Any]]]] | None = None
    """Its spans, where it does not use OpenTelemetry's."""


@dataclass(frozen=True)
class Peer:
    """One of them. `module` is there when it is installed."""

    name: str
    module: str
    start: Callable[[Telemetry], Started]
    silences: tuple[str, ...] = field(default=("opentelemetry.instrumentation.utils:suppress_instrumentation",))  # fmt: skip
    """Its own ways to ask for silence: functions that answer a context manager."""
    heeds: bool = True
    """Whether it keeps still itself where OpenTelemetry's key asks for it."""


def _instrumentor(module: str) -> Callable[[Telemetry], Started]:
    def start(telemetry: Telemetry) -> Started:
        instrumentor = import_module(module).OpenAIInstrumentor()
        instrumentor.instrument(
            tracer_provider=telemetry.tracer,
            meter_provider=telemetry.meter,
            skip_dep_check=True,  # a newer openai than it was made for is looked at all the same
        )
        return Started(instrumentor.uninstrument)

    return start


def _traceloop(telemetry: Telemetry) -> Started:
    sdk = import_module("traceloop.sdk")
    instruments = import_module("traceloop.sdk.instruments").Instruments
    sdk.Traceloop.init(
        app_name="coexist",
        processor=telemetry.processor,
        instruments={instruments.OPENAI},
        telemetry_enabled=False,
        disable_batch=True,
    )
    return Started()


def _langfuse(telemetry: Telemetry) -> Started:
    langfuse = import_module("langfuse")
    langfuse.Langfuse(
        public_key="pk-lf-unused",
        secret_key="sk-lf-unused",
        base_url="http://127.0.0.1:9",
        tracer_provider=telemetry.tracer,
        span_exporter=telemetry.processor.span_exporter,
        flush_at=1,
    )
    import_module("langfuse.openai")
    return Started()


def _logfire(telemetry: Telemetry) -> Started:
    logfire = import_module("logfire")
    logfire.configure(
        send_to_logfire=False,
        console=False,
        additional_span_processors=[telemetry.processor],
        metrics=False,
        scrubbing=False,
    )
    undoing = logfire.instrument_openai()
    undoing.__enter__()
    return Started(lambda: undoing.__exit__(None, None, None))


def _sentry(telemetry: Telemetry) -> Started:
    sentry = import_module("sentry_sdk")
    base: Any = import_module("sentry_sdk.transport").Transport
    integration = import_module("sentry_sdk.integrations.openai").OpenAIIntegration
    spans: list[tuple[str, dict[str, Any]]] = []

    class Kept(base):  # type: ignore[misc]  # another library's class
        """Keeps what would be sent."""

        def capture_envelope(self, envelope: Any) -> None:
            event = envelope.get_transaction_event()
            spans.extend(
                (span["description"], dict(span.get("data") or {}))
                for span in (event or {}).get("spans", ())
                if str(span["op"]).startswith("gen_ai")
            )

    sentry.init(
        dsn="http://key@127.0.0.1:9/1",
        transport=Kept,
        traces_sample_rate=1.0,
        send_default_pii=True,
        integrations=[integration()],
    )

    @contextlib.contextmanager
    def around() -> Generator[None]:
        with sentry.start_transaction(name="coexist"):
            yield

    def told() -> list[tuple[str, dict[str, Any]]]:
        sentry.flush()
        found = spans[:]
        spans.clear()
        return found

    return Started(None, around, told)


_OPENLLMETRY = "opentelemetry.instrumentation.openai"
_OFFICIAL = "opentelemetry.instrumentation.openai_v2"
_GENAI = "opentelemetry.instrumentation.genai.openai"
_INFERENCE = "openinference.instrumentation.openai"

# What to install for each is in pyproject.toml, in the dependency group `coexist-<name>`.
PEERS = (
    Peer("openllmetry", _OPENLLMETRY, _instrumentor(_OPENLLMETRY)),
    Peer("traceloop", "traceloop.sdk", _traceloop),
    Peer(
        "openinference", _INFERENCE, _instrumentor(_INFERENCE),
        ("openinference.instrumentation:suppress_tracing",),
    ),
    Peer("official-v2", _OFFICIAL, _instrumentor(_OFFICIAL), heeds=False),
    Peer("official-genai", _GENAI, _instrumentor(_GENAI), heeds=False),
    Peer("langfuse", "langfuse", _langfuse, (), heeds=False),
    Peer("logfire", "logfire", _logfire, ("logfire:suppress_instrumentation",)),
    Peer("sentry", "sentry_sdk", _sentry, (), heeds=False),
)  # fmt: skip
