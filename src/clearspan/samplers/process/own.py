"""The process itself, and the interpreter's garbage collector."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from clearspan.samplers import Reading
from clearspan.samplers.process.ask import Ask, amount
from clearspan.samplers.process.rising import Shares

__all__ = ["Own", "collector"]

_MODES = ("user", "system")
_DIRECTIONS = (("read_bytes", "read"), ("write_bytes", "write"))
_GC = (
    ("collections", "cpython.gc.collections"),
    ("collected", "cpython.gc.collected_objects"),
    ("uncollectable", "cpython.gc.uncollectable_objects"),
)
_GENERATIONS = 3


class Own:
    """The process with the id `pid`, which is the one that asks."""

    def __init__(self, psutil: Any, ask: Ask, clock: Callable[[], float]) -> None:
        self.pid = os.getpid()
        self._psutil = psutil
        self._ask = ask
        self._clock = clock
        self._process = ask(psutil, "Process", self.pid)
        self._used: dict[str, float] = {}
        self._shares = Shares(clock)
        self._born = self._birth()

    def read(self) -> Iterator[Reading]:
        """Everything that can be read of it."""
        yield from self._cpu()
        yield from self._memory()
        for name, method in (
            ("process.thread.count", "num_threads"),
            ("process.unix.file_descriptor.count", "num_fds"),
        ):
            count = self._ask(self._process, method)
            if type(count) is int and count > 0:
                yield Reading(name, count, {})
        if self._born is not None:
            yield Reading("process.uptime", self._clock() - self._born, {})
        yield from self._disk()

    def _birth(self) -> float | None:
        """When it was started, by the clock: the wall clock may be set while it runs."""
        created = self._ask(self._process, "create_time")
        age = time.time() - created if isinstance(created, float) else -1.0
        return self._clock() - age if age >= 0 else None

    def _cpu(self) -> Iterator[Reading]:
        shares = self._busy()
        for mode, used in self._used.items():
            yield Reading("process.cpu.time", used, {"cpu.mode": mode})
        cpus = self._cpus()
        for mode, share in shares if cpus else ():
            told = min(1.0, share / cpus)
            yield Reading("process.cpu.utilization", told, {"cpu.mode": mode})

    def _busy(self) -> list[tuple[str, float]]:
        """The CPU seconds in each second, by mode; what was used in all is kept."""
        times = self._ask(self._process, "cpu_times")
        found = {mode: used for mode in _MODES if (used := amount(times, mode)) is not None}
        self._used = {mode: max(used, self._used.get(mode, 0.0)) for mode, used in found.items()}
        return list(self._shares.of(self._used, self._clock()).items()) if self._used else []

    def _cpus(self) -> int:
        """How many CPUs it may run on; 0 where that is not known."""
        # Not every system has it; then all of them are its.
        bound = hasattr(self._process, "cpu_affinity")
        allowed = self._ask(self._process, "cpu_affinity") if bound else None
        if isinstance(allowed, list) and allowed:
            return len(allowed)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        count = self._ask(self._psutil, "cpu_count")
        return count if type(count) is int else 0

    def _memory(self) -> Iterator[Reading]:
        found = self._ask(self._process, "memory_info")
        used, virtual = amount(found, "rss"), amount(found, "vms")
        if used:
            yield Reading("process.memory.usage", used, {})
            total = amount(self._ask(self._psutil, "virtual_memory"), "total")
            if total:
                yield Reading("process.memory.utilization", used / total, {})
        if virtual:
            yield Reading("process.memory.virtual", virtual, {})

    def _disk(self) -> Iterator[Reading]:
        if sys.platform == "win32":
            return  # what is counted there goes to the network, too
        found = self._ask(self._process, "io_counters")
        for field, direction in _DIRECTIONS:
            moved = amount(found, field)
            if moved is not None:
                yield Reading("process.disk.io", moved, {"disk.io.direction": direction})


def collector(ask: Ask) -> Iterator[Reading]:
    """What the garbage collector did since the interpreter started, by generation."""
    for generation, counts in enumerate((ask(gc, "get_stats") or ())[:_GENERATIONS]):
        for field, name in _GC:
            yield Reading(name, counts[field], {"cpython.gc.generation": generation})
