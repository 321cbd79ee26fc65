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
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
from types import AsyncGeneratorType, CoroutineType, FunctionType, GeneratorType
from typing import Any

from clearspan.core.drivers import drive, drive_awaited, passing, unseen
from clearspan.core.dropped import Watched, apart
from clearspan.core.fence import fenced
from clearspan.core.heed import (
    Begin,
    Recording,
    attach,
    begun,
    broke,
    detach,
    ended,
    noted,
    outcome_of,
    returned,
)
from clearspan.core.tape import Taping
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
    "outcome_of",
    "relay",
    "resume",
    "step",
]


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling `function` gives a coroutine, looking through decorators that hide it."""
    return inspect.iscoroutinefunction(inspect.unwrap(function))


def call(
    wrapped: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], begin: Begin
) -> Any:
    """Call a plain function under a recording."""
    recording = begun(begin, args, kwargs)
    if recording is None:
        return wrapped(*args, **kwargs)
    token = attach(recording)
    try:
        value = wrapped(*args, **kwargs)
    except BaseException as error:
        detach(recording, token)
        broke(recording, error)
        raise
    detach(recording, token)
    return returned(recording, value)


def call_async(
    wrapped: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], begin: Begin
) -> Coroutine[Any, Any, Any]:
    """Call a coroutine function under a recording that starts when the coroutine does.

    The call itself is made at once: it runs nothing of the coroutine, but wrong arguments are
    refused here, as they are without us. Where `begin` put in others, it is made again with those.
    """
    held = Watched()  # older than the coroutine: so it is also asked first where both are garbage
    held.inner = wrapped(*args, **kwargs)
    awaiting = _await(held, wrapped, args, kwargs, begin)
    driver: Any = awaiting
    if type(wrapped) is FunctionType:  # its names are texts, and nothing is run to get at them
        driver.__name__, driver.__qualname__ = wrapped.__name__, wrapped.__qualname__
    else:
        fenced("observe.named", _named, driver, wrapped)
    return awaiting


def _named(driver: Any, like: Any) -> None:
    # A coroutine that is never awaited is reported by its name, which must be the host's.
    for name in ("__name__", "__qualname__"):
        known = getattr(like, name, None)
        if isinstance(known, str):
            setattr(driver, name, known)


async def _await(
    held: Watched,
    wrapped: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    begin: Begin,
) -> Any:
    inner = held.begun()
    given = dict(kwargs)
    recording = begun(begin, args, kwargs)
    if recording is None:
        return await inner
    token = attach(recording)
    try:
        if (
            (given or kwargs)
            and type(inner) is CoroutineType
            and fenced("observe.differ", _differ, given, kwargs) is True
        ):
            inner.close()  # it has not begun: nothing of it has run
            inner = wrapped(*args, **kwargs)
        value = await inner
    except BaseException as error:
        detach(recording, token)
        broke(recording, error)
        raise
    detach(recording, token)
    return returned(recording, value)


def _differ(given: dict[str, Any], kwargs: dict[str, Any]) -> bool:
    """Whether arguments were replaced; they are the host's, and not asked whether they are equal."""
    return given.keys() != kwargs.keys() or any(
        kwargs[name] is not value for name, value in given.items()
    )


def resume(awaitable: Coroutine[Any, Any, Any], recording: Recording) -> Coroutine[Any, Any, Any]:
    """Await what a plain function returned, when that turned out to be an awaitable."""
    held = Watched(recording, awaitable)
    return held.telling(_resume(held, recording))


async def _resume(held: Watched, recording: Recording) -> Any:
    awaitable = held.awaiting()
    token = attach(recording)
    try:
        value = await awaitable
    except BaseException as error:
        detach(recording, token)
        broke(recording, error)
        raise
    detach(recording, token)
    return returned(recording, value)


def relay(
    iterator: Iterator[Any],
    recording: Recording,
    *,
    lazy: bool = False,
    taping: Taping | None = None,
) -> Generator[Any, Any, Any]:
    """Pass a vendor's stream on, chunk by chunk; nothing is attached around them.

    A `lazy` stream sends its request at the first step: the recording is attached there. With `taping` that is where
    elements are noted, and the recording is not asked about each.
    """
    source = iterator if isinstance(iterator, Generator) else (item for item in iterator)
    held = Watched(recording)
    driver = (
        passing(held, source, recording, taping)
        if type(taping) is Taping and type(source) is GeneratorType and not lazy
        else drive(held, source, recording, recording if lazy else None, once=True)
    )
    return held.watching(driver)


def arelay(
    iterator: AsyncIterator[Any],
    recording: Recording,
    *,
    lazy: bool = False,
    taping: Taping | None = None,
) -> AsyncGenerator[Any, Any]:
    """Pass a vendor's asynchronous stream on; the rest is as for `relay`."""
    if isinstance(iterator, AsyncGenerator):
        scope = recording if lazy else None
        return unseen(iterator, recording, scope, once=True, taping=taping)
    held = Watched(recording)
    return held.watching(_apass(held, iterator, recording, taping))


async def _apass(
    held: Watched, iterator: AsyncIterator[Any], recording: Recording, taping: Taping | None
) -> AsyncGenerator[Any, None]:
    """Only what goes by: whoever owns the iterator closes it, or the loop does at its end."""
    try:
        if type(taping) is Taping:
            keep, ticks = taping
            async for item in iterator:
                keep(item)
                next(ticks)
                yield item
        else:
            async for item in iterator:
                if not noted(recording, item):
                    yield item
    except BaseException as error:
        held.begun()
        if held.dropped:
            fenced("observe.apart", apart, recording, Outcome.ABANDONED)
        else:
            broke(recording, error)
        raise
    held.begun()  # only now: a loop that has ended closes nothing
    ended(recording, Outcome.COMPLETED)


def step(generator: Generator[Any, Any, Any], recording: Recording) -> Generator[Any, Any, Any]:
    """Drive a decorated generator; its code runs attached, the consumer's does not."""
    held = Watched(recording)
    chosen: Any = drive_awaited if inspect.isawaitable(generator) else drive
    driver: Generator[Any, Any, Any] = chosen(held, generator, recording, recording)
    return held.watching(driver)


def astep(generator: AsyncGenerator[Any, Any], recording: Recording) -> AsyncGenerator[Any, Any]:
    """Drive a decorated asynchronous generator; its code runs attached, the consumer's does not."""
    return unseen(generator, recording, recording)


def follow(value: Any, recording: Recording) -> Any:
    """Drive what a decorated function gave: a coroutine or generator of the host's own code."""
    kind = type(value)
    if kind is CoroutineType:
        driver: Any = resume(value, recording)
    elif kind is GeneratorType:
        driver = step(value, recording)
    elif kind is AsyncGeneratorType:
        driver = astep(value, recording)
    else:
        recording.ended(Outcome.COMPLETED)
        return value
    fenced("observe.named", _named, driver, value)
    return driver
