"""The worker: bounded, ordered, never in the caller's way, and clean in a forked child."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from typing import Any

import pytest

from clearspan.core import deadline, fence
from clearspan.core.worker import Worker
from tests.support.programs import program

LONG = 30.0


class Handler:
    """Keeps what it was handed; can be held back, and told to fail."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.threads: set[str] = set()
        self.go = threading.Event()
        self.go.set()
        self.busy = threading.Event()
        self.error: BaseException | None = None

    def __call__(self, batch: list[Any]) -> None:
        self.threads.add(threading.current_thread().name)
        self.busy.set()
        assert self.go.wait(LONG)
        self.batches.append(list(batch))
        error, self.error = self.error, None
        if error is not None:
            raise error

    @property
    def items(self) -> list[Any]:
        return [item for batch in self.batches for item in batch]


@pytest.fixture
def handler() -> Any:
    made = Handler()
    yield made
    made.go.set()


def worker(handler: Any, **options: Any) -> Worker[Any]:
    given = {"max_items": 1000, "max_bytes": 1_000_000, "linger": 0.0, **options}
    return Worker("test-worker", handler, **given)


def held(handler: Handler, **options: Any) -> Worker[Any]:
    """A worker whose thread is stuck in the handler with one item, `"first"`."""
    made = worker(handler, **options)
    handler.go.clear()
    assert made.offer("first", 10)
    assert handler.busy.wait(LONG)
    return made


# -- what it does ----------------------------------------------------------------------------------


def test_no_thread_before_the_first_offer(handler: Handler) -> None:
    before = set(threading.enumerate())
    made = worker(handler)
    assert made.flush(LONG)
    assert made.close(LONG)
    assert set(threading.enumerate()) == before


def test_items_are_handled_in_order_on_one_daemon_thread(handler: Handler) -> None:
    made = worker(handler, batch=7)
    for number in range(100):
        assert made.offer(number)
    assert made.flush(LONG)
    assert handler.items == list(range(100))
    assert handler.threads == {"test-worker"}
    assert max(len(batch) for batch in handler.batches) <= 7
    assert (made.pending, made.pending_bytes) == (0, 0)
    (thread,) = (one for one in threading.enumerate() if one.name == "test-worker")
    assert thread.daemon
    assert made.close(LONG)
    assert not thread.is_alive()


def test_it_sleeps_and_wakes_again(handler: Handler) -> None:
    made = worker(handler)
    for number in range(3):
        assert made.offer(number)
        assert made.flush(LONG)
        assert made.pending == 0
    assert handler.items == [0, 1, 2]
    assert made.close(LONG)


def test_gathering_lasts_until_somebody_asks(handler: Handler) -> None:
    made = worker(handler, linger=3600.0)
    assert made.offer(1)
    assert made.offer(2)
    assert not handler.busy.is_set()
    assert made.flush(LONG)
    assert handler.batches == [[1, 2]]
    assert made.close(LONG)


@pytest.mark.parametrize("limits", [{"max_items": 4}, {"max_bytes": 40}])
def test_half_full_is_urgent(handler: Handler, limits: dict[str, int]) -> None:
    made = worker(handler, linger=3600.0, **limits)
    assert made.offer(1, 10)
    assert made.offer(2, 10)
    assert handler.busy.wait(LONG)
    assert made.flush(LONG)
    assert handler.items == [1, 2]
    assert made.close(LONG)


# -- its bounds --------------------------------------------------------------------------------------


def test_it_is_bounded_in_items_the_ones_being_handled_included(handler: Handler) -> None:
    made = held(handler, max_items=3)
    assert [made.offer(number) for number in range(4)] == [True, True, False, False]
    assert made.pending == 3
    handler.go.set()
    assert made.flush(LONG)
    assert handler.items == ["first", 0, 1]
    assert made.offer("room again")
    assert made.close(LONG)


def test_it_is_bounded_in_bytes_the_ones_being_handled_included(handler: Handler) -> None:
    made = held(handler, max_bytes=100)
    assert made.offer("a", 50)
    assert not made.offer("b", 41)
    assert made.offer("c", 40)
    assert made.offer("weightless")
    assert made.pending_bytes == 100
    handler.go.set()
    assert made.flush(LONG)
    assert handler.items == ["first", "a", "c", "weightless"]
    assert made.pending_bytes == 0
    assert made.close(LONG)


def test_urging_again_and_again_piles_nothing_up(handler: Handler) -> None:
    made = held(handler, max_items=100)
    for number in range(99):
        made.offer(number)
    assert made._wake.qsize() <= 1
    handler.go.set()
    assert made.close(LONG)
    assert len(handler.items) == 100


# -- deadlines ---------------------------------------------------------------------------------------


def test_flush_returns_although_the_handler_is_stuck(handler: Handler) -> None:
    made = held(handler)
    assert made.offer("second")
    assert made.flush(0.01) is False
    assert handler.items == []
    handler.go.set()
    assert made.flush(LONG) is True
    assert handler.items == ["first", "second"]
    assert made.close(LONG)


def test_a_flush_waits_for_what_was_offered_before_it_only(handler: Handler) -> None:
    made = held(handler, batch=1)
    marker = made.mark()
    assert marker is not None
    made.offer("after")
    handler.go.set()
    assert marker.wait(LONG)
    assert handler.items[0] == "first"
    assert made.close(LONG)


def test_close_returns_although_the_handler_is_stuck_and_refuses_from_then_on(
    handler: Handler,
) -> None:
    made = held(handler)
    assert made.offer("second")
    assert made.close(0.01) is False
    assert made.offer("late") is False
    handler.go.set()
    assert made.close(LONG) is True
    assert handler.items == ["first", "second"]


def test_closing_twice_is_closing(handler: Handler) -> None:
    made = worker(handler)
    made.offer(1)
    assert made.close(LONG)
    assert made.close(LONG)
    assert made.flush(LONG)
    assert not made.offer(2)
    assert handler.items == [1]


def test_the_worker_does_not_wait_for_itself() -> None:
    said: list[Any] = []

    def handle(batch: list[Any]) -> None:
        said.append((made.mark(), made.flush(LONG), made.close(LONG)))

    made = worker(handle)
    made.offer(1)
    assert made.close(LONG)
    assert said == [(None, True, True)]


# -- set-up, teardown, ticks ---------------------------------------------------------------------------


def test_setup_and_teardown_run_once_on_the_thread() -> None:
    said: list[Any] = []

    def note(what: str) -> Any:
        return lambda *_: said.append((what, threading.current_thread().name))

    made = worker(note("handle"), setup=note("setup"), teardown=note("teardown"))
    made.offer(1)
    assert made.flush(LONG)
    made.offer(2)
    assert made.close(LONG)
    assert said == [(what, "test-worker") for what in ("setup", "handle", "handle", "teardown")]


def test_what_was_never_used_is_torn_down_too() -> None:
    said: list[str] = []
    made = worker(Handler(), teardown=lambda: said.append(threading.current_thread().name))
    assert made.close(LONG)
    assert made.close(LONG)
    assert said == ["test-worker"]


def test_ticks_come_with_and_without_items(handler: Handler) -> None:
    ticks = threading.Semaphore(0)
    made = worker(handler, tick=ticks.release, every=0.001)
    made.start()
    assert all(ticks.acquire(timeout=LONG) for _ in range(3))
    made.offer(1)
    assert made.flush(LONG)
    assert ticks.acquire(timeout=LONG)
    assert handler.items == [1]
    assert made.close(LONG)


def test_a_worker_that_never_ticks_in_time_still_works(handler: Handler) -> None:
    ticks: list[int] = []
    made = worker(handler, tick=lambda: ticks.append(1), every=3600.0)
    made.start()
    made.offer(1)
    assert made.close(LONG)
    assert (handler.items, ticks) == ([1], [])


# -- failures --------------------------------------------------------------------------------------------


@pytest.fixture
def tolerant(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    fence.reset()
    yield
    fence.reset()


@pytest.mark.usefixtures("tolerant")
def test_a_handler_that_raises_does_not_end_the_thread(handler: Handler) -> None:
    made = worker(handler)
    handler.error = ValueError("x")
    made.offer(1, 5)
    assert made.flush(LONG)
    (thread,) = (one for one in threading.enumerate() if one.name == "test-worker")
    made.offer(2)
    assert made.close(LONG)
    assert handler.items == [1, 2]
    assert made.pending_bytes == 0
    assert fence.failures() == {"worker.test-worker": 1}
    assert not thread.is_alive()


@pytest.mark.usefixtures("tolerant")
def test_failing_ticks_setups_and_teardowns_are_counted(handler: Handler) -> None:
    ticked = threading.Event()

    def fail() -> None:
        raise ValueError

    def tick() -> None:
        ticked.set()
        raise ValueError

    made = worker(handler, setup=fail, teardown=fail, tick=tick, every=0.001)
    made.start()
    assert ticked.wait(LONG)
    made.offer(1)
    assert made.close(LONG)
    assert handler.items == [1]
    counted = fence.failures()
    assert counted.pop("worker.tick") >= 1
    assert counted == {"worker.setup": 1, "worker.teardown": 1}


UNHANDLED = "ignore::pytest.PytestUnhandledThreadExceptionWarning"


@pytest.mark.filterwarnings(UNHANDLED)
def test_what_no_fence_holds_back_costs_one_batch_and_no_flush(handler: Handler) -> None:
    made = worker(handler, batch=1)
    handler.go.clear()
    handler.error = SystemExit(1)  # a plug-in that calls `sys.exit`
    made.offer("lost", 5)
    made.offer("next", 5)
    marker, dying = made.mark(), made._thread
    handler.go.set()
    assert marker is not None
    assert marker.wait(LONG)
    assert handler.items == ["lost", "next"]
    assert (made.pending, made.pending_bytes) == (0, 0)
    assert made.close(LONG)
    assert dying is not None
    dying.join(LONG)


@pytest.mark.filterwarnings(UNHANDLED)
def test_after_such_an_end_the_next_offer_starts_a_thread(handler: Handler) -> None:
    made = worker(handler)
    handler.error = SystemExit(1)
    handler.go.clear()
    made.offer("lost")
    dying = made._thread
    handler.go.set()
    assert dying is not None
    dying.join(LONG)
    made.offer("next")
    assert made.flush(LONG)
    assert handler.items == ["lost", "next"]
    assert made.close(LONG)


def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


def test_when_no_thread_can_start_a_later_offer_tries_again(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = worker(handler)
    with monkeypatch.context() as patched:
        no_threads(patched)
        assert made.offer(1)
        assert made.pending == 1
    assert made.offer(2)
    assert made.flush(LONG)
    assert handler.items == [1, 2]
    assert handler.threads == {"test-worker"}
    assert made.close(LONG)


def test_when_no_thread_can_start_flushing_does_the_work_itself(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_threads(monkeypatch)
    made = worker(handler, batch=2)
    assert [made.offer(number) for number in range(3)] == [True, True, True]
    assert made.flush(LONG)
    assert handler.batches == [[0, 1], [2]]
    assert made.close(0.0)


def test_when_no_thread_can_start_the_work_is_done_by_the_deadline_or_left(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_threads(monkeypatch)
    had: list[bool] = []

    def handle(batch: list[Any]) -> None:
        had.append(deadline.left() is not None)
        assert not handler.go.wait(deadline.at_most(5.0))  # works for as long as it may

    handler.go.clear()
    made = worker(handle, batch=2)
    assert [made.offer(number) for number in range(3)] == [True, True, True]
    assert made.flush(0.0) is False
    assert (had, made.pending) == ([], 3), "who has no time does nothing"
    assert made.flush(0.05) is False
    assert (had, made.pending) == ([True], 1)
    made._handle = handler
    handler.go.set()
    assert made.close(LONG)
    assert (handler.items, made.pending) == ([2], 0)


def test_asking_again_and_again_piles_nothing_up(handler: Handler) -> None:
    made = held(handler)
    first = made.mark()
    for _ in range(1_000):
        assert made.flush(0.0) is False
        assert made.mark() is first
    assert (len(made._queue), made._wake.qsize()) == (1, 1)
    assert made.offer("second")
    assert made.mark() is not first
    handler.go.set()
    assert made.flush(LONG)
    assert first is not None
    assert first.is_set()
    assert made.close(LONG)
    assert handler.items == ["first", "second"]


# -- collections at any moment ---------------------------------------------------------------------------


class Dropped:
    """Ends like an abandoned stream: its finaliser offers to the worker."""

    def __init__(self) -> None:
        self.circle = self


class Nosy:
    """A lock that lets a finaliser run while it is held, as a garbage collection may."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self.armed = True

    def __enter__(self) -> None:
        self._lock.acquire()
        if self.armed:
            self.armed = False
            gc.collect()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_finaliser_may_offer_while_the_lock_is_held(handler: Handler) -> None:
    made = worker(handler)
    made._lock = Nosy(made._lock)  # type: ignore[assignment]
    weakref.finalize(Dropped(), made.offer, "from the finaliser")
    assert made.offer("from the caller")
    assert made.flush(LONG)
    assert sorted(handler.items) == ["from the caller", "from the finaliser"]
    assert made.close(LONG)


def test_offers_from_constant_collections_never_block(handler: Handler) -> None:
    made = worker(handler, max_items=100_000)
    accepted: list[Any] = []

    def offer(item: Any) -> None:
        if made.offer(item):
            accepted.append(item)

    def churn(name: int) -> None:
        for number in range(2000):
            weakref.finalize(Dropped(), offer, (name, number, "finaliser"))
            offer((name, number, "caller"))

    threshold = gc.get_threshold()
    gc.set_threshold(5)
    try:
        threads = [threading.Thread(target=churn, args=(name,), daemon=True) for name in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
        assert not any(thread.is_alive() for thread in threads)
    finally:
        gc.set_threshold(*threshold)
    assert made.close(LONG)
    assert len(handler.items) == len(accepted)
    assert set(handler.items) == set(accepted)
    assert {by for *_, by in accepted} == {"caller", "finaliser"}
    for name in range(3):
        own = [number for who, number, by in handler.items if (who, by) == (name, "caller")]
        assert own == list(range(2000))


# -- forks -------------------------------------------------------------------------------------------------

FORKING = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")
from clearspan.core.worker import Worker

handled, torn, ticks = [], [], threading.Semaphore(0)
hold, busy = threading.Event(), threading.Event()

def handle(batch):
    busy.set()
    hold.wait()
    handled.extend(batch)

worker = Worker("w", handle, max_items=9, max_bytes=99, linger=0.0, teardown=lambda: torn.append(1))
ticking = Worker("t", handled.extend, max_items=9, max_bytes=99, tick=ticks.release, every=0.005)
closed = Worker("c", handle, max_items=9, max_bytes=99)
unused = Worker("u", handle, max_items=9, max_bytes=99, teardown=lambda: torn.append(2))
closed.close(1)
ticking.start()
assert ticks.acquire(timeout=30)
worker.offer("parent", 50)
assert busy.wait(30)
worker.offer("parent, waiting", 9)

locked, fork = threading.Event(), threading.Event()
def hold_lock():
    with worker._lock:
        locked.set()
        fork.wait()
threading.Thread(target=hold_lock, daemon=True).start()
assert locked.wait(30)
child = os.fork()
if child == 0:
    code = 1
    try:
        assert (worker.pending, worker.pending_bytes, handled) == (0, 0, [])
        hold.set()
        assert worker.offer("child", 99)
        assert worker.close(30)
        assert handled == ["child"], handled
        assert unused.close(30) and torn == [1], torn
        assert not closed.offer("late")
        while ticks.acquire(blocking=False):
            pass
        assert ticks.acquire(timeout=30)  # its ticking thread goes on
        code = 0
    finally:
        os._exit(code)
assert os.waitpid(child, 0)[1] == 0
fork.set()
hold.set()
assert worker.close(30)
assert handled == ["parent", "parent, waiting"], handled
print("ok")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_starts_empty_although_the_lock_was_held() -> None:
    assert program(FORKING) == "ok\n"


def test_a_batch_is_bounded_in_bytes_and_what_is_larger_goes_alone() -> None:
    handler = Handler()
    worker: Worker[str] = Worker(
        "weighed", handler, max_items=10, max_bytes=1_000, batch_bytes=10, linger=LONG
    )
    for item, size in (("a", 6), ("b", 4), ("c", 6), ("d", 500), ("e", 1)):
        assert worker.offer(item, size)
    assert worker.flush(LONG)
    assert handler.batches == [["a", "b"], ["c"], ["d"], ["e"]]
    assert worker.close(LONG)
