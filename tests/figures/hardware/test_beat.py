"""The thread: there while there is something to do, and gone after."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from clearspan.figures.hardware import Attribution
from clearspan.figures.hardware.beat import Beat
from clearspan.samplers import DeviceState
from tests.figures.hardware.scripted import Device, Machine, energy, local

PATIENCE = 30.0


class Work:
    """Steps that a test lets through one by one, answering what it says."""

    def __init__(self, *answers: float | None) -> None:
        self.answers: Iterator[float | None] = iter(answers)
        self.threads: list[threading.Thread] = []
        self.done = threading.Semaphore(0)
        self.go = threading.Event()
        self.go.set()

    def __call__(self) -> float | None:
        self.threads.append(threading.current_thread())
        self.done.release()
        assert self.go.wait(PATIENCE)
        return next(self.answers)

    def wait(self) -> threading.Thread:
        assert self.done.acquire(timeout=PATIENCE)
        return self.threads[-1]


def test_it_steps_again_after_the_time_that_was_answered_and_ends_when_told() -> None:
    work = Work(0.001, 0.001, None)
    beat = Beat("a-beat", work)
    assert not work.threads
    beat.rouse()
    thread = work.wait()
    assert work.wait() is thread
    assert work.wait() is thread
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert (thread.name, thread.daemon) == ("a-beat", True)
    assert set(work.threads) == {thread}


def test_it_can_be_woken_and_started_again() -> None:
    work = Work(3600.0, None, None)
    beat = Beat("a-beat", work)
    beat.rouse()
    first = work.wait()
    beat.rouse()
    assert work.wait() is first
    first.join(PATIENCE)
    beat.rouse()
    second = work.wait()
    second.join(PATIENCE)
    assert second is not first


def test_one_roused_while_it_ends_goes_on() -> None:
    work = Work(None, None)
    work.go.clear()
    beat = Beat("a-beat", work)
    beat.rouse()
    thread = work.wait()
    beat.rouse()
    beat.rouse()
    work.go.set()
    assert work.wait() is thread
    thread.join(PATIENCE)
    assert len(work.threads) == 2


def test_close_ends_it_and_nothing_starts_it_again() -> None:
    work = Work(3600.0)
    beat = Beat("a-beat", work)
    beat.rouse()
    thread = work.wait()
    beat.close(PATIENCE)
    assert not thread.is_alive()
    beat.rouse()
    beat.renew()
    beat.rouse()
    beat.close(PATIENCE)
    assert len(work.threads) == 1


def test_close_from_its_own_thread_waits_for_nothing() -> None:
    def step() -> float | None:
        beat.close(PATIENCE)
        ended.set()
        return None

    ended = threading.Event()
    beat = Beat("a-beat", step)
    beat.rouse()
    assert ended.wait(PATIENCE)


def test_a_step_that_raises_ends_the_thread_and_the_next_call_has_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: raised.append(args.exc_type))
    work = Work()
    beat = Beat("a-beat", work)
    beat.rouse()
    work.wait().join(PATIENCE)
    assert raised == [StopIteration]
    work.answers = iter([None])
    beat.rouse()
    work.wait().join(PATIENCE)
    assert len(set(work.threads)) == 2


def test_without_threads_to_be_had_calls_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    work = Work(None)
    beat = Beat("a-beat", work)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        beat.rouse()
    assert not work.threads
    beat.rouse()
    work.wait().join(PATIENCE)


class Counting(Machine):
    """One that can be waited for until it was read three times."""

    read: threading.Event

    def states(self) -> Sequence[DeviceState]:
        found = super().states()
        if self.reads == 3:
            self.read.set()
        return found


def test_with_a_real_thread_a_call_is_told_and_the_thread_ends() -> None:
    machine = Counting([Device(power=80.0)])
    machine.read = threading.Event()
    attribution = Attribution(machine, 0.01)
    draft = local()
    draft.started_at = time.perf_counter()
    attribution.begin(draft)
    assert "clearspan-hardware" in {thread.name for thread in threading.enumerate()}
    assert machine.read.wait(PATIENCE)
    draft.end_ns = int((time.perf_counter() - draft.started_at) * 1e9)
    attribution.end(draft)
    attribution.work_out(draft)
    assert energy(draft) == pytest.approx(80.0 * draft.end_ns / 1e9, rel=0.02)
    attribution.close(PATIENCE)
    assert "clearspan-hardware" not in {thread.name for thread in threading.enumerate()}
