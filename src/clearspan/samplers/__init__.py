"""Samplers: what machines tell of themselves. The protocol that the files on this shelf fulfil.

A sampler is opened where it is first needed, never on a caller's thread, and says then whether there is
anything to read. Each figure is isolated: one that cannot be read is left out, the others stand.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

__all__ = [
    "ACCELERATOR",
    "AcceleratorSampler",
    "DeviceState",
    "Instrument",
    "Reading",
    "Sampler",
    "at_work",
    "is_root",
    "sees_all",
]

# The pid namespace that a Linux machine starts with has this number on every kernel.
_FIRST = "pid:[4026531836]"


class Instrument(NamedTuple):
    """An instrument that is read when metrics are collected: `gauge`, `counter` or `updowncounter`."""

    name: str
    kind: str
    unit: str
    note: str


ACCELERATOR: tuple[Instrument, ...] = (
    Instrument("hw.gpu.utilization", "gauge", "1", "share of time in which the GPU worked, by task"),
    Instrument("hw.gpu.memory.utilization", "gauge", "1", "share of the GPU's memory that is in use"),
    Instrument("hw.gpu.memory.usage", "updowncounter", "By", "memory of the GPU that is in use"),
    Instrument("hw.gpu.memory.limit", "updowncounter", "By", "memory that the GPU has"),
    Instrument("hw.power", "gauge", "W", "power that the device draws"),
    Instrument("hw.energy", "counter", "J", "energy that the device has used, by its own meter"),
    Instrument("hw.temperature", "gauge", "Cel", "temperature at a sensor"),
    Instrument("hw.temperature.limit", "gauge", "Cel", "temperature at which the device protects itself"),
    Instrument("hw.fan.speed_ratio", "gauge", "1", "fan speed as a share of the most intended"),
    Instrument("hw.errors", "counter", "{error}", "memory errors that the device counted, by kind"),
    Instrument("hw.status", "updowncounter", "1", "1 for the state that the device is in, 0 for others"),
)  # fmt: skip
"""What is told of accelerators: names, kinds and units of OpenTelemetry's hardware conventions."""


class Reading(NamedTuple):
    """One figure for a metric: the instrument's name, the value, and whose it is."""

    name: str
    value: float
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeviceState:
    """One accelerator at one moment; what could not be read is `None`.

    `utilization` is 0 to 1, `memory` in use in bytes, `power` in watts, `energy` the device's own
    running total in joules. `foreign` says whether processes other than this one compute on it, `occupied`
    whether any does; `model` is what its maker calls it.
    """

    device: str
    utilization: float | None = None
    memory: int | None = None
    power: float | None = None
    energy: float | None = None
    foreign: bool | None = None
    model: str | None = None
    occupied: bool | None = None


class Sampler(Protocol):
    """What `clearspan.samplers` entry points build, without arguments. Used from one thread at a time."""

    name: str
    instruments: Sequence[Instrument]

    def present(self) -> bool:
        """Whether it may be worth opening. Cheap, asked at `init`: nothing is imported or started.

        To look for a library is to load it, and it may stay in the process; none of it is called.
        """
        ...

    def open(self) -> bool:
        """Get ready; `False`, quietly, where there is nothing to read."""
        ...

    def close(self) -> None:
        """Give back what `open` took; it may be opened again."""
        ...

    def read(self) -> Sequence[Reading]:
        """All figures of this moment."""
        ...


class AcceleratorSampler(Sampler, Protocol):
    """A sampler whose devices calls are attributed to."""

    def states(self) -> Sequence[DeviceState]:
        """The devices that this process may use, as they are at this moment."""
        ...

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        """The ids of the devices that a library numbers so, among those that are visible to the process."""
        ...


def is_root() -> bool:
    """Whether this process may look at those of all users."""
    return getattr(os, "geteuid", lambda: -1)() == 0


def sees_all() -> bool:
    """Whether process ids here are the machine's: not so in a container, where drivers tell none of others'."""
    if sys.platform != "linux":
        return True
    try:
        return str(Path("/proc/self/ns/pid").readlink()) == _FIRST
    except OSError:
        return False


def at_work(ids: Iterable[int], *, everybody: bool) -> tuple[bool | None, bool | None]:
    """`foreign` and `occupied` of a device on which the processes `ids` were seen to compute.

    `everybody` says that none can be hidden, and that the ids are those of this process's namespace. Else
    nobody knows that there is no other, and a single unknown id may be this process by another name.
    """
    found, own = set(ids), os.getpid()
    if everybody:
        return not found <= {own}, bool(found)
    others = len(found - {own}) > (own not in found)
    return others or None, bool(found) or None
