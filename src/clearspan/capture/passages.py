"""Where a library takes in a request of another process, or hands work to another thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clearspan.capture import inlet
from clearspan.capture.context import carry
from clearspan.capture.wrapper import Driver
from clearspan.core.fence import fenced
from clearspan.provider import Call, Passage
from clearspan.record import Outcome

__all__ = ["passing"]


class _Joined:
    """A call in the trace of the request that it answers: an `observe.Recording` without a record."""

    __slots__ = ("_headers", "_inlet")

    def __init__(self, listener: inlet.Inlet, headers: Mapping[str, str]) -> None:
        self._inlet = listener
        self._headers = headers

    def attach(self) -> Any:
        """Go on with the request's trace."""
        return fenced("inlet.join", self._inlet.join, self._headers)

    def detach(self, token: Any) -> None:
        """Undo `attach`."""
        if token is not None:
            fenced("inlet.join", token)

    def returned(self, value: Any) -> Any:
        """What the target answers is its caller's."""
        return value

    def chunk(self, item: Any) -> None:
        """There is no record to note it in."""

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> None:
        """There is no record to end."""


def passing(passage: Passage, live: Callable[[], bool]) -> Callable[[Driver], Callable[..., Any]]:
    """How the wrapper of a passage's target is made."""

    def build(drive: Driver) -> Callable[..., Any]:
        def wrapper(
            wrapped: Callable[..., Any],
            instance: Any,
            args: tuple[Any, ...],
            kwargs: dict[str, Any],
        ) -> Any:
            listener = fenced("inlet.current", inlet.current)
            if listener is None or not live():
                return wrapped(*args, **kwargs)

            def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Joined | None:
                ask, call = passage.headers, Call(instance, args, kwargs)
                headers = None if ask is None else fenced("reader.headers", ask, call)
                return _Joined(listener, headers) if headers else None

            carried = fenced("passage.carry", _carried, args, passage.handed)
            return drive(wrapped, args if type(carried) is not tuple else carried, kwargs, begin)

        return wrapper

    return build


def _carried(args: tuple[Any, ...], handed: int | None) -> tuple[Any, ...]:
    """The arguments, with the one that is handed over bound to the context here."""
    if handed is None or not callable(args[handed] if handed < len(args) else None):
        return args
    carried = fenced("passage.carry", carry, args[handed])
    return args if carried is None else (*args[:handed], carried, *args[handed + 1 :])
