"""Decorated coroutines, generators and asynchronous generators keep their whole protocol."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import sys
import warnings
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest

import clearspan
from clearspan import semconv as sc
from clearspan.record import Outcome
from clearspan.testing import Captured

WAYS: dict[str, Callable[[Any], Any]] = {
    "observe": clearspan.observe,
    "context": clearspan.context(session="s"),
    "suppressed": clearspan.suppressed(),
}


KEY = KeyError("k")  # one, so that its identity can be compared


def talk(log: list[Any]) -> Generator[Any, Any, str]:
    """Tells everything that is done to it."""
    sent = None
    while sent != "stop":
        try:
            sent = yield ("got", sent)
            log.append(("sent", sent))
        except KeyError as error:
            log.append(("thrown", error))
            sent = "thrown"
        except GeneratorExit:
            log.append("closed")
            raise
    return "returned"


async def talk_async(log: list[Any]) -> AsyncGenerator[Any, Any]:
    """The same, asynchronously."""
    sent = None
    while sent != "stop":
        try:
            await asyncio.sleep(0)
            sent = yield ("got", sent)
            log.append(("sent", sent))
        except KeyError as error:
            log.append(("thrown", error))
            sent = "thrown"
        except GeneratorExit:
            log.append("closed")
            raise


def attempt(step: Callable[..., Any], *given: Any) -> Any:
    try:
        return step(*given)
    except BaseException as error:  # noqa: BLE001 -- what came out is what is compared
        return type(error), error.args, getattr(error, "value", None)


def transcript(function: Callable[..., Any]) -> list[Any]:
    """What a consumer sees of a generator function in several conversations."""
    key, log = KEY, list[Any]()
    seen: list[Any] = []
    for talked in (
        lambda g: [attempt(next, g), attempt(g.send, 1), attempt(g.throw, key), attempt(g.send, "stop"), attempt(next, g)],
        lambda g: [attempt(next, g), attempt(g.close), attempt(next, g)],
        lambda g: [attempt(g.close), attempt(next, g)],
        lambda g: [attempt(g.send, 1), attempt(next, g), attempt(g.throw, ValueError("v")), attempt(next, g)],
        lambda g: [attempt(g.throw, ValueError("early")), attempt(next, g)],
        lambda g: [attempt(next, g), attempt(g.throw, GeneratorExit), attempt(next, g)],
    ):  # fmt: skip
        generator = function(log)
        assert type(generator) is type(talk([]))
        assert (generator.__name__, generator.__qualname__) == ("talk", "talk")
        seen += [talked(generator), inspect.getgeneratorstate(generator)]
    return [*seen, log]


@pytest.mark.parametrize("way", WAYS)
def test_F37_generators_forward_everything(way: str, seen: Captured) -> None:
    raw, made = transcript(talk), transcript(WAYS[way](talk))
    assert raw == made


async def transcript_async(function: Callable[..., Any]) -> list[Any]:
    key, log = KEY, list[Any]()
    seen: list[Any] = []

    async def attempt(step: Callable[..., Any], *given: Any) -> Any:
        try:
            return await step(*given)
        except BaseException as error:  # noqa: BLE001 -- what came out is what is compared
            return type(error), error.args

    conversations: list[Callable[[Any], list[tuple[Any, ...]]]] = [
        lambda g: [(g.__anext__,), (g.asend, 1), (g.athrow, key), (g.asend, "stop"), (g.__anext__,)],
        lambda g: [(g.__anext__,), (g.aclose,), (g.__anext__,)],
        lambda g: [(g.aclose,), (g.__anext__,)],
        lambda g: [(g.asend, 1), (g.__anext__,), (g.athrow, ValueError("v")), (g.__anext__,)],
        lambda g: [(g.athrow, ValueError("early")), (g.__anext__,)],
        lambda g: [(g.__anext__,), (g.athrow, GeneratorExit()), (g.__anext__,)],
    ]  # fmt: skip
    for steps in conversations:
        generator = function(log)
        assert type(generator) is type(talk_async([]))
        assert generator.__name__ == "talk_async"
        seen += [await attempt(*step) for step in steps(generator)]
    return [*seen, log]


@pytest.mark.parametrize("way", WAYS)
async def test_F37_asynchronous_generators_forward_everything(way: str, seen: Captured) -> None:
    raw, made = await transcript_async(talk_async), await transcript_async(WAYS[way](talk_async))
    assert raw == made


def stubborn() -> Generator[int, None, int]:
    try:
        yield 1
    except GeneratorExit:
        yield 2
    return 3


def returning() -> Generator[int, None, int]:
    try:
        yield 1
    except GeneratorExit:
        return 3
    return 4


@pytest.mark.parametrize("function", [stubborn, returning])
@pytest.mark.parametrize("way", WAYS)
def test_generators_that_resist_are_as_they_were(
    way: str, function: Callable[[], Any], seen: Captured
) -> None:
    def told(made: Callable[[], Any]) -> list[Any]:
        closed, thrown = made(), made()
        next(closed), next(thrown)
        return [attempt(closed.close), attempt(thrown.throw, GeneratorExit)]

    assert told(WAYS[way](function)) == told(function)


def test_a_generator_is_recorded_to_its_end(seen: Captured) -> None:
    @clearspan.task
    def numbers() -> Generator[int, None, str]:
        yield 1
        yield 2
        return "value"

    def consumer() -> Generator[int, None, str]:
        return (yield from numbers())

    made = consumer()
    assert next(made) == 1
    assert (seen.spans, seen.open_calls) == ([], 1)
    assert next(made) == 2
    with pytest.raises(StopIteration) as stop:
        next(made)
    assert stop.value.value == "value"
    (record,) = seen.invocations
    assert (record.outcome, record.output_value) == (Outcome.COMPLETED, [1, 2])
    assert record.timing.chunks == 0  # the pace of a generator is that of its consumer


LEAVES: dict[str, tuple[Callable[[Any], Any], Outcome]] = {
    "exhausted": (list, Outcome.COMPLETED),
    "closed": (lambda made: (next(made), made.close()), Outcome.CLOSED),
    "dropped": (next, Outcome.CLOSED),
    "error thrown in": (lambda made: (next(made), attempt(made.throw, ValueError())), Outcome.FAILED),
    "closed at once": (lambda made: made.close(), Outcome.ABANDONED),
    "never begun": (lambda made: None, Outcome.ABANDONED),
}  # fmt: skip


@pytest.mark.parametrize("leave", LEAVES)
def test_F2_every_way_to_leave_a_generator_ends_its_record_once(leave: str, seen: Captured) -> None:
    @clearspan.task
    def numbers() -> Any:
        yield 1
        yield 2

    action, outcome = LEAVES[leave]
    made = numbers()
    action(made)
    del made
    gc.collect()
    (record,) = seen.invocations
    assert record.outcome is outcome
    assert seen.accounts.pending == 0


async def test_F2_every_way_to_leave_an_asynchronous_generator_ends_its_record_once(
    seen: Captured,
) -> None:
    @clearspan.task
    async def numbers() -> Any:
        yield 1
        await asyncio.sleep(0)
        yield 2

    assert [item async for item in numbers()] == [1, 2]
    closed = numbers()
    assert await closed.__anext__() == 1
    await closed.aclose()
    async for _ in numbers():
        break
    numbers()
    gc.collect()
    assert [record.outcome for record in seen.invocations] == [
        Outcome.COMPLETED, Outcome.CLOSED, Outcome.CLOSED, Outcome.ABANDONED,
    ]  # fmt: skip


async def test_cancellation_reaches_the_generator_and_is_told(seen: Captured) -> None:
    cleaned: list[str] = []

    @clearspan.task
    async def numbers() -> Any:
        try:
            yield 1
            await asyncio.sleep(60)
        finally:
            cleaned.append("yes")

    async def read() -> None:
        async for _ in numbers():
            begun.set()

    begun = asyncio.Event()
    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned == ["yes"]
    (record,) = seen.invocations
    assert record.outcome is Outcome.CANCELLED


async def test_F14_every_step_runs_in_the_consumers_task(seen: Captured) -> None:
    tasks: list[Any] = []

    @clearspan.task
    async def numbers() -> Any:
        async with asyncio.timeout(60) if sys.version_info >= (3, 11) else asyncio.Lock():
            for number in range(3):
                tasks.append(asyncio.current_task())
                yield number

    @clearspan.task
    async def work() -> None:
        tasks.append(asyncio.current_task())

    async for _ in numbers():
        await work()
    assert set(tasks) == {asyncio.current_task()}


async def test_F14_a_cancel_scope_may_reach_across_yields(seen: Captured) -> None:
    anyio = pytest.importorskip("anyio", reason="anyio is not installed")

    @clearspan.task
    async def numbers() -> Any:
        with anyio.move_on_after(60):
            for number in range(3):
                await anyio.sleep(0)
                yield number

    assert [item async for item in numbers()] == [0, 1, 2]


def test_a_coroutine_that_is_never_awaited_starts_nothing(seen: Captured) -> None:
    @clearspan.task
    async def never() -> None:
        """Not run."""

    with pytest.warns(RuntimeWarning, match=r"coroutine 'test_a_.*never' was never awaited"):
        never()  # dropped at once
    assert seen.spans == []


def test_a_coroutine_from_a_plain_function_is_followed(seen: Captured) -> None:
    async def inner(number: int) -> int:
        with clearspan.span("below"):
            await asyncio.sleep(0)
        return number

    @clearspan.task
    def work(number: int) -> Any:
        return inner(number)

    coroutine = work(3)
    assert inspect.iscoroutine(coroutine)
    assert coroutine.__name__ == "inner"
    assert asyncio.run(coroutine) == 3
    below, span = seen.spans
    assert below.parent_id == span.span_id
    assert json.loads(span.attributes[sc.OUTPUT]) == 3


def test_a_coroutine_from_a_plain_function_that_nobody_awaits(seen: Captured) -> None:
    async def inner() -> None:
        """Not run."""

    @clearspan.task
    def work() -> Any:
        return inner()

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        work()
        gc.collect()
    assert [str(item.message).split("'")[2] for item in warned] == [" was never awaited"]
    (record,) = seen.invocations
    assert record.outcome is Outcome.ABANDONED


def test_a_generator_from_a_plain_function_is_followed(seen: Captured) -> None:
    @clearspan.task
    def work() -> Any:
        return (letter for letter in "ab")

    assert list(work()) == ["a", "b"]
    (record,) = seen.invocations
    assert record.output_value == "ab"


def test_errors_inside_generators_pass_unchanged(seen: Captured) -> None:
    raised = LookupError("gone")

    @clearspan.task
    def numbers() -> Any:
        yield 1
        raise raised

    made = numbers()
    next(made)
    with pytest.raises(LookupError) as caught:
        next(made)
    assert caught.value is raised
    (record,) = seen.invocations
    assert record.error is not None
    assert record.error.type == "LookupError"


def test_children_nest_below_a_generator_and_the_consumers_do_not(seen: Captured) -> None:
    @clearspan.tool
    def child(name: str) -> None:
        """Called from inside and from outside."""

    @clearspan.agent
    def steps() -> Any:
        child("inside")
        yield 1
        child("inside")
        yield 2

    with clearspan.span("consumer"):
        for _ in steps():
            child("outside")
    consumer, agent = seen.span("consumer"), seen.span("invoke_agent steps")
    by_parent = {
        (span.parent_id, json.loads(span.attributes[sc.TOOL_CALL_ARGUMENTS])["name"])
        for span in seen.spans
        if span.name == "execute_tool child"
    }
    assert by_parent == {(agent.span_id, "inside"), (consumer.span_id, "outside")}
    assert agent.parent_id == consumer.span_id


async def test_children_nest_below_an_asynchronous_generator(seen: Captured) -> None:
    @clearspan.tool
    async def child(name: str) -> None:
        await asyncio.sleep(0)

    @clearspan.agent
    async def steps() -> Any:
        await child("inside")
        yield 1
        await child("inside")

    with clearspan.span("consumer"):
        async for _ in steps():
            await child("outside")
    consumer, agent = seen.span("consumer"), seen.span("invoke_agent steps")
    names = [
        (span.parent_id, json.loads(span.attributes[sc.TOOL_CALL_ARGUMENTS])["name"])
        for span in seen.spans
        if span.name == "execute_tool child"
    ]
    assert names == [
        (agent.span_id, "inside"), (consumer.span_id, "outside"), (agent.span_id, "inside"),
    ]  # fmt: skip


def test_children_of_a_generators_clean_up_nest_below_it(seen: Captured) -> None:
    @clearspan.tool
    def release() -> None:
        """Called as the generator is closed."""

    @clearspan.task
    def numbers() -> Any:
        try:
            yield 1
        finally:
            release()

    for _ in numbers():
        break
    gc.collect()
    below, span = seen.spans
    assert below.parent_id == span.span_id
