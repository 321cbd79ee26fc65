"""The threads on which guards judge: never waited for longer than asked, and never in the way."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import Any

import anyio.to_thread
import pytest

from clearspan.assess.guard.crew import Crew, Job, judging

LONG = 10.0


def test_work_is_done_elsewhere_and_waited_for() -> None:
    crew = Crew()
    job = crew.do(lambda: (threading.current_thread().name, judging()))
    assert job.wait(LONG)
    assert job.result == ("clearspan-guard", True)
    assert not judging()
    crew.close()


def test_nobody_waits_longer_than_asked() -> None:
    crew, free = Crew(), threading.Event()
    job = crew.do(lambda: free.wait(LONG))
    assert not job.wait(0.01)
    assert crew.do(lambda: "another").wait(LONG)
    free.set()
    crew.close()


def test_threads_are_bounded_and_late_work_is_dropped() -> None:
    crew, free, done = Crew(most=1), threading.Event(), list[str]()
    first = crew.do(lambda: free.wait(LONG))
    second = crew.do(lambda: done.append("second"))
    assert not second.wait(0.01)
    free.set()
    assert first.wait(LONG)
    assert crew.do(lambda: done.append("third")).wait(LONG)
    assert done == ["third"]
    crew.close()


def test_a_thread_serves_again() -> None:
    crew = Crew()
    names = set()
    for _ in range(20):
        job = crew.do(threading.get_ident)
        assert job.wait(LONG)
        names.add(job.result)
    assert len(names) <= 3
    crew.close()


def test_closed_threads_go_and_the_next_work_gets_new_ones() -> None:
    crew, free, begun = Crew(), threading.Event(), threading.Event()

    def work() -> threading.Thread:
        begun.set()
        free.wait(LONG)
        return threading.current_thread()

    job = crew.do(work)
    assert begun.wait(LONG)
    crew.close()
    free.set()
    assert job.wait(LONG)
    job.result.join(LONG)
    assert not job.result.is_alive()
    assert crew.do(lambda: 1).wait(LONG)
    crew.close()


def test_a_forked_child_has_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    crew = Crew()
    assert crew.do(lambda: 1).wait(LONG)
    before, parents = threading.active_count(), crew._jobs
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert crew.do(lambda: 2).wait(LONG)
    assert threading.active_count() == before + 1
    crew.close()
    parents.put(None)  # here they did come along


def test_the_loop_goes_on_meanwhile() -> None:
    async def go() -> tuple[Any, bool, bool]:
        free = threading.Event()
        job = crew.do(lambda: free.wait(LONG))
        turning = asyncio.get_running_loop().call_later(0.01, free.set)
        arrived = await job.arrives(LONG)
        late = await crew.do(lambda: threading.Event().wait(0.2)).arrives(0.01)
        done = crew.do(lambda: "done")
        assert done.wait(LONG)
        assert await done.arrives(LONG)
        turning.cancel()
        return job.result, arrived, late

    crew = Crew()
    assert asyncio.run(go()) == (True, True, False)
    crew.close()


def test_a_loop_that_closed_meanwhile_is_no_trouble() -> None:
    crew, free, begun = Crew(), threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        free.wait(LONG)
        return "done"

    job, loop = crew.do(work), asyncio.new_event_loop()
    waiting = loop.create_task(job.arrives(LONG))
    loop.run_until_complete(asyncio.sleep(0))
    assert begun.wait(LONG)
    waiting.cancel()
    loop.run_until_complete(asyncio.gather(waiting, return_exceptions=True))
    loop.close()
    free.set()
    assert job.wait(LONG)
    assert job.result == "done"
    assert crew.do(lambda: 1).wait(LONG)  # the thread outlived it
    crew.close()


def test_two_wake_ups_are_one() -> None:
    async def go() -> bool:
        job = Job(lambda: 1)
        task = asyncio.ensure_future(job.arrives(LONG))
        await asyncio.sleep(0)
        job.run()
        job.run()
        return await task

    assert asyncio.run(go())


def test_other_loops_wait_on_a_thread_of_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    async def run_sync(function: Any, *args: Any) -> Any:
        asked.append(args)
        return function(*args)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_sync)
    job = Job(lambda: 1)
    job.run()
    with pytest.raises(StopIteration) as ended:
        job.arrives(LONG).send(None)
    assert ended.value.value is True
    assert asked == [(LONG,)]


def test_work_that_ends_its_thread_costs_no_hand() -> None:
    crew = Crew(most=2)
    for _ in range(10):
        job = crew.do(sys.exit)
        assert job.wait(LONG)
        assert job.result is None
    assert crew.do(lambda: "still").wait(LONG)
    crew.close()


def _none_starts(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_where_no_thread_can_be_started_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    crew = Crew()
    monkeypatch.setattr(threading.Thread, "start", _none_starts)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            crew.do(lambda: 1)
    monkeypatch.undo()
    assert crew.do(lambda: 2).wait(LONG)
    crew.close()


def test_where_no_more_can_be_started_those_there_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    crew, free, begun = Crew(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        free.wait(LONG)

    first = crew.do(work)
    assert begun.wait(LONG)
    monkeypatch.setattr(threading.Thread, "start", _none_starts)
    second = crew.do(lambda: "done")
    free.set()
    assert first.wait(LONG)
    assert second.wait(LONG)
    assert second.result == "done"
    crew.close()
