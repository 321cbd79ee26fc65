"""What fails of ours is told of every guard, and lets nothing pass one that does not fail open."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import pytest

from clearspan.assess.guard import Guard, Warden, warden as home
from clearspan.core import fence
from clearspan.core.unseen import UNSEEN
from clearspan.provider import Slot
from tests.assess.guard.kit import PATIENT, SECRET, Keys, Told, guard

LONG = 10.0


def ruled(*guards: Guard, text: str = "fine", told: Any = None) -> Any:
    warden = Warden(guards, told)
    return warden.settle(warden.answered(_case(warden), [Slot(text, (), ("a",), "assistant")]))


def _case(warden: Warden) -> Any:
    case = warden.case("chat", None)
    assert case is not None
    return case


def _no_thread(work: Any) -> Any:
    raise RuntimeError("can't start new thread")


def test_without_a_thread_the_guards_decide(monkeypatch: pytest.MonkeyPatch, lenient: None) -> None:
    monkeypatch.setattr(home._crew, "do", _no_thread)
    told = Told()
    ready = type("Ready", (Keys,), {"setup": lambda self: None})()
    opened, shut = guard(ready, "output"), guard(Keys(), "output", fail_open=False)
    assert ruled(opened, told=told).stop is None
    stop = ruled(shut, told=told).stop
    assert "no_thread, and it does not fail open" in str(stop.error)
    assert [error for *_, error in told] == ["no_thread", "no_thread"]
    assert (opened.counts, shut.counts) == ({"error": 1}, {"error": 1})
    fence.reset()


def test_a_check_without_a_result_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "judge", lambda check: sys.exit())
    told = Told()
    assert ruled(guard(Keys(), "output", fail_open=False), told=told).stop is not None
    assert told[0][3] == "internal"


def test_a_guard_that_is_always_late_is_left_alone_for_a_while() -> None:
    class Hung(Keys):
        asked = 0

        def find(self, text: str) -> Any:
            self.asked += 1
            free.wait(LONG)
            return []

    free, hung = threading.Event(), Hung()
    late, told = Guard(hung, "output", deadline=0.01), Told()
    for _ in range(8):
        ruled(late, told=told)
    free.set()
    assert [error for *_, error in told] == ["timeout"] * 5 + ["breaker_open"] * 3
    assert hung.asked <= 5
    assert late.counts == {"error": 8}


def test_what_we_could_not_do_is_told_of_each() -> None:
    told = Told()
    first, second = guard(Keys(), "output"), guard(Keys(), fail_open=False)
    warden = Warden([first, second], told)
    stop = warden.failed(None, "chat", "output")
    assert stop is not None
    assert stop.error.score.error == "internal"
    assert told.actions == ["allow", "block"]
    assert Warden([first], told).failed(_case(warden), "chat", "output") is None
    assert Warden([first], told).failed(None, "chat", "input") is None
    assert len(told) == 3


def test_what_is_refused_is_so_by_who_redacts() -> None:
    told = Told()
    warden = Warden([guard(Keys()), guard(type("Mine", (Keys,), {})(), "both", "redact")], told)
    assert warden.refused(_case(warden), "input").error.guard == "mine"
    assert told == [(None, "mine", "block", "put_failed")]


def test_a_guards_own_calls_are_not_told_of() -> None:
    warden = Warden([guard(Keys(), fail_open=False)])
    job = home._crew.do(lambda: (warden.case("chat", None), warden.failed(None, "chat", "input")))
    assert job.wait(LONG)
    assert job.result == (None, None)


def test_what_cannot_be_seen_is_counted_and_stopped_where_that_is_meant() -> None:
    slots = [Slot("fine"), Slot(UNSEEN)]
    opened, shut = guard(Keys(), "input"), guard(Keys(), "input", fail_open=False)
    for made, stops in ((opened, False), (shut, True), (guard(Keys(), "output"), False)):
        warden = Warden([made])
        ruling = warden.settle(warden.asked(_case(warden), slots))
        assert (ruling.stop is not None) == stops
    assert opened.counts == {"unseen": 1, "allow": 1}
    assert shut.counts == {"unseen": 1, "error": 1}


def test_who_hangs_getting_ready_or_leaving_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    class Hung(Keys):
        done = 0

        def setup(self) -> None:
            free.wait(LONG)

        def close(self) -> None:
            free.wait(LONG)
            self.done += 1
            over.set()

    monkeypatch.setattr(home, "_GRACE", 0.01)
    free, over, hung = threading.Event(), threading.Event(), Hung()
    warden = Warden([Guard(hung, "output")])
    assert not free.is_set()
    warden.close(0.01)
    assert hung.done == 0
    free.set()
    assert over.wait(LONG)


def test_setting_up_goes_on_behind_the_program() -> None:
    class Slow(Keys):
        def setup(self) -> None:
            begun.set()
            assert free.wait(LONG)

    begun, free = threading.Event(), threading.Event()
    threading.Timer(0.05, free.set).start()
    warden = Warden([guard(Slow(), "output")])
    assert begun.wait(LONG)
    ruling = warden.settle(warden.answered(_case(warden), [Slot(SECRET)]))
    assert ruling.stop is not None


def test_closing_holds_out_whatever_it_meets(monkeypatch: pytest.MonkeyPatch, lenient: None) -> None:  # fmt: skip
    class Leaves(Keys):
        done = 0

        def close(self) -> None:
            self.done += 1
            sys.exit(1)

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    first, second = Leaves(), Leaves()
    warden = Warden([guard(first), guard(second)])
    warden.close(PATIENT)
    monkeypatch.setattr(threading.Thread, "start", start)
    warden.close(PATIENT)
    assert (first.done, second.done) == (2, 2)
    assert fence.failures()["guard.close"] == 4
    fence.reset()


def test_awaited_it_is_the_same(monkeypatch: pytest.MonkeyPatch, lenient: None) -> None:
    async def go() -> Any:
        warden = Warden([guard(Keys(), "output", fail_open=False)])
        monkeypatch.setattr(home._crew, "do", _no_thread)
        return await warden.asettle(warden.answered(_case(warden), [Slot("fine")]))

    assert asyncio.run(go()).stop is not None
