"""The threads on which guards judge, so that a caller waits for its deadline and no longer.

No thread can be stopped. One whose check takes too long goes on by itself, and others take its place up
to a bound; a check that none has begun by its deadline is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import threading
from collections.abc import Callable
from importlib import import_module
from queue import SimpleQueue
from typing import Any

__all__ = ["Crew", "Job", "judging"]

_MOST = 32

_judging: contextvars.ContextVar[bool] = contextvars.ContextVar("clearspan_judging", default=False)


def judging() -> bool:
    """Whether this is code of a guard's evaluator: what it asks models is not guarded in turn."""
    return _judging.get()


class Job:
    """One check, while it is waited for."""

    __slots__ = ("_done", "_given_up", "_lock", "_wake", "_work", "result")

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._wake: Callable[[], None] | None = None
        self._given_up = False
        self.result: Any = None

    def run(self) -> None:
        """Do it, unless nobody waits any more."""
        if self._given_up:
            return
        try:
            self.result = self._work()
        except BaseException:  # noqa: BLE001 -- no work costs a thread: whoever waits is told, having no result
            self.result = None
        self._settle()

    def drop(self) -> None:
        """Nobody does it."""
        self._given_up = True

    def _settle(self) -> None:
        with self._lock:
            self._done.set()
            wake = self._wake
        if wake is not None:
            wake()

    def wait(self, seconds: float) -> bool:
        """Wait on this thread; whether it was done in time."""
        done = self._done.wait(seconds)
        self._given_up = not done
        return done

    async def arrives(self, seconds: float) -> bool:
        """The same without holding up the event loop, of whichever library."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # It comes with every client that runs on another loop, and is nothing that we depend on.
            to_thread: Any = import_module("anyio.to_thread")
            return bool(await to_thread.run_sync(self.wait, seconds))
        arrived: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._wake = lambda: _wake(loop, arrived)
            if self._done.is_set():
                return True
        try:
            await asyncio.wait({arrived}, timeout=seconds)
        finally:
            self._given_up = not self._done.is_set()
        return not self._given_up


def _wake(loop: asyncio.AbstractEventLoop, arrived: asyncio.Future[None]) -> None:
    with contextlib.suppress(RuntimeError):  # closed in the meantime
        loop.call_soon_threadsafe(_arrive, arrived)


def _arrive(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)


class Crew:
    """Threads that come when they are needed and stay for the next check."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._renew()

    def _renew(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._hands = 0
        self._load = 0

    def do(self, work: Callable[[], Any]) -> Job:
        """Have `work` done, which must not raise: where it does, there is no result.

        Raises `RuntimeError` where there is no thread and none can be started, as when the interpreter ends.
        """
        if os.getpid() != self._pid:
            self._renew()  # threads do not come along into a forked child, held locks do
        job = Job(work)
        with self._lock:
            self._load += 1
            more = self._hands < min(self._load, self._most)
            self._hands += more
            jobs = self._jobs
            jobs.put(job)
        if more:
            self._hire(jobs, job)
        return job

    def _hire(self, jobs: SimpleQueue[Job | None], job: Job) -> None:
        hand = threading.Thread(target=self._hand, args=(jobs,), name="clearspan-guard", daemon=True)  # fmt: skip
        try:
            hand.start()
        except RuntimeError:
            with self._lock:
                self._hands -= jobs is self._jobs
                alone = self._hands <= 0
            if alone:
                job.drop()
                raise

    def close(self) -> None:
        """Let every thread go when it has done what it is at."""
        with self._lock:
            hands, self._hands, self._load = self._hands, 0, 0
            jobs, self._jobs = self._jobs, SimpleQueue()
        for _ in range(hands):
            jobs.put(None)

    def _hand(self, jobs: SimpleQueue[Job | None]) -> None:
        _judging.set(True)
        while (job := jobs.get()) is not None:
            job.run()
            del job  # nothing of the call is kept until the next one
            with self._lock:
                self._load -= jobs is self._jobs
