"""One GPU or MIG slice: its figures, each asked for by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from clearspan.samplers import DeviceState, Reading, at_work, sees_all
from clearspan.samplers.nvml.ask import Ask
from clearspan.samplers.nvml.visible import Unit

__all__ = ["Device"]

_MEMORY = 2.0**50
_MILLIWATTS = 10_000_000
_MILLIJOULES = 2.0**60
_ERRORS = 2.0**48
# How far the meter may run in a second, and how late it may be.
_PACE, _LATE = 10_000_000, 1.0
_HOTTEST = 200
_FANS = 16
_LIMITS = {0: "high.critical", 1: "throttled", 3: "high.degraded"}
_ECC = {0: "corrected", 1: "uncorrected"}


class Device:
    """Reads one unit. A slice has memory only: the rest belongs to its GPU.

    `lost` is `None` until it was read. It is true when errors of a device or a driver that has gone were
    all there was, and then nothing more is asked: it is for the sampler to start anew.
    """

    def __init__(
        self, ask: Ask, unit: Unit, driver: str | None, clock: Callable[[], float]
    ) -> None:
        self._ask = ask.apart()
        self._unit = unit
        self._clock = clock
        self.lost: bool | None = None
        self._energy_before: tuple[float, float] | None = None
        self._asked = float("-inf")
        self._at_work: tuple[bool | None, bool | None] = (None, None)
        told = {
            "hw.id": unit.id,
            "hw.name": unit.name,
            "hw.model": unit.name,
            "hw.vendor": "NVIDIA",
            "hw.driver_version": driver,
            "hw.parent": unit.parent,
        }
        self._attributes = {name: value for name, value in told.items() if value}

    def state(self) -> DeviceState | None:
        """What calls are attributed by; `None` if it is lost."""
        if self.lost:
            return None
        self._ask.begin()
        memory = self._memory()
        used = None if memory is None else memory[0]
        whole = self._unit.parent is None
        foreign, occupied = self._others()
        found = DeviceState(
            self._unit.id,
            self._utilization() if whole else None,
            used,
            self._power() if whole else None,
            self._energy() if whole else None,
            foreign,
            self._unit.name or None,
            occupied,
        )
        return None if self._see() else found

    def read(self) -> Sequence[Reading]:
        """All figures for metrics that can be had; of a device that is lost, that it failed."""
        if not self.lost:
            self._ask.begin()
            found = [*self._read_memory(), *(self._read_whole() if not self._unit.parent else ())]
            if not self._see():
                return found
        return [] if self._unit.parent else [*self._status("failed")]

    def _see(self) -> bool:
        self.lost = self._ask.dead and not self._ask.alive
        return self.lost

    def _read_whole(self) -> Iterator[Reading]:
        yield from self._read_work()
        yield from self._read_heat()
        yield from self._read_errors()

    def _of(self, name: str, value: float | None, **more: Any) -> Iterator[Reading]:
        if value is not None:
            extra = {key.replace("__", "."): told for key, told in more.items()}
            yield Reading(name, value, {**self._attributes, **extra})

    def _read_memory(self) -> Iterator[Reading]:
        memory = self._memory()
        if memory is not None:
            used, total = memory
            yield from self._of("hw.gpu.memory.usage", used)
            yield from self._of("hw.gpu.memory.limit", total)
            yield from self._of("hw.gpu.memory.utilization", used / total)

    def _read_work(self) -> Iterator[Reading]:
        yield from self._of("hw.gpu.utilization", self._utilization(), hw__gpu__task="general")
        for task in ("encoder", "decoder"):
            share = self._ask(f"nvmlDeviceGet{task.title()}Utilization", self._unit.handle)
            value = self._ask.number("utilization", share and share[0], 100, scale=0.01)
            yield from self._of("hw.gpu.utilization", value, hw__gpu__task=task)
        yield from self._of("hw.power", self._power(), hw__type="gpu")
        yield from self._of("hw.energy", self._energy(), hw__type="gpu")

    def _read_heat(self) -> Iterator[Reading]:
        ask, handle = self._ask, self._unit.handle
        parent = {"hw__parent": self._unit.id}
        degrees = ask.number("temperature", ask("nvmlDeviceGetTemperature", handle, 0), _HOTTEST)
        yield from self._of("hw.temperature", degrees, **parent, hw__sensor_location="gpu")
        for threshold, kind in _LIMITS.items():
            asked = ask("nvmlDeviceGetTemperatureThreshold", handle, threshold)
            limit = ask.number("temperature.limit", asked, _HOTTEST, 1)
            yield from self._of("hw.temperature.limit", limit, **parent, hw__limit_type=kind)
        fans = ask.number("fans", ask("nvmlDeviceGetNumFans", handle), _FANS)
        for fan in range(int(fans or 0)):
            speed = ask("nvmlDeviceGetFanSpeed_v2", handle, fan)
            ratio = ask.number("fan", speed, 200, scale=0.01)
            own = {"hw__id": f"{self._unit.id}/fan{fan}", "hw__name": f"fan {fan}"}
            yield from self._of("hw.fan.speed_ratio", ratio, **parent, **own)

    def _read_errors(self) -> Iterator[Reading]:
        ask, handle = self._ask, self._unit.handle
        for kind, label in _ECC.items():
            # Over the device's life (1), which no restart sets back.
            count = ask.number(
                "errors", ask("nvmlDeviceGetTotalEccErrors", handle, kind, 1), _ERRORS
            )
            yield from self._of("hw.errors", count, hw__type="gpu", error__type=label)
        uncorrected = ask.number(
            "errors", ask("nvmlDeviceGetTotalEccErrors", handle, 1, 0), _ERRORS
        )
        if uncorrected:
            yield from self._status("degraded")
        elif ask.alive and not ask.gone:
            yield from self._status("ok")

    def _status(self, current: str) -> Iterator[Reading]:
        for state in ("ok", "degraded", "failed"):
            value = float(state == current)
            yield from self._of("hw.status", value, hw__type="gpu", hw__state=state)

    def _utilization(self) -> float | None:
        rates = self._ask("nvmlDeviceGetUtilizationRates", self._unit.handle)
        return self._ask.number("utilization", rates and rates.gpu, 100, scale=0.01)

    def _memory(self) -> tuple[int, int] | None:
        found = self._ask("nvmlDeviceGetMemoryInfo", self._unit.handle)
        if found is None:
            return None
        total = self._ask.number("memory", found.total, _MEMORY, 1)
        used = None if total is None else self._ask.number("memory", found.used, total)
        return None if total is None or used is None else (int(used), int(total))

    def _power(self) -> float | None:
        asked = self._ask("nvmlDeviceGetPowerUsage", self._unit.handle)
        return self._ask.number("power", asked, _MILLIWATTS, scale=1e-3)

    def _energy(self) -> float | None:
        asked = self._ask("nvmlDeviceGetTotalEnergyConsumption", self._unit.handle)
        found = self._ask.number("energy", asked, _MILLIJOULES)
        if found is None:
            return None
        now = self._clock()
        before, self._energy_before = self._energy_before, (now, found)
        if before is not None:
            at, least = before
            # Back, or faster than any device: one of the two is wrong, and the next will show which.
            found = self._ask.number("energy", found, least + _PACE * (now - at + _LATE), least)
        return None if found is None else found / 1e3

    def _others(self) -> tuple[bool | None, bool | None]:
        """Whether others use this device, and whether anybody computes on it; looked at once a second at the most.

        The driver tells of processes that the asker's pid namespace knows, some releases by the host's ids.
        """
        now = self._clock()
        if now - self._asked >= 1.0:
            self._asked = now
            # Without its version the binding raises something else on drivers that lack it.
            compute = self._processes("nvmlDeviceGetComputeRunningProcesses_v3")
            drawing = self._processes("nvmlDeviceGetGraphicsRunningProcesses_v3")
            self._at_work = (None, None)
            if compute is not None:
                everybody = sees_all()
                _, occupied = at_work(compute, everybody=everybody)
                foreign, _ = at_work(compute | (drawing or set()), everybody=everybody)
                self._at_work = (None if drawing is None and not foreign else foreign, occupied)
        return self._at_work

    def _processes(self, function: str) -> set[int] | None:
        running = self._ask(function, self._unit.handle)
        return None if running is None else {process.pid for process in running}
