"""Callables as judges, and that judging is no traffic of the application."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

import clearspan
from clearspan.assess.judge import function, silence
from clearspan.assess.judge.client import Judge
from clearspan.assess.judge.failure import JudgeFailure, Unjudged
from clearspan.assess.judge.schema import verdict
from clearspan.assess.judge.tally import Tally
from clearspan.testing import ModelServer, Reply, captured
from tests.assess.judge.kit import answering, verdict as written

SHAPE = verdict(("good", "bad"))
ASKED = [{"role": "user", "content": "judge"}]


def label(judge: Judge) -> str:
    return str(judge.ask(ASKED, SHAPE, Tally())[0]["label"])


@pytest.fixture
def wired() -> Any:
    silence.wire(clearspan.suppressed)
    yield
    silence.wire()


def test_a_callable_gets_messages_and_schema_and_answers_an_object_or_a_text() -> None:
    judge, asked = answering({"label": "bad"}, lambda messages, schema: written(schema["properties"]["label"]["enum"][0]))  # fmt: skip
    assert label(judge) == "bad"
    assert label(judge) == "good"
    assert asked == [ASKED, ASKED]
    assert judge.refused == set()


def test_a_callable_is_a_model_by_its_name() -> None:
    def referee(messages: Any, schema: Any) -> Any:
        return {"label": "good"}

    assert Judge(referee).model == "referee"
    assert Judge(referee, model="m").model == "m"


def test_coroutines_run_on_one_loop_of_their_own() -> None:
    loops: set[asyncio.AbstractEventLoop] = set()
    threads: set[str] = set()

    async def answer(messages: Any, schema: Any) -> Any:
        await asyncio.sleep(0)
        loops.add(asyncio.get_running_loop())
        threads.add(threading.current_thread().name)
        return {"label": "good" if silence.judging() else "bad"}

    judge = Judge(answer)
    assert [label(judge), label(judge)] == ["good", "good"]
    assert len(loops) == 1
    assert threads == {"clearspan-judge"}


async def test_a_coroutine_may_be_asked_from_a_running_loop() -> None:
    async def answer(messages: Any, schema: Any) -> Any:
        return {"label": "good"}

    assert label(Judge(answer)) == "good"


def test_a_coroutine_that_takes_too_long_is_given_up() -> None:
    cancelled = threading.Event()

    async def answer(messages: Any, schema: Any) -> Any:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    with pytest.raises(JudgeFailure) as failure:
        label(Judge(answer, timeout=0.05))
    assert failure.value.type == "judge_timeout"
    assert cancelled.wait(5)


def test_what_a_callable_raises_is_told() -> None:
    def answer(messages: Any, schema: Any) -> Any:
        raise LookupError("my key is missing")

    judge = Judge(answer)
    for _ in range(5):
        with pytest.raises(JudgeFailure) as failure:
            label(judge)
        assert (failure.value.type, str(failure.value)) == (
            "judge_failed",
            "LookupError: my key is missing",
        )
    with pytest.raises(Unjudged, match="judge_unavailable"):
        label(judge)


def test_an_answer_of_another_kind_is_told() -> None:
    judge, asked = answering(5)
    with pytest.raises(JudgeFailure) as failure:
        label(judge)
    assert failure.value.type == "judge_parse"
    assert len(asked) == 2


def test_a_judge_that_asks_a_judge_is_skipped() -> None:
    inner, asked = answering({"label": "good"})
    outer, _ = answering(lambda messages, schema: {"label": label(inner)})
    with pytest.raises(JudgeFailure, match="Unjudged"):
        label(outer)
    assert asked == []
    assert not silence.judging()


def test_a_judge_that_asks_itself_on_plain_threads_comes_to_an_end() -> None:
    asked: list[bool] = []

    def answer(messages: Any, schema: Any) -> Any:
        asked.append(silence.judging())
        with ThreadPoolExecutor(1) as pool:
            return {"label": pool.submit(label, judge).result()}

    judge = Judge(answer, concurrency=3, timeout=0.05)
    with pytest.raises(JudgeFailure, match="JudgeFailure"):
        label(judge)
    assert asked == [True] * 3


def test_a_thread_that_was_carried_knows_that_a_judge_is_asked() -> None:
    inner, asked = answering({"label": "good"})

    def answer(messages: Any, schema: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return {"label": pool.submit(clearspan.carry(label), inner).result()}

    with pytest.raises(JudgeFailure, match="Unjudged"):
        label(Judge(answer))
    assert asked == []


@pytest.mark.usefixtures("wired")
@pytest.mark.parametrize("kind", ["sync", "async", "carried"])
def test_a_callable_that_uses_a_recorded_client_is_not_recorded(kind: str) -> None:
    with ModelServer() as server, captured() as seen:
        server.respond(Reply(written("good")))

        def sync(messages: Any, schema: Any) -> Any:
            with openai.OpenAI(base_url=server.url, api_key="unused") as client:
                answer = client.chat.completions.create(model="m", messages=messages)
            return answer.choices[0].message.content

        async def coroutine(messages: Any, schema: Any) -> Any:
            async with openai.AsyncOpenAI(base_url=server.url, api_key="unused") as client:
                answer = await client.chat.completions.create(model="m", messages=messages)
            return answer.choices[0].message.content

        def carried(messages: Any, schema: Any) -> Any:
            found: list[Any] = []
            run = clearspan.carry(lambda: found.append(sync(messages, schema)))
            thread = threading.Thread(target=run)
            thread.start()
            thread.join(20)
            return found[0]

        judge = Judge({"sync": sync, "async": coroutine, "carried": carried}[kind])
        assert label(judge) == "good"
        assert seen.spans == []
        sync(ASKED, {})
        assert [span.name for span in seen.spans] == ["chat m"]


def test_every_means_of_silence_is_used_and_undone() -> None:
    said: contextvars.ContextVar[str] = contextvars.ContextVar("said", default="")
    left: list[str] = []

    class Means:
        def __init__(self, name: str) -> None:
            self.name = name

        def __enter__(self) -> None:
            self.token = said.set(said.get() + self.name)

        def __exit__(self, *error: object) -> None:
            said.reset(self.token)
            left.append(self.name)

    silence.wire(lambda: Means("a"), lambda: Means("b"))
    try:
        judge, _ = answering(lambda messages, schema: {"label": "good", "reasoning": said.get()})
        assert judge.ask(ASKED, SHAPE, Tally())[0]["reasoning"] == "ab"
    finally:
        silence.wire()
    assert left == ["b", "a"]
    assert said.get() == ""


def test_a_judge_that_is_gone_leaves_no_thread_and_stops_no_loop_of_another_process() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def answer(messages: Any, schema: Any) -> Any:
        loops.append(asyncio.get_running_loop())
        return {"label": "good"}

    judge = Judge(answer)
    label(judge)
    function._stop(loops[0], -1)
    assert label(judge) == "good"
    del judge
    gc.collect()
    deadline = time.monotonic() + 10
    while not loops[0].is_closed() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert loops[0].is_closed()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_loop_and_turns_of_its_own() -> None:
    async def answer(messages: Any, schema: Any) -> Any:
        return {"label": "good"}

    judge = Judge(answer, concurrency=1)
    assert label(judge) == "good"
    with judge.budget.turn(0.0):
        child = os.fork()
        if child == 0:  # pragma: no cover -- in the child
            try:
                os._exit(0 if label(judge) == "good" else 1)
            finally:
                os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
