"""Asking NVML one thing at a time: what fails or cannot be true is absent, and counted."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

__all__ = ["Ask"]

_log = logging.getLogger("clearspan")
# Not there, or not for us: ordinary.
_ABSENT = frozenset({3, 4, 6, 13, 21, 22, 25, 26})
# The device may have gone, or the driver: the latter is what everything is asked of.
_GONE = frozenset({15, 16, 28})
_DEAD = _GONE | {1, 9, 10, 18, 27, 999}
# What a device that is there answers, unlike what the driver remembers of it.
_LIVE = frozenset({
    "nvmlDeviceGetMemoryInfo", "nvmlDeviceGetPowerUsage", "nvmlDeviceGetTemperature",
    "nvmlDeviceGetUtilizationRates",
})  # fmt: skip


class Ask:
    """`failures` counts by function what failed unexpectedly, `implausible` by figure what was dropped.

    Since `begin`: `alive` says that something was measured, `gone` that the driver called the device
    lost, `dead` that there was an error which a device or driver that has gone answers everything with.
    """

    def __init__(self, library: Any, counted: Ask | None = None) -> None:
        self._library = library
        self.failures: Counter[str] = Counter() if counted is None else counted.failures
        self.implausible: Counter[str] = Counter() if counted is None else counted.implausible
        self.begin()

    def apart(self) -> Ask:
        """One for another device, with the same counts."""
        return Ask(self._library, self)

    def begin(self) -> None:
        """Forget how it went so far."""
        self.alive = self.gone = self.dead = False

    def __call__(self, function: str, *arguments: Any) -> Any:
        """What the function answers; `None` where it fails, or the binding does not have it."""
        asked = getattr(self._library, function, None)
        if asked is None:
            return None
        try:
            found = asked(*arguments)
        except self._library.NVMLError as error:
            self._note(function, getattr(error, "value", None))
            return None
        except ValueError:  # bytes that are no text
            self.failures[function] += 1
            return None
        self.alive = self.alive or function in _LIVE
        return found

    def number(
        self, figure: str, value: Any, most: float, least: float = 0.0, scale: float = 1.0
    ) -> float | None:
        """`value` times `scale`, where it is a number between `least` and `most` (before scaling)."""
        if value is None:
            return None
        # NaN is between no two numbers, and a whole number of any size is compared without being converted.
        known = type(value) in (int, float) and least <= value <= most
        if not known:
            self.implausible[figure] += 1
            _log.debug("clearspan: %s of %r cannot be true", figure, value)
            return None
        return float(value * scale)

    def _note(self, function: str, code: int | None) -> None:
        self.gone = self.gone or code in _GONE
        self.dead = self.dead or code in _DEAD
        if code not in _ABSENT:
            self.failures[function] += 1
            _log.debug("clearspan: %s failed: %s", function, code)
