"""Numbers that are made of what only ever rises: sums over devices, and shares of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["Shares", "Sum"]

_KEPT = 256
_WINDOW = 1.0


class Sum:
    """The sum of counters of several devices. It never falls.

    A counter that has started anew is counted on from zero, and what a device that has gone had
    counted stays in the sum. Of the devices that were seen last, so many are remembered.
    """

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}
        self._sum: float = 0

    def of(self, counters: Mapping[str, float]) -> float:
        """The sum, now that the devices' own `counters` stand so."""
        for device, count in counters.items():
            before = self._seen.pop(device, 0)
            self._sum += count - before if count >= before else count
            self._seen[device] = count
        while len(self._seen) > max(_KEPT, len(counters)):
            del self._seen[next(iter(self._seen))]
        return self._sum


class Shares:
    """Shares in the growth of a whole since the last measurement, which is a second ago at the least.

    Who asks earlier is told what was found the last time: over shorter times, the clocks of
    processors are too coarse. The first time nothing is known.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at = float("-inf")
        self._parts: Mapping[str, float] = {}
        self._whole: float | None = None
        self._shares: dict[str, float] = {}

    def of(self, parts: Mapping[str, float], whole: float) -> Mapping[str, float]:
        """How much each part has grown, in relation to `whole`; never less than nothing."""
        now = self._clock()
        if now - self._at < _WINDOW:
            return self._shares
        grown = 0.0 if self._whole is None else whole - self._whole
        self._shares = {
            name: max(0.0, (value - self._parts[name]) / grown)
            for name, value in parts.items()
            if grown > 0 and name in self._parts
        }
        self._at, self._parts, self._whole = now, dict(parts), whole
        return self._shares
