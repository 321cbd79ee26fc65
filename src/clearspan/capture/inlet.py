"""Where recordings go: the protocol that capture speaks, and the slot that holds who listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from clearspan.draft import Draft
from clearspan.record import TraceRef

__all__ = ["Inlet", "current", "use"]


class Inlet(Protocol):
    """What capture needs of whoever takes its drafts. Nothing here may block."""

    def open(self, draft: Draft) -> bool:
        """Begin an operation; `False` when nothing shall be recorded here and now."""
        ...

    def attach(self, draft: Draft) -> Any:
        """Make the operation the current one; answers the token for `detach`."""

    def detach(self, token: Any) -> None:
        """Undo `attach`."""

    def chunks(self, draft: Draft, items: Sequence[tuple[float, Any]]) -> None:
        """Take chunks of a stream with the time (monotonic seconds) each arrived."""

    def close(self, draft: Draft) -> None:
        """The operation is over; its outcome and end time are in the draft."""

    def here(self) -> TraceRef | None:
        """The ids of the current span, whoever started it."""
        ...

    def propagate(self, items: Mapping[str, str]) -> Callable[[], None]:
        """Send `items` along to other processes until the answer is called."""
        ...

    def received(self) -> Mapping[str, str]:
        """What an upstream process sent along."""
        ...


class _Slot:
    inlet: Inlet | None = None


_slot = _Slot()


def current() -> Inlet | None:
    """Who listens; `None` while clearspan is off."""
    return _slot.inlet


def use(inlet: Inlet | None) -> Inlet | None:
    """Let `inlet` listen from now on; answers who did before."""
    before, _slot.inlet = _slot.inlet, inlet
    return before
