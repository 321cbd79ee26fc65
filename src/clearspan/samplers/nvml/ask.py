"""Asking NVML one thing at a time: what fails or cannot be true is absent, and counted."""

from __future__ import annotations

import logging
import math
from collections import Counter
from typing import Any

__all__ = ["Ask"]

_log = logging.getLogger("clearspan")
# Not there, or not for us: ordinary.
_ABSENT = frozenset({3, 4, 13, 21, 22, 25, 26})
# The device or the driver has gone: everything is to be opened anew.
_LOST = frozenset({1, 9, 15, 16, 18, 27, 28})


class Ask:
    """`failures` counts by function what failed unexpectedly, `implausible` by figure what was dropped."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.failures: Counter[str] = Counter()
        self.implausible: Counter[str] = Counter()
        self.lost = False

    def __call__(self, function: str, *arguments: Any) -> Any:
        """What the function answers; `None` where it fails, or the binding does not have it."""
        asked = getattr(self._library, function, None)
        if asked is None:
            return None
        try:
            return asked(*arguments)
        except self._library.NVMLError as error:
            code = getattr(error, "value", None)
            self.lost = self.lost or code in _LOST
            if code not in _ABSENT:
                self.failures[function] += 1
                _log.debug("clearspan: %s failed: %s", function, code)
        except (UnicodeDecodeError, ValueError):
            self.failures[function] += 1  # bytes that are no text
        return None

    def number(
        self, figure: str, value: Any, most: float, least: float = 0.0, scale: float = 1.0
    ) -> float | None:
        """`value` times `scale`, where it is a number between `least` and `most` (before scaling)."""
        if value is None:
            return None
        if type(value) not in (int, float) or not math.isfinite(value):
            self.implausible[figure] += 1
            return None
        if not least <= value <= most:
            self.implausible[figure] += 1
            _log.debug("clearspan: %s of %r cannot be true", figure, value)
            return None
        return float(value * scale)
