"""Source: one reading of the accelerators for everybody who asks within an interval."""

from __future__ import annotations

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


class _Kept(Generic[T]):
    """The last answer, and when it was had."""

    def __init__(self) -> None:
        self.at = float("-inf")
        self.value: list[T] = []


class _Guarded:
    """A sampler, opened when it is first read; after a failure it is left alone for 1, 2, 4 ... 60 s."""

    def __init__(self, sampler: Sampler, clock: Callable[[], float]) -> None:
        self.sampler = sampler
        self._clock = clock
        self.opened = False
        self._wait = 0.0
        self._again = float("-inf")

    def ask(self, method: str, *arguments: Any) -> Sequence[Any]:
        asked = getattr(self.sampler, method, None)
        if asked is None or not self._ready():
            return ()
        found = fenced(f"samplers.{self.sampler.name}", self._quietly, asked, *arguments)
        if found is None:
            self.close()
            self._defer()
            return ()
        self._wait = 0.0
        return found

    def close(self) -> None:
        if self.opened:
            self.opened = False
            fenced(f"samplers.{self.sampler.name}.close", self.sampler.close)

    def renew(self) -> None:
        """In a forked child: the sampler sees for itself that what it holds is the parent's."""
        self.close()
        self._wait, self._again = 0.0, float("-inf")

    def _ready(self) -> bool:
        if not self.opened and self._clock() >= self._again:
            self.opened = bool(fenced(f"samplers.{self.sampler.name}.open", self.sampler.open))
            if not self.opened:
                self._defer()
        return self.opened

    def _quietly(
        self, asked: Callable[..., Sequence[Any]], *arguments: Any
    ) -> Sequence[Any] | None:
        try:
            return asked(*arguments)
        except OSError as error:  # a device that is gone just now: nothing wrong with us
            _log.debug("clearspan: %s: %s", self.sampler.name, error)
            return None

    def _defer(self) -> None:
        self._wait = min(_LONGEST_WAIT, max(1.0, 2 * self._wait))
        self._again = self._clock() + self._wait


class Source:
    """Reads `samplers`, at most once in `interval` seconds, for all threads that ask.

    The first reading opens them, on the thread that asks: never a caller's.
    """

    def __init__(
        self,
        samplers: Sequence[Sampler],
        interval: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._samplers = [_Guarded(sampler, clock) for sampler in samplers]
        self._interval = interval
        self._clock = clock
        self._closed = False
        self._clear()

    def _clear(self) -> None:
        self._lock = threading.Lock()
        self._states: _Kept[DeviceState] = _Kept()
        self._readings: _Kept[Reading] = _Kept()

    def states(self) -> list[DeviceState]:
        """The devices that this process may use."""
        with self._lock:
            return list(self._kept(self._states, "states"))

    def readings(self) -> list[Reading]:
        """All figures for metrics."""
        with self._lock:
            return list(self._kept(self._readings, "read"))

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        """The ids of devices by number, of the first sampler that knows them."""
        with self._lock:
            for guarded in () if self._closed else self._samplers:
                if found := guarded.ask("ids", indices):
                    return tuple(found)
        return ()

    def status(self) -> Mapping[str, bool]:
        """Which samplers are open."""
        return {guarded.sampler.name: guarded.opened for guarded in self._samplers}

    def close(self) -> None:
        """Give back what the samplers hold; nothing is read any more."""
        with self._lock:
            self._closed = True
            for guarded in self._samplers:
                guarded.close()

    def renew(self) -> None:
        """In a forked child: everything is opened anew when it is asked for."""
        self._clear()
        for guarded in self._samplers:
            guarded.renew()

    def _kept(self, kept: _Kept[T], method: str) -> list[T]:
        now = self._clock()
        if not self._closed and now - kept.at >= self._interval:
            kept.value = [item for guarded in self._samplers for item in guarded.ask(method)]
            kept.at = now
        return kept.value
