from __future__ import annotations

import json
from typing import Any

import pytest

from clearspan.emit import projection
from clearspan.offline.content import attributes
from clearspan.record import Invocation

MODERN = {"gen_ai.operation.name": "chat"}


def call(given: dict[str, Any], *events: tuple[str, dict[str, Any]]) -> Invocation:
    told = attributes(given, events)
    assert told is not None
    return projection.invocation(told)


def texts(made: Invocation) -> tuple[str, str]:
    return made.input_text, made.output_text


def test_messages_as_json_text_and_as_values() -> None:
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Q"}]}]
    said = [{"role": "assistant", "parts": [{"type": "text", "content": "A"}]}]
    as_text = {"gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps(said)}  # fmt: skip
    assert texts(call({**MODERN, **as_text})) == ("Q", "A")
    values = {"gen_ai.input.messages": asked, "gen_ai.output.messages": said}
    assert texts(call({**MODERN, **values})) == ("Q", "A")
    details = ("gen_ai.client.inference.operation.details", values)
    assert texts(call(MODERN, details, ("other", {}))) == ("Q", "A")


def test_messages_without_parts_get_some() -> None:
    given = {"gen_ai.input.messages": json.dumps([{"role": "user", "content": "Q"}])}
    assert call({**MODERN, **given}).question == "Q"


@pytest.mark.parametrize("odd", ["no json", '["a"]', "3"])
def test_what_is_no_list_of_messages_is_kept_as_it_was(odd: str) -> None:
    made = call({**MODERN, "gen_ai.input.messages": odd})
    assert made.input == ()
    assert made.extras["gen_ai.input.messages"] == odd


def test_system_instructions_as_text_and_as_parts() -> None:
    assert call({**MODERN, "gen_ai.system_instructions": "Be brief."}).system[0]["content"] == "Be brief."  # fmt: skip
    parts = json.dumps([{"type": "text", "content": "B"}])
    assert call({**MODERN, "gen_ai.system_instructions": parts}).system[0]["content"] == "B"


def test_an_event_for_each_message() -> None:
    made = call(
        {"gen_ai.system": "openai", "gen_ai.operation.name": "chat"},
        ("gen_ai.system.message", {"content": "Be brief."}),
        ("gen_ai.user.message", {"content": "Q"}),
        ("gen_ai.assistant.message", {"tool_calls": json.dumps([{"id": "1", "function": {"name": "f", "arguments": "{}"}}])}),
        ("gen_ai.tool.message", {"id": "1", "content": "T"}),
        ("gen_ai.choice", {"index": 1, "message": {"content": "second"}}),
        ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps({"role": "assistant", "content": "first"})}),
    )  # fmt: skip
    assert [message["role"] for message in made.input] == ["system", "user", "assistant", "tool"]
    assert made.input[2]["parts"][0]["name"] == "f"
    assert made.input[3]["parts"][0] == {"type": "tool_call_response", "response": "T", "id": "1"}
    assert made.output_text == "first\nsecond"
    assert made.output[0]["finish_reason"] == "stop"


def test_choices_whose_fields_lie_open_or_whose_message_is_text() -> None:
    assert call(MODERN, ("gen_ai.choice", {"content": "A"})).output_text == "A"
    assert call(MODERN, ("gen_ai.choice", {"message": "A"})).output_text == "A"


def test_messages_that_are_numbered() -> None:
    made = call(
        {
            "gen_ai.system": "Ollama",
            "llm.request.type": "chat",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": json.dumps([{"type": "text", "text": "Q"}]),
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "S",
            "gen_ai.completion.0.content": "A",
            "gen_ai.completion.0.finish_reason": "stop",
            "gen_ai.completion.0.tool_calls.0.id": "1",
            "gen_ai.completion.0.tool_calls.0.name": "f",
            "gen_ai.completion.0.tool_calls.0.arguments": '{"a": 1}',
        }
    )
    assert texts(made) == ("S\nQ", "A")
    assert made.output[0]["parts"][-1] == {"type": "tool_call", "name": "f", "id": "1", "arguments": {"a": 1}}  # fmt: skip
    assert made.operation == "chat"


def test_a_whole_prompt_under_one_name() -> None:
    assert texts(call({"gen_ai.prompt": "Q", "gen_ai.completion": "A"})) == ("Q", "A")
    asked = json.dumps([{"role": "user", "content": "Q"}])
    made = call(
        MODERN,
        ("gen_ai.content.prompt", {"gen_ai.prompt": asked}),
        ("gen_ai.content.completion", {"gen_ai.completion": json.dumps(["A"])}),
    )
    assert texts(made) == ("Q", '["A"]')


def test_the_newer_form_goes_before_the_older() -> None:
    asked = [{"role": "user", "parts": [{"type": "text", "content": "new"}]}]
    made = call({**MODERN, "gen_ai.input.messages": asked, "gen_ai.prompt.0.content": "old"})
    assert made.input_text == "new"


@pytest.mark.parametrize(
    ("given", "operation"),
    [
        ({"llm.request.type": "completion"}, "text_completion"),
        ({"llm.request.type": "odd", "gen_ai.system": "x"}, "chat"),
        ({"gen_ai.input.messages": "[]"}, "chat"),
        ({"gen_ai.operation.name": "embeddings"}, "embeddings"),
        ({"http.request.method": "GET"}, None),
        ({"llm.request.type": 3}, None),
    ],
)
def test_what_was_done(given: dict[str, Any], operation: str | None) -> None:
    told = attributes(given, ())
    assert (told and told["gen_ai.operation.name"]) == operation
