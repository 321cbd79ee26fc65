"""Who drives a generator of the host's or a vendor's, so that its recording is told what happens to it.

What passes through is the whole protocol: what is sent, thrown and returned, and that nobody reads on.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import types
from collections.abc import AsyncGenerator, Callable, Generator
from itertools import compress, filterfalse
from types import GeneratorType
from typing import Any

from clearspan.core.dropped import Watched, apart
from clearspan.core.fence import fenced
from clearspan.core.heed import Recording, attach, broke, detach, ended, noted
from clearspan.core.tape import Taping
from clearspan.record import Outcome

__all__ = ["drive", "drive_awaited", "passing", "unseen"]


def _noting(recording: Recording, taping: Taping | None) -> Callable[[Any], bool]:
    """How elements are noted: with a `taping` there, else by the recording, which may keep some from going further."""
    if type(taping) is not Taping:
        return functools.partial(noted, recording)
    keep, ticks = taping

    def note(item: Any) -> bool:
        keep(item)
        next(ticks)
        return False

    return note


def _over(recording: Recording, thrown: BaseException | None) -> None:
    """A generator has returned, perhaps because `thrown` was thrown into it."""
    ended(recording, Outcome.CLOSED if isinstance(thrown, GeneratorExit) else Outcome.COMPLETED)


class _Sent(Exception):
    """Something was sent to a generator that was only read so far."""


class _Elements(compress):  # type: ignore[type-arg]  # generic in its stubs only
    """Elements of a generator that are put down as they go by, with no line of Python for each."""

    __slots__ = ()

    def send(self, sent: object) -> Any:
        """Let it be done by who forwards such."""
        raise _Sent(sent)


def passing(
    held: Watched,
    generator: GeneratorType[Any, Any, Any],
    recording: Recording,
    taping: Taping,
) -> Generator[Any, Any, Any]:
    """What nearly all who read a stream do: only read. Whoever sends or throws something goes the whole way."""
    gone = _going(held, None)
    elements = _Elements(filterfalse(taping.keep, generator), taping.ticks)
    sent, thrown = None, None
    try:
        value = yield from elements
    except _Sent as said:
        (sent,) = said.args
    except BaseException as error:
        if generator.gi_frame is None:  # it was raised there, and not thrown from here
            broke(recording, error)
            raise
        if held.dropped:
            del generator, elements
            fenced("observe.apart", apart, recording, gone)
            return None
        thrown = error
    else:
        ended(recording, Outcome.COMPLETED)
        return value
    rest = drive(held, generator, recording, None, sent=sent, thrown=thrown)
    sent = thrown = None  # the frame is in its traceback: together they would be a circle
    del generator, elements  # what is let go of further down is held by nobody here
    return (yield from rest)


def drive(
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
    fenced("observe.apart", apart, recording, gone)


@types.coroutine
def drive_awaited(
    held: Watched, generator: Generator[Any, Any, Any], recording: Recording, scope: Recording
) -> Generator[Any, Any, Any]:
    """The same for a coroutine that is made of a generator: it can be awaited, too."""
    return (yield from drive(held, generator, recording, scope))


def _going(held: Watched, scope: Recording | None) -> Outcome:
    """It begins to run; answers how it will have ended if nobody reads on. Of a stream, nobody closed it, then."""
    held.begun()
    return Outcome.ABANDONED if scope is None else Outcome.CLOSED


def unseen(
    generator: AsyncGenerator[Any, Any],
    recording: Recording,
    scope: Recording | None,
    *,
    once: bool = False,
    taping: Taping | None = None,
) -> AsyncGenerator[Any, Any]:
    """Drive `generator` so that the event loop goes on knowing it, and only it.

    Loops keep account of asynchronous generators, to close those that are dropped and, when they
    shut down, all that are left. They meet the inner one as they would without us. Of the outer one
    they are not told: closed by two parties at once, one of the two fails.
    """
    held = Watched(recording)
    driver = held.watching(_adrive(held, generator, recording, scope, taping, once=once))
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
        fenced("observe.apart", apart, recording, Outcome.ABANDONED)


async def _adrive(
    held: Watched,
    generator: AsyncGenerator[Any, Any],
    recording: Recording,
    scope: Recording | None,
    taping: Taping | None,
    *,
    once: bool,
) -> AsyncGenerator[Any, Any]:
    gone = _going(held, scope)
    note = _noting(recording, taping)
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
        kept = note(item)
        if thrown is not None:
            _went_on(thrown, recording)
            thrown = None
        try:
            turn = generator.asend(None if kept else (yield item))
        except BaseException as error:  # not held back: the generator gets it
            if held.dropped:
                fenced("observe.apart", apart, recording, gone)
                raise
            thrown = error
            turn = generator.athrow(error)


def _went_on(thrown: BaseException, recording: Recording) -> None:
    """A generator that yields once more although it was closed is ended all the same."""
    if isinstance(thrown, GeneratorExit):
        ended(recording, Outcome.CLOSED)
