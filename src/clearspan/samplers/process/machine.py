"""The machine that the process runs on, as the process sees it: in a container that is the host, mostly."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from clearspan.samplers import Reading
from clearspan.samplers.process.ask import Ask, amount
from clearspan.samplers.process.rising import Shares, Sum

__all__ = ["Machine"]

_MODES = {
    "user": "user", "system": "system", "nice": "nice", "idle": "idle", "iowait": "iowait", "steal": "steal",
    "irq": "interrupt", "softirq": "interrupt", "interrupt": "interrupt", "dpc": "interrupt",
}  # fmt: skip
_NETWORK = (("bytes_recv", "receive"), ("bytes_sent", "transmit"))
_DISK = (("read_bytes", "read"), ("write_bytes", "write"))
_LOOPBACK = ("lo", "lo0")
SYSTEM = Path("/sys")
"""Where Linux tells of devices."""


class Machine:
    """What is the same for all processes there; counters go on over `read`."""

    def __init__(self, psutil: Any, ask: Ask, clock: Callable[[], float]) -> None:
        self._psutil = psutil
        self._ask = ask
        self._shares = Shares(clock)
        self._sums: dict[str, Sum] = {}

    def read(self) -> Iterator[Reading]:
        """Everything that can be read of it."""
        for mode, share in self._modes().items():
            yield Reading("system.cpu.utilization", min(1.0, share), {"cpu.mode": mode})
        yield from self._memory()
        yield from self._network()
        yield from self._disk()

    def _modes(self) -> Mapping[str, float]:
        # What virtual machines were given is in the user's time already.
        times = self._ask(self._psutil, "cpu_times")
        modes: dict[str, float] = {}
        for field, mode in _MODES.items():
            spent = amount(times, field)
            if spent is not None:
                modes[mode] = modes.get(mode, 0.0) + spent
        return self._shares.of(modes, sum(modes.values())) if modes else {}

    def _memory(self) -> Iterator[Reading]:
        found = self._ask(self._psutil, "virtual_memory")
        total = amount(found, "total")
        if not total:
            return
        told = {state: amount(found, state) for state in ("free", "cached", "buffers")}
        states = {state: size for state, size in told.items() if size is not None}
        if "free" in states:  # the states add up to the whole, as the convention wants it
            states["used"] = max(0, total - sum(states.values()))
        for state, size in states.items():
            if size <= total:
                attributes = {"system.memory.state": state}
                yield Reading("system.memory.usage", size, attributes)
                yield Reading("system.memory.utilization", size / total, attributes)

    def _network(self) -> Iterator[Reading]:
        found = self._each("net_io_counters", pernic=True)
        outward = [name for name in found if not _loops(name)]
        # Bridges, tunnels and the like pass on what goes through the hardware; a container has no other.
        chosen = _hardware(outward, "class/net") or outward
        yield from self._summed(
            "system.network.io", "network.io.direction", _NETWORK, found, chosen
        )

    def _disk(self) -> Iterator[Reading]:
        found = self._each("disk_io_counters", perdisk=True)
        # Linux lists partitions, too, and what is made of other disks.
        chosen = _hardware(found, "block") if sys.platform == "linux" else list(found)
        yield from self._summed("system.disk.io", "disk.io.direction", _DISK, found, chosen)

    def _each(self, method: str, **options: bool) -> Mapping[str, Any]:
        # `nowrap` keeps counts for the whole process, which are not ours to change.
        found = self._ask(self._psutil, method, nowrap=False, **options)
        return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]

    def _summed(
        self,
        name: str,
        attribute: str,
        fields: Iterable[tuple[str, str]],
        found: Mapping[str, Any],
        chosen: Iterable[str],
    ) -> Iterator[Reading]:
        for field, direction in fields:
            counts = {
                device: count
                for device in chosen
                if (count := amount(found[device], field)) is not None
            }
            if counts:
                total = self._sums.setdefault(f"{name} {direction}", Sum()).of(counts)
                yield Reading(name, total, {attribute: direction})


def _loops(name: str) -> bool:
    return name in _LOOPBACK or name.lower().startswith("loopback")


def _hardware(names: Iterable[str], kind: str) -> list[str]:
    """Those with a device behind them, as Linux tells."""
    return [name for name in names if (SYSTEM / kind / name.replace("/", "!") / "device").exists()]
