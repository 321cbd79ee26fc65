"""Attribution: what each call used of the accelerators, sampled while such calls are going on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from clearspan.core.fence import fenced
from clearspan.draft import Draft
from clearspan.figures.hardware.allocator import allocated
from clearspan.figures.hardware.beat import Beat
from clearspan.figures.hardware.calls import Call, over, wanted
from clearspan.figures.hardware.energy import Point
from clearspan.figures.hardware.ledger import Event, Ledger
from clearspan.samplers import DeviceState

__all__ = ["Attribution"]

_GRACE = 2.0
_REST = 60.0
_LONGEST = 6 * 3600.0
_NEWS = 65_536
_PATIENCE = 0.25


class _Source(Protocol):
    """Where readings come from. Used from several threads."""

    @property
    def busy(self) -> bool:
        """Whether the last `states` were without devices that another thread was asking at the time."""
        ...

    def states(self) -> Sequence[DeviceState]:
        """The devices that this process may use, as they are now."""
        ...

    def ids(self, _indices: Sequence[int], /) -> tuple[str, ...]:
        """The ids of the devices that a library numbers so."""
        ...


class Attribution:
    """Told of calls as they begin and end, it reads `source` every `interval` seconds meanwhile.

    `begin`, `end` and `renew` are the pipeline's `Watch`, `work_out` is its figure. One thread,
    `clearspan-hardware`, lives while calls of local models go on and shortly after. Where there is no
    device it ends at once, and none is started for a minute.
    """

    def __init__(
        self,
        source: _Source,
        interval: float,
        *,
        clock: Callable[[], float] = time.perf_counter,
        beat: Callable[[str, Callable[[], float | None]], Beat] = Beat,
    ) -> None:
        self._source = source
        self._interval = interval
        self._clock = clock
        self._closed = False
        self._beat = beat("clearspan-hardware", self.step)
        self._clear()

    def _clear(self) -> None:
        self._calls: dict[int, Call] = {}
        self._events: deque[Event] = deque(maxlen=_NEWS)
        self._ledger = Ledger(max(1.0, 10 * self._interval))
        self._lock = threading.RLock()
        self._busy = False
        self._sampling = False
        self._fresh = False
        self._read_at = float("-inf")
        self._idle_since: float | None = None
        self._resting = float("-inf")

    # -- on the callers' threads: nothing here waits ---------------------------------------------

    def begin(self, draft: Draft) -> None:
        """A call has begun."""
        if self._closed or not wanted(draft) or draft.started_at < self._resting:
            return
        call = Call(draft)
        self._calls[id(draft)] = call
        self._events.append(Event(call.start, False, call))
        self._fresh = True
        if not self._sampling:
            self._beat.rouse()

    def end(self, draft: Draft) -> None:
        """It is over, its end time taken."""
        call = self._calls.get(id(draft))
        if call is None or call.until is not None or call.draft() is not draft:
            return
        call.until = over(draft)
        call.look(draft)
        call.thread = threading.get_ident()
        self._events.append(Event(call.until, True, call))
        self._fresh = True

    def renew(self) -> None:
        """In a forked child: nothing is going on, and there is no thread."""
        self._clear()
        self._beat.renew()

    def close(self, timeout: float = 1.0) -> None:
        """End the thread, within `timeout` seconds, and look at no more calls."""
        self._closed = True
        self._beat.close(timeout)
        self._calls.clear()
        self._events.clear()

    # -- at completion ---------------------------------------------------------------------------

    def work_out(self, draft: Draft) -> None:
        """Put a `HardwareUse` into a draft whose call was looked at and that nobody else tells of.

        On the thread on which the call ended nothing waits: what is being changed at that moment tells nothing.
        """
        told = draft
        call = self._calls.pop(id(draft), None)
        if call is None and draft.inner is not None:
            told = draft.inner  # the call of a client that a decorated function is made of
            call = self._calls.pop(id(told), None)
        if call is None or call.draft() is not told:
            return
        call.until = over(told)  # of a stream that was left it may have been found out since
        if not self._ledger.empty:
            self._locate(told.devices)
        if self._hold(wait=call.thread != threading.get_ident()):
            try:
                self._ledger.hear(self._news())
                tokens = draft.counts.get("output")
                draft.hardware = self._ledger.settle(call, told, tokens)
            finally:
                self._let_go()

    def _hold(self, *, wait: bool = True) -> bool:
        """Have the ledger to oneself. Not for one whom a collection let in while it is being changed."""
        if not self._lock.acquire(timeout=_PATIENCE if wait else 0):
            return False
        if self._busy:
            self._lock.release()
            return False
        self._busy = True
        return True

    def _let_go(self) -> None:
        self._busy = False
        self._lock.release()

    def _news(self) -> list[Event]:
        found: list[Event] = []
        while self._events:
            found.append(self._events.popleft())
        return found

    def _locate(self, devices: tuple[int, ...]) -> None:
        """Learn which devices those numbers mean, once."""
        places = self._ledger.places
        if devices and devices not in places:
            places[devices] = fenced("hardware.ids", self._source.ids, devices) or ()

    # -- on the thread ---------------------------------------------------------------------------

    def step(self) -> float | None:
        """Read, if it is time to; answers the seconds until the next time, `None` to end the thread."""
        now = self._clock()
        self._sampling = False  # before looking, so that a call that begins meanwhile rouses
        going_on = self._sweep(now)
        if going_on or self._fresh:
            early = self._read_at + self._interval - now
            if early > 0:
                self._sampling = going_on
                return early
            self._fresh = False
            self._idle_since = None
            if not self._read():
                return None
        if going_on:
            self._sampling = True
            return self._interval
        return self._wind_down(now)

    def _wind_down(self, now: float) -> float | None:
        self._idle_since = now if self._idle_since is None else self._idle_since
        left = self._idle_since + _GRACE - now
        if left > 0:
            return left
        if self._hold():
            try:
                self._ledger.rest()
            finally:
                self._let_go()
        return None

    def _sweep(self, now: float) -> bool:
        """Whether a call is going on; those of which nothing more will be heard are forgotten."""
        going_on = False
        lost: list[Call] = []
        for key, call in self._calls.copy().items():
            if call.draft() is None:
                self._calls.pop(key, None)  # the ledger finds out by itself
            elif now - call.start > _LONGEST:
                self._calls.pop(key, None)
                lost.append(call)
            else:
                going_on = going_on or call.until is None
        if lost and self._hold():
            try:
                for call in lost:
                    self._ledger.abandon(call)
            finally:
                self._let_go()
        return going_on

    def _read(self) -> bool:
        """One reading of all devices; `False` where there are none."""
        before = self._clock()
        states = fenced("hardware.states", self._source.states) or ()
        self._read_at = self._clock()
        if not states and self._ledger.empty and not self._source.busy:
            self._resting = self._read_at + _REST
            self._calls.clear()
            self._events.clear()
            return False
        if not states:
            return True  # not opened yet, or lost just now: they may come back
        points = self._points((before + self._read_at) / 2, states)
        drafts = [call.draft() for call in self._calls.copy().values()]
        for devices in {draft.devices for draft in drafts if draft is not None}:
            self._locate(devices)
        drafts.clear()  # nothing here keeps a record alive
        if self._hold():
            try:
                self._ledger.hear(self._news())
                self._ledger.read(points)
            finally:
                self._let_go()
        return True

    def _points(self, at: float, states: Sequence[DeviceState]) -> dict[str, Point]:
        points = {state.device: Point(at, state) for state in states}
        for index, (now, most) in (fenced("hardware.allocator", allocated) or {}).items():
            self._locate((index,))
            for device in points.keys() & self._ledger.places.get((index,), ()):
                points[device] = points[device]._replace(allocated=now, allocated_most=most)
        return points
