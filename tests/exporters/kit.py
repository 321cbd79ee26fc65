"""Spans, events and metrics made by the real SDK, for the exporters' tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
RESOURCE = Resource({"service.name": "shop", "host.cores": 4})
SECOND = 1_000_000_000

CHAT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
    "gen_ai.response.finish_reasons": ("stop",),
}


def tracer(*exporters: SpanExporter) -> Any:
    """A tracer whose spans reach `exporters` as they end."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("kit")


def spans(
    count: int = 1, *, attributes: dict[str, Any] | None = None, start: int | None = None
) -> list[ReadableSpan]:
    """`count` finished spans, each a trace of its own; those given a `start` last a second."""
    memory = InMemorySpanExporter()
    source = tracer(memory)
    for number in range(count):
        begin = None if start is None else start + number
        span = source.start_span("chat gpt-4o", attributes=attributes or CHAT, start_time=begin)
        span.end(end_time=None if begin is None else begin + SECOND)
    return list(memory.get_finished_spans())


def bare(attributes: dict[str, Any], name: str = "bare") -> ReadableSpan:
    """A finished span with attributes as they are: older SDKs refuse some of them at the door."""
    (made,) = spans()
    return ReadableSpan(
        name=name,
        context=made.get_span_context(),
        resource=RESOURCE,
        attributes=attributes,
        start_time=1,
        end_time=2,
    )


def logger(exporter: LogRecordExporter) -> Any:
    """A logger whose records reach `exporter` at once."""
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    return provider.get_logger("kit")


@contextlib.contextmanager
def meter(exporter: MetricExporter, **options: Any) -> Iterator[tuple[Any, MeterProvider]]:
    """A meter whose points reach `exporter` on `provider.force_flush()`."""
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False, **options)
    try:
        yield provider.get_meter("kit"), provider
    finally:
        provider.shutdown()


def program(code: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """A Python process that runs `code` and can import the package and these tests."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finished(process: subprocess.Popen[str], timeout: float = 60) -> str:
    """What `process` printed, once it ended well."""
    output, errors = process.communicate(timeout=timeout)
    assert (process.returncode, errors) == (0, "")
    return output


@contextlib.contextmanager
def unprivileged() -> Iterator[Path]:
    """A folder, for a user to whom permission bits mean something: root would pass them by."""
    if not hasattr(os, "geteuid"):
        pytest.skip("needs a system with user ids")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        inner = folder / "inner"
        inner.mkdir()
        root = os.geteuid() == 0
        if root:
            os.chown(inner, 65534, 65534)
            os.seteuid(65534)
        try:
            yield inner
        finally:
            if root:
                os.seteuid(0)
            inner.chmod(0o700)
