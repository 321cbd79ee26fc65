"""An application's own OpenTelemetry is used as it is, and never replaced."""

from __future__ import annotations

import json
import textwrap
import threading
from pathlib import Path
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

import clearspan
from clearspan import semconv as sc
from tests.runtime.conftest import ours
from tests.runtime.support import names, program, use, work


class Order(SpanProcessor):
    """Notes what happens, in order, and on which thread."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.ended: list[ReadableSpan] = []
        self.threads: set[int] = set()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.log.append(f"start {span.name}")
        self.threads.add(threading.get_ident())

    def on_end(self, span: ReadableSpan) -> None:
        self.log.append(f"end {span.name}")
        self.ended.append(span)
        self.threads.add(threading.get_ident())


def test_passed_providers_are_used_and_completion_is_inline(folder: Path) -> None:
    order, tracer = Order(), TracerProvider()
    tracer.add_span_processor(order)
    reader, events = InMemoryMetricReader(), InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    logger = LoggerProvider()
    logger.add_log_record_processor(SimpleLogRecordProcessor(events))
    runtime = clearspan.init(
        providers=(), tracer_provider=tracer, meter_provider=MeterProvider([reader]), logger_provider=logger,
        content_target="both",
    )  # fmt: skip
    assert runtime.destination == "the application's TracerProvider"
    with tracer.get_tracer("theirs").start_as_current_span("theirs"):
        with clearspan.span("outer"):
            use(1)
            with clearspan.invocation("chat", model="m") as draft:
                draft.text("hello")
    assert order.log == [
        "start theirs", "start outer", "start execute_tool use", "end execute_tool use",
        "start chat m", "end chat m", "end outer", "end theirs",
    ]  # fmt: skip
    assert order.threads == {threading.get_ident()}
    outer, theirs = order.ended[-2:]
    assert theirs.context is not None
    assert outer.parent is not None
    assert outer.parent.span_id == theirs.context.span_id
    assert [item.log_record.event_name for item in events.get_finished_logs()] == [sc.EVENT_DETAILS]
    data = reader.get_metrics_data()
    assert data is not None
    assert clearspan.flush()
    accounts = runtime.status().accounts
    assert (accounts.created, accounts.exported, accounts.pending) == (3, 3, 0)
    assert ours() == []
    assert list(folder.iterdir()) == []
    clearspan.shutdown()
    with tracer.get_tracer("theirs").start_as_current_span("after"):
        """The application's provider lives on."""
    assert order.log[-1] == "end after"


def test_streams_are_read_inline_too(folder: Path) -> None:
    order, tracer = Order(), TracerProvider()
    tracer.add_span_processor(order)
    clearspan.init(providers=(), tracer_provider=tracer)

    @clearspan.task
    def letters() -> Any:
        for number in range(100):
            yield str(number % 10)

    assert len(list(letters())) == 100
    assert order.ended[0].attributes is not None
    assert order.ended[0].attributes[sc.OUTPUT] == "0123456789" * 10


def test_only_a_tracer_provider_leaves_the_other_signals_to_the_endpoint(folder: Path) -> None:
    order, tracer = Order(), TracerProvider()
    tracer.add_span_processor(order)
    runtime = clearspan.init(
        providers=(), tracer_provider=tracer, exporters=["otlp_json:signals.jsonl"],
        content_target="both",
    )  # fmt: skip
    with clearspan.invocation("chat", model="m") as draft:
        draft.text("hello")
    assert clearspan.flush()
    assert names(order.ended) == ["chat m"]
    lines = [json.loads(line) for line in (folder / "signals.jsonl").read_text().splitlines()]
    assert {next(iter(line)) for line in lines} == {"resourceMetrics", "resourceLogs"}
    assert runtime.destination == "the application's TracerProvider"


def test_only_a_meter_provider_leaves_the_spans_to_us(folder: Path) -> None:
    reader = InMemoryMetricReader()
    with clearspan.init(
        providers=(), meter_provider=MeterProvider([reader]), store="runs.db"
    ) as runtime:
        use(1)
        clearspan.flush()
        assert runtime.status().destination_status["points"] == 0
        assert runtime.status().destination_status["spans"] == 1
    data = reader.get_metrics_data()
    assert data is not None
    found = data.resource_metrics[0].scope_metrics[0].metrics
    assert sc.METRIC_EXECUTE_TOOL_DURATION in {item.name for item in found}


GLOBAL = """
import sys
from opentelemetry import trace, metrics, _logs
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
tracer, meter = TracerProvider(), MeterProvider([reader])
tracer.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(tracer)
metrics.set_meter_provider(meter)
import clearspan
import os
runtime = clearspan.init(providers=())
with clearspan.span("x"):
    with trace.get_tracer("theirs").start_as_current_span("inner"):
        pass
assert trace.get_tracer_provider() is tracer
assert metrics.get_meter_provider() is meter
assert [span.name for span in exporter.get_finished_spans()] == ["inner", "x"]
inner, outer = exporter.get_finished_spans()
assert inner.parent.span_id == outer.context.span_id
clearspan.shutdown()
assert trace.get_tracer_provider() is tracer
assert not os.path.exists(".clearspan"), os.listdir()
print("done")
"""


def test_global_providers_set_before_are_used(folder: Path) -> None:
    result = program(GLOBAL, folder)
    assert (result.stdout, result.stderr, result.returncode) == ("done\n", "", 0)


LATER = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
import clearspan
clearspan.init(providers=())
provider = TracerProvider()
trace.set_tracer_provider(provider)
assert trace.get_tracer_provider() is provider
with clearspan.span("x"):
    pass
assert clearspan.flush()
print(clearspan.status().accounts.stored)
"""


def test_an_application_may_set_its_own_later(folder: Path) -> None:
    result = program(textwrap.dedent(LATER), folder)
    assert (result.stdout, result.stderr, result.returncode) == ("1\n", "", 0)


NO_SDK = """
from opentelemetry import trace
trace.set_tracer_provider(trace.NoOpTracerProvider())
import clearspan
with clearspan.init(providers=()) as runtime:
    with clearspan.span("x"):
        pass
    clearspan.flush()
    print(runtime.status().accounts.stored)
"""


def test_a_placeholder_of_the_api_is_no_application_provider(folder: Path) -> None:
    result = program(NO_SDK, folder)
    assert (result.stdout, result.stderr, result.returncode) == ("1\n", "", 0)


def test_F63_a_provider_that_records_nothing_is_enough() -> None:
    from opentelemetry.trace import NoOpTracerProvider

    with clearspan.init(providers=(), tracer_provider=NoOpTracerProvider()):
        assert work(3) == 3
        with clearspan.span("x", label="a") as step:
            step.set(output="b")
        assert clearspan.current().trace_id is None
