"""Who guards: the program's own warden, or one that is lent to it for a while."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from clearspan.core.lending import Place

if TYPE_CHECKING:
    from clearspan.provider import Slot

__all__ = ["Warden", "current", "give_back", "lend", "place", "renew", "use"]


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


place: Place[Warden] = Place()


def renew() -> None:
    """In a forked child: a lock that another thread of the parent held stays held for ever."""
    place.renew()


def current() -> Warden | None:
    """Who guards; `None` where nobody does."""
    return place.current


def use(warden: Warden | None) -> None:
    """Let `warden` guard from now on, unless another is lent; `None` for nobody."""
    place.use(warden)


def lend(warden: Warden | None) -> None:
    """Let `warden` (or nobody) guard until it is given back."""
    place.lend(warden)


def give_back(warden: Warden | None) -> None:
    """End what `lend` began."""
    place.give_back(warden)
