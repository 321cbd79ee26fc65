"""AMD's GPUs, by amdsmi, which comes with ROCm and is loaded when the sampler is opened."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import logging
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clearspan.samplers import ACCELERATOR, DeviceState, Reading

__all__ = ["Amd"]

_log = logging.getLogger("clearspan")
_MEGABYTE = 2**20


class Amd:
    """All GPUs that amdsmi tells of. Where a choice of devices is set, calls are not attributed."""

    name = "amd"
    instruments = ACCELERATOR

    def __init__(self) -> None:
        self._library: Any = None
        self._process = 0
        self._devices: dict[str, Any] = {}
        self._failures: Counter[str] = Counter()

    def present(self) -> bool:
        """Whether ROCm's library can be loaded."""
        try:
            ctypes.CDLL("libamd_smi.so")
        except OSError:
            return False
        return True

    def open(self) -> bool:
        """Start amdsmi and find the devices."""
        self.close()
        try:
            # It prints while it is imported, and raises KeyError where there is no ROCm.
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                library = importlib.import_module("amdsmi")
                library.amdsmi_init()
        except Exception as error:  # noqa: BLE001 -- anything may come of a broken ROCm, and means absent
            _log.debug("clearspan: no AMD GPU is read: %s", type(error).__name__)
            return False
        self._library, self._process = library, os.getpid()
        for handle in self._ask("amdsmi_get_processor_handles") or ():
            name = self._ask("amdsmi_get_gpu_device_uuid", handle)
            if isinstance(name, str) and name:
                self._devices[name] = handle
        if not self._devices:
            self.close()
        return bool(self._devices)

    def close(self) -> None:
        """End amdsmi. In a forked child there is nothing to end."""
        if self._library is not None and self._process == os.getpid():
            self._ask("amdsmi_shut_down")
        self._library = None
        self._devices = {}

    def read(self) -> Sequence[Reading]:
        """Utilisation, memory, power, energy and temperature of each device."""
        return [reading for name in self._devices for reading in self._read(name)]

    def states(self) -> Sequence[DeviceState]:
        """The devices, unless a choice of them is set that only ROCm itself can tell."""
        return [] if _chosen() else [self._state(name) for name in self._devices]

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        """The ids of the devices in amdsmi's order, which is that of the bus, as ROCm's is."""
        names = list(self._devices)
        if _chosen() or any(not 0 <= index < len(names) for index in indices):
            return ()
        return tuple(names[index] for index in indices)

    def counts(self) -> Mapping[str, int]:
        """What failed, by function."""
        return dict(self._failures)

    def _state(self, name: str) -> DeviceState:
        handle = self._devices[name]
        memory = self._memory(handle)
        used = None if memory is None else int(memory[0])
        return DeviceState(
            name, self._share(handle), used, self._power(handle), self._energy(handle)
        )

    def _read(self, name: str) -> Iterator[Reading]:
        handle = self._devices[name]
        attributes = {"hw.id": name, "hw.vendor": "AMD"}
        gpu = {**attributes, "hw.type": "gpu"}
        used, total = self._memory(handle) or (None, None)
        task = {**attributes, "hw.gpu.task": "general"}
        heat = {**attributes, "hw.parent": name, "hw.sensor_location": "edge"}
        found = (
            ("hw.gpu.utilization", self._share(handle), task),
            ("hw.gpu.memory.usage", used, attributes),
            ("hw.gpu.memory.limit", total, attributes),
            ("hw.gpu.memory.utilization", used / total if used is not None and total else None, attributes),
            ("hw.power", self._power(handle), gpu),
            ("hw.energy", self._energy(handle), gpu),
            ("hw.temperature", self._heat(handle), heat),
        )  # fmt: skip
        return (Reading(name, value, told) for name, value, told in found if value is not None)

    def _share(self, handle: Any) -> float | None:
        found = _number(_get(self._ask("amdsmi_get_gpu_activity", handle), "gfx_activity"), 100)
        return None if found is None else found / 100

    def _memory(self, handle: Any) -> tuple[float, float] | None:
        found = self._ask("amdsmi_get_gpu_vram_usage", handle)
        total = _number(_get(found, "vram_total"), 2**30)
        used = None if total is None else _number(_get(found, "vram_used"), total)
        return None if not total or used is None else (used * _MEGABYTE, total * _MEGABYTE)

    def _power(self, handle: Any) -> float | None:
        found = self._ask("amdsmi_get_power_info", handle)
        values = (
            _number(_get(found, f"{kind}_socket_power"), 10_000) for kind in ("current", "average")
        )
        return next((value for value in values if value is not None), None)

    def _energy(self, handle: Any) -> float | None:
        found = self._ask("amdsmi_get_energy_count", handle)
        ticks = next(
            (
                _get(found, key)
                for key in ("energy_accumulator", "power")
                if _get(found, key) is not None
            ),
            None,
        )
        count, unit = _number(ticks, 2**63), _number(_get(found, "counter_resolution"), 1e6)
        return None if count is None or not unit else count * unit / 1e6

    def _heat(self, handle: Any) -> float | None:
        kinds = getattr(self._library, "AmdSmiTemperatureType", None)
        metrics = getattr(self._library, "AmdSmiTemperatureMetric", None)
        if kinds is None or metrics is None:
            return None
        return _number(
            self._ask("amdsmi_get_temp_metric", handle, kinds.EDGE, metrics.CURRENT), 200
        )

    def _ask(self, function: str, *arguments: Any) -> Any:
        try:
            return getattr(self._library, function)(*arguments)
        except Exception as error:  # noqa: BLE001 -- its errors have no common base in all versions
            self._failures[function] += 1
            _log.debug("clearspan: %s failed: %s", function, type(error).__name__)
            return None


def _chosen() -> bool:
    return any(
        name in os.environ
        for name in ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
    )


def _get(found: Any, key: str) -> Any:
    return found.get(key) if isinstance(found, dict) else None


def _number(value: Any, most: float) -> float | None:
    if type(value) not in (int, float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= most else None
