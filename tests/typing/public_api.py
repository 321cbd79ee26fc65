"""A user's program, read by mypy and pyright in strict mode and never run.

What is asserted: a decorator leaves the type of what it decorates, and a block yields the type
that the documentation names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from typing_extensions import assert_type

import clearspan
import clearspan.testing


@clearspan.task
def ranked(documents: list[str], *, limit: int = 3) -> list[str]:
    return sorted(documents)[:limit]


@clearspan.tool(name="add", capture={"inputs": False})
def add(left: int, right: int) -> int:
    return left + right


@clearspan.agent
async def answer(question: str) -> str:
    await asyncio.sleep(0)
    return question


@clearspan.workflow(capture=False)
def pieces(text: str) -> Iterator[str]:
    yield from text


@clearspan.retrieval
async def passages(query: str) -> AsyncIterator[bytes]:
    yield query.encode()


@clearspan.observe(kind="task", name="load")
class Index:
    def __init__(self, path: str) -> None:
        self.path = path

    @clearspan.embedding
    def vector(self, text: str) -> list[float]:
        return [float(len(text))]

    @classmethod
    @clearspan.model
    def empty(cls) -> Index:
        return cls("")

    @staticmethod
    @clearspan.observe
    def size(path: str) -> int:
        return len(path)


async def use_decorated() -> None:
    assert_type(ranked(["b", "a"], limit=1), list[str])
    assert_type(add(1, 2), int)
    assert_type(await answer("why?"), str)
    assert_type(pieces("ab"), Iterator[str])
    async for passage in passages("q"):
        assert_type(passage, bytes)
    index = Index("here")
    assert_type(index, Index)
    assert_type(index.vector("text"), list[float])
    assert_type(Index.empty(), Index)
    assert_type(Index.size("p"), int)


def use_wrongly() -> None:
    # Each ignore is an error that must be there: an unneeded one is reported.
    add("1", 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ranked()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def use_blocks() -> None:
    with clearspan.span("rank", kind="task") as step:
        step.set(input={"q": "why?"}, output=["because"], score=0.5)
    with clearspan.invocation("chat", provider="acme", model="x") as draft:
        draft.input([{"role": "user", "parts": [{"type": "text", "content": "hello"}]}])
        draft.text("he")
        draft.usage(input=12, output=40)


@clearspan.context(tags=["nightly"])
def in_context() -> int:
    with clearspan.context(
        session="s-42",
        user="u-7",
        metadata={"build": 12},
        prompt=("greeting", "v3"),
        variant={"tone": "b"},
        propagate=True,
    ):
        here = clearspan.current()
    assert_type(here.traceparent, str | None)
    assert_type(here.response_id, str | None)
    return 1


def use_runtime() -> None:
    with clearspan.init(store="runs.db", content="metadata", sample_rate=0.5) as runtime:
        assert_type(runtime, clearspan.Runtime)
        assert_type(clearspan.flush(timeout=1.0), bool)
        assert_type(clearspan.status(), clearspan.Status)
    with clearspan.instrument("openai"):
        assert_type(in_context(), int)
    with clearspan.suppressed():
        assert_type(clearspan.carry(add)(1, 2), int)
    clearspan.uninstrument()
    assert_type(clearspan.shutdown(timeout=1.0), bool)


def use_test_kit() -> None:
    with clearspan.testing.captured() as seen:
        add(1, 2)
    span = seen.span("add")
    assert_type(span.name, str)
    assert_type(span.trace_id, str)
    assert_type(seen.invocations[0], clearspan.Invocation)
