"""Strips of a device's time, and who has a claim on the energy of each."""

from __future__ import annotations

from typing import TypeVar

from clearspan.figures.hardware.energy import Point, joules

__all__ = ["Strip", "Window", "most"]

_N = TypeVar("_N", int, float)
_DUST = 1e-9
_SUMS = ("length", "energy", "left", "free", "known", "tokens", "seconds", "busy", "seen")
_STATES = ("utilization", "memory", "allocated", "foreign", "occupied", "model")


class Window:
    """What one call, `length` seconds long, finds in the strips of one device.

    `energy` (joules) is that of `known` seconds, `busy` the seconds of full utilisation within `seen`,
    `own` its share of the `timed` seconds.
    """

    __slots__ = (
        "allocated", "busy", "energy", "foreign", "known", "length", "memory", "model", "own", "seen",
        "shared", "timed", "utilization",
    )  # fmt: skip

    def __init__(self, length: float, *, shared: bool) -> None:
        self.length = length
        self.known = self.energy = 0.0
        self.busy = self.seen = 0.0
        self.own = self.timed = 0.0
        self.utilization: float | None = None
        self.memory: int | None = None
        self.allocated: int | None = None
        self.foreign: set[bool | None] = set()
        self.model: str | None = None
        self.shared = shared


class Strip:
    """A time in which at least one call was going on, between two readings or parts of that.

    `energy` are its joules, `left` those that nobody took so far, `free` such seconds. The claims of calls that are not settled are `tokens`
    (those whose model's pace is known) and `seconds` (the others').
    """

    __slots__ = (
        "allocated", "busy", "end", "energy", "foreign", "free", "known", "left", "length", "memory",
        "model", "occupied", "seconds", "seen", "start", "tokens", "utilization",
    )  # fmt: skip

    def __init__(self, start: float) -> None:
        self.start = self.end = start
        self.tokens = self.seconds = 0.0
        self.energy = self.left = self.free = self.known = self.length = 0.0
        self.busy = self.seen = 0.0
        self.utilization: float | None = None
        self.memory: int | None = None
        self.allocated: int | None = None
        self.foreign: frozenset[bool | None] = frozenset()
        self.occupied: frozenset[bool | None] = frozenset()
        self.model: str | None = None

    def fill(self, before: Point | None, after: Point, reach: float) -> None:
        """Say what the readings around it tell. Readings of a device look back, so the later one counts."""
        length, state = self.end - self.start, after.state
        self.length = self.free = length
        energy = joules(before, after, self.start, self.end, reach)
        if energy is not None:
            self.energy = self.left = energy
            self.known = length
        if state.utilization is not None and after.at - self.start <= reach:
            self.busy, self.seen = state.utilization * length, length
        self.utilization, self.memory = state.utilization, state.memory
        self.allocated = _allocated(before, after)
        self.foreign = frozenset((state.foreign,))
        self.occupied = frozenset((state.occupied,))
        self.model = state.model

    def absorb(self, later: Strip) -> None:
        """Be one with the strip that follows: less is known of when it was, the sums stay."""
        self.end = later.end
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(later, name))
        self.utilization = most(self.utilization, later.utilization)
        self.memory = most(self.memory, later.memory)
        self.allocated = most(self.allocated, later.allocated)
        self.foreign |= later.foreign
        self.occupied |= later.occupied

    def split(self, at: float) -> Strip:
        """Give up what was before `at`, as a strip of its own; sums go with the time."""
        earlier = Strip(self.start)
        share = (at - self.start) / (self.end - self.start)
        for name in _SUMS:
            part = getattr(self, name) * share
            setattr(earlier, name, part)
            setattr(self, name, getattr(self, name) - part)
        for name in _STATES:
            setattr(earlier, name, getattr(self, name))
        earlier.end = self.start = at
        return earlier

    def overlap(self, start: float, end: float) -> float:
        """The seconds of it that lie between `start` and `end`; negative if there are none."""
        return min(self.end, end) - max(self.start, start)

    def withdraw(self, overlap: float, rate: float | None) -> None:
        """Give up the claim of a call that was expected to make `rate` tokens per second."""
        if rate is None:
            self.seconds = max(0.0, self.seconds - overlap)
        else:
            self.tokens = max(0.0, self.tokens - overlap * rate)

    def take(self, overlap: float, rate: float, usual: float, into: Window) -> None:
        """Settle a call whose own claim was withdrawn: it has its share of what is left.

        That is never more than all there was while it was there, should it not have been there all the time.
        """
        own = rate * overlap
        others = self.tokens + self.seconds * usual
        share = 1.0 if others <= own * _DUST else own / (own + others)
        part = min(1.0, overlap / self.length)
        energy, time = min(self.left * share, self.energy * part), min(self.free * share, overlap)
        into.known += self.known * part
        into.energy += energy
        into.timed += overlap
        into.own += time
        self.left -= energy
        self.free -= time
        into.busy += self.busy * part
        into.seen += self.seen * part
        into.utilization = most(into.utilization, self.utilization)
        into.memory = most(into.memory, self.memory)
        into.allocated = most(into.allocated, self.allocated)
        into.foreign |= self.foreign
        into.model = self.model or into.model


def most(first: _N | None, second: _N | None) -> _N | None:
    """The larger of two numbers, of which one or both may not be known."""
    if first is None or second is None:
        return second if first is None else first
    return max(first, second)


def _allocated(before: Point | None, after: Point) -> int | None:
    """The most that torch had allocated: exactly, where its own record of that rose meanwhile."""
    known = None if before is None else before.allocated_most
    rose = known is not None and after.allocated_most is not None and after.allocated_most > known
    return after.allocated_most if rose else after.allocated
