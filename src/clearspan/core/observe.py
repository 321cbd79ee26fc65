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
import time
import types
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, NamedTuple

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
from clearspan.core.tape import Tape
from clearspan.record import Outcome

__all__ = [
    "Begin",
    "Recording",
    "Taping",
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
    driver = _await(held, wrapped, args, kwargs, begin)
    fenced("observe.named", _named, driver, wrapped)
    return driver


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
            type(inner) is CoroutineType
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


class Taping(NamedTuple):
    """Where elements of a stream are put down with the time they came.

    Whoever takes them from there is told after `every` so many. It spares a call for each of them.
    """

    tape: Tape
    full: Callable[[], object]
    every: int


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
    drive = (
        _drive(held, source, recording, recording if lazy else None, once=True)
        if lazy or taping is None
        else _pass(held, source, recording, taping)
    )
    return held.watching(drive)


def arelay(
    iterator: AsyncIterator[Any], recording: Recording, *, lazy: bool = False
) -> AsyncGenerator[Any, Any]:
    """Pass a vendor's asynchronous stream on; the rest is as for `relay`."""
    if isinstance(iterator, AsyncGenerator):
        return _unseen(iterator, recording, recording if lazy else None, once=True)
    held = Watched(recording)
    return held.watching(_apass(held, iterator, recording))


async def _apass(
    held: Watched, iterator: AsyncIterator[Any], recording: Recording
) -> AsyncGenerator[Any, None]:
    """Only what goes by: whoever owns the iterator closes it, or the loop does at its end."""
    try:
        async for item in iterator:
            if not noted(recording, item):
                yield item
    except BaseException as error:
        held.begun()
        if held.dropped:
            apart(recording, Outcome.ABANDONED)
        else:
            broke(recording, error)
        raise
    held.begun()  # only now: a loop that has ended closes nothing
    ended(recording, Outcome.COMPLETED)


def step(generator: Generator[Any, Any, Any], recording: Recording) -> Generator[Any, Any, Any]:
    """Drive a decorated generator; its code runs attached, the consumer's does not."""
    held = Watched(recording)
    drive: Any = _drive_awaited if inspect.isawaitable(generator) else _drive
    driver: Generator[Any, Any, Any] = drive(held, generator, recording, recording)
    return held.watching(driver)


def astep(generator: AsyncGenerator[Any, Any], recording: Recording) -> AsyncGenerator[Any, Any]:
    """Drive a decorated asynchronous generator; its code runs attached, the consumer's does not."""
    return _unseen(generator, recording, recording)


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


def _over(recording: Recording, thrown: BaseException | None) -> None:
    """A generator has returned, perhaps because `thrown` was thrown into it."""
    ended(recording, Outcome.CLOSED if isinstance(thrown, GeneratorExit) else Outcome.COMPLETED)


def _pass(
    held: Watched, generator: Generator[Any, Any, Any], recording: Recording, taping: Taping
) -> Generator[Any, Any, Any]:
    """What nearly all who read a stream do: only read. Whoever sends or throws something goes the whole way."""
    gone = _going(held, None)
    step, left = generator.__next__, taping.every
    keep, mark, clock = taping.tape.items.append, taping.tape.times.append, time.perf_counter
    sent: Any = None
    thrown: BaseException | None = None
    while sent is None and thrown is None:
        try:
            item = step()
        except StopIteration as stop:
            ended(recording, Outcome.COMPLETED)
            return stop.value
        except BaseException as error:
            broke(recording, error)
            raise
        keep(item)
        mark(clock())
        left -= 1
        if not left:
            left = taping.every
            fenced("observe.full", taping.full)
        try:
            sent = yield item
        except BaseException as error:  # noqa: BLE001 -- not held back: the generator gets it
            thrown = error
            if held.dropped:
                del generator, step
                apart(recording, gone)
                return None
    rest = _drive(held, generator, recording, None, sent=sent, thrown=thrown)
    sent = thrown = None  # the frame is in its traceback: together they would be a circle
    del generator, step, item  # what is let go of further down is held by nobody here
    return (yield from rest)


def _drive(
    held: Watched,
    generator: Generator[Any, Any, Any],
    recording: Recording,
    scope: Recording | None,
    *,
    once: bool = False,
    sent: Any = None,
    thrown: BaseException | None = None,
) -> Generator[Any, Any, Any]:
    """The whole protocol: what is sent, thrown and returned goes through, `GeneratorExit` too."""
    gone = _going(held, scope)
    while True:
        token = None if scope is None else attach(scope)
        try:
            item = generator.send(sent) if thrown is None else generator.throw(thrown)
        except StopIteration as stop:
            detach(scope, token)
            _over(recording, thrown)
            return stop.value
        except BaseException as error:
            detach(scope, token)
            broke(recording, error)
            thrown = None  # the frame is in its traceback: together they would be a circle
            raise
        if scope is not None:
            detach(scope, token)
            scope = None if once else scope
        kept = noted(recording, item)
        if thrown is not None:
            _went_on(thrown, recording)
            thrown = None
        if kept:
            sent = None
            continue
        try:
            sent = yield item
        except BaseException as error:  # noqa: BLE001 -- not held back: the generator gets it
            if held.dropped:
                break
            sent, thrown = None, error
    # Nobody holds the driver. What it drove may be somebody's all the same (a function returned what others have,
    # too): it is let go of, and closed by that if it was ours alone. What a collection has stopped keeps its context.
    scope = None if held.collected else scope
    token = None if scope is None else attach(scope)
    del generator
    detach(scope, token)
    apart(recording, gone)


@types.coroutine
def _drive_awaited(
    held: Watched, generator: Generator[Any, Any, Any], recording: Recording, scope: Recording
) -> Generator[Any, Any, Any]:
    """The same for a coroutine that is made of a generator: it can be awaited, too."""
    return (yield from _drive(held, generator, recording, scope))


def _going(held: Watched, scope: Recording | None) -> Outcome:
    """It begins to run; answers how it will have ended if nobody reads on. Of a stream, nobody closed it, then."""
    held.begun()
    return Outcome.ABANDONED if scope is None else Outcome.CLOSED


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
    held = Watched(recording)
    driver = held.watching(_adrive(held, generator, recording, scope, once=once))
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, functools.partial(_drop, recording))
    try:
        # Hooks are taken at the first step. This one is refused, so that nothing begins by it.
        with contextlib.suppress(TypeError):
            driver.asend(driver).send(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)
    return driver


def _drop(recording: Recording, driver: AsyncGenerator[Any, Any]) -> None:
    """End an outer generator that nobody holds; the inner one goes the way that it would have gone."""
    try:
        driver.aclose().send(None)
    except StopIteration:
        return
    except RuntimeError:  # dropped in the middle of a step: it cannot be closed any more
        apart(recording, Outcome.ABANDONED)


async def _adrive(
    held: Watched,
    generator: AsyncGenerator[Any, Any],
    recording: Recording,
    scope: Recording | None,
    *,
    once: bool,
) -> AsyncGenerator[Any, Any]:
    gone = _going(held, scope)
    thrown: BaseException | None = None
    turn = generator.asend(None)
    while True:
        token = None if scope is None else attach(scope)
        try:
            item = await turn
        except StopAsyncIteration:
            detach(scope, token)
            _over(recording, thrown)
            del turn  # it holds what was thrown, as below
            return
        except BaseException as error:
            detach(scope, token)
            broke(recording, error)
            thrown = None  # as above
            del turn
            raise
        if scope is not None:
            detach(scope, token)
            scope = None if once else scope
        kept = noted(recording, item)
        if thrown is not None:
            _went_on(thrown, recording)
            thrown = None
        try:
            turn = generator.asend(None if kept else (yield item))
        except BaseException as error:  # not held back: the generator gets it
            if held.dropped:
                apart(recording, gone)
                raise
            thrown = error
            turn = generator.athrow(error)


def _went_on(thrown: BaseException, recording: Recording) -> None:
    """A generator that yields once more although it was closed is ended all the same."""
    if isinstance(thrown, GeneratorExit):
        ended(recording, Outcome.CLOSED)
