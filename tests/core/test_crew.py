from __future__ import annotations

import asyncio
import contextvars
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clearspan.core import crew as crew_module
from clearspan.core.crew import Crew, Job

WAIT = 10.0


class Yard:
    """Jobs that wait to be taken, and how they ended."""

    def __init__(self, **options: Any) -> None:
        self.waiting: deque[Job] = deque()
        self.ended: deque[tuple[str, Any]] = deque()
        self.crew = Crew("test-crew", self._take, **{"patience": 0.02, **options})

    def _take(self) -> Job | None:
        return self.waiting.popleft() if self.waiting else None

    def give(self, work: Callable[[], Any], timeout: float = WAIT) -> None:
        self.waiting.append(Job(work, self._done, self._failed, timeout))
        self.crew.rouse()

    def _done(self, answer: Any, seconds: float) -> None:
        assert seconds >= 0
        self.ended.append(("done", answer))

    def _failed(self, error: BaseException, seconds: float) -> None:
        self.ended.append((type(error).__name__, str(error)))

    def until(self, many: int) -> list[tuple[str, Any]]:
        deadline = time.monotonic() + WAIT
        while len(self.ended) < many:
            assert time.monotonic() < deadline, f"only {list(self.ended)} ended"
            time.sleep(0.005)
        return list(self.ended)


@pytest.fixture
def yard() -> Iterator[Yard]:
    made = Yard()
    yield made
    made.crew.close(WAIT)


def test_jobs_are_done_in_order_on_one_thread_that_is_not_the_callers(yard: Yard) -> None:
    threads: list[str] = []

    def work(number: int) -> int:
        threads.append(threading.current_thread().name)
        return number

    for number in range(5):
        yard.give(lambda number=number: work(number))
    assert yard.until(5) == [("done", number) for number in range(5)]
    assert set(threads) == {"test-crew"}


def test_a_job_that_raises_is_told_and_the_next_one_is_done(yard: Yard) -> None:
    yard.give(lambda: 1 / 0)
    yard.give(lambda: sys.exit(3))
    yard.give(lambda: "next")
    assert [kind for kind, _ in yard.until(3)] == ["ZeroDivisionError", "SystemExit", "done"]


def test_where_one_is_held_up_another_goes_on(yard: Yard) -> None:
    gate = threading.Event()
    yard.give(lambda: gate.wait(WAIT))
    yard.give(lambda: "quick")
    assert yard.until(1) == [("done", "quick")]
    gate.set()
    assert yard.until(2)[1] == ("done", True)


def test_a_job_that_never_ends_is_given_up_and_its_late_answer_is_not_heard(yard: Yard) -> None:
    gate = threading.Event()
    returned = threading.Event()

    def hang() -> str:
        gate.wait(WAIT)
        returned.set()
        return "late"

    yard.give(hang, timeout=0.05)
    assert yard.until(1) == [("TimeoutError", "not done after 0.05 s")]
    gate.set()
    assert returned.wait(WAIT)
    yard.give(lambda: "after")
    assert yard.until(2)[1] == ("done", "after")
    assert len(yard.ended) == 2


def test_more_than_one_may_hang_and_the_rest_goes_on(yard: Yard) -> None:
    gate = threading.Event()
    for _ in range(3):
        yard.give(lambda: gate.wait(WAIT), timeout=0.1)
    yard.give(lambda: "through")
    assert sorted(kind for kind, _ in yard.until(4)) == ["TimeoutError"] * 3 + ["done"]
    gate.set()


def test_what_is_awaitable_goes_on_in_a_loop_of_the_crews_own(yard: Yard) -> None:
    async def where() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    async def fails() -> None:
        raise LookupError("no")

    yard.give(where)
    yard.give(fails)
    assert sorted(yard.until(2)) == [("LookupError", "no"), ("done", "test-crew-loop")]


def test_coroutines_go_on_side_by_side(yard: Yard) -> None:
    async def waits(for_whom: list[asyncio.Event]) -> str:
        event = asyncio.Event()
        for_whom.append(event)
        if len(for_whom) == 2:
            for each in for_whom:
                each.set()
        await event.wait()
        return "met"

    shared: list[asyncio.Event] = []
    yard.give(lambda: waits(shared))
    yard.give(lambda: waits(shared))
    assert yard.until(2) == [("done", "met"), ("done", "met")]


def test_a_coroutine_that_never_ends_is_cancelled(yard: Yard) -> None:
    cancelled = threading.Event()

    async def hangs() -> None:
        try:
            await asyncio.sleep(WAIT)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    yard.give(hangs, timeout=0.05)
    assert yard.until(1)[0][0] == "TimeoutError"
    assert cancelled.wait(WAIT)


def test_at_its_end_what_still_goes_on_is_cancelled(yard: Yard) -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def hangs() -> None:
        begun.set()
        try:
            await asyncio.sleep(WAIT)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    yard.give(hangs)
    assert begun.wait(WAIT)
    yard.crew.close(WAIT)
    assert cancelled.wait(WAIT)


def test_a_coroutine_that_cancels_itself_has_failed(yard: Yard) -> None:
    async def cancels() -> None:
        raise asyncio.CancelledError

    yard.give(cancels)
    assert yard.until(1)[0][0] == "TimeoutError"


def test_a_coroutine_that_blocks_the_loop_does_not_block_the_next_ones(yard: Yard) -> None:
    gate = threading.Event()

    async def blocks() -> None:
        gate.wait(WAIT)

    async def fine() -> str:
        return "fine"

    yard.give(blocks, timeout=0.05)
    assert yard.until(1)[0][0] == "TimeoutError"
    yard.give(fine)
    assert yard.until(2)[1] == ("done", "fine")
    gate.set()


def test_each_thread_is_set_up_and_coroutines_go_on_in_its_context() -> None:
    spoken: contextvars.ContextVar[str] = contextvars.ContextVar("spoken", default="nothing")
    yard = Yard(setup=lambda: spoken.set("crew"))

    async def reads() -> str:
        return spoken.get()

    yard.give(spoken.get)
    yard.give(reads)
    assert yard.until(2) == [("done", "crew"), ("done", "crew")]
    yard.crew.close(WAIT)


def test_it_looks_around_again_after_its_nap() -> None:
    looked = threading.Semaphore(0)

    def take() -> None:
        looked.release()

    crew = Crew("napping", take, nap=lambda: 0.01)
    crew.rouse()
    for _ in range(3):
        assert looked.acquire(timeout=WAIT)
    crew.close(WAIT)


def test_the_overseer_ends_when_there_is_nothing_to_see_and_comes_back(yard: Yard) -> None:
    for turn in range(2):
        yard.give(lambda: "work")
        yard.until(turn + 1)
        deadline = time.monotonic() + WAIT
        while "test-crew-watch" in {thread.name for thread in threading.enumerate()}:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_closed_crew_takes_nothing_more() -> None:
    yard = Yard()
    yard.give(lambda: "once")
    yard.until(1)
    yard.crew.close(WAIT)
    yard.give(lambda: "never")
    assert "test-crew" not in {thread.name for thread in threading.enumerate()}
    assert list(yard.ended) == [("done", "once")]


def test_closing_does_not_wait_for_what_hangs_beyond_its_time() -> None:
    yard = Yard()
    gate = threading.Event()
    started = threading.Event()

    def hang() -> None:
        started.set()
        gate.wait(WAIT)

    yard.give(hang)
    assert started.wait(WAIT)
    yard.crew.close(0.0)
    gate.set()
    assert yard.until(1)[0][0] == "done"


def test_closing_from_one_of_its_own_threads_does_not_wait_for_itself(yard: Yard) -> None:
    yard.give(lambda: (yard.crew.mine, yard.crew.close(WAIT))[0])
    assert yard.until(1) == [("done", True)]
    assert not yard.crew.mine


def test_where_no_thread_can_be_started_the_job_waits_for_the_next_rousing(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuses)
        yard.give(lambda: "patient")
    assert not yard.ended
    yard.crew.rouse()
    assert yard.until(1) == [("done", "patient")]


def test_without_an_overseer_jobs_are_done_all_the_same(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuses(self: threading.Thread) -> None:
        if self.name.endswith("-watch"):
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refuses)
    yard.give(lambda: "done without")
    assert yard.until(1) == [("done", "done without")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_has_a_crew_of_its_own(yard: Yard) -> None:
    yard.give(lambda: "parent")
    yard.until(1)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover -- in the child, whose coverage nobody gathers
        try:
            yard.give(lambda: "child")
            os.write(writer, str(yard.until(2)[1]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        assert answer.read() == "('done', 'child')"
    os.waitpid(child, 0)


def test_no_more_threads_than_hands_are_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "_HANDS", 2)
    yard = Yard()
    gate = threading.Event()
    for _ in range(3):
        yard.give(lambda: gate.wait(WAIT))
    time.sleep(0.2)
    assert sum(thread.name == "test-crew" for thread in threading.enumerate()) == 2
    gate.set()
    yard.until(3)
    yard.crew.close(WAIT)


def test_a_thread_is_at_hand_and_does_the_last_thing() -> None:
    """At the end of a program no other may be had."""
    done: list[str] = []
    crew = Crew("crew-last", lambda: None)
    crew.start()
    crew.start()
    crew.close(30, lambda: done.append(threading.current_thread().name))
    assert done == ["crew-last"]


@pytest.mark.parametrize("coroutine", [True, False])
def test_without_a_thread_for_its_loop_what_is_awaitable_has_failed(
    coroutine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    over: queue.SimpleQueue[object] = queue.SimpleQueue()

    class Later:
        def __await__(self) -> Any:
            yield

    async def later() -> None:
        """Never awaited."""

    jobs = [
        Job(later if coroutine else Later, lambda *told: over.put(told), lambda *told: over.put(told), 30)
    ]  # fmt: skip
    crew = Crew("crew-alone", lambda: jobs.pop() if jobs else None)
    crew._watch = lambda: None  # type: ignore[method-assign]
    start = threading.Thread.start

    def none(thread: threading.Thread) -> None:
        if thread.name.endswith("-loop"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", none)
    crew.rouse()
    told = over.get(timeout=30)
    assert isinstance(told, tuple)
    assert isinstance(told[0], RuntimeError)
    crew.close(30)
