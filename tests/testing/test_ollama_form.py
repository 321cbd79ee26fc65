"""The model server as an Ollama server: what goes over the wire, and what the client makes of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import httpx
import ollama
import pytest

from clearspan.testing import Error, ModelServer, Reply, StreamError, ToolCall

ASKED: list[Any] = [{"role": "user", "content": "Where is Rome?"}]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def client(server: ModelServer) -> Iterator[Any]:
    made: Any = ollama.Client(server.origin)
    yield made
    made._client.close()


def test_its_own_answer(client: Any) -> None:
    answer = client.chat(model="llama3.2", messages=ASKED)
    assert answer.message.content == "You said: Where is Rome?"
    assert (answer.model, answer.done, answer.done_reason) == ("llama3.2", True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (3, 5)
    parts = (answer.load_duration, answer.prompt_eval_duration, answer.eval_duration)
    assert answer.total_duration == sum(parts)


def test_lines(server: ModelServer) -> None:
    body = {"model": "llama3.2", "prompt": "Where is Rome?", "stream": True}
    sent = httpx.post(f"{server.origin}/api/generate", json=body)
    assert sent.headers["content-type"] == "application/x-ndjson"
    *pieces, last = map(json.loads, sent.text.splitlines())
    assert [piece["response"] for piece in pieces] == ["You", " said:", " Where", " is", " Rome?"]
    assert not any(piece["done"] or "eval_count" in piece for piece in pieces)
    assert (last["response"], last["done"], last["eval_count"]) == ("", True, 5)


@pytest.mark.parametrize("stream", [False, True])
def test_a_scripted_answer(server: ModelServer, client: Any, stream: bool) -> None:
    call = ToolCall("weather", {"city": "Rome"})
    server.respond(Reply("Well.", reasoning="Hm, hm.", tool_calls=[call], model="mine:latest"))
    answer = client.chat(model="llama3.2", messages=ASKED, stream=stream)
    chunks = list(answer) if stream else [answer]
    messages = [chunk.message for chunk in chunks]
    assert "".join(message.content or "" for message in messages) == "Well."
    if "thinking" in ollama.Message.model_fields:
        assert "".join(message.thinking or "" for message in messages) == "Hm, hm."
    (called,) = [tool for message in messages for tool in message.tool_calls or ()]
    assert (called.function.name, called.function.arguments) == ("weather", {"city": "Rome"})
    assert (chunks[-1].model, chunks[-1].done_reason) == ("mine:latest", "stop")


@pytest.mark.parametrize(
    ("usage", "counts"), [(False, (None, None)), ({"eval_count": 7}, (None, 7))]
)
def test_counts(server: ModelServer, client: Any, usage: Any, counts: Any) -> None:
    server.respond(Reply("Yes.", usage=usage))
    answer = client.generate(model="llama3.2", prompt="Is it?")
    assert (answer.prompt_eval_count, answer.eval_count) == counts


def test_limits_and_formats(client: Any) -> None:
    short = client.generate(model="llama3.2", prompt="a b c", options={"num_predict": 2})
    assert (short.response, short.done_reason) == ("You said:", "length")
    endless = client.generate(model="llama3.2", prompt="a b c", options={"num_predict": -1})
    assert endless.done_reason == "stop"
    said = client.generate(model="llama3.2", prompt="a", format="json").response
    assert json.loads(said) == {"echo": "You said: a"}


def test_schemas(server: ModelServer) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    body = {"model": "llama3.2", "prompt": "a", "format": schema}
    made = httpx.post(f"{server.origin}/api/generate", json=body).json()["response"]
    assert type(json.loads(made)["n"]) is int


def test_probabilities(server: ModelServer) -> None:
    body = {"model": "llama3.2", "messages": ASKED, "logprobs": True, "top_logprobs": 1}
    found = httpx.post(f"{server.origin}/api/chat", json=body).json()["logprobs"]
    assert "".join(entry["token"] for entry in found) == "You said: Where is Rome?"
    assert all(entry["top_logprobs"][0]["logprob"] == entry["logprob"] < 0 for entry in found)


def test_vectors(client: Any) -> None:
    found = client.embed(model="nomic", input=["red wine", "red", "beer"])
    one, two, other = found.embeddings
    assert len(one) == 768
    assert math.isclose(sum(value * value for value in one), 1.0)
    near = sum(a * b for a, b in zip(one, two, strict=True))
    assert near > sum(a * b for a, b in zip(one, other, strict=True))
    assert client.embeddings(model="nomic", prompt="red").embedding == two


def test_dimensions(server: ModelServer) -> None:
    body = {"model": "nomic", "input": "red", "dimensions": 16}
    found = httpx.post(f"{server.origin}/api/embed", json=body).json()
    assert [len(vector) for vector in found["embeddings"]] == [16]


def test_decisions(client: Any) -> None:
    if not hasattr(client, "systemone"):
        pytest.skip("this version of the client asks for no decisions")
    found = client.systemone(
        model="d1", state={"said": "a fine, sunny day"}, questions={
            "mood": {"type": "choice", "instructions": "How?", "criteria": {"grim": None, "fine": None}},
            "light": {"type": "score", "instructions": "How?", "criteria": ["dark", "sunny", "glaring"]},
            "true": {"type": "noul", "instructions": "Really?"},
        },
    )  # fmt: skip
    assert found.answers["mood"].choice == "fine"
    assert max(found.answers["light"].probabilities.items(), key=lambda pair: pair[1])[0] == "1"
    assert found.answers["true"].noul == 0.5
    assert found.usage.output_tokens == 3


def test_errors(server: ModelServer, client: Any) -> None:
    server.script(Error(404, "model 'x' not found"))
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat(model="x", messages=ASKED)
    assert (caught.value.error, caught.value.status_code) == ("model 'x' not found", 404)
    server.script(StreamError(Reply("a b c"), after=2, message="It broke."))
    stream = client.chat(model="x", messages=ASKED, stream=True)
    assert [next(stream).message.content for _ in range(2)] == ["a", " b"]
    with pytest.raises(ollama.ResponseError, match="It broke"):
        next(stream)


def test_what_is_missing_is_refused(server: ModelServer) -> None:
    sent = httpx.post(f"{server.origin}/api/chat", json={"messages": ASKED})
    assert sent.status_code == 400
    assert "model" in sent.json()["error"]


def test_the_same_requests_have_the_same_answers() -> None:
    said: list[bytes] = []
    for _ in range(2):
        with ModelServer() as server:
            body = {"model": "llama3.2", "messages": ASKED, "stream": True}
            said.append(httpx.post(f"{server.origin}/api/chat", json=body).content)
    assert said[0] == said[1]
