"""NVIDIA's GPUs, by NVML through nvidia-ml-py, which is loaded when the sampler is opened."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clearspan.core.loading import load
from clearspan.samplers import ACCELERATOR, DeviceState, Reading
from clearspan.samplers.nvml.ask import Ask
from clearspan.samplers.nvml.device import Device
from clearspan.samplers.nvml.visible import Unit, visible

__all__ = ["Nvml"]

_log = logging.getLogger("clearspan")
_LONGEST_WAIT = 60.0


class Nvml:
    """The GPUs and MIG slices that this process may use.

    Where a device is lost, or the driver was reloaded, NVML is started anew: after a second, then
    after twice as long each time, up to a minute. Until the device is back it is told as failed and
    not asked for anything. Devices and their numbers stay those of `open`, as CUDA's do.
    """

    name = "nvml"
    instruments = ACCELERATOR

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._library: Any = None
        self._process = 0
        self._tally: Ask | None = None
        self._wait = 0.0
        self._again = float("-inf")
        self._order: tuple[str, ...] | None = ()
        self._shown: dict[str, Device] = {}

    def present(self) -> bool:
        """Whether NVIDIA's library can be loaded, which it stays then. Nothing of it is called."""
        windows = sys.platform == "win32"
        try:
            ctypes.CDLL("nvml.dll" if windows else "libnvidia-ml.so.1")
        except OSError:
            return False
        return True

    def open(self) -> bool:
        """Start NVML and find the devices; `False` without driver, permission or visible device."""
        self.close()
        found = self._start()
        if found is not None:
            self._order, self._shown = found
        if not self._shown:
            self.close()
        return bool(self._shown)

    def close(self) -> None:
        """End NVML, as often as it was started. In a forked child there is nothing to end."""
        self._stop()
        self._order, self._shown = (), {}

    def read(self) -> Sequence[Reading]:
        """All figures of the devices that are visible."""
        self._ready()
        found = [reading for device in self._shown.values() for reading in device.read()]
        self._look()
        return found

    def states(self) -> Sequence[DeviceState]:
        """Utilisation, memory, power, energy, and whether others compute there.

        None where CUDA's numbers are not certain, so that no call is told of another's device.
        """
        self._ready()
        found = [self._shown[name].state() for name in self._order or ()]
        self._look()
        return [state for state in found if state is not None]

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        """The UUIDs of the devices with CUDA's numbers; none where the numbering is not certain."""
        order = self._order or ()
        if any(not 0 <= index < len(order) for index in indices):
            return ()
        return tuple(order[index] for index in indices)

    def counts(self) -> Mapping[str, int]:
        """What failed unexpectedly, by function, and what could not be true, by figure."""
        return {} if self._tally is None else {**self._tally.failures, **self._tally.implausible}

    def _start(self) -> tuple[tuple[str, ...] | None, dict[str, Device]] | None:
        """The order of the devices by CUDA's numbers, and those to be read by id."""
        try:
            pynvml: Any = load("pynvml")
        except ImportError:
            _log.debug("clearspan: nvidia-ml-py is not installed")
            return None
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            _log.debug("clearspan: no NVIDIA GPU is read: %s", error)
            return None
        self._library, self._process = pynvml, os.getpid()
        self._tally = Ask(pynvml, self._tally)
        return _find(self._tally, self._clock)

    def _stop(self) -> None:
        library, self._library = self._library, None
        if library is None or self._process != os.getpid():
            return
        try:
            library.nvmlShutdown()
        except library.NVMLError as error:
            _log.debug("clearspan: NVML did not end: %s", error)

    def _ready(self) -> None:
        """Start anew for what was lost, when it is time, and in a forked child."""
        inherited = self._process != os.getpid()
        if not self._shown or not (inherited or (self._lost() and self._clock() >= self._again)):
            return
        self._stop()
        found = self._start()
        self._process = os.getpid()
        now = {} if found is None else found[1]
        for name, device in self._shown.items():
            device.lost = True
            self._shown[name] = now.get(name, device)

    def _look(self) -> None:
        """Have it rest longer, if what was lost is lost still."""
        if self._lost():
            if self._clock() >= self._again:
                self._wait = min(_LONGEST_WAIT, max(1.0, 2 * self._wait))
                self._again = self._clock() + self._wait
        elif all(device.lost is False for device in self._shown.values()):
            self._wait = 0.0

    def _lost(self) -> bool:
        return any(device.lost for device in self._shown.values())


def _find(ask: Ask, clock: Callable[[], float]) -> tuple[tuple[str, ...] | None, dict[str, Device]]:
    gpus, whole = _gpus(ask)
    driver = ask("nvmlSystemGetDriverVersion")
    units = {unit.id: unit for gpu in gpus for unit in (gpu, *gpu.slices)}
    order = visible(gpus, os.environ, whole=whole)
    shown = units.values() if order is None else order
    # Of a slice, power and temperature are its GPU's.
    names = dict.fromkeys(name for unit in shown for name in (unit.parent, unit.id) if name)
    found = {name: Device(ask, units[name], driver, clock) for name in names}
    return None if order is None else tuple(unit.id for unit in order), found


def _gpus(ask: Ask) -> tuple[list[Unit], bool]:
    """The GPUs, and whether those are all that CUDA numbers; it leaves out those without permission."""
    found: list[Unit] = []
    before = ask.failures.copy()
    for index in range(int(ask.number("count", ask("nvmlDeviceGetCount"), 256) or 0)):
        handle = ask("nvmlDeviceGetHandleByIndex", index)
        name = None if handle is None else ask("nvmlDeviceGetUUID", handle)
        if isinstance(name, str) and name:
            model = str(ask("nvmlDeviceGetName", handle) or "")
            mode = ask("nvmlDeviceGetMigMode", handle)
            sliced = bool(mode) and mode[0] == 1
            parts = _slices(ask, handle, name, model) if sliced else ()
            found.append(Unit(name, model, handle, None, parts, sliced))
    needed = ("nvmlDeviceGetHandleByIndex", "nvmlDeviceGetUUID")
    return found, all(ask.failures[function] == before[function] for function in needed)


def _slices(ask: Ask, gpu: Any, parent: str, model: str) -> tuple[Unit, ...]:
    found: list[Unit] = []
    most = ask.number("slices", ask("nvmlDeviceGetMaxMigDeviceCount", gpu), 64)
    for index in range(int(most or 0)):
        handle = ask("nvmlDeviceGetMigDeviceHandleByIndex", gpu, index)
        name = None if handle is None else ask("nvmlDeviceGetUUID", handle)
        if isinstance(name, str) and name:
            own = ask("nvmlDeviceGetName", handle)
            found.append(Unit(name, str(own or model), handle, parent))
    return tuple(found)
