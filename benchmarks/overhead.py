"""What recording costs the calling thread, as ratios to a hand-written span, measured in one run.

The openai client answers from memory below `create`, so only its own work and ours is measured.
"bare" is what a careful person would write by hand: one OpenTelemetry span, both messages as JSON,
three histogram records. Each figure is the median of interleaved rounds in fresh processes, less
what the client itself costs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

ROUNDS = 5
CALLS = 400
VARIANTS = ("raw", "bare", "clearspan", "off", "unsampled", "disabled")
WORKLOADS = {"short prompt": 60, "60 kB prompt": 60_000, "stream of 501 chunks": 60}
ATTRIBUTES = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
}
INIT = {
    "clearspan": {},
    "off": {"content": "off"},
    "unsampled": {"sample_rate": 0.0},
    "disabled": {"disabled": True},
}


def answer() -> Any:
    from openai.types.chat import ChatCompletion

    return ChatCompletion.model_validate(
        {
            "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o",
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None,
                         "message": {"role": "assistant", "content": "Hello, how can I help?"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17},
        }
    )  # fmt: skip


def chunks() -> list[Any]:
    from openai.types.chat import ChatCompletionChunk

    def chunk(delta: dict[str, str], finish: str | None = None) -> Any:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return ChatCompletionChunk.model_validate(
            {
                "id": "c",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "gpt-4o",
                "choices": [choice],
            }
        )

    return [*(chunk({"content": "word "}) for _ in range(500)), chunk({}, "stop")]


class Answering:
    """A stream object with the parts of the client's own that matter here."""

    def __init__(self, items: list[Any]) -> None:
        self.response = Closable()
        self._iterator: Iterator[Any] = iter(items)

    def __iter__(self) -> Iterator[Any]:
        yield from self._iterator


class Closable:
    def close(self) -> None:
        """Nothing is open."""


def calls(variant: str, workload: str) -> Callable[[], None]:
    import openai

    client = openai.OpenAI(api_key="unused")
    streamed = workload.startswith("stream")
    whole, pieces = answer(), chunks()
    client.chat.completions._post = lambda *a, **k: Answering(pieces) if streamed else whole  # type: ignore[method-assign]
    messages = [{"role": "user", "content": "hello " * (WORKLOADS[workload] // 6)}]

    def create() -> list[Any]:
        made: Any = client.chat.completions.create(
            model="gpt-4o", messages=messages, stream=streamed
        )  # type: ignore[call-overload]
        return list(made) if streamed else [made]

    if variant == "bare":
        return by_hand(create, messages, streamed=streamed)
    if variant != "raw":
        import clearspan

        clearspan.init(exporters=[discard()], **INIT[variant])

    def call() -> None:
        create()

    return call


def discard() -> Any:
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Discard(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    return Discard()


def by_hand(
    create: Callable[[], list[Any]], messages: list[dict[str, str]], *, streamed: bool
) -> Callable[[], None]:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(discard()))
    tracer = provider.get_tracer("bare")
    meter = MeterProvider([InMemoryMetricReader()]).get_meter("bare")
    duration, tokens = meter.create_histogram("duration"), meter.create_histogram("tokens")

    def call() -> None:
        started = time.perf_counter()
        with tracer.start_as_current_span(
            "chat gpt-4o", kind=SpanKind.CLIENT, attributes=ATTRIBUTES
        ) as span:
            made = create()
            text = (
                "".join(item.choices[0].delta.content or "" for item in made)
                if streamed
                else made[0].choices[0].message.content
            )
            span.set_attribute("gen_ai.input.messages", json.dumps(messages))
            span.set_attribute(
                "gen_ai.output.messages", json.dumps([{"role": "assistant", "content": text}])
            )
        duration.record(time.perf_counter() - started, ATTRIBUTES)
        tokens.record(10, {**ATTRIBUTES, "gen_ai.token.type": "input"})
        tokens.record(7, {**ATTRIBUTES, "gen_ai.token.type": "output"})

    return call


def measure(variant: str, workload: str) -> float:
    """Microseconds of the calling thread's CPU for one call, the median of many."""
    call = calls(variant, workload)
    count = CALLS // 8 if workload.startswith("stream") else CALLS
    for _ in range(count // 4):
        call()
    times: list[float] = []
    for number in range(count):
        started = time.thread_time()
        call()
        times.append((time.thread_time() - started) * 1e6)
        if number % 50 == 0:
            time.sleep(0.02)  # a program that calls models has such pauses; queues drain in them
    return statistics.median(times)


def main() -> None:
    if len(sys.argv) == 3:
        print(measure(sys.argv[1], sys.argv[2]))
        return
    print(
        "| workload | bare, µs above the client | "
        + " | ".join(f"{name} / bare" for name in VARIANTS[2:])
        + " |"
    )
    print("| --- " * (len(VARIANTS)) + "|")
    for workload in WORKLOADS:
        found: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
        for _ in range(ROUNDS):
            for variant in VARIANTS:
                command = [sys.executable, __file__, variant, workload]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found[variant].append(float(done.stdout))
        cost = {
            variant: statistics.median(times) - statistics.median(found["raw"])
            for variant, times in found.items()
        }
        ratios = " | ".join(f"{cost[name] / cost['bare']:.2f}" for name in VARIANTS[2:])
        print(f"| {workload} | {cost['bare']:.0f} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
