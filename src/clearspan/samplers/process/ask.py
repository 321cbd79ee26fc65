"""Asking psutil one thing at a time: what fails is absent, and so is what cannot be true."""

from __future__ import annotations

import logging
import math
from collections import Counter
from typing import Any

__all__ = ["Ask", "amount"]

_log = logging.getLogger("clearspan")


class Ask:
    """Calls methods by name; `failures` counts by name those that failed, or that are not there."""

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()

    def __call__(self, owner: Any, method: str, *arguments: Any, **options: Any) -> Any:
        """What the method answers, or `None`; of nobody, nothing is asked."""
        if owner is None:
            return None
        try:
            return getattr(owner, method)(*arguments, **options)
        except Exception as error:  # noqa: BLE001 -- it reads what kernels print: anything may come of that, and means absent
            self.failures[method] += 1
            _log.debug("clearspan: %s failed: %s", method, type(error).__name__)
            return None


def amount(found: Any, field: str) -> float | None:
    """The number in that field, unless it is negative or none: psutil has -1 for what is not known."""
    value: Any = getattr(found, field, None)
    if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
        return None
    known: float = value
    return known
