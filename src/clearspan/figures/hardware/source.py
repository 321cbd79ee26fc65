"""Source: one reading of the machine for everybody who asks within an interval."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from clearspan.core.fence import fenced
from clearspan.samplers import DeviceState, Reading, Sampler

__all__ = ["Source"]

T = TypeVar("T")
_log = logging.getLogger("clearspan")
_LONGEST_WAIT = 60.0
# How long a reading waits for another of the same sampler, which may hang in a driver.
_PATIENCE = 2.0
_DEVICES = 256


class _Kept(Generic[T]):
    """The last answer, and when it was had."""

    def __init__(self) -> None:
        self.at = float("-inf")
        self.value: Sequence[T] = ()


class _Guarded:
    """A sampler, opened when it is first read; after a failure it is left alone for 1, 2, 4 ... 60 s.

    One thread at a time is in the sampler; who comes meanwhile does not wait for long.
    """

    def __init__(self, sampler: Sampler, interval: float, clock: Callable[[], float]) -> None:
        self.sampler = sampler
        self.site = f"samplers.{sampler.name}"
        self._interval = interval
        self._clock = clock
        self._over = False
        self._clear()

    def _clear(self) -> None:
        self.state = "not opened"
        self.order: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept[Any]] = {"states": _Kept(), "read": _Kept()}
        self.missed: set[str] = set()
        self._wait, self._again = 0.0, float("-inf")

    def latest(self, method: str) -> Sequence[Any]:
        """What the sampler's method answers, or did less than an interval ago."""
        asked = getattr(self.sampler, method, None)
        lock = self._lock  # a fork may come meanwhile, and bring another
        if asked is None or self._is_over():
            return ()
        if not lock.acquire(timeout=_PATIENCE):
            self.missed.add(method)
            return ()
        try:
            self.missed.discard(method)
            kept = self._kept[method]
            if not self._is_over() and self._clock() - kept.at >= self._interval:
                kept.value = self._ask(asked)
                kept.at = self._clock()
            return () if self._is_over() else kept.value
        finally:
            if self._is_over():  # it was closed meanwhile, by one who did not wait
                self._shut()
            lock.release()

    def close(self, timeout: float) -> None:
        """Close it now, or have the reading that is going on do so."""
        self._over = True
        self.missed.clear()
        if self._lock.acquire(timeout=timeout):
            try:
                self._shut()
            finally:
                self._lock.release()
        else:
            _log.debug("clearspan: %s did not end its reading in time", self.sampler.name)

    def renew(self) -> None:
        """In a forked child: the sampler sees for itself that what it holds is the parent's."""
        self._shut()
        self._clear()

    def _is_over(self) -> bool:
        return self._over

    def _ask(self, asked: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        if not self._ready():
            return ()
        found = fenced(self.site, self._answer, asked)
        if found is None:
            self._shut("failed")
            self._defer()
            return ()
        self._wait = 0.0
        return found

    def _answer(self, asked: Callable[[], Sequence[Any]]) -> Sequence[Any] | None:
        try:
            found = tuple(asked())
        except OSError as error:  # a device that is gone just now: nothing wrong with us
            _log.debug("clearspan: %s: %s", self.sampler.name, type(error).__name__)
            return None
        self.order = _order(getattr(self.sampler, "ids", None)) or self.order
        return found

    def _ready(self) -> bool:
        if self.state != "open" and self._clock() >= self._again:
            if fenced(f"{self.site}.open", self.sampler.open):
                self.state = "open"
            else:
                self.state = "not available"
                self._defer()
        return self.state == "open"

    def _shut(self, state: str = "closed") -> None:
        if self.state == "open":
            self.state = state
            fenced(f"{self.site}.close", self.sampler.close)

    def _defer(self) -> None:
        self._wait = min(_LONGEST_WAIT, max(1.0, 2 * self._wait))
        self._again = self._clock() + self._wait


class Source:
    """Reads `samplers`, each at most once in `interval` seconds, for all threads that ask.

    The first reading opens them, on the thread that asks: never a caller's. A sampler that fails, or
    whose reading hangs, is left out; the others are read.
    """

    def __init__(
        self,
        samplers: Sequence[Sampler],
        interval: float,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._samplers = [_Guarded(sampler, interval, clock) for sampler in samplers]
        self._closed = False

    def states(self) -> list[DeviceState]:
        """The devices that this process may use."""
        return [state for guarded in self._samplers for state in guarded.latest("states")]

    @property
    def busy(self) -> bool:
        """Whether the last `states` were without a sampler that another thread was in: it may have devices."""
        return any("states" in guarded.missed for guarded in self._samplers)

    def readings(self) -> list[Reading]:
        """All figures for metrics."""
        return [reading for guarded in self._samplers for reading in guarded.latest("read")]

    def read(self, name: str) -> list[Reading]:
        """Those of one instrument."""
        return [reading for reading in self.readings() if reading.name == name]

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        """The ids of devices by number, of the first sampler that knew them when it was read last.

        Nothing is asked, and nothing waits.
        """
        for guarded in () if self._closed else self._samplers:
            order = guarded.order
            if indices and all(0 <= index < len(order) for index in indices):
                return tuple(order[index] for index in indices)
        return ()

    def status(self) -> Mapping[str, str]:
        """How each sampler stands: `not opened`, `open`, `not available`, `failed` or `closed`."""
        return {guarded.sampler.name: guarded.state for guarded in self._samplers}

    def close(self, timeout: float = 1.0) -> None:
        """Give back what the samplers hold, within `timeout` seconds; nothing is read any more."""
        self._closed = True
        deadline = time.monotonic() + timeout
        for guarded in self._samplers:
            # A moment at least, so that one who is just done with a reading can let go of it.
            guarded.close(max(0.01, deadline - time.monotonic()))

    def renew(self) -> None:
        """In a forked child: everything is opened anew when it is asked for."""
        for guarded in self._samplers:
            guarded.renew()


def _order(ids: Callable[[Sequence[int]], tuple[str, ...]] | None) -> tuple[str, ...]:
    """The ids by number, as far as the sampler knows any."""
    if ids is None:
        return ()
    found = itertools.takewhile(bool, (ids((index,)) for index in range(_DEVICES)))
    return tuple(name for names in found for name in names[:1])
