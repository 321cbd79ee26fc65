"""What is recorded of an answer, whole or streamed."""

from __future__ import annotations

import math
from typing import Any

import ollama
import pytest

from clearspan.draft import Draft
from clearspan.emit.content import ContentPolicy
from clearspan.providers.ollama.endpoint import ENDPOINT
from clearspan.testing import captured
from tests.providers.ollama.kit import CHAT, DONE, HEAD, answering, only, parts, sent, told
from tests.providers.side import Side

PROMPT: dict[str, Any] = {"model": "llama3.2", "prompt": "Where is Rome?"}
PHASES = {"load": 1.0, "prefill": 0.5, "decode": 3.0, "total": 5.0}
MESSAGES = ollama.Message.model_fields


def spoken(side: Side, method: str, *bodies: Any, stream: bool = False) -> Any:
    """The span of a call that is answered so."""
    given = CHAT if method == "chat" else PROMPT
    client = answering(*bodies, asynchronous=side.asynchronous)
    with captured(count_tokens="off") as seen:
        sent(side, client, method, **given, stream=stream)
    return only(seen)


def line(method: str, text: str, **more: Any) -> dict[str, Any]:
    """A body or chunk that says `text`."""
    said = (
        {"message": {"role": "assistant", "content": text}}
        if method == "chat"
        else {"response": text}
    )
    return {**HEAD, **said, **more}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("method", ["chat", "generate"])
def test_an_answer(side: Side, method: str, stream: bool) -> None:
    bodies = (
        [
            line(method, "In ", done=False),
            line(method, "Italy.", done=False),
            line(method, "", **DONE),
        ]
        if stream
        else [line(method, "In Italy.", **DONE)]
    )
    span = spoken(side, method, *bodies, stream=stream)
    found = span.attributes
    assert parts(span) == [{"type": "text", "content": "In Italy."}]
    assert found["gen_ai.provider.name"] == "ollama"
    assert found["gen_ai.response.model"] == "llama3.2:latest"
    assert found["gen_ai.response.finish_reasons"] == ("stop",)
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (26, 30)
    assert {name: found[f"clearspan.phase.{name}"] for name in PHASES} == PHASES
    assert found["clearspan.decode.rate"] == 10.0
    assert (found["server.address"], found["server.port"]) == ("gpu.example.org", 8000)
    assert "gen_ai.response.id" not in found
    assert found.get("clearspan.response.chunk_count") == (3 if stream else None)


def test_a_prompt_that_was_in_the_cache(side: Side) -> None:
    rest = {name: value for name, value in DONE.items() if not name.startswith("prompt_")}
    span = spoken(side, "chat", line("chat", "Yes.", **rest))
    assert "gen_ai.usage.input_tokens" not in span.attributes
    assert "clearspan.phase.prefill" not in span.attributes
    assert span.attributes["gen_ai.usage.output_tokens"] == 30


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_server_that_gives_no_reason(side: Side, stream: bool) -> None:
    span = spoken(side, "chat", line("chat", "Yes.", done=True), stream=stream)
    assert "gen_ai.response.finish_reasons" not in span.attributes
    assert "finish_reason" not in told(span, "output.messages")[0]
    assert span.status == "UNSET"


def test_a_stream_that_ends_too_soon(side: Side) -> None:
    span = spoken(side, "chat", line("chat", "Yes", done=False), stream=True)
    assert span.attributes["gen_ai.response.finish_reasons"] == ("error",)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("method", ["chat", "generate"])
def test_thinking(side: Side, method: str, stream: bool) -> None:
    known = MESSAGES if method == "chat" else ollama.GenerateResponse.model_fields
    if "thinking" not in known:
        pytest.skip("this version of the client does not know of thinking")

    def thought(text: str) -> dict[str, Any]:
        said = {"role": "assistant", "content": "", "thinking": text}
        return {
            **HEAD,
            **({"message": said} if method == "chat" else {"response": "", "thinking": text}),
        }

    bodies = [
        thought("Let me "),
        thought("see."),
        line(method, "In Italy."),
        line(method, "", **DONE),
    ]
    if not stream:
        both = {"thinking": "Let me see."}
        whole = line(method, "In Italy.", **DONE)
        bodies = [
            {**whole, "message": {**whole["message"], **both}}
            if method == "chat"
            else {**whole, **both}
        ]
    span = spoken(side, method, *bodies, stream=stream)
    assert parts(span) == [
        {"type": "reasoning", "content": "Let me see."}, {"type": "text", "content": "In Italy."},
    ]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_tool_calls(side: Side, stream: bool) -> None:
    def calling(*calls: Any, **more: Any) -> dict[str, Any]:
        tools = [{"function": {"name": name, "arguments": given}} for name, given in calls]
        return {
            **HEAD,
            "message": {"role": "assistant", "content": "", "tool_calls": tools},
            **more,
        }

    first, second = ("weather", {"city": "Rome"}), ("weather", {"city": "Bari"})
    bodies = (
        [calling(first), calling(second), line("chat", "", **DONE)]
        if stream
        else [calling(first, second, **DONE)]
    )
    span = spoken(side, "chat", *bodies, stream=stream)
    assert parts(span) == [
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Rome"}},
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Bari"}},
    ]
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_probabilities(side: Side, stream: bool) -> None:
    if "logprobs" not in ollama.ChatResponse.model_fields:
        pytest.skip("this version of the client knows no probabilities")
    top = [{"token": "Yes", "logprob": -0.25}, {"token": "No", "logprob": -0.25}]
    bodies = [
        line(
            "chat", "Yes", logprobs=[{"token": "Yes", "logprob": -0.25, "top_logprobs": top}], **({} if stream else DONE)
        )
    ]  # fmt: skip
    if stream:
        bodies.append(line("chat", "", **DONE))
    span = spoken(side, "chat", *bodies, stream=stream)
    assert span.attributes["clearspan.response.logprobs"] == '[[["Yes",-0.25]]]'
    assert span.attributes["clearspan.confidence.logprob.mean"] == -0.25
    assert span.attributes["clearspan.confidence.entropy"] == pytest.approx(math.log(2))


def test_a_picture_that_was_made(side: Side) -> None:
    if "image" not in ollama.GenerateResponse.model_fields:
        pytest.skip("this version of the client knows no pictures")
    progress = {**HEAD, "completed": 1, "total": 2, "done": False}
    span = spoken(side, "generate", progress, {**HEAD, "image": "cGlj", **DONE}, stream=True)
    assert parts(span) == [{"type": "blob", "modality": "image", "content": "cGlj"}]


@pytest.mark.parametrize(
    ("method", "given", "body", "count", "length", "tokens"),
    [
        ("embed", {"input": ["a", "b"]}, {"embeddings": [[0.25, 0.5], [1.0, 0.0]]}, 2, 2, 26),
        ("embeddings", {"prompt": "a"}, {"embedding": [0.25, 0.5, 0.75]}, 1, 3, None),
        ("embed", {"input": []}, {"embeddings": []}, None, None, 26),
    ],
)
def test_embeddings(
    side: Side, method: str, given: Any, body: Any, count: Any, length: Any, tokens: Any
) -> None:
    counts = {"model": "nomic:latest", "prompt_eval_count": 26, "load_duration": 1_000_000_000}
    client = answering({**counts, **body}, asynchronous=side.asynchronous)
    with captured() as seen:
        sent(side, client, method, model="nomic", **given)
    found = only(seen).attributes
    assert found.get("clearspan.response.output_count") == count
    assert found.get("gen_ai.embeddings.dimension.count") == length
    if tokens is not None and "prompt_eval_count" in ollama.EmbedResponse.model_fields:
        assert found["gen_ai.usage.input_tokens"] == tokens
        assert found["clearspan.phase.load"] == 1.0
    assert "gen_ai.usage.output_tokens" not in found
    assert "0.25" not in repr(found)


def test_decisions(side: Side) -> None:
    client = answering(
        {"model": "d1", "usage": {"input_tokens": 9, "output_tokens": 2}, "answers": {
            "mood": {"type": "choice", "choice": "good", "confidence": 0.75,
                     "probabilities": {"good": 0.75, "bad": 0.25}},
            "true": {"type": "noul", "noul": 0.5},
        }},
        asynchronous=side.asynchronous,
    )  # fmt: skip
    if not hasattr(client, "systemone"):
        pytest.skip("this version of the client asks for no decisions")
    questions = {
        "mood": {"type": "choice", "instructions": "How?", "criteria": {"good": None, "bad": None}},
        "true": {"type": "noul", "instructions": "Really?"},
    }
    with captured() as seen:
        sent(side, client, "systemone", model="d1", state={"said": "fine"}, questions=questions)
    span = only(seen)
    assert span.name == "decision d1"
    state, asked = told(span, "input.messages")
    assert state["parts"] == [{"type": "state", "content": {"said": "fine"}}]
    assert [(part["type"], part["name"], part["kind"]) for part in asked["parts"]] == [
        ("question", "mood", "choice"), ("question", "true", "noul"),
    ]  # fmt: skip
    assert [(part["type"], part["name"], part["kind"]) for part in parts(span)] == [
        ("answer", "mood", "choice"), ("answer", "true", "noul"),
    ]  # fmt: skip
    assert parts(span)[0]["probabilities"] == {"good": 0.75, "bad": 0.25}
    found = span.attributes
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (9, 2)
    assert (found["clearspan.request.input_count"], found["clearspan.response.output_count"]) == (
        2,
        2,
    )
    assert "gen_ai.response.finish_reasons" not in found


@pytest.mark.parametrize("operation", ["chat", "text_completion", "embeddings", "decision"])
@pytest.mark.parametrize(
    "body",
    [
        None, 3, "text", [], {}, {"message": None}, {"message": {"content": 3, "tool_calls": [None, {}]}},
        {"done": True, "eval_count": -1, "eval_duration": "long", "total_duration": -5},
        {"logprobs": [None, 3]}, {"embeddings": [None]}, {"embeddings": 3}, {"answers": [1], "usage": 3},
    ],
)  # fmt: skip
def test_broken_answers_are_read_as_far_as_they_go(operation: str, body: Any) -> None:
    draft = Draft(operation)
    ENDPOINT.response(draft, body)
    sealed = draft.seal(ContentPolicy())
    assert (sealed.usage.input, sealed.usage.output) == (None, None)
    assert not sealed.timing.phases
