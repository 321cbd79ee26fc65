"""What is recorded of a request, whatever form its arguments had."""

from __future__ import annotations

import base64
import importlib
import inspect
from typing import Any

import ollama
import pytest

from clearspan.core import read
from clearspan.draft import Draft
from clearspan.emit.content import ContentPolicy
from clearspan.provider import Call
from clearspan.providers.ollama.endpoint import ENDPOINT
from clearspan.testing import captured
from tests.providers.ollama.kit import CHAT, DONE, HEAD, answering, only, sent, told
from tests.providers.side import Side

OPTIONS: dict[str, Any] = {
    "temperature": 0.5, "top_p": 0.9, "top_k": 40, "seed": 7, "num_predict": 64, "num_ctx": 4096,
    "stop": ["END", "\n\n"], "frequency_penalty": 0.25, "presence_penalty": 0.75,
}  # fmt: skip
RECORDED = {
    "temperature": 0.5, "top_p": 0.9, "top_k": 40, "seed": 7, "max_tokens": 64,
    "stop_sequences": ("END", "\n\n"), "frequency_penalty": 0.25, "presence_penalty": 0.75,
}  # fmt: skip
FORMAT = importlib.import_module("ollama._types").ChatRequest.model_fields["format"].annotation
PICTURE = base64.b64encode(b"\x89PNG picture").decode()


def asked(side: Side, method: str = "chat", **given: Any) -> Any:
    """The span of a call whose answer says little."""
    client = answering({**HEAD, **DONE, "message": {"role": "assistant", "content": "Yes."},
                        "response": "Yes.", "embeddings": [[1.0]], "embedding": [1.0]},
                       asynchronous=side.asynchronous)  # fmt: skip
    with captured(tool_schemas=True) as seen:
        sent(side, client, method, **given)
    return only(seen)


@pytest.mark.parametrize("form", [dict, lambda options: ollama.Options(**options)])
@pytest.mark.parametrize("method", ["chat", "generate"])
def test_options(side: Side, form: Any, method: str) -> None:
    given = CHAT if method == "chat" else {"model": "llama3.2", "prompt": "Hello."}
    span = asked(side, method, **given, options=form(OPTIONS))
    told_of = {
        name.removeprefix("gen_ai.request."): value
        for name, value in span.attributes.items()
        if name.startswith("gen_ai.request.")
    }
    assert told_of == {"model": "llama3.2", **RECORDED}


def test_nothing_is_made_up(side: Side) -> None:
    span = asked(side, **CHAT)
    told_of = [name for name in span.attributes if name.startswith("gen_ai.request.")]
    assert told_of == ["gen_ai.request.model"]
    assert "gen_ai.output.type" not in span.attributes


@pytest.mark.parametrize(
    ("form", "kind"), [("json", "json"), ({"type": "object"}, "json"), ("", None), (None, None)]
)
def test_formats(side: Side, form: Any, kind: str | None) -> None:
    if isinstance(form, dict) and "dict" not in str(FORMAT):
        pytest.skip("this version of the client knows no schemas")
    span = asked(side, **CHAT, format=form)
    assert span.attributes.get("gen_ai.output.type") == kind


@pytest.mark.parametrize(
    ("think", "level"), [(True, "true"), (False, "false"), ("high", "high"), (None, None)]
)
def test_thinking(side: Side, think: Any, level: str | None) -> None:
    if "think" not in inspect.signature(ollama.Client.chat).parameters:
        pytest.skip("this version of the client does not know of thinking")
    span = asked(side, **CHAT, think=think)
    assert span.attributes.get("gen_ai.request.reasoning.level") == level


def test_a_conversation_with_tools(side: Side) -> None:
    call = {"function": {"name": "weather", "arguments": {"city": "Rome", "days": [1, 2]}}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How is this?", "images": [PICTURE]},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        ollama.Message(role="tool", content="Sunny."),
    ]
    tool = {
        "type": "function",
        "function": {"name": "weather", "description": "Tells it.",
                     "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }  # fmt: skip
    span = asked(side, model="llama3.2", messages=messages, tools=[tool])
    assert told(span, "input.messages") == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [
            {"type": "text", "content": "How is this?"},
            {"type": "blob", "modality": "image", "content": PICTURE},
        ]},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "name": "weather", "arguments": {"city": "Rome", "days": [1, 2]}},
        ]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "Sunny."}]},
    ]  # fmt: skip
    (defined,) = told(span, "tool.definitions")
    assert (defined["type"], defined["name"], defined["description"]) == (
        "function", "weather", "Tells it.",
    )  # fmt: skip
    assert defined["parameters"]["properties"]["city"]["type"] == "string"


def test_a_tool_answers_under_its_name(side: Side) -> None:
    if "tool_name" not in ollama.Message.model_fields:
        pytest.skip("this version of the client sends no names of tools")
    said = {"role": "tool", "tool_name": "weather", "content": "Sunny."}
    span = asked(side, model="llama3.2", messages=[said])
    assert told(span, "input.messages")[0]["parts"] == [
        {"type": "tool_call_response", "response": "Sunny.", "name": "weather"}
    ]


def test_what_was_thought_before(side: Side) -> None:
    if "thinking" not in ollama.Message.model_fields:
        pytest.skip("this version of the client does not know of thinking")
    said = {"role": "assistant", "thinking": "Hm.", "content": "Yes."}
    span = asked(side, model="llama3.2", messages=[said])
    assert told(span, "input.messages")[0]["parts"] == [
        {"type": "reasoning", "content": "Hm."}, {"type": "text", "content": "Yes."},
    ]  # fmt: skip


def test_a_python_function_as_a_tool(side: Side) -> None:
    def add(first: int, second: int) -> int:
        """Add two numbers.

        Args:
            first: one
            second: another
        """
        raise AssertionError("it is only described")

    span = asked(side, **CHAT, tools=[add])
    (defined,) = told(span, "tool.definitions")
    assert defined["name"] == "add"
    assert set(defined["parameters"]["properties"]) == {"first", "second"}


def test_a_prompt(side: Side) -> None:
    span = asked(
        side, "generate", model="llava", prompt="def f(", suffix="return 1", system="Write code.",
        images=[base64.b64decode(PICTURE)], context=[1, 2, 3],
    )  # fmt: skip
    assert span.name == "text_completion llava"
    assert told(span, "system_instructions") == [{"type": "text", "content": "Write code."}]
    assert told(span, "input.messages") == [
        {"role": "user", "parts": [
            {"type": "text", "content": "def f("},
            {"type": "suffix", "content": "return 1"},
            {"type": "blob", "modality": "image", "content": PICTURE},
        ]}
    ]  # fmt: skip


def test_a_model_that_is_only_loaded(side: Side) -> None:
    span = asked(side, "generate", model="llama3.2")
    assert "gen_ai.input.messages" not in span.attributes


@pytest.mark.parametrize(
    ("method", "given", "count"),
    [
        ("embed", {"input": ["a", "b"]}, 2),
        ("embed", {"input": "a"}, 1),
        ("embeddings", {"prompt": "a"}, 1),
        ("embed", {"input": []}, None),
    ],
)
def test_texts_to_embed(side: Side, method: str, given: Any, count: int | None) -> None:
    span = asked(side, method, model="nomic", **given)
    assert span.name == "embeddings nomic"
    assert span.attributes.get("clearspan.request.input_count") == count
    assert ("clearspan.input" in span.attributes) == (count is not None)


@pytest.mark.parametrize(
    "body",
    [
        None, "text", [], {}, {"messages": "text"}, {"messages": [None, 3, "x", {}]},
        {"messages": [{"role": 3, "content": {"a": 1}, "tool_calls": [{}, None], "images": [3]}]},
        {"options": "hot"}, {"options": {"temperature": "hot", "seed": True, "stop": 3}},
        {"tools": [None, {}, 3]}, {"format": 3, "think": 3, "prompt": 3, "system": [], "input": 3},
        {"questions": {"a": None, 3: {"type": 3}}, "state": {"x": object()}},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "path", ["/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/v1/systemone"]
)
def test_broken_bodies_are_read_as_far_as_they_go(path: str, body: Any) -> None:
    call = Call(None, (), {"path": path, "json": body})
    assert callable(ENDPOINT.operation)
    draft = Draft(ENDPOINT.operation(call))
    ENDPOINT.request(draft, call)
    assert read.text(ENDPOINT.model(call)) is None
    sealed = draft.seal(ContentPolicy())
    assert not sealed.params


@pytest.mark.parametrize("path", [None, 3, [], "/api/tags", "https://ollama.com/api/web_search"])
def test_other_paths_run_no_model(path: Any) -> None:
    assert not ENDPOINT.wanted(Call(None, (), {"path": path}))
