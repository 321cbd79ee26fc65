"""Worker: one daemon thread behind a queue that is bounded in items and in bytes.

The offering thread pays for an append and never waits. A full queue refuses, and the refusal is
counted by whoever offered. After a fork the child starts with an empty queue and no thread.

Everything that an offer touches may be entered again while it is being touched: a garbage
collection can run at any line, and end a recording that offers to the same worker on the same
thread. So the lock is reentrant, and the thread is woken through a `SimpleQueue`, whose `put` is
made for that, and not through an `Event`, whose lock is not.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from clearspan.core import deadline, fence

__all__ = ["Startable", "Worker", "renew_all"]

T = TypeVar("T")
_workers: weakref.WeakSet[Worker[object]] = weakref.WeakSet()


class Startable(Protocol):
    """What has a thread of its own."""

    def start(self) -> None:
        """See to it that the thread runs."""


class Worker(Generic[T]):
    """Hands what is offered to `handle`, in order, in batches of at most `batch` items
    and `batch_bytes` bytes (one that is larger goes alone).

    `linger` is how long (seconds) the thread gathers after it was woken; `every` lets it call
    `tick` when so many seconds passed, queue or no queue. `setup` runs once on the new thread,
    `teardown` when it ends. With its own thread it starts those of its `companions`, which are to go on
    with what it makes: at the end of a program, where they would be needed first, none can be started any more.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[list[T]], None],
        *,
        max_items: int,
        max_bytes: int,
        batch: int = 256,
        batch_bytes: int = 2_000_000,
        linger: float = 0.02,
        setup: Callable[[], object] | None = None,
        tick: Callable[[], None] | None = None,
        every: float | None = None,
        teardown: Callable[[], object] | None = None,
    ) -> None:
        self.name = name
        self.max_items = max_items
        self.max_bytes = max_bytes
        self._handle = handle
        self._batch = batch
        self._batch_bytes = batch_bytes
        self._linger = linger
        self._setup = setup
        self._tick = tick
        self._every = every
        self._teardown = teardown
        self.companions: Sequence[Startable] = ()
        self._closed = False
        self._inherited = False
        self._thread: threading.Thread | None = None
        self._clear()
        _workers.add(self)  # type: ignore[arg-type]  # the registry only renews, it never offers

    def _clear(self) -> None:
        self._queue: deque[tuple[T | threading.Event, int]] = deque()
        self._lock = threading.RLock()
        self._items = 0
        self._bytes = 0
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._urged = False
        self._idle = True
        self._moved = False

    def renew(self) -> None:
        """Start with an empty queue and no thread, as in a forked child; one that ticks goes on."""
        ticking = self._thread is not None and self._every is not None and not self._closed
        self._thread, self._inherited = None, True
        self._clear()
        if ticking:
            self.start()

    @property
    def pending(self) -> int:
        """Items waiting, or in the hands of the thread."""
        return self._items

    @property
    def pending_bytes(self) -> int:
        """Bytes that those items were said to weigh."""
        return self._bytes

    def offer(self, item: T, size: int = 0) -> bool:
        """Queue `item`, which weighs about `size` bytes; `False` when there is no room for it."""
        with self._lock:
            if self._closed or self._items >= self.max_items or self._bytes + size > self.max_bytes:
                return False
            self._items += 1
            self._bytes += size
            self._queue.append((item, size))
            if not self._idle:
                if self._items * 2 >= self.max_items or self._bytes * 2 >= self.max_bytes:
                    self._urge()  # half full: gathering on would lose some
                return True
            self._idle = False
        self._rouse()
        return True

    def start(self) -> None:
        """Start the thread now, as one that ticks must."""
        self._rouse()

    def _urge(self) -> None:
        """Have the thread gather no longer. Said once for each gathering, so nothing piles up."""
        if not self._urged:
            self._urged = True
            self._wake.put(None)

    def _rouse(self) -> None:
        made: threading.Thread | None = None
        with self._lock:
            if self._thread is None:
                made = threading.Thread(
                    target=fence.fenced, args=("worker.run", self._run), name=self.name, daemon=True
                )
                self._thread = made
        # Not under the lock: starting waits for the new thread, on which a collection may offer. And this one first:
        # where a signal's handler holds up who starts them, nobody else can start what is begun here already.
        awake = made is None or self._started(made)
        if made is not None:
            for companion in self.companions:
                fence.fenced("worker.companion", companion.start)
        if awake:
            self._wake.put(None)

    def _started(self, thread: threading.Thread) -> bool:
        try:
            thread.start()
        except RuntimeError:  # no thread to be had just now, or ever again: going down
            with self._lock:
                self._thread, self._idle = None, True  # the next offer tries again
            return False
        return True

    def mark(self) -> threading.Event | None:
        """Ask for everything offered so far to be handled now; the event tells when it was.

        `None` when there is nothing to wait for, or when the asking thread is the worker's own. Where no thread can
        be started, the asking one does the work, as far as it comes by its deadline (`core.deadline`).
        """
        if threading.current_thread() is self._thread:
            return None
        with self._lock:
            if not self._queue and self._idle:
                return None
            marker = self._marker()
            idle, self._idle = self._idle, False
        if idle:  # otherwise the thread is at work, or woken already
            self._rouse()
        self._urge()
        if self._thread is None:  # none can be started any more: the interpreter is going down
            self._drain()
        return marker

    def _marker(self) -> threading.Event:
        """One at the end of the queue, where that is not one already: who asks again and again has the same."""
        with contextlib.suppress(IndexError):  # the thread takes from it without the lock
            last = self._queue[-1][0]
            if isinstance(last, threading.Event):
                return last
        marker = threading.Event()
        self._queue.append((marker, 0))
        return marker

    def flush(self, timeout: float) -> bool:
        """Wait until all that was offered so far is handled; `False` after `timeout` seconds."""
        until = time.monotonic() + timeout
        with deadline.within(timeout):
            marker = self.mark()
        return marker is None or marker.wait(max(0.0, until - time.monotonic()))

    def close(self, timeout: float) -> bool:
        """Flush within `timeout` seconds, then refuse everything and see the thread end.

        `False` when something was not handled, or the thread had not ended by then.
        """
        until = time.monotonic() + timeout
        done = self.flush(timeout)
        with self._lock:
            first, self._closed = not self._closed, True
        if first and self._teardown is not None and not self._inherited:
            self._rouse()  # what was opened is closed on the thread, even if it never had to start
        self._urge()
        thread = self._thread
        if thread is None or thread.ident is None or thread is threading.current_thread():
            return done
        thread.join(max(0.0, until - time.monotonic()))
        return done and not thread.is_alive()

    def _run(self) -> None:
        self._moved = False
        try:
            if self._setup is not None:
                fence.fenced("worker.setup", self._setup)
            self._work()
        finally:
            # Also when something that no fence holds back came out of the handler (`sys.exit`).
            with self._lock:
                if not self._closed:
                    self._thread, self._idle = None, True
            if self._queue and not self._closed and self._moved:
                self._rouse()  # one that gets nowhere waits for the next offer: it would start again without end

    def _work(self) -> None:
        due = self._next_tick()
        while True:
            self._listen(due)
            self._drain()
            if due is not None and time.monotonic() >= due and self._tick is not None:
                fence.fenced("worker.tick", self._tick)
                due = self._next_tick()
            with self._lock:
                if self._closed and not self._queue:
                    break
        if self._teardown is not None:
            fence.fenced("worker.teardown", self._teardown)

    def _listen(self, due: float | None) -> None:
        """Wait to be woken or for the tick; then gather for a while, unless urged."""
        if not self._closed:
            self._heard(None if due is None else max(0.0, due - time.monotonic()))
        if self._queue and not self._urged and not self._closed:
            self._heard(self._linger)
        self._urged = False

    def _heard(self, timeout: float | None) -> None:
        try:
            self._wake.get(timeout=timeout)
        except queue.Empty:
            return

    def _next_tick(self) -> float | None:
        return None if self._every is None else time.monotonic() + self._every

    def _drain(self) -> None:
        while not deadline.passed():
            batch: list[T] = []
            markers: list[threading.Event] = []
            weight = self._take(batch, markers)
            self._moved = self._moved or bool(batch)
            try:
                if batch:
                    fence.fenced(f"worker.{self.name}", self._handle, batch)
            finally:
                with self._lock:
                    self._items -= len(batch)
                    self._bytes -= weight
                    if not self._queue:
                        self._idle = True
                for marker in markers:
                    marker.set()
            if not batch and not markers:
                return

    def _take(self, batch: list[T], markers: list[threading.Event]) -> int:
        weight = 0
        while self._queue and len(batch) < self._batch and not markers:
            if batch and weight + self._queue[0][1] > self._batch_bytes:
                break  # receivers refuse messages beyond some megabytes, and all of a batch is lost then
            item, size = self._queue.popleft()
            weight += size
            if isinstance(item, threading.Event):
                markers.append(item)
            else:
                batch.append(item)
        return weight


def renew_all() -> None:
    """In a forked child: the parent's items are the parent's, its locks and thread are gone."""
    for worker in list(_workers):
        worker.renew()


if hasattr(os, "register_at_fork"):  # pragma: no branch -- absent on Windows only
    os.register_at_fork(after_in_child=renew_all)
