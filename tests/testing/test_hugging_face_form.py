"""The model server as one of Hugging Face: what goes over the wire, and what the client makes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import huggingface_hub
import pytest
from huggingface_hub import constants, errors

from clearspan.testing import Error, ModelServer, Reply, StreamError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Newer versions ask the Hub who is calling, once, unless they are told not to.
constants.HF_HUB_DISABLE_TELEMETRY = True


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def client(server: ModelServer) -> Any:
    found: Any = huggingface_hub.InferenceClient(model=server.origin, token="none")
    return found


def test_its_own_answer(client: Any) -> None:
    assert client.text_generation("Where is Rome?") == "You said: Where is Rome?"
    short = client.text_generation("a b c", details=True, max_new_tokens=2)
    assert short.generated_text == "You said:"
    assert (short.details.finish_reason, short.details.generated_tokens) == ("length", 2)
    assert [token.text for token in short.details.tokens] == ["You", " said:"]
    assert all(token.logprob < 0 for token in short.details.tokens)
    assert client.text_generation("Rome", return_full_text=True) == "RomeYou said: Rome"


def test_what_was_read_is_told_on_request(client: Any) -> None:
    whole = client.text_generation("a b", details=True, decoder_input_details=True)
    assert [token.text for token in whole.details.prefill] == ["a", "b"]
    assert client.text_generation("a b", details=True).details.prefill == []


def test_a_stream(server: ModelServer, client: Any) -> None:
    server.respond(Reply("in Italy", logprobs=[-0.5, -0.25]))
    *_, last = chunks = list(client.text_generation("Rome is", details=True, stream=True))
    assert [chunk.token.text for chunk in chunks] == ["in", " Italy"]
    assert [chunk.token.logprob for chunk in chunks] == [-0.5, -0.25]
    assert (last.generated_text, last.details.input_length) == ("in Italy", 2)
    assert (last.details.generated_tokens, last.details.finish_reason) == (2, "eos_token")
    sent = httpx.post(f"{server.origin}/generate", json={"inputs": "a", "stream": True})
    assert sent.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("path", ["", "/models/gpt2", "/hf-inference/models/meta/x"])
def test_where_a_model_lives(server: ModelServer, path: str) -> None:
    client: Any = huggingface_hub.InferenceClient(model=server.origin + path, token="none")
    assert client.text_generation("Rome") == "You said: Rome"
    answer = client.chat_completion([{"role": "user", "content": "Rome"}], model="m")
    assert answer.choices[0].message.content == "You said: Rome"
    url = f"{server.origin}{path}/pipeline/fill-mask"
    assert client.fill_mask("Do [MASK].", model=url)[0].sequence == "Do this."


@pytest.mark.parametrize("labels", [["cat"], ["cat", "dog", "cow"]])
def test_labels(server: ModelServer, labels: list[str]) -> None:
    body = {"inputs": "the dog", "parameters": {"candidate_labels": labels}}
    sent = httpx.post(f"{server.origin}/pipeline/zero-shot-classification", json=body)
    found = {item["label"]: item["score"] for item in sent.json()}
    assert sum(found.values()) == pytest.approx(1.0)
    assert max(found, key=lambda label: found[label]) == ("dog" if "dog" in labels else "cat")


def test_what_the_headers_count(server: ModelServer) -> None:
    sent = httpx.post(f"{server.origin}/generate", json={"inputs": "a b"})
    found = [sent.headers[f"x-{name}-tokens"] for name in ("prompt", "generated")]
    assert found == ["2", str(len(sent.json()[0]["generated_text"].split()))]
    streamed = httpx.post(f"{server.origin}/generate", json={"inputs": "a b", "stream": True})
    assert "x-prompt-tokens" not in streamed.headers
    path = "pipeline/feature-extraction"
    vectors = httpx.post(f"{server.origin}/{path}", json={"inputs": ["a b", "c"]})
    assert vectors.headers["x-compute-tokens"] == "3"


def test_errors(server: ModelServer, client: Any) -> None:
    server.script(
        Error(422, "too long", "validation"), StreamError(Reply("a b"), code="overloaded")
    )
    with pytest.raises(errors.ValidationError, match="too long"):
        client.text_generation("Rome")
    stream = client.text_generation("Rome", stream=True)
    assert next(stream) == "a"
    with pytest.raises(errors.OverloadedError):
        next(stream)
    sent = httpx.post(f"{server.origin}/generate", json={})
    assert (sent.status_code, json.loads(sent.text)["error"]) == (
        400, "Missing required parameter: 'inputs'.",
    )  # fmt: skip
