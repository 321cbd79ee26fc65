"""Who guards: the program's own warden, or one that is lent to it for a while."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol

from clearspan.provider import Slot

__all__ = ["Warden", "current", "give_back", "lend", "use"]


class Warden(Protocol):
    """What is needed of whoever keeps the guards; plans are gone through by `settle` or `asettle`."""

    def withholds(self) -> bool:
        """Whether something may be kept from the program of an answer."""
        ...

    def case(
        self, operation: str, draft: Any, provider: str | None = None, model: str | None = None
    ) -> Any:
        """One call, or `None` where it is not to be guarded."""

    def asked(self, case: Any, slots: Sequence[Slot]) -> Generator[Any, Any, Any]:
        """A plan for the texts of a request; its ruling has the new `texts`, or a `stop`."""
        ...

    def answered(self, case: Any, slots: Sequence[Slot]) -> Generator[Any, Any, Any]:
        """A plan for the texts of an answer."""
        ...

    def streamed(
        self, case: Any, read: Callable[[Any], Sequence[Any]], put: Callable[[Any, Any, str], Any]
    ) -> Any:
        """What takes the elements of a stream: `feed(item)` and `end()` are plans for what goes on."""

    def failed(self, case: Any, operation: str, phase: Any) -> Any:
        """We could not do our part; the stop, where a guard does not fail open."""

    def refused(self, case: Any, phase: Any) -> Any:
        """What a guard wants changed cannot be; the stop."""

    def settle(self, plan: Generator[Any, Any, Any]) -> Any:
        """The plan's result, waited for on this thread."""

    async def asettle(self, plan: Generator[Any, Any, Any]) -> Any:
        """The plan's result, waited for on the event loop."""


class _Place:
    """Who guards: the last of `lent`, else the program's own."""

    warden: Warden | None = None
    own: Warden | None = None
    lent: tuple[Warden | None, ...] = ()

    def settle(self) -> None:
        self.warden = self.lent[-1] if self.lent else self.own


_place = _Place()


class _Changing:
    """Held while that changes, by one thread of this process: one of the parent's that held it is not in a child."""

    def __init__(self) -> None:
        self._lock, self._pid = threading.Lock(), os.getpid()

    def __call__(self) -> threading.Lock:
        if os.getpid() != self._pid:
            self._lock, self._pid = threading.Lock(), os.getpid()
        return self._lock


_changing = _Changing()


def current() -> Warden | None:
    """Who guards; `None` where nobody does."""
    return _place.warden


def use(warden: Warden | None) -> None:
    """Let `warden` guard from now on, unless another is lent; `None` for nobody."""
    with _changing():
        _place.own = warden
        _place.settle()


def lend(warden: Warden | None) -> None:
    """Let `warden` (or nobody) guard until it is given back."""
    with _changing():
        _place.lent = (*_place.lent, warden)
        _place.settle()


def give_back(warden: Warden | None) -> None:
    """End what `lend` began."""
    with _changing():
        lent = list(_place.lent)
        for at in reversed(range(len(lent))):
            if lent[at] is warden:
                del lent[at]
                break
        _place.lent = tuple(lent)
        _place.settle()
