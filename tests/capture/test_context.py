"""`context`, `suppressed`, `current`: local to task and thread, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage

import clearspan
from clearspan import semconv as sc
from clearspan.capture.context import current_context, silent
from clearspan.record import CallContext
from clearspan.testing import Captured, captured


def session() -> str | None:
    said = current_context()
    return None if said is None else said.session


@clearspan.task
def work() -> None:
    """Something to be recorded."""


def test_everything_that_can_be_said_is_on_the_span(seen: Captured) -> None:
    with clearspan.context(
        session="s-42", user="u-7", tags=["beta", "x"], metadata={"a": "1", "b": 2, "c": [1, "x"], "d": None, "e": True},
        prompt=("greeting", "v3"), variant={"tone": "b"}, variables={"name": "Ann"},
    ):  # fmt: skip
        work()
    (span,) = seen.spans
    found = span.attributes
    assert (found[sc.SESSION_ID], found[sc.USER_ID]) == ("s-42", "u-7")
    assert found[sc.CONVERSATION_ID] == "s-42"
    assert found[sc.TAGS] == ("beta", "x")
    metadata = {name: value for name, value in found.items() if name.startswith(sc.METADATA)}
    assert metadata == {
        sc.METADATA + "a": "1", sc.METADATA + "b": "2", sc.METADATA + "c": '[1,"x"]', sc.METADATA + "e": "true",
    }  # fmt: skip
    assert (found[sc.PROMPT_NAME], found[sc.PROMPT_VERSION]) == ("greeting", "v3")
    assert found[sc.VARIANT + "tone"] == "b"
    assert found[sc.PROMPT_VARIABLE + "name"] == "Ann"


def test_a_prompt_may_have_no_version_or_a_number(seen: Captured) -> None:
    for prompt in ("greeting", ("greeting", 3)):
        with clearspan.context(prompt=prompt):  # type: ignore[arg-type]
            work()
    named, versioned = seen.spans
    assert named.attributes[sc.PROMPT_NAME] == "greeting"
    assert sc.PROMPT_VERSION not in named.attributes
    assert versioned.attributes[sc.PROMPT_VERSION] == "3"


def test_inner_blocks_add_and_win() -> None:
    with clearspan.context(
        session="outer", user="u", tags=["a", "b"], metadata={"x": "1", "y": "1"}, prompt="p"
    ):
        with clearspan.context(session="inner", tags=["b", "c"], metadata={"y": "2"}, prompt="q"):
            said = current_context()
        assert session() == "outer"
    assert said == CallContext(
        session="inner", user="u", tags=("a", "b", "c"), metadata={"x": "1", "y": "2"}, prompt=("q", None),
    )  # fmt: skip
    assert current_context() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"session": 1.5}, {"session": True}, {"user": b"x"}, {"tags": "beta"}, {"tags": None}, {"tags": 3},
        {"metadata": "x"}, {"metadata": ["a"]}, {"variant": 3}, {"variables": "x"},
        {"prompt": 3}, {"prompt": ("a",)}, {"prompt": ("a", "b", "c")}, {"prompt": (1, "a")}, {"prompt": ("a", 1.5)},
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_told_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"clearspan.context: {next(iter(wrong))} must be"):
        clearspan.context(**wrong)


def test_numbers_will_do_as_ids_and_empty_ones_are_none() -> None:
    with clearspan.context(session=42, user=""):  # type: ignore[arg-type]
        said = current_context()
    assert said == CallContext(session="42")


def test_as_a_decorator_on_functions_of_all_kinds() -> None:
    said = clearspan.context(session="d")

    @said
    def plain() -> str | None:
        return session()

    @said
    async def awaited() -> str | None:
        await asyncio.sleep(0)
        return session()

    @said
    def generated() -> Any:
        yield session()
        yield session()

    @said
    async def streamed() -> Any:
        yield session()
        await asyncio.sleep(0)
        yield session()

    class Service:
        @said
        def method(self) -> str | None:
            return session()

        @said
        @classmethod
        def by_class(cls) -> str | None:
            return session()

        @staticmethod
        @said
        def static() -> str | None:
            return session()

        @property
        @said
        def prop(self) -> str | None:
            return session()

    async def main() -> list[Any]:
        found: list[Any] = [await awaited(), session()]
        async for item in streamed():
            found += [item, session()]
        return found

    assert [plain(), session()] == ["d", None]
    assert [(item, session()) for item in generated()] == [("d", None)] * 2
    assert asyncio.run(main()) == ["d", None] * 3
    thing = Service()
    assert [thing.method(), thing.by_class(), thing.static(), thing.prop] == ["d"] * 4
    assert session() is None


def test_a_decorated_function_may_recurse_and_raise() -> None:
    @clearspan.context(session="d")
    def down(number: int) -> str | None:
        if number == 0:
            raise LookupError
        return down(number - 1)

    with pytest.raises(LookupError):
        down(3)
    assert session() is None


def test_one_object_may_be_entered_inside_itself() -> None:
    block = clearspan.context(session="a")
    with block:
        with clearspan.context(session="b"):
            with block:
                assert session() == "a"
            assert session() == "b"
        assert session() == "a"
    assert session() is None


async def test_F11_interleaved_tasks_do_not_see_each_other(seen: Captured) -> None:
    async def request(name: str) -> list[str | None]:
        async with clearspan.context(session=name):
            found = []
            for _ in range(5):
                await asyncio.sleep(0)
                found.append(session())
                work()
            return found

    names = [f"s-{number}" for number in range(100)]
    found = await asyncio.gather(*[request(name) for name in names])
    assert [set(items) for items in found] == [{name} for name in names]
    assert session() is None
    assert len(seen.spans) == 500


async def test_F11_one_object_may_be_entered_from_several_tasks_at_once() -> None:
    block = clearspan.context(session="shared")

    async def request() -> str | None:
        async with block:
            await asyncio.sleep(0)
            return session()

    assert set(await asyncio.gather(*[request() for _ in range(20)])) == {"shared"}
    assert session() is None


def test_F13_threads_have_their_own() -> None:
    barrier = threading.Barrier(8, timeout=30)
    found: dict[str, set[str | None]] = {}

    def request(name: str) -> None:
        with clearspan.context(session=name, tags=[name]):
            barrier.wait()
            found[name] = {session() for _ in range(100)}
            barrier.wait()
        found[name].add(f"after {session()}")

    threads = [threading.Thread(target=request, args=(f"s{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {f"s{number}": {f"s{number}", "after None"} for number in range(8)}


def turns(name: str, block: Any = None) -> Iterator[str | None]:
    with block or clearspan.context(session=name, tags=[name]):
        yield session()
        yield session()


def test_generators_that_take_turns_leave_nothing_behind() -> None:
    a, b = turns("a"), turns("b")
    assert [next(a), next(b)] == ["a", "b"]
    assert list(a) == ["b"]  # Python lets a generator's block reach its consumer
    said = current_context()
    assert said is not None
    assert (said.session, said.tags) == ("b", ("b",))
    assert list(b) == ["b"]
    assert current_context() is None


def test_generators_that_take_turns_with_one_object() -> None:
    block = clearspan.context(session="shared")
    a, b, c = turns("a", block), turns("b"), turns("c", block)
    next(a), next(b), next(c)
    a.close()
    assert session() == "b"
    b.close()
    assert session() == "shared"
    c.close()
    assert current_context() is None


def test_three_blocks_left_in_any_order() -> None:
    for order in ("abc", "acb", "bac", "bca", "cab", "cba"):
        made = {name: turns(name) for name in "abc"}
        for one in made.values():
            next(one)
        open_ones = list("abc")
        for name in order:
            made[name].close()
            open_ones.remove(name)
            said = current_context()
            assert (() if said is None else said.tags) == tuple(open_ones)
        assert current_context() is None


def test_suppression_left_out_of_order_does_not_stay() -> None:
    a, b = turns("a", clearspan.suppressed()), turns("b", clearspan.suppressed())
    next(a), next(b)
    a.close()
    assert silent()
    b.close()
    assert not silent()


async def test_a_block_left_in_another_task_is_left_everywhere() -> None:
    async def stream() -> Any:
        with clearspan.context(session="streamed"):
            yield 1
            yield 2

    made = stream()
    assert await made.__anext__() == 1
    assert session() == "streamed"
    await asyncio.create_task(made.aclose())
    assert session() is None
    with clearspan.context(user="after"):
        said = current_context()
    assert said == CallContext(user="after")


async def test_a_block_left_where_it_was_never_entered() -> None:
    block = clearspan.context(session="far")
    elsewhere = contextvars.copy_context()
    block.enter()
    assert session() == "far"
    elsewhere.run(block.leave)
    assert session() is None
    block.leave()
    clearspan.context(session="never entered").leave()
    clearspan.suppressed().leave()
    assert session() is None
    assert not silent()


async def test_what_a_child_task_inherits_it_keeps() -> None:
    go = asyncio.Event()

    async def child() -> str | None:
        await go.wait()
        return session()

    with clearspan.context(session="parent"):
        task = asyncio.create_task(child())
    go.set()
    assert await task == "parent"
    assert session() is None


async def test_an_abandoned_generators_block_is_gone_with_it() -> None:
    async def stream() -> Any:
        with clearspan.context(session="streamed"):
            yield 1
            yield 2

    async for _ in stream():
        break
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)
    assert session() is None


def test_blocks_are_not_kept_alive() -> None:
    import weakref

    class Owner(clearspan.context):
        """Can be referred to weakly."""

    block = Owner(session="x")
    known = weakref.ref(block)
    with block:
        assert session() == "x"
    gc.disable()
    try:
        del block
        assert known() is None
    finally:
        gc.enable()


# -- other processes ------------------------------------------------------------------------------


def test_nothing_is_propagated_unless_asked(seen: Captured) -> None:
    with clearspan.context(session="s", user="u"):
        assert baggage.get_all() == {}


def test_propagation_puts_ids_into_the_baggage_and_takes_them_out(seen: Captured) -> None:
    with clearspan.context(
        session="s", tags=["not this"], metadata={"nor": "this"}, propagate=True
    ):
        assert baggage.get_all() == {"clearspan.session": "s"}
        with clearspan.context(user="u", propagate=True):
            assert baggage.get_all() == {"clearspan.session": "s", "clearspan.user": "u"}
        assert baggage.get_all() == {"clearspan.session": "s"}
    assert baggage.get_all() == {}


def test_propagation_left_out_of_order_is_undone(seen: Captured) -> None:
    a = turns("a", clearspan.context(session="a", propagate=True))
    b = turns("b", clearspan.context(session="b", propagate=True))
    c = turns("c")
    next(a), next(b), next(c)
    a.close()
    assert baggage.get_all() == {"clearspan.session": "b"}
    b.close()
    c.close()
    assert baggage.get_all() == {}
    d = turns("d", clearspan.context(session="d", propagate=True))
    e = turns("e")
    next(d), next(e)
    d.close()
    e.close()
    assert baggage.get_all() == {}


def test_nothing_is_propagated_while_clearspan_is_off() -> None:
    with clearspan.context(session="s", propagate=True):
        assert baggage.get_all() == {}
        assert session() == "s"


def test_what_an_upstream_process_said_is_read(seen: Captured) -> None:
    from opentelemetry.context import attach, detach

    token = attach(
        baggage.set_baggage("clearspan.session", "up", baggage.set_baggage("other", "x"))
    )
    try:
        work()
        with clearspan.context(user="u"):
            work()
        with clearspan.context(session="here"):
            work()
    finally:
        detach(token)
    first, second, third = seen.spans
    assert first.attributes[sc.SESSION_ID] == second.attributes[sc.SESSION_ID] == "up"
    assert second.attributes[sc.USER_ID] == "u"
    assert third.attributes[sc.SESSION_ID] == "here"


# -- silence --------------------------------------------------------------------------------------


def test_suppressed_as_block_and_decorator(seen: Captured) -> None:
    @clearspan.suppressed()
    def quiet() -> None:
        work()

    @clearspan.suppressed()
    def steps() -> Any:
        work()
        yield 1
        work()

    @clearspan.suppressed()
    async def awaited() -> None:
        work()

    quiet()
    for _ in steps():
        work()
    asyncio.run(awaited())
    with clearspan.suppressed():
        with clearspan.suppressed():
            work()
        work()
    assert [span.name for span in seen.spans] == ["work"]
    assert not silent()


# -- where the program is -------------------------------------------------------------------------


def test_current_is_nothing_outside(seen: Captured) -> None:
    assert clearspan.current()[:3] == (None, None, None)


def test_current_tells_the_ids_of_the_active_span(seen: Captured) -> None:
    with clearspan.span("x"):
        here = clearspan.current()
    (span,) = seen.spans
    assert (here.trace_id, here.span_id) == (span.trace_id, span.span_id)
    assert here.traceparent == f"00-{span.trace_id}-{span.span_id}-01"


def test_current_without_clearspan() -> None:
    context = contextvars.Context()
    assert context.run(clearspan.current) == (None, None, None, None)


def test_the_last_response_is_known_before_and_after_its_record_is_complete() -> None:
    @clearspan.model
    def ask(number: int) -> dict[str, str]:
        return {"id": f"r-{number}"}

    @clearspan.task
    def step() -> dict[str, str]:
        ask(2)
        return {"id": "no response"}

    def run() -> None:
        with captured(providers=()) as seen:
            assert clearspan.current().response_id is None
            ask(1)
            assert clearspan.current().response_id == "r-1"
            assert seen.spans[0].attributes[sc.RESPONSE_ID] == "r-1"
            assert clearspan.current().response_id == "r-1"
            step()
            assert clearspan.current().response_id == "r-2"
            assert len(seen.spans) == 3
            assert clearspan.current().response_id == "r-2"

    contextvars.Context().run(run)


async def test_the_last_response_is_of_this_task() -> None:
    @clearspan.model
    async def ask(number: int) -> dict[str, str]:
        await asyncio.sleep(0)
        return {"id": f"r-{number}"}

    async def request(number: int) -> str | None:
        await ask(number)
        await asyncio.sleep(0)
        return clearspan.current().response_id

    with captured(providers=()):
        found = await asyncio.gather(*[request(number) for number in range(20)])
    assert found == [f"r-{number}" for number in range(20)]


def test_the_last_model_call_is_named_whoever_answered() -> None:
    @clearspan.model
    def ask() -> str:
        return "an answer without an id"

    def run() -> None:
        with captured(providers=()) as seen:
            assert clearspan.current().last_traceparent is None
            ask()
            (span,) = seen.spans
            here = clearspan.current()
            assert here == (None, None, None, None)
            assert (here.last_trace_id, here.last_span_id) == (span.trace_id, span.span_id)
            assert here.last_traceparent == f"00-{span.trace_id}-{span.span_id}-01"

    contextvars.Context().run(run)


def test_content_in_the_context_follows_the_content_mode() -> None:
    with captured(providers=(), content="off") as seen:
        with clearspan.context(variables={"name": "canary"}, session="s"):
            work()
        assert "canary" not in json.dumps(dict(seen.spans[0].attributes))
        assert seen.spans[0].attributes[sc.SESSION_ID] == "s"


def test_documents_and_references_are_for_evaluators() -> None:
    with captured() as seen:
        with clearspan.context(documents=["one", "two"], references="right"):
            with clearspan.context(documents="three"), clearspan.span("inner"):
                pass
            with clearspan.span("outer"):
                pass
        inner, outer = seen.invocations
        assert "three" not in str(seen.spans)
    assert (inner.context.documents, inner.context.references) == (("three",), ("right",))
    assert outer.context.documents == ("one", "two")


@pytest.mark.parametrize("given", [3, [1], None])
def test_documents_are_texts(given: Any) -> None:
    with pytest.raises(TypeError, match="documents must be"):
        clearspan.context(documents=given)
