"""NVIDIA's GPUs, by NVML through nvidia-ml-py, which is loaded when the sampler is opened."""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clearspan.samplers import ACCELERATOR, DeviceState, Reading
from clearspan.samplers.nvml.ask import Ask
from clearspan.samplers.nvml.device import Device
from clearspan.samplers.nvml.visible import Unit, visible

__all__ = ["Nvml"]

_log = logging.getLogger("clearspan")
_LONGEST_WAIT = 60.0


class Nvml:
    """The GPUs and MIG slices that this process may use.

    A lost device, or a driver that was reloaded, has everything opened anew: after a second, then
    after twice as long each time, up to a minute.
    """

    name = "nvml"
    instruments = ACCELERATOR

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._library: Any = None
        self._process = 0
        self._ask: Ask | None = None
        self._wait = 0.0
        self._again = 0.0
        self._clear()

    def _clear(self) -> None:
        self._order: tuple[Unit, ...] | None = ()
        self._devices: dict[str, Device] = {}
        self._shown: dict[str, Device] = {}

    def present(self) -> bool:
        """Whether NVIDIA's library can be loaded. Nothing of it is called."""
        windows = sys.platform == "win32"
        try:
            ctypes.CDLL("nvml.dll" if windows else "libnvidia-ml.so.1")
        except OSError:
            return False
        return True

    def open(self) -> bool:
        """Start NVML and find the devices; `False` without driver, permission or device."""
        self.close()
        try:
            pynvml: Any = importlib.import_module("pynvml")
        except ImportError:
            _log.debug("clearspan: nvidia-ml-py is not installed")
            return False
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            _log.debug("clearspan: no NVIDIA GPU is read: %s", error)
            return False
        self._library, self._process = pynvml, os.getpid()
        self._ask = Ask(pynvml) if self._ask is None else self._ask
        self._ask.lost = False
        self._find(self._ask)
        if not self._devices:
            self.close()
            return False
        return True

    def close(self) -> None:
        """End NVML, as often as it was started. In a forked child there is nothing to end."""
        library, self._library = self._library, None
        self._clear()
        if library is None or self._process != os.getpid():
            return
        try:
            library.nvmlShutdown()
        except library.NVMLError as error:
            _log.debug("clearspan: NVML did not end: %s", error)

    def read(self) -> Sequence[Reading]:
        """All figures of the devices that are visible."""
        self._ready()
        found = [reading for device in self._shown.values() for reading in device.read()]
        self._look()
        return found

    def states(self) -> Sequence[DeviceState]:
        """Utilisation, memory, power, energy, and whether others compute there."""
        self._ready()
        found = [
            self._devices[unit.id].state() for unit in self._order or () if unit.id in self._devices
        ]
        self._look()
        return found

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        """The UUIDs of the devices with CUDA's numbers; none where the numbering is not certain."""
        order = self._order or ()
        if any(not 0 <= index < len(order) for index in indices):
            return ()
        return tuple(order[index].id for index in indices)

    def counts(self) -> Mapping[str, int]:
        """What failed unexpectedly, by function, and what could not be true, by figure."""
        return {} if self._ask is None else {**self._ask.failures, **self._ask.implausible}

    def _find(self, ask: Ask) -> None:
        gpus = _gpus(ask)
        driver = ask("nvmlSystemGetDriverVersion")
        for gpu in gpus:
            for unit in (gpu, *gpu.slices):
                self._devices[unit.id] = Device(ask, unit, driver, self._clock)
        self._order = visible(gpus, os.environ)
        if self._order is None:
            self._shown = dict(self._devices)
        else:
            # Of a slice, power and temperature are its GPU's.
            names = [name for unit in self._order for name in (unit.parent, unit.id) if name]
            self._shown = {name: self._devices[name] for name in names}

    def _ready(self) -> None:
        """Open anew what was lost, when it is time."""
        if self._ask is None or not (self._ask.lost or self._library is None):
            return
        if self._clock() >= self._again and not self.open():
            self._defer()
            raise OSError("no NVIDIA GPU can be read just now")

    def _look(self) -> None:
        if self._ask is None:
            return
        if not self._ask.lost:
            self._wait = 0.0
        elif self._clock() >= self._again:
            self._defer()

    def _defer(self) -> None:
        self._wait = min(_LONGEST_WAIT, max(1.0, 2 * self._wait))
        self._again = self._clock() + self._wait


def _gpus(ask: Ask) -> list[Unit]:
    found: list[Unit] = []
    for index in range(int(ask.number("count", ask("nvmlDeviceGetCount"), 256) or 0)):
        handle = ask("nvmlDeviceGetHandleByIndex", index)
        name = None if handle is None else ask("nvmlDeviceGetUUID", handle)
        if isinstance(name, str) and name:
            model = str(ask("nvmlDeviceGetName", handle) or "")
            mode = ask("nvmlDeviceGetMigMode", handle)
            sliced = bool(mode) and mode[0] == 1
            parts = _slices(ask, handle, name, model) if sliced else ()
            found.append(Unit(name, model, handle, None, parts, sliced))
    return found


def _slices(ask: Ask, gpu: Any, parent: str, model: str) -> tuple[Unit, ...]:
    found: list[Unit] = []
    for index in range(
        int(ask.number("slices", ask("nvmlDeviceGetMaxMigDeviceCount", gpu), 64) or 0)
    ):
        handle = _slice(ask, gpu, index)
        name = None if handle is None else ask("nvmlDeviceGetUUID", handle)
        if isinstance(name, str) and name:
            own = ask("nvmlDeviceGetName", handle)
            found.append(Unit(name, str(own or model), handle, parent))
    return tuple(found)


def _slice(ask: Ask, gpu: Any, index: int) -> Any:
    # A free place answers "not found", which is no failure.
    before = ask.failures["nvmlDeviceGetMigDeviceHandleByIndex"]
    handle = ask("nvmlDeviceGetMigDeviceHandleByIndex", gpu, index)
    ask.failures["nvmlDeviceGetMigDeviceHandleByIndex"] = before
    return handle
