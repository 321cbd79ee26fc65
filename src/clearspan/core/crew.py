"""Crew: threads that do jobs which may be slow, or never end, without one holding up the others.

One thread takes jobs and does them, one after another, so that quick ones cost no handing over. Where it has
been at one job for longer than `patience`, another goes on taking, and it ends after that job. A job that is
not done by its deadline is given up: threads cannot be killed, so it runs on, and nobody waits for it.
What turns out to be awaitable goes on in an event loop of the crew's own, never in one of the host's.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import queue
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from clearspan.core import fence

__all__ = ["Crew", "Job", "renew_all", "started"]

_BEAT = 0.05
_HANDS = 32
_IDLE = 20  # beats without work after which nobody looks any more
_crews: weakref.WeakSet[Crew] = weakref.WeakSet()


class Job:
    """Something to do: `work()` on a thread of the crew, whose answer `done` is told, or `failed` why not.

    Exactly one of the two is called. A job that is not over `timeout` seconds after it began has
    failed with a `TimeoutError`.
    """

    __slots__ = ("_claimed", "began", "done", "failed", "future", "timeout", "work")

    def __init__(
        self,
        work: Callable[[], Any],
        done: Callable[[Any, float], None],
        failed: Callable[[BaseException, float], None],
        timeout: float,
    ) -> None:
        self.work = work
        self.done = done
        self.failed = failed
        self.timeout = timeout
        self.began = 0.0
        self.future: Any = None
        self._claimed = threading.Lock()

    def settle(self, tell: Callable[[Any, float], None], what: Any) -> bool:
        """Tell how it ended, with the seconds it took, unless that was told before."""
        if not self._claimed.acquire(blocking=False):
            return False
        fence.fenced("crew.settle", tell, what, time.monotonic() - self.began)
        return True

    @property
    def settled(self) -> bool:
        """Whether it is over, or was given up."""
        return self._claimed.locked()


class _Hand:
    """A thread of the crew, with what it is at."""

    def __init__(self, crew: Crew) -> None:
        self.job: Job | None = None
        self.thread = threading.Thread(
            target=fence.fenced, args=("crew.serve", crew.serve, self), name=crew.name, daemon=True
        )


class Crew:
    """Does what `take` answers, until that is `None`; then waits to be roused, or for `nap()` seconds.

    `setup` runs once on each new thread. `patience` is in seconds.
    """

    def __init__(
        self,
        name: str,
        take: Callable[[], Job | None],
        *,
        setup: Callable[[], object] | None = None,
        nap: Callable[[], float | None] | None = None,
        patience: float = _BEAT,
    ) -> None:
        self.name = name
        self._take = take
        self._nap = nap
        self._setup = setup
        self._patience = patience
        self._closed = False
        self._last: Callable[[], object] | None = None
        self.renew()
        _crews.add(self)

    def renew(self) -> None:
        """Start with no thread, as in a forked child."""
        self._lock = threading.RLock()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._taking: _Hand | None = None
        self._hands: list[_Hand] = []
        self._aloft: list[Job] = []
        self._overseer: threading.Thread | None = None
        self._loop: _Loop | None = None
        self._over = threading.Event()
        self._roused = False

    def rouse(self) -> None:
        """There is something to take. Never waits for anything but the start of a first thread."""
        self.start()
        if not self._roused:  # said once for each look around, so that nothing piles up
            self._roused = True
            self._wake.put(None)

    @property
    def mine(self) -> bool:
        """Whether the asking thread is one of the crew's."""
        current = threading.current_thread()
        loop = self._loop
        return (loop is not None and loop.thread is current) or any(
            hand.thread is current for hand in list(self._hands)
        )

    def start(self) -> None:
        """Have a first thread at hand: at the end of a program none can be started any more."""
        if self._taking is None:
            self._relieve(None)

    def close(self, timeout: float, last: Callable[[], object] | None = None) -> None:
        """Let the threads end; waits at most `timeout` seconds for those that are not held up by a job.

        The one that takes jobs does `last` before it ends.
        """
        deadline = time.monotonic() + timeout
        self._last = last
        self._closed = True
        self._over.set()
        self._wake.put(None)
        hand, loop = self._taking, self._loop
        ending = [self._overseer, None if hand is None else hand.thread]
        if loop is not None:
            loop.stop()
            ending.append(loop.thread)
        for thread in ending:
            if thread is not None and thread.ident and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def serve(self, hand: _Hand) -> None:
        """What a hand does: take jobs for as long as it is the one that takes."""
        try:
            if self._setup is not None:
                fence.fenced("crew.setup", self._setup)
            while self._taking is hand:
                self._roused = False
                job = fence.fenced("crew.take", self._take)
                if job is not None:
                    self._do(hand, job)
                elif self._closed:
                    if self._last is not None:
                        fence.fenced("crew.last", self._last)
                    break
                else:
                    self._rest()
        finally:
            # In a child that a job forked off, the list is another.
            with self._lock, contextlib.suppress(ValueError):
                self._hands.remove(hand)
            if self._taking is hand:
                self._taking = None

    def _rest(self) -> None:
        nap = None if self._nap is None else fence.fenced("crew.nap", self._nap)
        try:
            self._wake.get(timeout=nap)
        except queue.Empty:
            return

    def _do(self, hand: _Hand, job: Job) -> None:
        job.began = time.monotonic()
        hand.job = job
        self._watch()
        try:
            answer = job.work()
            later = inspect.isawaitable(answer)
        except BaseException as error:  # noqa: BLE001 -- whoever gave the job is told; a `sys.exit` ends it alone
            job.settle(job.failed, error)
        else:
            if later:
                self._await(job, answer)
            else:
                job.settle(job.done, answer)
        with self._lock:
            hand.job = None

    def _await(self, job: Job, answer: Awaitable[Any]) -> None:
        with self._lock:
            if self._loop is None or self._loop.stuck:
                try:
                    self._loop = _Loop(self.name)
                except RuntimeError as error:
                    if inspect.iscoroutine(answer):
                        answer.close()
                    job.settle(job.failed, error)
                    return
            self._aloft.append(job)
            loop = self._loop
        job.future = loop.run(answer)
        job.future.add_done_callback(lambda future: self._landed(job, future))

    def _landed(self, job: Job, future: Any) -> None:
        if job.settled:
            return  # it was given up
        self._down(job)
        if future.cancelled():
            job.settle(job.failed, TimeoutError("cancelled"))
        elif (error := future.exception()) is not None:
            job.settle(job.failed, error)
        else:
            job.settle(job.done, future.result())
        self.rouse()  # its place is free for another of its kind

    def _watch(self) -> None:
        """See to it that somebody looks after the hands while they are at jobs."""
        with self._lock:
            if self._overseer is not None:
                return
            self._overseer = made = threading.Thread(
                target=fence.fenced, args=("crew.watch", self._oversee), name=f"{self.name}-watch", daemon=True
            )  # fmt: skip
        if not started(made):
            self._overseer = None

    def _oversee(self) -> None:
        idle = 0
        while idle < _IDLE and not self._over.wait(self._patience):
            now = time.monotonic()
            for hand in list(self._hands):
                self._look_at(hand, now)
            for job in list(self._aloft):
                self._give_up(job, now)
            with self._lock:
                idle = 0 if self._busy else idle + 1
                if idle == _IDLE:
                    self._overseer = None

    @property
    def _busy(self) -> bool:
        return bool(self._aloft) or any(hand.job is not None for hand in self._hands)

    def _look_at(self, hand: _Hand, now: float) -> None:
        job = hand.job
        if job is None or not job.began:
            return
        if hand is self._taking and now - job.began > self._patience and len(self._hands) < _HANDS:
            self._relieve(hand, job)
        self._give_up(job, now)

    def _give_up(self, job: Job, now: float) -> None:
        if now - job.began <= job.timeout:
            return
        loop = self._loop
        if job.future is not None and loop is not None:
            loop.probe(self._patience)  # before anybody is told, and gives it the next one
        if job.settle(job.failed, TimeoutError(f"not done after {job.timeout:g} s")):
            if job.future is not None:
                job.future.cancel()  # a loop that is stuck will not even hear that
                self._down(job)
            self.rouse()

    def _down(self, job: Job) -> None:
        # The loop's thread and the overseer's may both find that it is over.
        with self._lock, contextlib.suppress(ValueError):
            self._aloft.remove(job)

    def _relieve(self, hand: _Hand | None, job: Job | None = None) -> None:
        """Let another go on taking in place of `hand`."""
        with self._lock:
            # It may have finished just now, and be taking again: two must not take at once.
            if (
                self._taking is not hand
                or self._closed
                or (hand is not None and hand.job is not job)
            ):
                return
            self._taking = other = _Hand(self)
            self._hands.append(other)
        # Not under the lock: starting waits for the new thread, on which a collection may come back here.
        if not started(other.thread):
            with self._lock:
                self._hands.remove(other)
                self._taking = hand


class _Loop:
    """An event loop on a thread of its own."""

    def __init__(self, name: str) -> None:
        self.stuck = False
        self._loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, name=f"{name}-loop", daemon=True)
        if not started(self.thread):
            self._loop.close()
            raise RuntimeError("no thread is to be had")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Go on with it there; answers the future that will know."""
        return asyncio.run_coroutine_threadsafe(_awaited(awaitable), self._loop)

    def probe(self, patience: float) -> None:
        """Find out whether the loop still turns."""
        turned = threading.Event()
        self._loop.call_soon_threadsafe(turned.set)
        self.stuck = not turned.wait(patience)

    def stop(self) -> None:
        """Cancel what is going on and end the thread, unless something blocks it."""
        with contextlib.suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._begin_to_end)

    def _begin_to_end(self) -> None:
        self._loop.create_task(self._end()).add_done_callback(lambda _: self._loop.stop())

    async def _end(self) -> None:
        going_on = asyncio.all_tasks() - {asyncio.current_task()}
        for task in going_on:
            task.cancel()
        if going_on:
            await asyncio.wait(going_on, timeout=_BEAT)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def started(thread: threading.Thread) -> bool:
    """Start a thread; `False` where there is none to be had."""
    try:
        thread.start()
    except RuntimeError:  # no thread to be had just now, or ever again: going down
        return False
    return True


def renew_all() -> None:
    """In a forked child: the parent's threads and locks are gone."""
    for crew in list(_crews):
        crew.renew()


if hasattr(os, "register_at_fork"):  # pragma: no branch -- absent on Windows only
    os.register_at_fork(after_in_child=renew_all)
