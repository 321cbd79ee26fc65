"""AMD's GPUs, by amdsmi, which comes with ROCm and is loaded when the sampler is opened.

Names and units are those of amdsmi's Python API as documented for ROCm 7.2; where earlier releases
(since 6.0) call a field otherwise, that is read, too.
"""

from __future__ import annotations

import ctypes
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clearspan.core.loading import load
from clearspan.samplers import ACCELERATOR, DeviceState, Reading, at_work, is_root, sees_all

__all__ = ["Amd"]

_log = logging.getLogger("clearspan")
_LONGEST_WAIT = 60.0
# Not supported, not implemented, no permission, no data: ordinary.
_ABSENT = frozenset({2, 3, 10, 40})
# What a device that is there answers, unlike what the driver remembers of it.
_LIVE = frozenset({
    "amdsmi_get_energy_count", "amdsmi_get_gpu_activity", "amdsmi_get_gpu_vram_usage",
    "amdsmi_get_power_info", "amdsmi_get_temp_metric",
})  # fmt: skip
_MEGABYTE = 2**20
# In units of the functions: watts, MB, degrees.
_MOST_POWER, _MOST_MEMORY, _HOTTEST = 10_000, 2**30, 200
_ERRORS = 2.0**48
# How late the energy counter may be, in seconds.
_LATE = 1.0
_SENSORS = ("edge", "hotspot", "vram")
_ECC = {"correctable_count": "corrected", "uncorrectable_count": "uncorrected"}
_CHOICES = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")


class Amd:
    """All GPUs that amdsmi tells of.

    Where a choice of devices is set, calls are not attributed: what it means, only ROCm itself can tell.
    A device that is lost is told as failed; amdsmi is started anew for it after a second, then after
    twice as long each time, up to a minute.
    """

    name = "amd"
    instruments = ACCELERATOR

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ask = _Ask(None)
        self._process = 0
        self._devices: dict[str, _Device] = {}
        self._order: tuple[str, ...] = ()
        self._wait, self._again = 0.0, 0.0

    def present(self) -> bool:
        """Whether ROCm's library can be loaded, which it stays then: where the loader looks, or `ROCM_PATH` says."""
        folders = [os.environ[name] for name in ("ROCM_PATH", "ROCM_HOME") if name in os.environ]
        places = [str(Path(folder, "lib", "libamd_smi.so")) for folder in folders]
        return any(_loads(place) for place in ("libamd_smi.so", *places))

    def open(self) -> bool:
        """Start amdsmi and find the devices; `False` without driver, permission or device."""
        self.close()
        handles = self._start()
        driver = _get(
            self._ask("amdsmi_get_gpu_driver_info", *list(handles.values())[:1]), "driver_version"
        )
        self._devices = {
            name: _Device(self._ask, name, handle, driver, self._clock)
            for name, handle in handles.items()
        }
        self._order = self._numbered(handles)
        if not handles:
            self.close()
        return bool(handles)

    def close(self) -> None:
        """End amdsmi. In a forked child there is nothing to end."""
        self._stop()
        self._devices, self._order = {}, ()
        self._wait, self._again = 0.0, 0.0

    def read(self) -> Sequence[Reading]:
        """All figures of each device."""
        self._revive()
        return [reading for device in self._devices.values() for reading in device.read()]

    def states(self) -> Sequence[DeviceState]:
        """The devices, as far as they are there and it is certain which of them the process may use."""
        if _chosen():
            return []
        self._revive()
        found = [device.state() for device in self._devices.values()]
        return [state for state in found if state is not None]

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        """The ids of the devices with HIP's numbers; none where the numbering is not certain."""
        order = () if _chosen() else self._order
        if any(not 0 <= index < len(order) for index in indices):
            return ()
        return tuple(order[index] for index in indices)

    def counts(self) -> Mapping[str, int]:
        """What failed unexpectedly, by function, and what could not be true, by figure."""
        return {**self._ask.failures, **self._ask.implausible}

    def _start(self) -> dict[str, Any]:
        """The devices' handles by id."""
        if not self.present():  # the import would print that to the program's output
            return {}
        try:
            library: Any = load("amdsmi")
            library.amdsmi_init()
        except Exception as error:  # noqa: BLE001 -- anything may come of a broken ROCm, and means absent
            _log.debug("clearspan: no AMD GPU is read: %s", type(error).__name__)
            return {}
        self._ask.library, self._process = library, os.getpid()
        handles = self._ask("amdsmi_get_processor_handles") or ()
        named = [(self._ask("amdsmi_get_gpu_device_uuid", handle), handle) for handle in handles]
        return {name: handle for name, handle in named if isinstance(name, str) and name}

    def _stop(self) -> None:
        if self._process == os.getpid():
            self._ask("amdsmi_shut_down")
        self._ask.library, self._process = None, 0

    def _numbered(self, handles: Mapping[str, Any]) -> tuple[str, ...]:
        """The ids by HIP's numbers: amdsmi tells these since ROCm 6.4, and one device is number 0."""
        numbers = {
            name: _get(self._ask("amdsmi_get_gpu_enumeration_info", handle), "hip_id")
            for name, handle in handles.items()
        }
        order = {number: name for name, number in numbers.items() if type(number) is int}
        if sorted(order) == list(range(len(handles))):
            return tuple(order[number] for number in sorted(order))
        return tuple(handles) if len(handles) == 1 else ()

    def _revive(self) -> None:
        """Start anew for what was lost, when it is time."""
        lost = [device for device in self._devices.values() if device.lost]
        if not lost:
            self._wait = 0.0
        elif self._wait == 0.0:
            self._defer()
        elif self._clock() >= self._again:
            self._defer()
            self._stop()
            handles = self._start()
            for name, device in self._devices.items():
                device.turn_to(handles.get(name))

    def _defer(self) -> None:
        self._wait = min(_LONGEST_WAIT, max(1.0, 2 * self._wait))
        self._again = self._clock() + self._wait


class _Ask:
    """Asks amdsmi one thing at a time: what fails is absent, and counted unless that is ordinary.

    Since `begin`: `alive` says that something was measured, `dead` that something failed.
    """

    def __init__(self, library: Any) -> None:
        self.library = library
        self.failures: Counter[str] = Counter()
        self.implausible: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        """Forget how it went so far."""
        self.alive = self.dead = False

    def __call__(self, function: str, *arguments: Any) -> Any:
        """What the function answers; `None` where it fails, or this release does not have it."""
        asked = getattr(self.library, function, None)
        if asked is None:
            return None
        try:
            found = asked(*arguments)
        except Exception as error:  # noqa: BLE001 -- its errors have no common base in all releases
            if getattr(error, "err_code", None) not in _ABSENT:
                self.dead = True
                self.failures[function] += 1
                _log.debug("clearspan: %s failed: %s", function, type(error).__name__)
            return None
        self.alive = self.alive or function in _LIVE
        return found

    def number(self, figure: str, value: Any, most: float, least: float = 0.0) -> float | None:
        """`value` if it is a number between the two; `N/A`, which amdsmi says, is none."""
        if value is None or isinstance(value, str):
            return None
        known = type(value) in (int, float) and least <= value <= most  # which NaN is not
        if not known:
            self.implausible[figure] += 1
            _log.debug("clearspan: %s of %r cannot be true", figure, value)
            return None
        return float(value)


class _Device:
    """One GPU. It is `lost` when there was nothing but failures; then it is not asked any more."""

    def __init__(
        self, ask: _Ask, name: str, handle: Any, driver: Any, clock: Callable[[], float]
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._name = name
        self._energy_before: tuple[float, float] | None = None
        self._asked = float("-inf")
        self._at_work: tuple[bool | None, bool | None] = (None, None)
        told = {
            "hw.id": name,
            "hw.name": (
                model := _text(_get(ask("amdsmi_get_gpu_asic_info", handle), "market_name"))
            ),
            "hw.model": model,
            "hw.vendor": "AMD",
            "hw.driver_version": _text(driver),
        }
        self._model = model
        self._attributes = {key: value for key, value in told.items() if value}
        self.turn_to(handle)

    def turn_to(self, handle: Any) -> None:
        """Read that handle from now on; without one the device is lost."""
        self._handle = handle
        self.lost = handle is None

    def state(self) -> DeviceState | None:
        """What calls are attributed by; `None` if it is lost."""
        if self.lost:
            return None
        self._ask.begin()
        used, _ = self._memory() or (None, None)
        foreign, occupied = self._others()
        found = DeviceState(
            self._name, self._utilization(), None if used is None else int(used), self._power(),
            self._energy(), foreign, self._model, occupied,
        )  # fmt: skip
        return None if self._see() else found

    def read(self) -> Sequence[Reading]:
        """All figures for metrics that can be had; of a device that is lost, that it failed."""
        if not self.lost:
            self._ask.begin()
            found = [*self._read_work(), *self._read_heat(), *self._read_errors()]
            if not self._see():
                return found
        return [*self._status("failed")]

    def _see(self) -> bool:
        self.lost = self._ask.dead and not self._ask.alive
        return self.lost

    def _of(self, name: str, value: float | None, **more: Any) -> Iterator[Reading]:
        if value is not None:
            extra = {key.replace("__", "."): told for key, told in more.items()}
            yield Reading(name, value, {**self._attributes, **extra})

    def _read_work(self) -> Iterator[Reading]:
        yield from self._of("hw.gpu.utilization", self._utilization(), hw__gpu__task="general")
        memory = self._memory()
        if memory is not None:
            used, total = memory
            yield from self._of("hw.gpu.memory.usage", used)
            yield from self._of("hw.gpu.memory.limit", total)
            yield from self._of("hw.gpu.memory.utilization", used / total)
        yield from self._of("hw.power", self._power(), hw__type="gpu")
        yield from self._of("hw.energy", self._energy(), hw__type="gpu")

    def _read_heat(self) -> Iterator[Reading]:
        for sensor in _SENSORS:
            place = {"hw__parent": self._name, "hw__sensor_location": sensor}
            yield from self._of("hw.temperature", self._heat(sensor, "CURRENT"), **place)
            limit = {**place, "hw__limit_type": "high.critical"}
            yield from self._of(
                "hw.temperature.limit", self._heat(sensor, "CRITICAL") or None, **limit
            )
        ask, handle = self._ask, self._handle
        most = ask.number("fan", ask("amdsmi_get_gpu_fan_speed_max", handle, 0), 1e6)
        speed = ask.number("fan", ask("amdsmi_get_gpu_fan_speed", handle, 0), 2e6)
        if most and speed is not None:
            own = {"hw__id": f"{self._name}/fan0", "hw__name": "fan 0", "hw__parent": self._name}
            yield from self._of("hw.fan.speed_ratio", speed / most, **own)

    def _read_errors(self) -> Iterator[Reading]:
        found = self._ask("amdsmi_get_gpu_total_ecc_count", self._handle)
        counts = {
            label: self._ask.number("errors", _get(found, key), _ERRORS)
            for key, label in _ECC.items()
        }
        for label, count in counts.items():
            yield from self._of("hw.errors", count, hw__type="gpu", error__type=label)
        if counts["uncorrected"]:
            yield from self._status("degraded")
        elif self._ask.alive:
            yield from self._status("ok")

    def _status(self, current: str) -> Iterator[Reading]:
        for state in ("ok", "degraded", "failed"):
            value = float(state == current)
            yield from self._of("hw.status", value, hw__type="gpu", hw__state=state)

    def _utilization(self) -> float | None:
        share = _get(self._ask("amdsmi_get_gpu_activity", self._handle), "gfx_activity")
        found = self._ask.number("utilization", share, 100)
        return None if found is None else found / 100

    def _memory(self) -> tuple[float, float] | None:
        """Bytes in use, and in all."""
        found = self._ask("amdsmi_get_gpu_vram_usage", self._handle)
        total = self._ask.number("memory", _get(found, "vram_total"), _MOST_MEMORY, 1)
        used = (
            None if total is None else self._ask.number("memory", _get(found, "vram_used"), total)
        )
        return None if total is None or used is None else (used * _MEGABYTE, total * _MEGABYTE)

    def _power(self) -> float | None:
        """Watts; which field has them depends on release and model, the others say `N/A`."""
        found = self._ask("amdsmi_get_power_info", self._handle)
        kinds = ("socket_power", "current_socket_power", "average_socket_power")
        told = [value for kind in kinds if type(value := _get(found, kind)) in (int, float)]
        fits = [value for value in told if value <= _MOST_POWER]  # the rest means `N/A` in old ones
        return self._ask.number("power", (fits or told or [None])[0], _MOST_POWER)

    def _energy(self) -> float | None:
        """Joules: a counter, and what one of its steps is worth in microjoules."""
        found = self._ask("amdsmi_get_energy_count", self._handle)
        count = _get(found, "energy_accumulator")
        count = _get(found, "power") if count is None else count
        steps = self._ask.number("energy", count, 2.0**63)
        worth = self._ask.number("energy", _get(found, "counter_resolution"), 1e6)
        if steps is None or not worth:
            return None
        now, joules = self._clock(), steps * worth / 1e6
        before, self._energy_before = self._energy_before, (now, joules)
        if before is None:
            return joules
        at, least = before
        # Back, or faster than any device: one of the two is wrong, and the next will show which.
        return self._ask.number("energy", joules, least + _MOST_POWER * (now - at + _LATE), least)

    def _heat(self, sensor: str, metric: str) -> float | None:
        library = self._ask.library
        kind = getattr(getattr(library, "AmdSmiTemperatureType", None), sensor.upper(), None)
        what = getattr(getattr(library, "AmdSmiTemperatureMetric", None), metric, None)
        if kind is None or what is None:
            return None
        asked = self._ask("amdsmi_get_temp_metric", self._handle, kind, what)
        return self._ask.number("temperature", asked, _HOTTEST)

    def _others(self) -> tuple[bool | None, bool | None]:
        """Whether others compute here, and whether anybody does; asked once a second, as amdsmi wants it."""
        now = self._clock()
        if now - self._asked >= 1.0:
            self._asked = now
            running = self._ask("amdsmi_get_gpu_process_list", self._handle)
            ids, everybody = _busy(running), is_root() and sees_all()
            self._at_work = (None, None) if ids is None else at_work(ids, everybody=everybody)
        return self._at_work


def _busy(running: Any) -> set[int] | None:
    """The ids of those with memory on the device: the others only have it open."""
    if not isinstance(running, list) or not all(isinstance(each, dict) for each in running):
        return None
    found = [each for each in running if _get(_get(each, "memory_usage"), "vram_mem") != 0]
    return {_get(each, "pid") for each in found}


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _chosen() -> bool:
    return any(name in os.environ for name in _CHOICES)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value not in ("", "N/A") else None


def _get(found: Any, key: str) -> Any:
    return found.get(key) if isinstance(found, dict) else None
