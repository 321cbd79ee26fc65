from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

import clearspan
from clearspan.assess.bench import Bench
from clearspan.assess.evaluator import evaluator, seated
from clearspan.assess.gathering import Gathering
from clearspan.record import Invocation
from clearspan.score import Level
from clearspan.testing import captured
from tests.assess.calls import call

WAIT = 10.0
Make = Callable[..., Bench]


def gathering(*levels: Level, size: int = 1_000_000) -> tuple[Gathering, list[tuple[str, ...]]]:
    dropped: list[tuple[Any, ...]] = []
    made = Gathering(levels, idle=60.0, max_bytes=size, overflow=lambda *told: dropped.append(told))
    return made, dropped


@pytest.fixture
def bench() -> Iterator[Make]:
    made: list[Bench] = []

    def make(*evaluators: Any, **options: Any) -> Bench:
        seats = [seated(each) for each in evaluators]
        given: dict[str, Any] = {"max_bytes": 1_000_000, **options}
        made.append(Bench(seats, lambda *told: None, **given))
        return made[-1]

    yield make
    for each in made:
        each.close(WAIT)


def test_what_goes_on_is_asked_only_where_a_trace_is_judged() -> None:
    going = [call(), call(trace=None)]
    for level, told in (("trace", {"a" * 32}), ("session", set[str]())):
        made, _ = gathering(cast("Level", level))
        made.follow(lambda: going)
        assert made.going_on() == told


def test_a_call_is_in_every_whole_that_it_is_part_of() -> None:
    made, _ = gathering("trace", "session")
    assert [made.next_over for _ in "x"] == [None]
    assert made.add(call(session="one")) == []
    assert made.next_over is not None
    assert made.over({"a" * 32}, ["nobody"], "settled") == []
    assert [each.level for each in made.over((), ["one"], "settled")] == ["trace", "session"]
    made.add(call(session="two"))
    assert [each.level for each in made.over({"a" * 32}, [], "rest")] == ["session"]


def test_wholes_have_half_of_the_room_and_documents_a_quarter() -> None:
    made, dropped = gathering("trace", "session", size=80_000)
    early = 0
    for index in range(100):
        found = call(
            "", "", operation="retrieval", trace=f"{index:032x}", session=f"s{index}",
            output_value=["x" * 1_000],
        )  # fmt: skip
        clean, raw = made.ground(found, found)
        assert raw is clean
        made.ground(found, Invocation("retrieval", found.timing, found.trace, output_value="y"))
        early += len(made.add(clean))
        assert made.held <= 60_000
    assert early > 100
    assert dropped == []
    made.forget()
    assert made.held == 0


def test_conversations_that_wait_are_in_the_account(bench: Make) -> None:
    gate = threading.Event()

    @evaluator(level="trace", timeout=WAIT)
    def slow(conversation: Any) -> bool:
        return gate.wait(WAIT)

    made = bench(slow, max_bytes=200_000)
    for index in range(300):
        made.take(call(answer="x" * 4_000, trace=f"{index:032x}"))
        if index % 10 == 9:
            assert not made.flush(0.02)
    (status,) = made.status()
    assert 1 < status.pending < 40
    assert status.dropped["queue_full"] > 200
    gate.set()
    assert made.flush(WAIT)
    (status,) = made.status()
    assert status.judged + sum(status.dropped.values()) == 300


def test_documents_that_a_waiting_call_rests_on_are_in_the_account(bench: Make) -> None:
    gate = threading.Event()

    @evaluator(timeout=WAIT)
    def slow(answer: Any) -> bool:
        return gate.wait(WAIT)

    made = bench(slow, max_bytes=200_000)
    for index in range(60):
        trace = f"{index:032x}"
        found = call("", "", operation="retrieval", trace=trace, output_value=["x" * 20_000])
        made.take(found)
        made.take(call(trace=trace, start=100))
        assert not made.flush(0.02)
    (status,) = made.status()
    assert status.pending < 12
    gate.set()
    assert made.flush(WAIT)
    (status,) = made.status()
    assert status.judged + sum(status.dropped.values()) >= 60


def test_what_one_evaluator_does_to_a_call_the_next_does_not_see(bench: Make) -> None:
    seen: list[str] = []

    @evaluator(name="first")
    def first(answer: Any) -> bool:
        answer.output[0]["parts"][0]["content"] = "changed"
        return True

    @evaluator(name="whole", level="trace")
    def whole(conversation: Any) -> bool:
        seen.append(conversation.output_text)
        return True

    made = bench(first, evaluator(name="next")(lambda call: seen.append(call.output_text)), whole)
    made.take(call())
    assert made.flush(WAIT)
    assert seen == ["Paris.", "Paris."]


def test_a_call_that_was_taken_while_nobody_looked_is_part_of_its_trace(bench: Make) -> None:
    sizes: list[int] = []
    made = bench(evaluator(level="trace")(lambda whole: sizes.append(len(whole.calls))))
    child = call(span="9" * 16, parent="b" * 16)
    late = [child]

    def going() -> list[Invocation]:
        if late:
            made.take(late.pop())  # it ends at the very moment at which it is asked for
        return []

    made.take(call())
    made.follow(going)
    assert made.flush(WAIT)
    assert sizes == [2]


# -- from the call to the bench ------------------------------------------------------------------


def test_a_call_that_ends_after_its_root_is_part_of_its_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []

    @clearspan.evaluator(level="trace", name="size", requires=set())
    def size(conversation: Any) -> float:
        sizes.append(len(conversation.calls))
        return 1.0

    with captured(evaluators=[size], providers=[]) as seen:
        for _ in range(5):
            with clearspan.span("root"):
                late = clearspan.invocation("chat", provider="acme", model="late")
                answer = late.__enter__()
            time.sleep(0.15)  # longer than a trace is left to settle
            answer.text("x")
            late.__exit__(None, None, None)
        assert len(seen.scores) == 5
    assert sizes == [2] * 5


def test_a_session_is_over_behind_its_last_call() -> None:
    sizes: list[int] = []

    @clearspan.evaluator(level="session", name="size", requires=set())
    def size(conversation: Any) -> float:
        sizes.append(len(conversation.calls))
        return 1.0

    with captured(evaluators=[size], providers=[]) as seen:
        with clearspan.context(session="one"):
            for _ in range(3):
                with clearspan.invocation("chat", provider="acme", model="x") as answer:
                    answer.text("x")
        seen._pipeline.end_session("one")  # pyright: ignore[reportPrivateUsage]
        assert len(seen.scores) == 1
    assert sizes == [3]
