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
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.overhead.variants import VARIANTS, Running, Sink
from benchmarks.overhead.workloads import CANARY, WORKLOADS, Made

PAUSE, EVERY = 0.02, 50
"""Seconds of rest, and after how many calls: a program that calls models has such, and queues drain in them."""
BLOCKS = 8
CALM = 1.25
CHECKED = 5
FIRST = 20
Clock = Callable[[], float]


def each(made: list[Made], count: int, clock: Clock, *, rest: bool = True) -> list[list[float]]:
    """Seconds by `clock` of `count` calls of each of several workloads, which take turns."""
    times: list[list[float]] = [[] for _ in made]
    every = max(1, EVERY // made[0].each)

    def now() -> None:
        for number in range(count):
            for one, own in zip(made, times, strict=True):
                started = clock()
                one.call()
                own.append((clock() - started) / one.each)
                one.after()
            if rest and number % every == 0:
                time.sleep(PAUSE)

    async def later() -> None:
        for number in range(count):
            for one, own in zip(made, times, strict=True):
                started = clock()
                await one.call()
                own.append((clock() - started) / one.each)
            if rest and number % every == 0:
                await asyncio.sleep(PAUSE)

    asyncio.run(later()) if inspect.iscoroutinefunction(made[0].call) else now()
    return times


class Turn(NamedTuple):
    """What the client took alone before, what it took with somebody, and what it took alone after that; in seconds."""

    alone: float
    with_: float
    after: float


def undisturbed(turns: list[Turn]) -> dict[str, float]:
    """The medians of what a call costs without, and of what it costs more with; in microseconds.

    Where the client alone took much longer than at its quickest, the machine was busy with something else: such turns
    do not count. `calm` is the share of those that do.
    """
    floor = sorted(turn.alone for turn in turns)[len(turns) // 10]
    calm = [turn for turn in turns if max(turn.alone, turn.after) <= CALM * floor] or turns
    return {
        "raw_us": statistics.median(turn.alone for turn in calm) * 1e6,
        "us": statistics.median(turn.with_ - turn.alone for turn in calm) * 1e6,
        "calm": len(calm) / len(turns),
    }


def caller(raw: Made, made: Made, running: Running, count: int) -> dict[str, float]:
    """CPU of the calling thread for one call without and with, in microseconds; they take turns."""
    each([raw, made], max(1, count // 4), time.thread_time)
    alone, with_ = each([raw, made], count, time.thread_time)
    return undisturbed(list(map(Turn, alone, with_, alone[1:])))


def total(raw: Made, made: Made, running: Running, count: int) -> dict[str, float]:
    """CPU of the whole process for one call without and with, until everything was exported, in microseconds.

    It is exported after all `count` calls: metrics are by the minute, and not by the call.
    """
    each([raw, made], max(1, count // 4), time.thread_time)
    running.flush()

    def block(one: Made) -> float:
        started = time.process_time()
        each([one], count, time.thread_time)
        running.flush()
        return (time.process_time() - started) / count / one.each

    alone, turns = block(raw), list[Turn]()
    for _ in range(BLOCKS):
        with_, after = block(made), block(raw)
        turns.append(Turn(alone, with_, after))
        alone = after
    return undisturbed(turns)


def memory(raw: Made, made: Made, running: Running, count: int) -> dict[str, float]:
    """How much more memory the process has had at its fullest than after its first calls, in megabytes."""
    each([made], FIRST, time.thread_time)
    gc.collect()
    before = fullest()
    each([made], count, time.thread_time)
    return {"mb": (fullest() - before) / 1024}


def fullest() -> int:
    """The most memory that this process has had, in kB.

    Linux tells it by `getrusage`, too, but there it is that of whoever started this process where that had more.
    """
    try:
        told = Path("/proc/self/status").read_text("ascii").partition("VmHWM:")[2]
    except OSError:
        told = ""
    return int(told.split()[0]) if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def checked(raw: Made, made: Made, running: Running, count: int) -> dict[str, Any]:
    """Whether it recorded what it should: how many spans to a call, and whether the prompt is in them."""
    each([made], CHECKED, time.thread_time, rest=False)
    running.flush()
    spans = running.taken()
    said = _said([*spans, *(event for span in spans for event in span.events), *running.logged()])
    return {"spans": len(spans) / CHECKED / made.each, "content": CANARY in said}


def _said(told: list[Any]) -> str:
    """What stands in spans, their events, and log records."""
    return " ".join(repr((dict(one.attributes or {}), getattr(one, "body", None))) for one in told)


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
    raw = asked.make(lambda function: function).pinned()
    running = chosen.start(SINKS.get(measure, "discard"))
    if asked.decorates and running.decorate is None:
        print(json.dumps({"absent": "it has no decorator"}))
        return
    made = asked.make(running.decorate or (lambda function: function))
    print(json.dumps(MEASURES[measure](raw, made, running, asked.calls)), flush=True)
    if SINKS.get(measure) == "stall":
        os._exit(0)  # whoever waits for the exporter would do so now


if __name__ == "__main__":
    main(*sys.argv[1:])
