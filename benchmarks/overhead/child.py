"""One process: a workload under a variant, measured in one way. Prints one line of JSON."""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.overhead.variants import VARIANTS, Running, Sink
from benchmarks.overhead.workloads import CANARY, WORKLOADS, Made

PAUSE, EVERY = 0.02, 50
"""Seconds of rest, and after how many calls: a program that calls models has such, and queues drain in them."""
CHECKED = 5


def each(made: Made, count: int, clock: Callable[[], float], *, rest: bool) -> list[float]:
    """Seconds by `clock` of each of `count` calls."""
    times: list[float] = []
    every = max(1, EVERY // made.each)

    def now() -> None:
        for number in range(count):
            started = clock()
            made.call()
            times.append((clock() - started) / made.each)
            made.after()
            if rest and number % every == 0:
                time.sleep(PAUSE)

    async def later() -> None:
        for number in range(count):
            started = clock()
            await made.call()
            times.append((clock() - started) / made.each)
            if rest and number % every == 0:
                await asyncio.sleep(PAUSE)

    asyncio.run(later()) if inspect.iscoroutinefunction(made.call) else now()
    return times


def caller(made: Made, running: Running, count: int) -> dict[str, float]:
    """CPU of the calling thread for one call: the median of many, in microseconds."""
    each(made, max(1, count // 4), time.thread_time, rest=True)
    times = each(made, count, time.thread_time, rest=True)
    return {"us": statistics.median(times) * 1e6}


def total(made: Made, running: Running, count: int) -> dict[str, float]:
    """CPU of the whole process for one call, until everything was exported, in microseconds."""
    each(made, max(1, count // 4), time.thread_time, rest=True)
    running.flush()
    gc.collect()
    started = time.process_time()
    each(made, count, time.thread_time, rest=True)
    running.flush()
    return {"us": (time.process_time() - started) / count / made.each * 1e6}


def memory(made: Made, running: Running, count: int) -> dict[str, float]:
    """How much more memory the process has had at its fullest than before its calls, in megabytes."""
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    each(made, count, time.thread_time, rest=True)
    return {"mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024}


def checked(made: Made, running: Running, count: int) -> dict[str, Any]:
    """Whether it recorded what it should: how many spans to a call, and whether the prompt is in them."""
    each(made, CHECKED, time.thread_time, rest=False)
    running.flush()
    spans = running.taken()
    return {"spans": len(spans) / CHECKED / made.each, "content": CANARY in _said(spans)}


def _said(spans: list[Any]) -> str:
    return " ".join(
        [repr(dict(span.attributes or {})) for span in spans]
        + [repr(dict(event.attributes or {})) for span in spans for event in span.events]
    )


def startup(variant: str) -> dict[str, float]:
    """CPU of importing and starting it, beyond the SDK of OpenTelemetry, in milliseconds; and how many modules it loads."""
    for name in ("trace", "trace.export", "metrics", "metrics.export", "_logs", "_logs.export"):
        importlib.import_module(f"opentelemetry.sdk.{name}")
    modules, started = len(sys.modules), time.process_time()
    VARIANTS[variant].start("discard")
    return {"ms": (time.process_time() - started) * 1e3, "modules": len(sys.modules) - modules}


MEASURES = {"caller": caller, "total": total, "memory": memory, "checked": checked}
SINKS: dict[str, Sink] = {"checked": "keep", "memory": "stall"}


def main(variant: str, workload: str, measure: str) -> None:
    if measure == "startup":
        print(json.dumps(startup(variant)))
        return
    chosen, asked = VARIANTS[variant], WORKLOADS[workload]
    running = chosen.start(SINKS.get(measure, "discard"))
    if asked.decorates and running.decorate is None:
        print(json.dumps({"absent": "it has no decorator"}))
        return
    made = asked.make(running.decorate or (lambda function: function))
    print(json.dumps(MEASURES[measure](made, running, asked.calls)), flush=True)
    if SINKS.get(measure) == "stall":
        os._exit(0)  # whoever waits for the exporter would do so now


if __name__ == "__main__":
    main(*sys.argv[1:])
