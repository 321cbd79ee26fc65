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

import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
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


class Recording(Protocol):
    """One operation while it is going on. Nothing here raises; `ended` may be called twice."""

    def attach(self) -> object:
        """Make the operation the active one; answers what `detach` needs."""

    def detach(self, token: object) -> None:
        """Undo `attach`."""

    def returned(self, value: Any) -> Any:
        """The call came back with `value`; answers what the caller gets."""

    def chunk(self, item: Any) -> None:
        """One element of a stream went by."""

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
    if type(error).__name__ == "CancelledError" and not isinstance(error, Exception):
        return Outcome.CANCELLED
    return Outcome.FAILED


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
    """Call a coroutine function under a recording that starts when the coroutine does."""
    driver: Coroutine[Any, Any, Any] = _named(_await(wrapped, args, kwargs, begin), wrapped)
    return driver


def _named(driver: Any, like: Any) -> Any:
    # A coroutine that is never awaited is reported by its name, which must be the host's.
    driver.__name__ = getattr(like, "__name__", driver.__name__)
    driver.__qualname__ = getattr(like, "__qualname__", driver.__qualname__)
    return driver


async def _await(
    wrapped: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], begin: Begin
) -> Any:
    recording = begin(args, kwargs)
    if recording is None:
        return await wrapped(*args, **kwargs)
    token = recording.attach()
    try:
        value = await wrapped(*args, **kwargs)
    except BaseException as error:
        recording.detach(token)
        recording.ended(outcome_of(error), error)
        raise
    recording.detach(token)
    return recording.returned(value)


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


def relay(iterator: Iterator[Any], recording: Recording) -> Generator[Any, None, None]:
    """Pass a vendor's stream on, chunk by chunk."""
    chunk = recording.chunk
    try:
        for item in iterator:
            chunk(item)
            yield item
    except BaseException as error:
        _leave(recording, error, iterator)
        raise
    recording.ended(Outcome.COMPLETED)


async def arelay(iterator: AsyncIterator[Any], recording: Recording) -> AsyncGenerator[Any, None]:
    """Pass a vendor's asynchronous stream on, chunk by chunk."""
    chunk = recording.chunk
    try:
        async for item in iterator:
            chunk(item)
            yield item
    except BaseException as error:
        recording.ended(outcome_of(error), error)
        if isinstance(error, GeneratorExit) and isinstance(iterator, AsyncGenerator):
            await iterator.aclose()
        raise
    recording.ended(Outcome.COMPLETED)


def follow(value: Any, recording: Recording) -> Any:
    """Drive what a decorated function gave: a coroutine or generator of the host's own code."""
    drive = _DRIVERS.get(type(value))
    if drive is None:
        recording.ended(Outcome.COMPLETED)
        return value
    return _named(drive(value, recording), value)


def _leave(recording: Recording, error: BaseException, iterator: Iterator[Any]) -> None:
    recording.ended(outcome_of(error), error)
    if isinstance(error, GeneratorExit) and isinstance(iterator, Generator):
        iterator.close()  # at once, as a reader that stops would have had it closed


def step(generator: Generator[Any, Any, Any], recording: Recording) -> Generator[Any, Any, Any]:
    """Drive a decorated generator; its code runs attached, the consumer's does not."""
    resume_with: Callable[[], Any] = generator.__next__
    while True:
        token = recording.attach()
        try:
            item = resume_with()
        except StopIteration as stop:
            recording.detach(token)
            recording.ended(Outcome.COMPLETED)
            return stop.value
        except BaseException as error:
            recording.detach(token)
            recording.ended(outcome_of(error), error)
            raise
        recording.detach(token)
        recording.chunk(item)
        try:
            sent = yield item
        except GeneratorExit:
            _close(generator, recording)
            raise
        except BaseException as thrown:  # noqa: BLE001 -- not held back: it is thrown into the host's generator
            resume_with = _bind(generator.throw, thrown)
        else:
            resume_with = _bind(generator.send, sent)


async def astep(
    generator: AsyncGenerator[Any, Any], recording: Recording
) -> AsyncGenerator[Any, Any]:
    """Drive a decorated asynchronous generator; its code runs attached, the consumer's does not."""
    resume_with: Callable[[], Awaitable[Any]] = generator.__anext__
    while True:
        token = recording.attach()
        try:
            item = await resume_with()
        except StopAsyncIteration:
            recording.detach(token)
            recording.ended(Outcome.COMPLETED)
            return
        except BaseException as error:
            recording.detach(token)
            recording.ended(outcome_of(error), error)
            raise
        recording.detach(token)
        recording.chunk(item)
        try:
            sent = yield item
        except GeneratorExit:
            await _aclose(generator, recording)
            raise
        except BaseException as thrown:  # noqa: BLE001 -- not held back: it is thrown into the host's generator
            resume_with = _bind(generator.athrow, thrown)
        else:
            resume_with = _bind(generator.asend, sent)


def _bind(method: Callable[[Any], Any], argument: Any) -> Callable[[], Any]:
    return lambda: method(argument)


def _close(generator: Generator[Any, Any, Any], recording: Recording) -> None:
    token = recording.attach()
    try:
        generator.close()
    except BaseException as error:
        recording.ended(outcome_of(error), error)
        raise
    finally:
        recording.detach(token)
        recording.ended(Outcome.CLOSED)


async def _aclose(generator: AsyncGenerator[Any, Any], recording: Recording) -> None:
    token = recording.attach()
    try:
        await generator.aclose()
    except BaseException as error:
        recording.ended(outcome_of(error), error)
        raise
    finally:
        recording.detach(token)
        recording.ended(Outcome.CLOSED)


_DRIVERS: dict[type, Callable[[Any, Recording], Any]] = {
    GeneratorType: step,
    AsyncGeneratorType: astep,
    CoroutineType: resume,
}
