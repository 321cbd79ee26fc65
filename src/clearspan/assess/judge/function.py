"""A callable as a judge: `(messages, schema) -> dict | str`, sync or async."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import os
import threading
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from clearspan.assess.judge.failure import JudgeFailure
from clearspan.assess.judge.prompt import Messages
from clearspan.assess.judge.reply import Knobs, Reply
from clearspan.assess.judge.schema import Shape

__all__ = ["Function"]


class Function:
    """Asks `function`. Coroutines run on one loop of their own, on a thread of their own.

    So a client that belongs to a loop, as most asynchronous ones do, may be used again and again, and no loop
    of the application waits for a judge. What the callable raises is a `JudgeFailure` (`judge_failed`).
    """

    refused: frozenset[str] = frozenset()

    def __init__(self, function: Callable[..., Any], model: str) -> None:
        self.model = model
        self._function = function
        self._loop = _Loop()

    def ask(self, messages: Messages, shape: Shape, knobs: Knobs, timeout: float) -> Reply:
        """Its answer, within `timeout` seconds if it is a coroutine; of another nobody can take it away."""
        del knobs
        try:
            answer = self._function(messages, shape.json())
            if inspect.isawaitable(answer):
                answer = self._loop.run(answer, timeout)
        except (TimeoutError, concurrent.futures.TimeoutError, asyncio.TimeoutError):
            raise JudgeFailure("judge_timeout", "the judge did not answer in time", worn=True) from None  # fmt: skip
        except Exception as error:  # noqa: BLE001 -- a callable of the application may raise anything
            # What it says is cleaned and kept as any explanation is.
            raise JudgeFailure(
                "judge_failed", f"{type(error).__name__}: {error}", worn=True
            ) from None
        return Reply(answer)


class _Loop:
    """An event loop on a daemon thread, started when it is first needed; a forked child gets its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owner = 0

    def run(self, awaitable: Awaitable[Any], timeout: float) -> Any:
        # what this context says, that a judge is asked first of all, goes along
        future = asyncio.run_coroutine_threadsafe(_awaited(awaitable), self._running())
        try:
            return future.result(timeout)
        finally:
            future.cancel()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._owner != os.getpid():
            self._lock = threading.Lock()  # the parent's may have been held as it forked
        with self._lock:
            if self._loop is None or self._owner != os.getpid():
                self._loop, self._owner = asyncio.new_event_loop(), os.getpid()
                weakref.finalize(self, _stop, self._loop, self._owner)
                threading.Thread(
                    target=_serve, args=(self._loop,), name="clearspan-judge", daemon=True
                ).start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _stop(loop: asyncio.AbstractEventLoop, owner: int) -> None:
    if owner == os.getpid():  # a child has no thread that could run the parent's
        loop.call_soon_threadsafe(loop.stop)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
