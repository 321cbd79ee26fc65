"""One way of driving clients that are synchronous or asynchronous, a step at a time."""

from __future__ import annotations

import asyncio
import gc
import inspect
import time
from collections.abc import Callable
from typing import Any

_TURNS = 5
_DEADLINE = 10.0


class Side:
    """Runs each step of a test to its end: awaitables on a loop of its own, the rest as it is."""

    def __init__(self, *, asynchronous: bool) -> None:
        self.asynchronous = asynchronous
        self._loop = asyncio.new_event_loop() if asynchronous else None

    def do(self, value: Any) -> Any:
        """The value, once it is there."""
        if self._loop is not None and inspect.isawaitable(value):
            return self._loop.run_until_complete(_awaited(value))
        return value

    def take(self, stream: Any, count: int | None = None) -> list[Any]:
        """The next `count` elements, or all that are left; the stream stays open."""
        iterator = aiter(stream) if self.asynchronous else iter(stream)
        found: list[Any] = []
        while count is None or len(found) < count:
            try:
                found.append(self._next(iterator))
            except (StopIteration, StopAsyncIteration):
                break
        return found

    def _next(self, iterator: Any) -> Any:
        return self.do(_step(iterator)) if self.asynchronous else next(iterator)

    def enter(self, manager: Any) -> Any:
        """What `with manager as ...` gives."""
        return self.do(manager.__aenter__() if self.asynchronous else manager.__enter__())

    def leave(self, manager: Any, error: BaseException | None = None) -> Any:
        """The end of the `with` block."""
        how = (type(error), error, None) if error is not None else (None, None, None)
        return self.do(manager.__aexit__(*how) if self.asynchronous else manager.__exit__(*how))

    def cancelled(self, value: Any, ready: Any) -> BaseException | None:
        """Cancel `value` once `ready()` is true, and answer what comes out of it."""
        assert self._loop is not None
        return self._loop.run_until_complete(_cancelled(value, ready))

    def collect(self, over: Callable[[], bool]) -> None:
        """Let the collector take what nobody holds, until `over()`.

        A generator that belongs to a loop needs turns of it to end, and may free others only then.
        """
        deadline = time.monotonic() + _DEADLINE
        while not over() and time.monotonic() < deadline:
            gc.collect()
            self._turn()

    def close(self) -> None:
        """End the loop, once what was closed on it has gone.

        A generator that ends lets go of the one it reads from, which ends in a task of its own,
        and may wait for its connection meanwhile: it is over when some turns find no task left.
        """
        if self._loop is not None:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            gc.collect()
            deadline, quiet = time.monotonic() + _DEADLINE, 0
            while quiet < _TURNS and time.monotonic() < deadline:
                self._turn()
                quiet = 0 if asyncio.all_tasks(self._loop) else quiet + 1
            self._loop.close()

    def _turn(self) -> None:
        if self.asynchronous:
            self.do(asyncio.sleep(0.001))


async def _step(iterator: Any) -> Any:
    # Asked for on the loop, so that it knows a generator from its first step on.
    return await anext(iterator)


async def _awaited(value: Any) -> Any:
    return await value


async def _cancelled(value: Any, ready: Any) -> BaseException | None:
    task = asyncio.ensure_future(_awaited(value))
    while not ready():  # noqa: ASYNC110 -- what is waited for happens on another thread
        await asyncio.sleep(0.001)
    for _ in range(_TURNS):  # so that it has begun and waits for something
        await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except BaseException as error:  # noqa: BLE001 -- which one it is, is the question
        return error
    return None
