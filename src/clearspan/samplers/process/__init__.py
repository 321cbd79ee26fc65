"""The process and its machine, by psutil, which is loaded when the sampler is opened; and the garbage collector."""

from __future__ import annotations

import importlib.util
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clearspan.core.loading import load
from clearspan.samplers import Reading
from clearspan.samplers.process.ask import Ask
from clearspan.samplers.process.instruments import INSTRUMENTS
from clearspan.samplers.process.machine import Machine
from clearspan.samplers.process.own import Own, collector

__all__ = ["Process"]

_log = logging.getLogger("clearspan")


class Process:
    """CPU, memory, threads, files and disk of this process; CPU, memory, network and disk of the machine.

    A forked child tells of itself. Nothing that is told names a user, a program, a path or a device.
    """

    name = "process"
    instruments = INSTRUMENTS

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._psutil: Any = None
        self._ask = Ask()
        self._own: Own | None = None
        self._machine: Machine | None = None

    def present(self) -> bool:
        """Whether psutil is installed."""
        try:
            return importlib.util.find_spec("psutil") is not None
        except ValueError:  # something else has taken its name
            return False

    def open(self) -> bool:
        """Load psutil; nothing is read yet."""
        try:
            self._psutil = load("psutil")
        except (ImportError, RuntimeError) as error:
            _log.debug("clearspan: the process is not read: %s", type(error).__name__)
            return False
        return True

    def close(self) -> None:
        """Nothing is held open. The machine's counters go on when it is opened again."""
        self._psutil = self._own = None

    def read(self) -> Sequence[Reading]:
        """All figures of this moment; shares of CPU from the second reading on."""
        if self._psutil is None:
            return ()
        own, machine = self._begin()
        return [*own.read(), *collector(self._ask), *machine.read()]

    def counts(self) -> Mapping[str, int]:
        """What failed, by function."""
        return dict(self._ask.failures)

    def _begin(self) -> tuple[Own, Machine]:
        if self._own is None or self._own.pid != os.getpid():
            self._own = Own(self._psutil, self._ask, self._clock)
        if self._machine is None:
            self._machine = Machine(self._psutil, self._ask, self._clock)
        return self._own, self._machine
