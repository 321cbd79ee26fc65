"""Parents and children across calls, tasks, threads and pools; what agents count."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import clearspan
from clearspan import semconv as sc
from clearspan.testing import Captured, captured


@clearspan.task
def leaf(name: str = "leaf") -> str | None:
    return clearspan.current().span_id


@clearspan.task
async def async_leaf() -> str | None:
    await asyncio.sleep(0)
    return clearspan.current().span_id


def test_calls_nest_and_siblings_do_not(seen: Captured) -> None:
    with clearspan.span("root") as _:
        leaf()
        with clearspan.span("inner"):
            leaf()
        leaf()
    root, inner = seen.span("root"), seen.span("inner")
    assert [span.name for span in root.children()] == ["leaf", "inner", "leaf"]
    assert [span.name for span in inner.children()] == ["leaf"]
    assert {span.trace_id for span in seen.spans} == {root.trace_id}
    assert root.parent_id is None


async def test_gathered_tasks_are_siblings(seen: Captured) -> None:
    @clearspan.workflow
    async def run() -> list[str | None]:
        return await asyncio.gather(*[async_leaf() for _ in range(5)])

    ids = await run()
    root = seen.span("invoke_workflow run")
    assert {span.span_id for span in root.children()} == set(ids)
    assert len(ids) == len(set(ids)) == 5


async def test_a_task_that_outlives_its_parent_keeps_its_trace(seen: Captured) -> None:
    started: list[asyncio.Task[Any]] = []
    go = asyncio.Event()

    async def later() -> None:
        await go.wait()
        await async_leaf()

    with clearspan.span("root"):
        started.append(asyncio.create_task(later()))
    go.set()
    await started[0]
    root, below = seen.spans
    assert below.parent_id == root.span_id


def test_F12_threads_begin_anew_unless_the_context_is_carried(seen: Captured) -> None:
    with clearspan.span("root"):
        with clearspan.context(session="s"):
            plain = threading.Thread(target=leaf, args=("plain",))
            carried = threading.Thread(target=clearspan.carry(leaf), args=("carried",))
            for thread in (plain, carried):
                thread.start()
                thread.join()
    alone, below, root = seen.spans
    assert alone.parent_id is None
    assert alone.trace_id != root.trace_id
    assert below.parent_id == root.span_id
    assert (alone.attributes.get(sc.SESSION_ID), below.attributes[sc.SESSION_ID]) == (None, "s")


def test_F12_pools_with_carry(seen: Captured) -> None:
    with ThreadPoolExecutor(4) as pool:
        with clearspan.span("root"):
            ids = list(pool.map(clearspan.carry(leaf), ["x"] * 20))
        late = pool.submit(clearspan.carry(leaf))  # outside the block: nothing to carry
        late.result()
    root = seen.span("root")
    assert {span.span_id for span in root.children()} == set(ids)
    assert len(root.children()) == 20
    assert [span.parent_id for span in seen.spans if span.parent_id is None] == [None] * 2


async def test_F12_executors_of_the_loop_with_carry(seen: Captured) -> None:
    loop = asyncio.get_running_loop()
    with clearspan.span("root"):
        await loop.run_in_executor(None, clearspan.carry(leaf))
        await asyncio.to_thread(leaf)  # carries by itself
    assert len(seen.span("root").children()) == 2


def test_a_carried_coroutine_function_runs_in_the_carried_context(seen: Captured) -> None:
    async def work(number: int) -> int:
        await async_leaf()
        await asyncio.sleep(0)
        await async_leaf()
        return number

    with clearspan.span("root"), clearspan.context(user="u"):
        carried = clearspan.carry(work)
    assert carried.__name__ == "work"

    async def elsewhere() -> int:
        with clearspan.span("elsewhere"):
            result = await carried(3)
            assert clearspan.current().span_id is not None
            leaf("here")
            return result

    assert asyncio.run(elsewhere()) == 3
    assert [span.name for span in seen.span("root").children()] == ["async_leaf"] * 2
    assert [span.name for span in seen.span("elsewhere").children()] == ["leaf"]
    assert {span.attributes.get(sc.USER_ID) for span in seen.span("root").children()} == {"u"}


def test_a_carried_coroutine_takes_errors_and_cancellation(seen: Captured) -> None:
    log: list[str] = []

    @clearspan.carry
    async def patient() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            log.append("cancelled")
            raise
        return "never"

    @clearspan.carry
    async def failing() -> None:
        await asyncio.sleep(0)
        raise LookupError("gone")

    async def main() -> None:
        task = asyncio.create_task(patient())
        await asyncio.sleep(0)
        task.cancel()
        assert isinstance(
            (await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError
        )
        (error,) = await asyncio.gather(failing(), return_exceptions=True)
        assert str(error) == "gone"

    asyncio.run(main())
    assert log == ["cancelled"]


def test_a_carried_function_may_run_many_times_at_once(seen: Captured) -> None:
    barrier = threading.Barrier(4, timeout=30)

    def work(number: int) -> int:
        barrier.wait()
        return number

    carried = clearspan.carry(work)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(carried, range(4))) == [0, 1, 2, 3]


def test_agents_count_their_own_calls(seen: Captured) -> None:
    @clearspan.model
    def ask() -> str:
        return "answer"

    @clearspan.tool
    def look() -> None:
        """A tool."""

    @clearspan.task
    def step() -> None:
        ask()
        look()

    @clearspan.agent
    def helper() -> None:
        ask()

    @clearspan.agent
    def main() -> None:
        ask()
        step()
        helper()
        look()
        with clearspan.invocation("chat", provider="acme"):
            """A client that is not known."""
        with clearspan.suppressed():
            ask()

    main()
    counts = {
        record.name: (record.inference_calls, record.tool_calls)
        for record in seen.invocations
        if record.operation == "invoke_agent"
    }
    own = {name.rpartition(".")[2]: count for name, count in counts.items() if name}
    assert own == {"main": (3, 2), "helper": (1, 0)}


def test_tools_outside_agents_count_nowhere(seen: Captured) -> None:
    with clearspan.span("x"):
        clearspan.tool(leaf)("a")
    assert all(record.tool_calls == 0 for record in seen.invocations)


def test_spans_of_others_are_parents_too(seen: Captured) -> None:
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("another")
    with tracer.start_as_current_span("theirs") as theirs:
        leaf()
        inside = clearspan.current()
    (span,) = seen.spans
    context = theirs.get_span_context()
    assert span.parent_id == f"{context.span_id:016x}" == inside.span_id
    assert span.trace_id == f"{context.trace_id:032x}" == inside.trace_id


def test_opentelemetrys_own_suppression_holds(seen: Captured) -> None:
    from opentelemetry.context import attach, detach, set_value

    @clearspan.agent
    def main() -> None:
        token = attach(set_value("suppress_instrumentation", True))
        try:
            clearspan.tool(leaf)("a")
        finally:
            detach(token)

    main()
    (record,) = seen.invocations
    assert (record.operation, record.tool_calls) == ("invoke_agent", 0)


def test_a_tool_tells_the_agent_that_ran_it() -> None:
    @clearspan.tool
    def look() -> None:
        """Looks."""

    @clearspan.agent(name="helper")
    def run() -> None:
        look()

    with captured() as seen:
        run()
        look()
    within, _, alone = seen.spans
    assert within.attributes["gen_ai.agent.name"] == "helper"
    assert "gen_ai.agent.name" not in alone.attributes
    points = seen.metrics["gen_ai.execute_tool.duration"]
    assert [point["attributes"].get("gen_ai.agent.name") for point in points] == ["helper", None]
