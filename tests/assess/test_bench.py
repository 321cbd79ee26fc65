from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clearspan.assess.bench import Bench
from clearspan.assess.evaluator import Evaluator, evaluator, seated
from clearspan.assess.seat import EvaluatorStatus
from clearspan.core import fence
from clearspan.score import Score
from tests.assess.calls import call

WAIT = 10.0


class Yard:
    def __init__(self, *evaluators: Any, **options: Any) -> None:
        self.scores: list[Score] = []
        made = [seated(each) for each in evaluators]
        self.bench = Bench(made, self._told, **{"max_bytes": 1_000_000, **options})

    def _told(self, score: Score, made: Evaluator) -> None:
        assert score.name == made.name
        self.scores.append(score)

    def judged(self, *calls: Any) -> list[Score]:
        for each in calls:
            self.bench.take(each)
        assert self.bench.flush(WAIT)
        return self.scores

    def status(self, name: str) -> EvaluatorStatus:
        return next(each for each in self.bench.status() if each.name == name)


@pytest.fixture
def yard() -> Iterator[Callable[..., Yard]]:
    made: list[Yard] = []

    def make(*evaluators: Any, **options: Any) -> Yard:
        made.append(Yard(*evaluators, **options))
        return made[-1]

    yield make
    for each in made:
        each.bench.close(WAIT)


Make = Callable[..., Yard]


def good(call: Any) -> bool:
    return True


def test_every_call_is_judged_by_every_evaluator(yard: Make) -> None:
    @evaluator(name="length")
    def length(call: Any) -> float:
        return len(call.output_text)

    bench = yard(good, length)
    scores = bench.judged(call(answer="a"), call(answer="bb"))
    assert [score.value for score in scores if score.name == "good"] == [1, 1]
    assert [score.value for score in scores if score.name == "length"] == [1, 2]
    assert all(score.duration is not None for score in scores)


def test_a_score_knows_what_it_is_about(yard: Make) -> None:
    judged = call(response_id="r-1", provider="openai", model="asked", session="s")
    (score,) = yard(good).judged(judged)
    target = score.target
    assert target is not None
    assert (target.trace, target.response_id, target.session) == (judged.trace, "r-1", "s")
    assert (target.operation, target.provider, target.model) == ("chat", "openai", "asked")


def test_what_lacks_something_is_skipped_visibly(yard: Make) -> None:
    bench = yard(evaluator(name="grounded", requires={"context"})(lambda call: True))
    scores = bench.judged(call(), call(documents=("it is",)))
    assert [score.skipped for score in scores] == ["missing:context", None]
    assert scores[0].duration is None
    assert bench.status("grounded").skipped == {"missing:context": 1}


def test_only_the_operations_asked_for_are_judged(yard: Make) -> None:
    anything = evaluator(name="anything", operations={"execute_tool"})(good_too)
    scores = yard(good, anything).judged(
        call(), call(operation="execute_tool"), call(operation="task")
    )
    assert sorted(score.name for score in scores) == ["anything", "good"]


def good_too(call: Any) -> bool:
    return True


def test_a_call_that_was_done_by_others_is_not_judged_twice(yard: Make) -> None:
    agents = evaluator(name="agents", operations={"invoke_agent"})(lambda call: True)
    scores = yard(good, agents).judged(
        call(inference_calls=1), call(operation="invoke_agent", inference_calls=2)
    )
    assert [score.name for score in scores] == ["agents"]


def test_documents_of_a_retrieval_are_known_to_the_call_after_it(yard: Make) -> None:
    seen: list[tuple[str, ...]] = []

    @evaluator(requires={"context"})
    def looks(call: Any) -> bool:
        seen.append(call.documents)
        return True

    retrieval = call("", "", operation="retrieval", span="1" * 16, output_value=["Paris is it."])
    yard(looks).judged(retrieval, call(span="2" * 16, start=100))
    assert seen == [("Paris is it.",)]


def test_only_raw_evaluators_see_the_call_as_it_was(yard: Make) -> None:
    seen: dict[str, str] = {}
    open_eyes = evaluator(name="open", raw=True)(lambda call: seen.update(open=call.output_text))
    veiled = evaluator(name="veiled")(lambda call: seen.update(veiled=call.output_text))
    bench = yard(open_eyes, veiled)
    assert bench.bench.raw
    bench.bench.take(call(answer="[secret]"), call(answer="sk-1"))
    assert bench.bench.flush(WAIT)
    assert seen == {"open": "sk-1", "veiled": "[secret]"}
    assert not yard(good).bench.raw


@pytest.mark.parametrize("rate", [0.0, lambda call: 0.0], ids=["share", "callable"])
def test_what_is_not_drawn_is_skipped(yard: Make, rate: Any) -> None:
    bench = yard(evaluator(name="rare", sample_rate=rate)(lambda call: True))
    assert [score.skipped for score in bench.judged(call())] == ["not_sampled"]
    assert bench.status("rare").judged == 0


def test_a_callable_rate_may_admit(yard: Make) -> None:
    bench = yard(evaluator(name="some", sample_rate=lambda call: 1.0)(lambda call: True))
    assert [score.passed for score in bench.judged(call())] == [True]


def test_one_that_raises_is_an_error_and_the_others_are_asked(yard: Make) -> None:
    def raises(call: Any) -> None:
        raise LookupError("no such thing")

    def leaves(call: Any) -> None:
        raise SystemExit(1)

    scores = yard(raises, leaves, good).judged(call())
    told = {score.name: score for score in scores}
    assert (told["raises"].error, told["raises"].explanation) == ("LookupError", "no such thing")
    assert told["leaves"].error == "SystemExit"
    assert told["good"].passed


def test_one_that_hangs_times_out_and_the_others_are_asked(yard: Make) -> None:
    gate = threading.Event()

    @evaluator(timeout=0.1)
    def hangs(call: Any) -> None:
        gate.wait(WAIT)

    bench = yard(hangs, good)
    scores = bench.judged(call())
    assert {score.name: score.error for score in scores} == {"hangs": "timeout", "good": None}
    gate.set()


def test_one_that_always_hangs_is_left_alone_after_a_while(yard: Make) -> None:
    gate = threading.Event()

    @evaluator(timeout=0.05, concurrency=4)
    def hangs(call: Any) -> None:
        gate.wait(WAIT)

    bench = yard(hangs)
    bench.judged(*[call() for _ in range(8)])
    status = bench.status("hangs")
    assert status.state == "resting"
    assert status.errors["timeout"] >= 4
    assert status.errors["timeout"] + sum(status.skipped.values()) == 8
    assert set(status.skipped) <= {"hung", "circuit_open"}
    gate.set()


def test_a_thread_that_comes_back_late_is_forgiven(yard: Make) -> None:
    gate, back = threading.Event(), threading.Event()

    @evaluator(timeout=0.05)
    def slow(call: Any) -> None:
        gate.wait(WAIT)
        back.set()

    bench = yard(slow)
    bench.judged(call())
    seat = bench.bench.seats[0]
    assert seat.given_up == 1
    gate.set()
    assert back.wait(WAIT)
    deadline = time.monotonic() + WAIT
    while seat.given_up:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_one_that_fails_again_and_again_rests(yard: Make) -> None:
    def raises(call: Any) -> None:
        raise OSError("down")

    bench = yard(raises)
    bench.judged(*[call() for _ in range(9)])
    status = bench.status("raises")
    assert (status.errors, status.skipped) == ({"OSError": 5}, {"circuit_open": 4})


def test_coroutines_are_awaited_and_their_number_is_bounded(yard: Make) -> None:
    most: list[int] = []
    running: list[int] = []

    @evaluator(concurrency=2)
    async def waits(call: Any) -> float:
        running.append(1)
        most.append(len(running))
        await asyncio.sleep(0.01)
        running.pop()
        return 0.5

    scores = yard(waits).judged(*[call() for _ in range(6)])
    assert [score.value for score in scores] == [0.5] * 6
    assert max(most) == 2


def test_a_coroutine_that_hangs_times_out(yard: Make) -> None:
    @evaluator(timeout=0.05)
    async def hangs(call: Any) -> None:
        await asyncio.sleep(WAIT)

    bench = yard(hangs)
    assert [score.error for score in bench.judged(call())] == ["timeout"]
    assert bench.bench.seats[0].given_up == 0


class Costly(Evaluator):
    closed = False
    ready = False

    def setup(self) -> None:
        self.ready = True

    def close(self) -> None:
        self.closed = True

    def evaluate(self, call: Any) -> bool:
        return self.ready


def test_it_is_got_ready_before_its_first_call_and_closed_at_the_end(yard: Make) -> None:
    made, unused = Costly(), Costly(name="unused", sample_rate=0)
    bench = yard(made, unused)
    assert [score.passed for score in bench.judged(call())] == [None, True]
    assert bench.bench.close(WAIT)
    assert (made.closed, unused.closed) == (True, False)


def test_where_there_is_no_thread_to_close_it_on_one_that_is_there_does(
    yard: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    closers: list[str] = []

    class Closed(Costly):
        def close(self) -> None:
            closers.append(threading.current_thread().name)

    bench = yard(Closed())
    assert [score.passed for score in bench.judged(call())] == [True]
    start = threading.Thread.start

    def refuses(self: threading.Thread) -> None:
        if self.name == "clearspan-assess-close":
            raise RuntimeError("can't start new thread at interpreter shutdown")
        start(self)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuses)
        assert bench.bench.close(WAIT)
    (closer,) = closers
    assert closer not in ("clearspan-assess-close", threading.current_thread().name)


def test_one_that_cannot_get_ready_is_broken(yard: Make) -> None:
    class Cannot(Evaluator):
        def setup(self) -> None:
            raise ImportError("no model")

    bench = yard(Cannot)
    bench.judged(call(), call())
    status = bench.status("cannot")
    assert (status.state, status.errors, status.skipped) == ("broken", {}, {"broken": 2})
    assert status.note == "setup failed: ImportError"


def test_calls_wait_until_it_is_ready_however_long_that_takes(yard: Make) -> None:
    gate = threading.Event()

    class Loads(Evaluator):
        model: str | None = None
        timeout = 0.2
        concurrency = 2

        def setup(self) -> None:
            assert gate.wait(WAIT)
            self.model = "loaded"

        def evaluate(self, call: Any) -> bool:
            return self.model == "loaded"

    bench = yard(Loads, good)
    for _ in range(4):
        bench.bench.take(call())
    deadline = time.monotonic() + WAIT
    while bench.status("good").judged < 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)
    gate.set()
    assert bench.bench.flush(WAIT)
    assert (bench.status("loads").passed, bench.status("loads").errors) == (4, {})


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even that")


class Evasive:
    """An answer that fails when it is looked at, as an unbound proxy does."""

    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise RuntimeError("unbound")


class Leaving:
    def __float__(self) -> float:
        raise SystemExit(1)


@pytest.mark.parametrize("made", [Evasive, Leaving, lambda: Score(0.5, range=("a", "b"))])  # type: ignore[arg-type]
@pytest.mark.parametrize("later", [False, True])
def test_whatever_it_answers_the_next_call_is_judged(yard: Make, made: Any, *, later: bool) -> None:
    answers = [made(), 0.5]

    def says(call: Any) -> Any:
        return answers.pop(0)

    async def says_later(call: Any) -> Any:
        return answers.pop(0)

    scores = yard(says_later if later else says).judged(call(), call())
    assert [score.value for score in scores] == [None, 0.5]
    assert scores[0].error is not None


@pytest.mark.parametrize("later", [False, True])
def test_an_exception_that_cannot_be_told_is_told_by_its_type(yard: Make, *, later: bool) -> None:
    def raises(call: Any) -> None:
        raise Unspeakable

    async def raises_later(call: Any) -> None:
        raise Unspeakable

    (score,) = yard(raises_later if later else raises).judged(call())
    assert (score.error, score.explanation) == ("Unspeakable", None)


def test_a_coroutine_that_leaves_the_program_leaves_only_its_turn(yard: Make) -> None:
    async def leaves(call: Any) -> None:
        raise SystemExit(1)

    async def stays(call: Any) -> bool:
        return True

    scores = yard(leaves, stays).judged(call(), call())
    assert sorted(str(score.error) for score in scores) == [
        "None",
        "None",
        "SystemExit",
        "SystemExit",
    ]


def test_a_coroutine_may_flush_without_waiting_for_itself(yard: Make) -> None:
    inside: list[bool] = []

    async def flushes(call: Any) -> None:
        inside.append(bench.bench.flush(WAIT))

    bench = yard(flushes)
    bench.judged(call())
    assert inside == [True]


def test_calls_that_nobody_would_have_judged_are_not_counted_as_dropped(yard: Make) -> None:
    tools = evaluator(name="tools", operations={"execute_tool"})(good_too)
    bench = yard(good, tools, max_bytes=2_000)
    bench.judged(call(answer="x" * 10_000))
    assert (bench.status("good").dropped, bench.status("tools").dropped) == ({"queue_full": 1}, {})


# -- what there is room for ---------------------------------------------------------------------


def test_of_too_many_the_oldest_are_dropped_and_counted(yard: Make) -> None:
    gate, begun = threading.Event(), threading.Event()
    answers: list[str] = []

    @evaluator(timeout=WAIT)
    def slow(call: Any) -> bool:
        begun.set()
        gate.wait(WAIT)
        answers.append(call.output_text)
        return True

    bench = yard(slow, max_items=3)
    bench.bench.take(call(answer="first"))
    assert begun.wait(WAIT)
    for answer in ("old", "older", "new", "newer"):
        bench.bench.take(call(answer=answer))
    gate.set()
    assert bench.bench.flush(WAIT)
    assert answers == ["first", "new", "newer"]
    assert bench.status("slow").dropped == {"queue_full": 2}


def test_a_slow_ones_backlog_goes_first(yard: Make) -> None:
    gate = threading.Event()

    @evaluator(timeout=WAIT)
    def slow(call: Any) -> bool:
        return gate.wait(WAIT)

    bench = yard(slow, good, max_items=4)
    for _ in range(12):
        bench.bench.take(call())
        deadline = time.monotonic() + WAIT
        while bench.status("good").pending:
            assert time.monotonic() < deadline
            time.sleep(0.002)
    time.sleep(0.1)
    gate.set()
    assert bench.bench.flush(WAIT)
    assert bench.status("good").judged + sum(bench.status("good").dropped.values()) == 12
    assert bench.status("slow").dropped["queue_full"] >= 7


def test_what_is_larger_than_all_the_room_is_dropped(yard: Make) -> None:
    bench = yard(good, max_bytes=4_096)
    assert bench.judged(call(answer="x" * 10_000)) == []
    assert bench.status("good").dropped == {"queue_full": 1}
    assert bench.judged(call(encoded={"output": "x" * 10_000})) == []
    assert len(bench.judged(call())) == 1


# -- the whole ----------------------------------------------------------------------------------


def size(conversation: Any) -> float:
    return len(conversation.calls)


def test_a_trace_is_judged_as_a_whole_when_its_root_ends(yard: Make) -> None:
    bench = yard(evaluator(name="size", level="trace")(size), good)
    child, root = call(span="2" * 16, parent="1" * 16, start=2), call(span="1" * 16, start=1)
    scores = bench.judged(child, root)
    (whole,) = [score for score in scores if score.name == "size"]
    assert whole.value == 2
    assert whole.target is not None
    assert whole.target.trace == root.trace


def test_a_trace_in_which_a_call_goes_on_is_not_over(yard: Make) -> None:
    bench = yard(evaluator(name="size", level="trace")(size))
    going_on = [call()]
    bench.bench.follow(lambda: going_on)
    assert bench.judged(call()) == []
    going_on.clear()
    assert [score.value for score in bench.judged()] == [1]


def test_a_trace_is_judged_soon_without_anybody_asking(yard: Make) -> None:
    bench = yard(evaluator(name="size", level="trace")(size))
    bench.bench.take(call())
    deadline = time.monotonic() + WAIT
    while not bench.scores:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_session_is_judged_when_it_is_over(yard: Make) -> None:
    bench = yard(evaluator(name="size", level="session", requires={"session"})(size))
    bench.judged(call(session="one"), call(session="one", trace="c" * 32), call(session="two"))
    assert bench.scores == []
    bench.bench.end("one")
    assert [score.value for score in bench.judged()] == [2]
    assert bench.scores[0].target is not None
    assert bench.scores[0].target.session == "one"
    assert bench.bench.close(WAIT)
    assert [score.value for score in bench.scores] == [2, 1]


def test_ending_a_session_that_nobody_judges_does_nothing(yard: Make) -> None:
    bench = yard(good)
    bench.bench.end("one")
    assert bench.judged() == []


def test_calls_that_come_too_late_for_their_trace_are_counted(yard: Make) -> None:
    bench = yard(evaluator(name="size", level="trace")(size), good)
    bench.judged(call())
    bench.judged(call(span="9" * 16, parent="b" * 16))
    assert bench.status("size").dropped == {"late": 1}
    assert bench.status("good").dropped == {}


def test_a_conversation_may_not_be_drawn(yard: Make) -> None:
    rare = evaluator(name="rare", level="trace", sample_rate=0.0)(size)
    some = evaluator(name="some", level="trace", sample_rate=lambda call: 0.0)(size_too)
    scores = yard(rare, some).judged(call())
    assert {score.name: score.skipped for score in scores} == {
        "rare": "not_sampled", "some": "not_sampled",
    }  # fmt: skip


def size_too(conversation: Any) -> float:
    return len(conversation.calls)


# -- the end ------------------------------------------------------------------------------------


def test_flushing_returns_by_its_deadline(yard: Make) -> None:
    gate = threading.Event()

    @evaluator(timeout=WAIT)
    def slow(call: Any) -> bool:
        return gate.wait(WAIT)

    bench = yard(slow)
    bench.bench.take(call())
    assert not bench.bench.flush(0.05)
    gate.set()
    assert bench.bench.flush(WAIT)


def test_flushing_from_one_of_its_own_threads_does_not_wait(yard: Make) -> None:
    inside: list[bool] = []
    bench = yard(evaluator(name="flushes")(lambda call: inside.append(bench.bench.flush(WAIT))))
    bench.judged(call())
    assert inside == [True]


def test_what_is_left_at_the_end_is_dropped_and_counted(yard: Make) -> None:
    gate, begun = threading.Event(), threading.Event()

    @evaluator(timeout=WAIT)
    def slow(call: Any) -> bool:
        begun.set()
        return gate.wait(WAIT)

    bench = yard(slow)
    for _ in range(3):
        bench.bench.take(call())
    assert begun.wait(WAIT)
    assert not bench.bench.close(0.05)
    bench.bench.take(call())
    assert sum(bench.status("slow").dropped.values()) == 4
    assert bench.bench.flush(WAIT)
    gate.set()


def test_whoever_hears_of_scores_may_fail(yard: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    bench = yard(good)

    def fails(score: Score, made: Evaluator) -> None:
        raise RuntimeError("deaf")

    monkeypatch.setattr(bench.bench, "_told", fails)
    bench.judged(call(), call())
    assert fence.failures()["bench.told"] == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_judges_its_own_calls(yard: Make) -> None:
    bench = yard(good, evaluator(name="size", level="session")(size))
    bench.judged(call(session="parents"))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover -- in the child, whose coverage nobody gathers
        try:
            bench.bench.renew()
            bench.scores.clear()
            bench.judged(call(session="childs"))
            bench.bench.close(WAIT)
            told = [(score.name, score.value) for score in bench.scores]
            os.write(writer, f"{told} {bench.status('good').judged}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        assert answer.read() == "[('good', 1.0), ('size', 1.0)] 1"
    os.waitpid(child, 0)


def test_nothing_waits_in_a_renewed_bench(yard: Make) -> None:
    bench = yard(good, evaluator(name="size", level="session")(size))
    bench.judged(call(session="s"))
    bench.bench.renew()
    assert bench.bench.close(WAIT)
    assert [score.name for score in bench.scores] == ["good"]


def test_calls_that_nobody_has_looked_at_yet_make_room_too(
    yard: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = yard(good, max_items=2)
    with monkeypatch.context() as patched:
        patched.setattr(bench.bench._crew, "rouse", lambda: None)
        for answer in ("old", "older", "new", "newer"):
            bench.bench.take(call(answer=answer))
    bench.judged()
    assert bench.status("good").judged == 2
    assert bench.status("good").dropped == {"queue_full": 2}


def test_what_was_not_judged_by_the_end_is_said(
    yard: Make, caplog: pytest.LogCaptureFixture
) -> None:
    gate, begun = threading.Event(), threading.Event()

    @evaluator(timeout=WAIT)
    def slow(call: Any) -> bool:
        begun.set()
        return gate.wait(WAIT)

    bench = yard(slow, good)
    for _ in range(2):
        bench.bench.take(call())
    assert begun.wait(WAIT)
    assert not bench.bench.close(0.3)
    assert [score.skipped for score in bench.scores if score.name == "slow"] == ["shutdown"] * 2
    assert "the program ended before everything was judged: slow (2);" in caplog.text
    gate.set()
