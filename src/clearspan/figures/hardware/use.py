"""From what a call found on each device to what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from clearspan.figures.hardware.strips import Window
from clearspan.record import HardwareUse

__all__ = ["use"]

_N = TypeVar("_N", int, float)
# Sums and means are told where so much of the call's time was seen.
_COVERED = 0.98


def use(
    windows: Mapping[str, Window], tokens: int | None, *, within: bool, sure: bool
) -> HardwareUse | None:
    """What a call used of `windows` (by the devices' ids), and for each of its output tokens.

    Over several devices the utilisation is the mean, its peak the highest; memory and energy are
    sums, absent where one device did not tell. torch's allocator tells of calls `within` the process, and
    only those can be alone on their devices, if it is `sure` which these are.
    """
    found = [windows[device] for device in sorted(windows)]
    energy = _sum([window.energy if _covers(window.known, window) else None for window in found])
    shares = [window.busy / window.seen for window in found if _covers(window.seen, window)]
    peaks = [window.utilization for window in found if window.utilization is not None]
    memory = _sum([window.memory for window in found])
    own = tuple(window.own / window.timed for window in found if _covers(window.timed, window))
    allocated = [window.allocated for window in found if window.allocated is not None]
    if energy is None and memory is None and not peaks and not allocated:
        return None
    return HardwareUse(
        devices=tuple(sorted(windows)),
        utilization=sum(shares) / len(shares) if shares else None,
        utilization_peak=max(peaks, default=None),
        memory_peak=memory,
        allocator_peak=sum(allocated) if within and allocated else None,
        energy=energy,
        energy_per_token=energy / tokens if energy is not None and tokens else None,
        attribution=_attribution(found) if within and sure else "shared",
        share=sum(own) / len(own) if len(own) == len(found) else None,
        shares=own if len(own) == len(found) else (),
        models=_models(windows),
    )


def _models(windows: Mapping[str, Window]) -> tuple[str, ...]:
    found = tuple(windows[device].model or "" for device in sorted(windows))
    return found if any(found) else ()


def _covers(seconds: float, window: Window) -> bool:
    return seconds > 0 and seconds >= _COVERED * window.length


def _sum(parts: list[_N | None]) -> _N | None:
    """The sum of parts that are all known."""
    known = [part for part in parts if part is not None]
    return sum(known[1:], known[0]) if known and len(known) == len(parts) else None


def _attribution(windows: list[Window]) -> str | None:
    foreign = set[bool | None]().union(*(window.foreign for window in windows))
    if True in foreign or any(window.shared for window in windows):
        return "shared"
    return "exclusive" if foreign == {False} else None
