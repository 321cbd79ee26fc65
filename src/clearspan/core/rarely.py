"""What is worth saying, and not every time: once a minute for each subject."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Rarely"]

_INTERVAL = 60.0
_SUBJECTS = 256


class Rarely:
    """Tells of a subject whether it is time to say something about it again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    def due(self, subject: str) -> bool:
        """Whether nothing was said of `subject` for a minute; it is taken to be said now."""
        now = self._clock()
        if now - self._said.get(subject, -_INTERVAL) < _INTERVAL:
            return False
        if len(self._said) >= _SUBJECTS:
            self._said.clear()  # rather something twice than a list without end
        self._said[subject] = now
        return True
