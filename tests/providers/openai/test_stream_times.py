"""When the pieces of a stream came, and what is left of one that ends early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clearspan.record import Outcome
from clearspan.testing import captured
from clearspan.testing.server import Cut, Reply, ToolCall
from tests.providers.openai.kit import CHAT, method

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side

PAUSE = 0.05
PIECES = ["In ", "Italy", "."]
PROMPT: dict[str, Any] = {"model": "gpt-3.5-turbo-instruct", "prompt": "Where?"}
INPUT: dict[str, Any] = {"model": "gpt-4o", "input": "Where?"}


def opened(client: Any, side: Side, given: dict[str, Any]) -> Any:
    home = {"messages": "chat.completions", "prompt": "completions", "input": "responses"}
    (found,) = (home[name] for name in home if name in given)
    return side.do(method(client, f"{found}.create")(**given, stream=True))


def record(seen: Any) -> Any:
    (found,) = seen.invocations
    assert seen.open_calls == 0
    return found


@pytest.mark.parametrize("given", [CHAT, PROMPT, INPUT], ids=["chat", "completions", "responses"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(chunks=PIECES, first_delay=PAUSE, chunk_delay=PAUSE),
        Reply(chunks=PIECES, reasoning="Hm.", first_delay=PAUSE, chunk_delay=PAUSE),
        Reply(tool_calls=[ToolCall("f", {"a": 1})], first_delay=PAUSE, chunk_delay=PAUSE),
    ],
    ids=["text", "reasoning", "tool"],
)
def test_content_is_later_than_the_first_chunk_that_has_none(
    server: ModelServer, client: Any, side: Side, given: dict[str, Any], reply: Reply
) -> None:
    if given is PROMPT and (reply.tool_calls or reply.reasoning):
        pytest.skip("a completion is bare text")
    server.respond(reply)
    with captured() as seen:
        chunks = side.take(opened(client, side, given))
    timing = record(seen).timing
    assert timing.chunks == len(chunks)
    assert timing.gaps.count == len(chunks) - 1
    assert 0 < timing.first_chunk <= timing.first_content <= timing.duration
    if not (
        reply.tool_calls and given is INPUT
    ):  # where the name of the tool comes ahead of the pause
        assert timing.first_content >= PAUSE
    if given is not PROMPT:  # whose first chunk is text already
        assert timing.first_chunk < timing.first_content
    if not reply.tool_calls:
        # The server cannot be early; a reader that is late once has a shorter pause after it.
        pauses = sum(pause * many for pause, many in timing.gaps.values)
        assert timing.first_chunk + pauses >= PAUSE * len(PIECES)
    assert timing.gaps.median <= timing.gaps.p95 <= timing.gaps.longest


@pytest.mark.parametrize("given", [CHAT, INPUT], ids=["chat", "responses"])
def test_the_rate_is_at_least_that_of_the_whole_call(
    server: ModelServer, client: Any, side: Side, given: dict[str, Any]
) -> None:
    told = {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}
    if given is INPUT:
        told = {"input_tokens": 3, "output_tokens": 3, "total_tokens": 6}
    server.respond(Reply(chunks=PIECES, chunk_delay=PAUSE, usage=told))
    with captured(request_usage=True) as seen:
        side.take(opened(client, side, given))
    timing = record(seen).timing
    assert timing.output_rate >= 2 / timing.duration


@pytest.mark.parametrize("given", [CHAT, PROMPT, INPUT], ids=["chat", "completions", "responses"])
@pytest.mark.parametrize("how", ["close", "drop", "cut", "throw"])
def test_what_is_left_of_a_stream_that_ends_early(
    server: ModelServer, client: Any, side: Side, given: dict[str, Any], how: str
) -> None:
    reply = Reply(chunks=PIECES)
    server.respond(Cut(reply, after=3 if given is CHAT else 2) if how == "cut" else reply)
    with captured() as seen:
        stream = opened(client, side, given)
        taken = side.take(stream, 1)
        if how == "cut":
            with pytest.raises(Exception):  # noqa: B017 -- of what class, and what it says, is the client's matter
                taken += side.take(stream)
        else:
            while "'In '" not in str(taken):
                taken += side.take(stream, 1)
        if how == "close":
            side.do(stream.close())
        elif how == "throw":
            with pytest.raises(LookupError):
                side.do(failing(stream, asynchronous=side.asynchronous))
        del stream
        side.collect(lambda: seen.open_calls == 0)
    found = record(seen)
    wanted = {
        "close": Outcome.CLOSED, "cut": Outcome.FAILED, "drop": Outcome.ABANDONED, "throw": Outcome.CLOSED,
    }  # fmt: skip
    assert found.outcome in ({wanted[how], Outcome.CLOSED} if how == "drop" else {wanted[how]})
    assert found.timing.chunks >= len(taken) > 0
    assert found.timing.first_chunk > 0
    if how != "cut":
        assert found.output_text == PIECES[0]
        assert found.timing.first_content is not None
        assert found.usage.output is None or found.usage.source != "reported"


def failing(stream: Any, *, asynchronous: bool) -> Any:
    if asynchronous:
        return failing_async(stream)
    with stream:
        raise LookupError


async def failing_async(stream: Any) -> None:
    async with stream:
        raise LookupError


def test_running_usage_is_kept_as_far_as_it_was_told(
    server: ModelServer, client: Any, side: Side
) -> None:
    told = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    server.respond(Reply(chunks=PIECES, extra={"usage": told}))
    with captured() as seen:
        stream = opened(client, side, CHAT)
        side.take(stream, 2)
        side.do(stream.close())
    assert (record(seen).usage.input, record(seen).usage.output) == (3, 1)
    assert record(seen).usage.source == "reported"
