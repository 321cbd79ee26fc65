"""What is held of calls is bounded in bytes, spans in attributes, and a block takes whatever it is told."""

from __future__ import annotations

import contextlib
import gc
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

import clearspan
from clearspan import semconv as sc
from clearspan.core import fence
from clearspan.testing import Json, ModelServer, Reply, captured
from tests.faults.kit import ran

MEGABYTE = 1_000_000
QUEUE = 8 * MEGABYTE


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLEARSPAN_STRICT")
    fence.reset()
    yield
    clearspan.shutdown()
    fence.reset()


def peak(work: Callable[[], Any]) -> int:
    """The most bytes that Python held at a time while `work` ran."""
    tracemalloc.start(1)
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def left(work: Callable[[], Any]) -> int:
    """The bytes that are still held when `work` is done."""
    tracemalloc.start(1)
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


# -- one call -------------------------------------------------------------------------------------


def streaming(pieces: int) -> openai.OpenAI:
    """A client whose answers have so many pieces of a megabyte, made as they are asked for."""

    def events() -> Iterator[bytes]:
        for number in range(pieces):
            delta = {"content": chr(97 + number % 26) * MEGABYTE}
            chunk = {
                "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
            }  # fmt: skip
            yield b"data: " + json.dumps(chunk).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"

    class Stream(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from events()

    def answer(request: httpx.Request) -> httpx.Response:
        del request
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Stream())

    client = httpx.Client(transport=httpx.MockTransport(answer))
    return openai.OpenAI(base_url="http://h/v1", api_key="k", http_client=client)


def test_F28_a_stream_without_an_end_takes_no_more_room() -> None:
    """The beginning is told with what is missing of it, and no token of it is counted."""
    with captured(content="full", count_tokens="spans") as seen:
        client = streaming(60)
        asked: Any = [{"role": "user", "content": "q"}]
        with client.chat.completions.create(model="m", messages=asked, stream=True) as stream:
            characters = 0
            for chunk in stream:
                characters += len(chunk.choices[0].delta.content or "")
                clearspan.flush(30)
        (span,) = seen.spans
    assert characters == 60 * MEGABYTE
    (message,) = json.loads(span.attributes[sc.OUTPUT_MESSAGES])
    text = message["parts"][0]["content"]
    kept, _, note = text.partition("…[")
    assert kept == "a" * len(kept)
    assert int(note.removesuffix(" more]")) + len(kept) == characters
    assert sc.USAGE_OUTPUT_TOKENS not in span.attributes
    assert sc.TEXT_OUTPUT_DENSITY not in span.attributes


@pytest.mark.parametrize("kind", ["text", "tool", "sound", "transcript", "part", "reasoning"])
def test_F28_what_a_block_is_told_of_one_call_is_bounded(kind: str) -> None:
    piece = "x" * MEGABYTE

    def tell(draft: Any, number: int) -> None:
        fresh = piece + str(number)
        if kind == "tool":
            draft.tool_call(key=number % 3, name="t", arguments=fresh)
        elif kind in ("sound", "transcript"):
            draft.audio(**{"data" if kind == "sound" else kind: fresh})
        elif kind == "part":
            draft.part({"type": "other", "content": fresh})
        else:
            getattr(draft, kind)(fresh)

    def work() -> None:
        with clearspan.invocation("chat", model="m") as draft:
            for number in range(40):
                tell(draft, number)
            draft.usage(input=1, output=2)

    with captured(content="full") as seen:
        most = peak(work)
        (span,) = seen.spans
    assert most < 25 * MEGABYTE
    assert span.attributes[sc.USAGE_OUTPUT_TOKENS] == 2
    told = span.attributes[sc.OUTPUT_MESSAGES]
    assert "more]" in told or "omitted" in told


@pytest.mark.parametrize("texts", [True, False])
def test_F28_what_a_generator_gives_is_bounded(texts: bool) -> None:
    @clearspan.task
    def given() -> Iterator[Any]:
        for number in range(60):
            one = "x" * MEGABYTE + str(number)
            yield one if texts else {"text": one}

    def work() -> None:
        for _ in given():
            clearspan.flush(30)

    with captured(content="full") as seen:
        most = peak(work)
        (span,) = seen.spans
    assert most < 80 * MEGABYTE  # a batch of chunks waits on the caller's side
    assert " more" in span.attributes[sc.OUTPUT]


# -- all of them ----------------------------------------------------------------------------------


@contextlib.contextmanager
def held_up(**settings: Any) -> Iterator[None]:
    """A runtime whose worker does not come to work before the end of the block."""
    go = threading.Event()

    def wait(text: str) -> str:
        go.wait(60)
        return text

    clearspan.init(hardware="off", content="full", redact=[wait], store="held.db", **settings)
    with clearspan.span("first") as step:
        step.set(input="it waits here")
    try:
        yield
    finally:
        go.set()


@pytest.mark.parametrize("kind", ["task", "openai", "ollama", "block", "step"])
def test_F28_what_waits_is_weighed_and_without_room_the_numbers_stay(
    kind: str, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "x" * (3 * MEGABYTE)
    stack = contextlib.ExitStack()
    ask = _asking(kind, server, text, stack)
    with stack, held_up():
        (worker,) = _workers()
        worker.max_bytes = QUEUE
        most = left(lambda: [ask(number) for number in range(12)])
        waiting = worker.pending_bytes
    assert clearspan.flush(60)
    assert waiting <= QUEUE
    assert most < QUEUE + 12 * MEGABYTE
    found = clearspan.status()
    assert (found.accounts.created, found.accounts.stored) == (13, 13)
    assert set(found.internal_errors) <= {"redact"}  # which did not answer in time


def _workers() -> list[Any]:
    from clearspan.core import worker

    return [each for each in worker._workers if each.name == "clearspan" and not each._closed]


def _asking(
    kind: str, server: ModelServer, text: str, stack: contextlib.ExitStack
) -> Callable[[int], Any]:
    asked: Any = [{"role": "user", "content": "q"}]
    if kind == "openai":
        server.respond(Reply(text))
        client = openai.OpenAI(base_url=server.url, api_key="k", max_retries=0)
        stack.callback(client.close)
        return lambda number: client.chat.completions.create(model="m", messages=asked) and None
    if kind == "ollama":
        import ollama

        server.respond(Json({"model": "m", "message": {"role": "assistant", "content": text}, "done": True}))  # fmt: skip
        local = ollama.Client(host=server.origin)
        stack.callback(local._client.close)
        return lambda number: local.chat(model="m", messages=asked) and None

    @clearspan.task
    def task(number: int) -> str:
        return text + str(number)

    def block(number: int) -> None:
        with clearspan.invocation("chat", model="m") as draft:
            draft.input(text + str(number))

    def step(number: int) -> None:
        with clearspan.span("s") as told:
            told.set(output=text + str(number))

    return {"task": lambda number: bool(task(number)), "block": block, "step": step}[kind]


# -- attributes -----------------------------------------------------------------------------------

MANY = """
import logging, sys, clearspan
logging.basicConfig(stream=sys.stderr)
clearspan.init(store="many.db", hardware="off", providers=())
with clearspan.context(metadata={f"k{n}": "v" for n in range(200)}, variant={"arm": "b"}):
    with clearspan.invocation("chat", provider="p", model="m") as draft:
        draft.usage(input=1, output=2)
        for n in range(50):
            draft.extra(f"own.{n}", n)
clearspan.shutdown(20)
"""


@pytest.mark.parametrize("limit", [None, "40"])
def test_F26_a_span_has_no_more_attributes_than_there_may_be_and_all_of_ours(
    limit: str | None, tmp_path: Path
) -> None:
    done = ran(MANY, folder=tmp_path, **({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": limit} if limit else {}))  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_F26_the_applications_own_attributes_go_first() -> None:
    with captured(content="full", content_target="both") as seen:
        with clearspan.context(metadata={f"k{number:03}": "v" for number in range(200)}):
            with clearspan.invocation("chat", provider="p", model="m") as draft:
                draft.input("why?")
                draft.usage(input=1, output=2)
        (span,) = seen.spans
    given = span.attributes
    assert len(given) == 128
    ours = (sc.OPERATION_NAME, sc.PROVIDER_NAME, sc.REQUEST_MODEL, sc.USAGE_INPUT_TOKENS, sc.INPUT_MESSAGES)  # fmt: skip
    assert set(ours) <= set(given)
    assert given[sc.ATTRIBUTES_LEFT_OUT] == 200 - sum(name.startswith(sc.METADATA) for name in given)  # fmt: skip
    assert sc.METADATA + "k000" in given


# -- blocks ---------------------------------------------------------------------------------------


def test_F33_a_block_takes_whatever_it_is_told() -> None:
    told: Any
    with captured(content="full") as seen:
        with clearspan.invocation("chat", model="m") as told:
            told.tools(None)
            told.part(None)
            told.logprobs(None)
            told.phase("load", "0.3")
            told.finish(["stop"])
            told.name = 5
            told.text("answer")
        with clearspan.invocation("chat") as told:
            told.fail(5)
        (first, second) = seen.spans
    assert "answer" in first.attributes[sc.OUTPUT_MESSAGES]
    assert second.attributes["error.type"] == "5"
    assert fence.failures() == {"draft.part": 1, "draft.phase": 1, "draft.finish": 1}


def test_F33_a_block_may_be_left_twice() -> None:
    with captured() as seen:
        block = clearspan.span("once")
        block.__enter__()
        block.__exit__(None, None, None)
        block.__exit__(None, None, None)
        assert len(seen.spans) == 1
    assert fence.failures() == {}
