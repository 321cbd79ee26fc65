"""A place that one thing holds at a time: the program's own, or one that is lent to it for a while."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ["Place"]

T = TypeVar("T")


class Place(Generic[T]):
    """Holds the last of what is `lent`, else its `own`; reading `current` takes no lock."""

    def __init__(self) -> None:
        self.current: T | None = None
        self._own: T | None = None
        self._lent: tuple[T | None, ...] = ()
        self.renew()

    def renew(self) -> None:
        """In a forked child: a lock that another thread of the parent held stays held for ever."""
        self._lock = threading.Lock()

    def use(self, own: T | None) -> None:
        """Let `own` hold it from now on, unless another is lent; `None` for nobody."""
        with self._lock:
            self._own = own
            self._settle()

    def stop(self, own: T) -> None:
        """Let `own` hold it no more, if it is the one."""
        with self._lock:
            if self._own is own:
                self._own = None
            self._settle()

    def lend(self, other: T | None) -> None:
        """Let `other` (or nobody) hold it until it is given back."""
        with self._lock:
            self._lent = (*self._lent, other)
            self._settle()

    def give_back(self, other: T | None) -> None:
        """End what `lend` began; of several alike, the last."""
        with self._lock:
            lent = list(self._lent)
            for at in reversed(range(len(lent))):
                if lent[at] is other:
                    del lent[at]
                    break
            self._lent = tuple(lent)
            self._settle()

    def _settle(self) -> None:
        self.current = self._lent[-1] if self._lent else self._own
