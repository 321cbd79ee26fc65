"""Where recordings go: the protocol that capture speaks, and the slot that holds who listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from clearspan.core.lending import Place
from clearspan.draft import Draft
from clearspan.record import TraceRef

if TYPE_CHECKING:
    from clearspan.score import Score

__all__ = ["Inlet", "current", "give_back", "lend", "place", "renew", "stop", "use"]


class Inlet(Protocol):
    """What capture needs of whoever takes its drafts. Nothing here may block."""

    def open(self, draft: Draft) -> bool:
        """Begin an operation; `False` when nothing shall be recorded here and now.

        `draft.received` is what an upstream process sent along.
        """
        ...

    def attach(self, draft: Draft) -> Any:
        """Make the operation the current one; answers the token for `detach`."""

    def detach(self, token: Any) -> None:
        """Undo `attach`."""

    def chunks(self, draft: Draft, *, over: bool = False) -> int:
        """Take the chunks of a stream that are waiting in `draft.unread`, so that none lives for long.

        Answers after how many more to come again. Until the stream is `over` some may stay where they are.
        """
        ...

    def close(self, draft: Draft) -> None:
        """The operation is over; its outcome and end time are in the draft."""

    def joined(self, inner: Draft) -> None:
        """A call has begun that is part of an operation that is open: of its record, with times of its own."""

    def parted(self, inner: Draft) -> None:
        """It is over, its end time taken."""

    def tell(self, score: Score, *, plain: bool = False) -> None:
        """Somebody has judged a call. A `plain` score holds no text of it, and is kept whatever the content mode."""

    def end_session(self, session: str) -> None:
        """A session is over, says the application."""

    def here(self) -> TraceRef | None:
        """The ids of the current span, whoever started it."""
        ...

    def propagate(self, items: Mapping[str, str]) -> Callable[[], None]:
        """Send `items` along to other processes until the answer is called."""
        ...

    def join(self, headers: Mapping[str, str]) -> Callable[[], None] | None:
        """Go on with the trace of a request from elsewhere, where none is going on; answers the undo."""
        ...


place: Place[Inlet] = Place()


def renew() -> None:
    """In a forked child: a lock that another thread of the parent held stays held for ever."""
    place.renew()


def current() -> Inlet | None:
    """Who listens; `None` while clearspan is off."""
    return place.current


def use(inlet: Inlet | None) -> None:
    """Let `inlet` listen from now on, unless it is lent to somebody."""
    place.use(inlet)


def stop(inlet: Inlet) -> None:
    """Let `inlet` listen no more, if it is the program's own."""
    place.stop(inlet)


def lend(inlet: Inlet) -> None:
    """Let `inlet` listen instead of the program's own, whatever becomes of that, until `give_back`."""
    place.lend(inlet)


def give_back(inlet: Inlet) -> None:
    """End what `lend` began."""
    place.give_back(inlet)
