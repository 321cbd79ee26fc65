"""How an operation is told what happens to it, so that nothing it does can harm the call.

Here alone the drivers of `core/observe` touch a `Recording`. One that fails, or answers with nonsense, is counted
and left out of account: the call goes its way.
"""

from __future__ import annotations

from collections.abc import Callable
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Final, Protocol

from clearspan.core.fence import caught, overflows
from clearspan.record import Outcome

__all__ = [
    "Begin",
    "Recording",
    "attach",
    "begun",
    "broke",
    "detach",
    "ended",
    "noted",
    "outcome_of",
    "returned",
]

_CANCELLED = ("CancelledError", "Cancelled")  # asyncio's and trio's, neither of which is imported
_FAILED: Final = object()


class Recording(Protocol):
    """One operation while it is going on. `ended` may be called twice.

    What fails here, or answers with nonsense, is held back: the call goes its way without.
    """

    def attach(self) -> object:
        """Make the operation the active one; answers what `detach` needs."""

    def detach(self, token: object) -> None:
        """Undo `attach`."""

    def returned(self, value: Any) -> Any:
        """The call came back with `value`; answers what the caller gets."""

    def chunk(self, item: Any) -> bool | None:
        """One element of a stream went by; true where only we asked for it, so that it goes no further."""

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> None:
        """It is over. Only the first call counts."""


Begin = Callable[[tuple[Any, ...], dict[str, Any]], Recording | None]
"""Starts a recording for the given arguments, or answers `None` when nothing is to be recorded."""


def outcome_of(error: BaseException) -> Outcome:
    """How an operation that `error` left has ended."""
    if isinstance(error, GeneratorExit):
        return Outcome.CLOSED
    names = {cls.__name__ for cls in type(error).__mro__}
    cancelled = not isinstance(error, Exception) and not names.isdisjoint(_CANCELLED)
    return Outcome.CANCELLED if cancelled else Outcome.FAILED


def begun(begin: Begin, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recording | None:
    """Start a recording, if one is wanted."""
    try:
        return begin(args, kwargs)
    except RecursionError:
        overflows[0] += 1
        return None
    except Exception as error:  # noqa: BLE001 -- no matter of the host's
        caught("recording.begin", error)
        return None


def attach(recording: Recording) -> object:
    """Make the operation the active one; answers what `detach` needs."""
    try:
        return recording.attach()
    except RecursionError:
        overflows[0] += 1
        return _FAILED
    except Exception as error:  # noqa: BLE001 -- no matter of the host's
        caught("recording.attach", error)
        return _FAILED


def detach(recording: Recording | None, token: object) -> None:
    """Undo `attach`, unless that failed."""
    if recording is None or token is _FAILED:
        return
    try:
        recording.detach(token)
    except RecursionError:
        overflows[0] += 1
    except Exception as error:  # noqa: BLE001 -- no matter of the host's
        caught("recording.detach", error)


def returned(recording: Recording, value: Any) -> Any:
    """What the host gets: what came back, or what drives it, which is of the same kind."""
    try:
        made = recording.returned(value)
    except RecursionError:
        overflows[0] += 1
        return value
    except Exception as error:  # noqa: BLE001 -- no matter of the host's
        ended(recording, Outcome.COMPLETED)  # nobody else is going to
        caught("recording.returned", error)
        return value
    return made if made is not value and _drives(type(made), type(value)) else value


def _drives(made: type, given: type) -> bool:
    # By identity: a class may have a metaclass of the host's that compares in its own way.
    replaced = made is CoroutineType or made is GeneratorType or made is AsyncGeneratorType
    return replaced and made is given


def ended(recording: Recording, outcome: Outcome) -> None:
    """Tell that it is over."""
    try:
        recording.ended(outcome)
    except RecursionError:
        overflows[0] += 1
    except Exception as error:  # noqa: BLE001 -- no matter of the host's
        caught("recording.ended", error)


def broke(recording: Recording, error: BaseException) -> None:
    """Tell that `error` has left it."""
    try:
        recording.ended(outcome_of(error), error)
    except RecursionError:
        overflows[0] += 1
    except Exception as failure:  # noqa: BLE001 -- as above
        # What went wrong with us would else stand in the context of the host's exception.
        caught("recording.ended", failure)


def noted(recording: Recording, item: Any) -> bool:
    """Whether an element of a stream goes no further, because only we asked for it."""
    try:
        return recording.chunk(item) is True
    except RecursionError:
        overflows[0] += 1
        return False
    except Exception as error:  # noqa: BLE001 -- no matter of the host's
        caught("recording.chunk", error)
        return False
