"""The four call shapes (value, awaitable, iterator, async iterator), written once.

A `Recording` is synchronous and knows nothing of call shapes; the drivers here know nothing of
what is recorded. What comes back decides the shape; only whether a target is a coroutine function
must be known before the call, so that a coroutine that is never awaited starts nothing.

Two kinds of iteration are told apart. A vendor's stream is *relayed* (`relay`, `arelay`): chunks
pass with an append and a clock reading, and no context is active around them. A decorated generator
is *stepped* (`step`, `astep`): its own code runs at each step, so the recording is attached there,
and the whole generator protocol (send, throw, close, return value) is forwarded.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import weakref
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Protocol

from clearspan.record import Outcome

__all__ = [
    "Begin",
    "Recording",
    "arelay",
    "astep",
    "call",
    "call_async",
    "follow",
    "is_async",
    "relay",
    "resume",
    "step",
]

_CANCELLED = ("CancelledError", "Cancelled")  # asyncio's and trio's, neither of which is imported


class Recording(Protocol):
    """One operation while it is going on. Nothing here raises; `ended` may be called twice."""

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


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling `function` gives a coroutine, looking through decorators that hide it."""
    return inspect.iscoroutinefunction(inspect.unwrap(function))


def outcome_of(error: BaseException) -> Outcome:
    """How an operation that `error` left has ended."""
    if isinstance(error, GeneratorExit):
        return Outcome.CLOSED
    names = {cls.__name__ for cls in type(error).__mro__}
    cancelled = not isinstance(error, Exception) and not names.isdisjoint(_CANCELLED)
    return Outcome.CANCELLED if cancelled else Outcome.FAILED


def call(
    wrapped: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], begin: Begin
) -> Any:
    """Call a plain function under a recording."""
    recording = begin(args, kwargs)
    if recording is None:
        return wrapped(*args, **kwargs)
    token = recording.attach()
    try:
        value = wrapped(*args, **kwargs)
    except BaseException as error:
        recording.detach(token)
        recording.ended(outcome_of(error), error)
        raise
    recording.detach(token)
    return recording.returned(value)


def call_async(
    wrapped: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], begin: Begin
) -> Coroutine[Any, Any, Any]:
    """Call a coroutine function under a recording that starts when the coroutine does.

    The call itself is made at once: it runs nothing of the coroutine, but wrong arguments are
    refused here, as they are without us. Where `begin` put in others, it is made again with those.
    """
    inner = wrapped(*args, **kwargs)
    driver = _named(_await(inner, wrapped, args, kwargs, begin), wrapped)
    if type(inner) is CoroutineType:
        # One that is never awaited is one coroutine to the host, and warns once.
        weakref.finalize(driver, inner.close).atexit = False
    return driver  # type: ignore[no-any-return]  # a coroutine by construction


def _named(driver: Any, like: Any) -> Any:
    # A coroutine that is never awaited is reported by its name, which must be the host's.
    for name in ("__name__", "__qualname__"):
        known = getattr(like, name, None)
        if isinstance(known, str):
            setattr(driver, name, known)
    return driver


async def _await(
    inner: Any,
    wrapped: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    begin: Begin,
) -> Any:
    given = dict(kwargs)
    recording = begin(args, kwargs)
    if recording is None:
        return await inner
    token = recording.attach()
    try:
        if type(inner) is CoroutineType and _differ(given, kwargs):
            inner.close()  # it has not begun: nothing of it has run
            inner = wrapped(*args, **kwargs)
        value = await inner
    except BaseException as error:
        recording.detach(token)
        recording.ended(outcome_of(error), error)
        raise
    recording.detach(token)
    return recording.returned(value)


def _differ(given: dict[str, Any], kwargs: dict[str, Any]) -> bool:
    """Whether arguments were replaced; they are the host's, and not asked whether they are equal."""
    return given.keys() != kwargs.keys() or any(
        kwargs[name] is not value for name, value in given.items()
    )


async def resume(awaitable: Coroutine[Any, Any, Any], recording: Recording) -> Any:
    """Await what a plain function returned, when that turned out to be an awaitable."""
    token = recording.attach()
    try:
        value = await awaitable
    except BaseException as error:
        recording.detach(token)
        recording.ended(outcome_of(error), error)
        raise
    recording.detach(token)
    return recording.returned(value)


def relay(
    iterator: Iterator[Any], recording: Recording, *, lazy: bool = False
) -> Generator[Any, Any, Any]:
    """Pass a vendor's stream on, chunk by chunk; nothing is attached around them.

    A `lazy` stream sends its request at the first step: the recording is attached there.
    """
    source = iterator if isinstance(iterator, Generator) else (item for item in iterator)
    return _drive(source, recording, recording if lazy else None, once=True)


def arelay(
    iterator: AsyncIterator[Any], recording: Recording, *, lazy: bool = False
) -> AsyncGenerator[Any, Any]:
    """Pass a vendor's asynchronous stream on; the rest is as for `relay`."""
    if isinstance(iterator, AsyncGenerator):
        return _unseen(iterator, recording, recording if lazy else None, once=True)
    return _apass(iterator, recording)


async def _apass(iterator: AsyncIterator[Any], recording: Recording) -> AsyncGenerator[Any, None]:
    """Only what goes by: whoever owns the iterator closes it, or the loop does at its end."""
    chunk = recording.chunk
    try:
        async for item in iterator:
            if not chunk(item):
                yield item
    except BaseException as error:
        recording.ended(outcome_of(error), error)
        raise
    recording.ended(Outcome.COMPLETED)


def step(generator: Generator[Any, Any, Any], recording: Recording) -> Generator[Any, Any, Any]:
    """Drive a decorated generator; its code runs attached, the consumer's does not."""
    return _drive(generator, recording, recording)


def astep(generator: AsyncGenerator[Any, Any], recording: Recording) -> AsyncGenerator[Any, Any]:
    """Drive a decorated asynchronous generator; its code runs attached, the consumer's does not."""
    return _unseen(generator, recording, recording)


def follow(value: Any, recording: Recording) -> Any:
    """Drive what a decorated function gave: a coroutine or generator of the host's own code."""
    drive = _DRIVERS.get(type(value))
    if drive is None:
        recording.ended(Outcome.COMPLETED)
        return value
    return _named(drive(value, recording), value)


def _detach(scope: Recording | None, token: object) -> None:
    if scope is not None:
        scope.detach(token)


def _left(thrown: BaseException | None) -> Outcome:
    """How a generator ended that returned, or went on, after `thrown` was thrown into it."""
    return Outcome.CLOSED if isinstance(thrown, GeneratorExit) else Outcome.COMPLETED


def _drive(
    generator: Generator[Any, Any, Any],
    recording: Recording,
    scope: Recording | None,
    *,
    once: bool = False,
) -> Generator[Any, Any, Any]:
    """The whole protocol: what is sent, thrown and returned goes through, `GeneratorExit` too."""
    sent: Any = None
    thrown: BaseException | None = None
    while True:
        token = None if scope is None else scope.attach()
        try:
            item = generator.send(sent) if thrown is None else generator.throw(thrown)
        except StopIteration as stop:
            _detach(scope, token)
            recording.ended(_left(thrown))
            return stop.value
        except BaseException as error:
            _detach(scope, token)
            recording.ended(outcome_of(error), error)
            thrown = None  # the frame is in its traceback: together they would be a circle
            raise
        if scope is not None:
            scope.detach(token)
            scope = None if once else scope
        kept = recording.chunk(item)
        if thrown is not None:
            _went_on(thrown, recording)
            thrown = None
        if kept:
            sent = None
            continue
        try:
            sent = yield item
        except BaseException as error:  # noqa: BLE001 -- not held back: the generator gets it
            sent, thrown = None, error


def _unseen(
    generator: AsyncGenerator[Any, Any],
    recording: Recording,
    scope: Recording | None,
    *,
    once: bool = False,
) -> AsyncGenerator[Any, Any]:
    """Drive `generator` so that the event loop goes on knowing it, and only it.

    Loops keep account of asynchronous generators, to close those that are dropped and, when they
    shut down, all that are left. They meet the inner one as they would without us. Of the outer one
    they are not told: closed by two parties at once, one of the two fails.
    """
    dropped: list[object] = []
    driver = _adrive(generator, recording, scope, dropped, once=once)
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, functools.partial(_drop, dropped))
    try:
        # Hooks are taken at the first step. This one is refused, so that nothing begins by it.
        with contextlib.suppress(TypeError):
            driver.asend(driver).send(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)
    return driver


def _drop(dropped: list[object], driver: AsyncGenerator[Any, Any]) -> None:
    """End an outer generator that nobody holds; the inner one goes the way that it would have gone."""
    dropped.append(True)
    with contextlib.suppress(StopIteration):
        driver.aclose().send(None)


async def _adrive(
    generator: AsyncGenerator[Any, Any],
    recording: Recording,
    scope: Recording | None,
    dropped: list[object],
    *,
    once: bool,
) -> AsyncGenerator[Any, Any]:
    thrown: BaseException | None = None
    turn = generator.asend(None)
    while True:
        token = None if scope is None else scope.attach()
        try:
            item = await turn
        except StopAsyncIteration:
            _detach(scope, token)
            recording.ended(_left(thrown))
            del turn  # it holds what was thrown, as below
            return
        except BaseException as error:
            _detach(scope, token)
            recording.ended(outcome_of(error), error)
            thrown = None  # as above
            del turn
            raise
        if scope is not None:
            scope.detach(token)
            scope = None if once else scope
        kept = recording.chunk(item)
        if thrown is not None:
            _went_on(thrown, recording)
            thrown = None
        try:
            turn = generator.asend(None if kept else (yield item))
        except BaseException as error:  # not held back: the generator gets it
            if dropped:
                recording.ended(Outcome.CLOSED)
                raise
            thrown = error
            turn = generator.athrow(error)


def _went_on(thrown: BaseException, recording: Recording) -> None:
    """A generator that yields once more although it was closed is ended all the same."""
    if isinstance(thrown, GeneratorExit):
        recording.ended(Outcome.CLOSED)


_DRIVERS: dict[type, Callable[[Any, Recording], Any]] = {
    GeneratorType: step,
    AsyncGeneratorType: astep,
    CoroutineType: resume,
}
