"""Chats and text generation: what is asked, what is answered, whole and streamed."""

from __future__ import annotations

import asyncio
import json
import types
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import huggingface_hub
import pytest

from clearspan.core import read
from clearspan.core.copying import Copier
from clearspan.draft import Draft
from clearspan.providers.huggingface_hub import generation
from clearspan.record import TokenScore
from clearspan.testing import Error, Reply, ToolCall, captured
from clearspan.testing.server import Json, Sse
from tests.providers.huggingface_hub.kit import ASKED, asked, made, only, release, said, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clearspan.testing import ModelServer
    from tests.providers.side import Side

TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
]


@pytest.fixture
def client(server: ModelServer, side: Side) -> Iterator[Any]:
    found = made(server.origin, asynchronous=side.asynchronous)
    yield found
    side.do(release(found))


def run(side: Side, method: Any, *args: Any, **given: Any) -> Any:
    """What a method answers, a stream read to its end."""
    answer = side.do(method(*args, **given))
    return side.take(answer) if given.get("stream") else answer


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("way", ["chat_completion", "chat.completions.create"])
def test_a_chat(server: ModelServer, client: Any, side: Side, way: str, stream: bool) -> None:
    call = ToolCall("weather", {"city": "Rome"}, "call_1")
    server.respond(
        Reply("Well.", reasoning="Hm.", tool_calls=[call], model="served", logprobs=[-0.5])
    )
    with captured() as seen:
        run(
            side, attrgetter(way)(client), messages=ASKED, model="m", tools=TOOLS, max_tokens=9, temperature=0.5,
            seed=4, stop=["x"], n=1, response_format={"type": "json", "value": {}}, stream=stream,
            **({"stream_options": {"include_usage": True}} if stream else {}),
        )  # fmt: skip
    span = only(seen)
    attributes = span.attributes
    assert span.name == "chat m"
    assert attributes["clearspan.task"] == "conversational"
    assert attributes["gen_ai.response.model"] == "served"
    assert attributes["gen_ai.response.id"].startswith("chatcmpl-")
    assert attributes["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert attributes["gen_ai.usage.input_tokens"] == 3
    assert attributes["gen_ai.usage.output_tokens"] > 2
    assert attributes["gen_ai.output.type"] == "json"
    assert attributes["gen_ai.request.max_tokens"] == 9
    assert attributes["gen_ai.request.stop_sequences"] == ("x",)
    assert told(span, "clearspan.response.logprobs") == [[["Well.", -0.5]]]
    assert told(span, "gen_ai.tool.definitions")[0]["name"] == "weather"
    assert asked(span) == [{"type": "text", "content": "Where is Rome?"}]
    parts = {part["type"]: part for part in said(span)}
    assert parts["text"]["content"] == "Well."
    assert (parts["tool_call"]["id"], parts["tool_call"]["name"]) == ("call_1", "weather")
    assert parts["tool_call"]["arguments"] == {"city": "Rome"}
    assert parts["reasoning"]["content"] == "Hm."


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_arguments_as_an_object(server: ModelServer, client: Any, side: Side, stream: bool) -> None:
    """text-generation-inference sends the arguments of a call as what they are."""
    calls = [
        {
            "index": 0,
            "id": "0",
            "type": "function",
            "function": {"name": "f", "arguments": {"a": 1}},
        }
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    choice = {"index": 0, "delta" if stream else "message": message, "finish_reason": "stop"}
    body = {"id": "", "model": "m", "choices": [choice]}
    server.respond(Sse([body]) if stream else Json(body))
    with captured() as seen:
        run(side, client.chat_completion, ASKED, stream=stream)
    (part,) = said(only(seen))
    assert (part["name"], part["arguments"]) == ("f", {"a": 1})


def test_results_are_read_as_they_are(client: Any, side: Side) -> None:
    answer = run(side, client.chat_completion, ASKED, model="m")
    assert type(answer) is huggingface_hub.ChatCompletionOutput
    assert read.text(answer, "model") == "m"
    (copied,) = Copier().of({"messages": [answer]}, 16)["messages"]
    assert copied == read.plain(answer)
    with captured() as seen:
        history = [*ASKED, answer.choices[0].message, *ASKED]
        run(side, client.chat_completion, history, model="m")
    roles = [message["role"] for message in told(only(seen), "gen_ai.input.messages")]
    assert roles == ["user", "assistant", "user"]


def test_a_text_alone(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply("in Italy"))
    with captured(count_tokens="off") as seen:
        answer = run(
            side, client.text_generation, "Rome is", max_new_tokens=20, temperature=0.7, top_k=5,
            top_p=0.9, seed=1, stop=["."], grammar={"type": "json", "value": {}},
        )  # fmt: skip
    span = only(seen)
    assert answer == "in Italy"
    assert (asked(span), said(span)) == (
        [{"type": "text", "content": "Rome is"}], [{"type": "text", "content": "in Italy"}],
    )  # fmt: skip
    assert span.attributes["gen_ai.operation.name"] == "text_completion"
    names = ("max_tokens", "temperature", "top_k", "top_p", "seed", "stop_sequences")
    found = [span.attributes[f"gen_ai.request.{name}"] for name in names]
    assert found == [20, 0.7, 5, 0.9, 1, (".",)]
    assert span.attributes["gen_ai.output.type"] == "json"
    absent = {
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.input_tokens",
        "gen_ai.response.finish_reasons",
    }
    assert absent.isdisjoint(span.attributes)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_text_with_details(server: ModelServer, client: Any, side: Side, stream: bool) -> None:
    server.respond(Reply("in Italy", logprobs=[-0.25, -0.5]))
    more = {} if stream else {"decoder_input_details": True}
    with captured() as seen:
        run(side, client.text_generation, "Rome is", details=True, stream=stream, **more)
    span = only(seen)
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert span.attributes["gen_ai.usage.input_tokens"] == 2
    assert span.attributes["gen_ai.usage.output_tokens"] == 2
    assert told(span, "clearspan.response.logprobs") == [[["in", -0.25], [" Italy", -0.5]]]
    assert said(span)[0]["content"] == "in Italy"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_the_likeliest_tokens(stream: bool) -> None:
    """`top_n_tokens`: those of each token, beside the tokens."""
    tokens = [{"id": at, "text": text, "logprob": -0.5, "special": False} for at, text in enumerate("ab")]  # fmt: skip
    top = [[{"text": "a", "logprob": -0.5}, {"text": "c", "logprob": -2.5}], []]
    draft = Draft("text_completion")
    if stream:
        for token, others in zip(tokens, top, strict=True):
            generation.chunk(draft, {"token": token, "top_tokens": others})
    else:
        details = {"finish_reason": "length", "tokens": tokens, "top_tokens": [*top, top[0]]}
        generation.response(draft, {"generated_text": "ab", "details": details})
    assert draft.scores == {0: [TokenScore("a", -0.5, (-0.5, -2.5)), TokenScore("b", -0.5)]}


def test_a_limit_that_was_met(client: Any, side: Side) -> None:
    with captured() as seen:
        run(side, client.text_generation, "a b c", details=True, max_new_tokens=2)
    assert only(seen).attributes["gen_ai.response.finish_reasons"] == ("length",)


def test_a_stream_of_bare_text(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply("one two three"))
    with captured() as seen:
        stream = side.do(client.text_generation("Count", stream=True))
        kind = types.AsyncGeneratorType if side.asynchronous else types.GeneratorType
        assert type(stream) is kind
        assert side.take(stream) == ["one", " two", " three"]
    span = only(seen)
    assert said(span)[0]["content"] == "one two three"
    assert span.attributes["clearspan.response.chunk_count"] == 3
    assert span.attributes["gen_ai.request.stream"] is True
    assert "gen_ai.response.finish_reasons" not in span.attributes


def test_the_full_text_is_what_came(client: Any, side: Side) -> None:
    with captured() as seen:
        answer = run(side, client.text_generation, "Rome", return_full_text=True)
    assert answer == said(only(seen))[0]["content"] == "RomeYou said: Rome"


def test_a_server_of_another_kind_is_one_record(server: ModelServer, side: Side) -> None:
    """The client asks such a server again by calling itself."""
    # Which servers are of that kind is remembered by their addresses.
    url = f"{server.origin}/models/other-{server.port}-{side.asynchronous}"
    client = made("meta/x", asynchronous=side.asynchronous)
    unused = "The following `model_kwargs` are not used by the model: ['watermark'] (note: typos)"
    server.script(Error(400, unused), Reply("again"))
    with captured() as seen, pytest.warns(UserWarning, match="watermark"):
        answer = run(side, client.text_generation, "Rome", watermark=True, model=url)
    side.do(release(client))
    assert answer == said(only(seen))[0]["content"] == "again"
    assert len(server.requests) == 2
    assert only(seen).status == "UNSET"


def test_the_stack_of_open_answers_is_the_clients_own(server: ModelServer, side: Side) -> None:
    if huggingface_hub.__version__.startswith("0."):
        pytest.skip("this version has no such stack")

    def left(client: Any) -> int:
        run(side, client.text_generation, "Rome", stream=True)
        return len(client.exit_stack._exit_callbacks)

    plain = made(server.origin, asynchronous=side.asynchronous)
    watched = made(server.origin, asynchronous=side.asynchronous)
    before = left(plain)
    with captured():
        after = left(watched)
    side.do(release(plain))
    side.do(release(watched))
    assert before == after > 0


def test_nothing_is_made_of_what_is_no_answer(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Json([{"generated_text": 3, "details": {"tokens": [{"logprob": "x"}]}}]))
    with captured() as seen:
        run(side, client.text_generation, "Rome", details=True)
    assert json.dumps(told(only(seen), "gen_ai.input.messages"))
    assert "clearspan.response.logprobs" not in only(seen).attributes


def test_clients_and_agents_with_tools(server: ModelServer) -> None:
    if not hasattr(huggingface_hub, "MCPClient"):
        pytest.skip("this version has none")
    given: dict[str, Any] = {"model": "m", "base_url": server.url, "api_key": "none"}

    async def turns() -> None:
        async with huggingface_hub.MCPClient(**given) as client:
            async for _ in client.process_single_turn_with_tools(ASKED):
                pass
        async with huggingface_hub.Agent(servers=[], **given) as agent:
            async for _ in agent.run("Where is Oslo?"):
                pass

    with captured() as seen:
        asyncio.run(turns())
    assert [span.name for span in seen.spans] == ["chat m", "chat m"]
    assert [said(span)[0]["content"] for span in seen.spans] == [
        "You said: Where is Rome?", "You said: Where is Oslo?",
    ]  # fmt: skip
