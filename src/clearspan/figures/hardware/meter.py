"""One device: its readings, the calls that are on it, and the strips that they settle.

Time is cut where a reading was taken and where the first call comes or the last one goes, so that a
strip always has a call in it. Several calls in one strip share it by tokens: by the rate of the one
that settles and what is expected of those still to come. The last one has the rest, so that the
shares add up to what the device used.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from operator import attrgetter

from clearspan.figures.hardware.calls import Call
from clearspan.figures.hardware.energy import Point, follow, hold
from clearspan.figures.hardware.strips import Strip, Window

__all__ = ["Meter"]

_STRIPS = 1_024
_MET = 8
# Of a call that others outlast, this share of its time may go by after the last reading and be theirs.
_TAIL = 0.01
_end_of = attrgetter("end")


class _Presence:
    """A call on this device: since when, until when, how fast it is expected to be, whom it met."""

    __slots__ = ("met", "rate", "since", "until", "void")  # `void`: others do its work

    def __init__(self, since: float, rate: float | None) -> None:
        self.since = since
        self.until = float("inf")
        self.rate = rate
        self.met: list[_Presence] = []
        self.void = False

    @property
    def shared(self) -> bool:
        """Whether another call was there at the same time, and not only for a call below it."""
        return len(self.met) >= _MET or any(
            not other.void and other.since < self.until and self.since < other.until
            for other in self.met
        )


class Meter:
    """`reach` (seconds) is how far a reading's power is taken to hold."""

    def __init__(self, reach: float) -> None:
        self._reach = reach
        self._last: Point | None = None
        self._now = float("-inf")
        self._present: dict[Call, _Presence] = {}
        self._active: dict[Call, _Presence] = {}
        self._lonely: set[_Presence] = set()
        self._strips: list[Strip] = []
        self._unread: list[Strip] = []
        self._current: Strip | None = None
        self._tokens = 0.0
        self._unknown = 0

    def __contains__(self, call: Call) -> bool:
        return call in self._present

    def read(self, point: Point) -> None:
        """Take a reading."""
        at = max(point.at, self._now)
        if self._last is None or at > self._last.at:
            self._close(follow(self._last, point._replace(at=at)))
            self._drop()

    def enter(self, call: Call, at: float, rate: float | None) -> None:
        """A call begins, of whose model such a rate (tokens per second) is known."""
        self._accrue(at)
        self._cut(self._now)
        if self._current is None:
            self._current = Strip(self._now)
        presence = _Presence(self._now, rate)
        presence.met.extend(islice(self._active.values(), _MET))
        for other in tuple(self._lonely):
            other.met.append(presence)
            if len(other.met) >= _MET:
                self._lonely.discard(other)
        if len(presence.met) < _MET:
            self._lonely.add(presence)
        self._present[call] = self._active[call] = presence
        self._tokens += rate or 0.0
        self._unknown += rate is None

    def leave(self, call: Call, at: float) -> None:
        """A call is over. What it claims stays claimed until it settles."""
        presence = self._active.get(call)
        if presence is None:
            return
        self._accrue(at)
        del self._active[call]
        presence.until = self._now
        self._shorten(presence, at)  # the news may have come late
        self._lonely.discard(presence)
        self._tokens -= presence.rate or 0.0
        self._unknown -= presence.rate is None
        if not self._active:
            self._tokens = 0.0  # and not what rounding left of it
        self._cut(self._now)
        if not self._active:
            self._current = None

    def _shorten(self, presence: _Presence, until: float) -> None:
        """A call was over earlier than it seemed, and claims nothing from then on."""
        seemed, presence.until = presence.until, min(max(until, presence.since), presence.until)
        if presence.until < seemed:
            self._split(presence.until)
            for strip, overlap in self._between(presence.until, seemed):
                strip.withdraw(overlap, presence.rate)

    def abandon(self, call: Call) -> None:
        """Nobody will ask what a call used, but it was here: its share is nobody's, and others were not alone."""
        self.leave(call, self._now if call.until is None else call.until)
        presence = self._present.pop(call, None)
        if presence is not None:
            presence.met.clear()

    def forget(self, call: Call) -> None:
        """A call has no claim after all: its work is done elsewhere."""
        self.leave(call, self._now)
        presence = self._present.pop(call, None)
        if presence is None:
            return
        presence.void = True
        presence.met.clear()
        for strip, overlap in self._between(presence.since, presence.until):
            strip.withdraw(overlap, presence.rate)

    def occupied(self, call: Call) -> bool | None:
        """Whether any process was seen to compute while `call` was there; `None` where that could be hidden."""
        presence = self._present[call]
        strips = self._between(presence.since, presence.until)
        found = {told for strip, _ in strips for told in strip.occupied}
        found.update(point.state.occupied for point in (self._last,) if point is not None)
        return True if True in found else None if None in found else False

    def settle(self, call: Call, until: float, rate: float, usual: float) -> Window:
        """What `call` used, over since `until`, having made `rate` tokens per second, as calls do `usual`ly."""
        self.leave(call, until)
        presence = self._present.pop(call)
        self._shorten(presence, until)
        self._reach_out(presence)
        window = Window(presence.until - presence.since, shared=presence.shared)
        presence.met.clear()
        for strip, overlap in self._between(presence.since, presence.until):
            strip.withdraw(overlap, presence.rate)
            if strip.length:
                strip.take(overlap, rate, usual, window)
        return window

    def _reach_out(self, presence: _Presence) -> None:
        """Go on to the end of a call that no reading has followed yet, its power as it was last."""
        last, until = self._last, presence.until
        if last is None or not last.at < until <= last.at + self._reach:
            return
        if not self._active or until - last.at > _TAIL * (until - presence.since):
            self._close(hold(last, max(until, self._now)))

    def _close(self, point: Point) -> None:
        self._accrue(point.at)
        self._cut(point.at)
        for strip in self._unread:
            strip.fill(self._last, point, self._reach)
        self._strips += self._unread
        self._unread.clear()
        self._last = point

    def _cut(self, at: float) -> None:
        """End the strip in progress; the next one begins with it.

        Done whenever a call comes or goes, so that within a strip the calls are the same all the time.
        """
        if self._current is not None and self._current.end > self._current.start:
            self._unread.append(self._current)
            self._current = Strip(at)

    def _accrue(self, at: float) -> None:
        """Let the time go on to `at`: claims grow. It never goes back, though news may be late."""
        current, took = self._current, at - self._now
        if took <= 0:
            return
        self._now = at
        if current is not None:
            current.end = at
            current.tokens += self._tokens * took
            current.seconds += self._unknown * took

    def _split(self, at: float) -> None:
        """Cut time where a call ended, although it went on since."""
        for strips in (self._strips, self._unread):
            index = bisect_right(strips, at, key=_end_of)
            if index < len(strips) and strips[index].start < at:
                strips.insert(index, strips[index].split(at))

    def _between(self, start: float, end: float) -> Iterator[tuple[Strip, float]]:
        """The strips that lie between two times, with the seconds of each that do."""
        first = bisect_right(self._strips, start, key=_end_of)
        for strips in (self._strips[first:], self._unread):
            for strip in strips:
                overlap = strip.overlap(start, end)
                if overlap > 0:
                    yield strip, overlap

    def _drop(self) -> None:
        """Let go of what nobody can claim any more, and keep less detail of what is long ago."""
        earliest = min((presence.since for presence in self._present.values()), default=self._now)
        del self._strips[: bisect_right(self._strips, earliest, key=_end_of)]
        while len(self._strips) > _STRIPS:
            older = self._strips[: _STRIPS // 2]
            for first, second in zip(older[::2], older[1::2], strict=True):
                first.absorb(second)
            self._strips[: _STRIPS // 2] = older[::2]
