"""Scope: something that is entered and left, as a block or around a function of any kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from clearspan.capture.wrapper import Wrapper, kind_of
from clearspan.core import observe
from clearspan.record import Outcome

__all__ = ["Scope"]

F = TypeVar("F", bound=Callable[..., Any])


class Scope:
    """Base of blocks that are also decorators. A subclass says what `enter` and `leave` do."""

    def enter(self) -> None:
        """Begin in the current context."""

    def leave(self) -> None:
        """End in the current context."""

    def __enter__(self) -> None:
        self.enter()

    def __exit__(self, *error: object) -> None:
        self.leave()

    async def __aenter__(self) -> None:
        self.enter()

    async def __aexit__(self, *error: object) -> None:
        self.leave()

    def __call__(self, function: F) -> F:
        """Run every call of `function` inside this scope, whatever kind of function it is."""
        drive, entered = kind_of(function), _Entered(self)

        def run(
            wrapped: Callable[..., Any],
            instance: object,
            args: tuple[Any, ...],
            kwargs: dict[str, Any],
        ) -> Any:
            return drive(wrapped, args, kwargs, entered.begin)

        return Wrapper(function, run)  # type: ignore[return-value]  # a transparent proxy of it


class _Entered:
    """A recording that records nothing: it only enters the scope wherever the function's code runs."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> observe.Recording:
        del args, kwargs
        return self

    def attach(self) -> object:
        self._scope.enter()
        return None

    def detach(self, token: object) -> None:
        del token
        self._scope.leave()

    def returned(self, value: Any) -> Any:
        return observe.follow(value, self)

    def chunk(self, item: Any) -> None:
        """Nothing is noted."""

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> None:
        """Nothing is noted."""
