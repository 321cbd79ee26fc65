from __future__ import annotations

from typing import Any

import pytest
from openai.types.chat import ChatCompletionMessage

from clearspan.formats.openai_messages import message, messages


def told(source: Any) -> Any:
    (found,) = messages([source])
    return found


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_roles_stay_what_they_are(role: str) -> None:
    text = {"type": "text", "content": "Be brief."}
    assert told({"role": role, "content": "Be brief."}) == {"role": role, "parts": [text]}


def test_a_name_is_kept() -> None:
    found = told({"role": "user", "content": "hi", "name": "ada"})
    assert found["name"] == "ada"


def test_parts_in_their_order() -> None:
    found = told(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                "and this",
                {"type": "refusal", "refusal": "No."},
                {"type": "cachepoint", "ttl": 5, "nothing": None},
            ],
        }
    )
    assert found["parts"] == [
        {"type": "text", "content": "What is this?"},
        {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        {"type": "text", "content": "and this"},
        {"type": "refusal", "content": "No."},
        {"type": "cachepoint", "ttl": 5},
    ]


def test_an_assistant_that_called_tools() -> None:
    calls = [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "look", "arguments": '{"at": "Rome"}'},
        },
        {"id": "c2", "type": "function", "function": {"name": "list", "arguments": "[1, 2]"}},
        {"id": "c3", "type": "function", "function": {"name": "odd", "arguments": '{"at": '}},
        {"id": "c4", "type": "function", "function": {"name": "given", "arguments": {"at": 1}}},
        {"id": "c5", "type": "custom", "custom": {"name": "shell", "input": "ls -l"}},
        {"type": "function", "function": {"name": "bare"}},
    ]
    assert told({"role": "assistant", "content": None, "tool_calls": calls})["parts"] == [
        {"type": "tool_call", "name": "look", "id": "c1", "arguments": {"at": "Rome"}},
        {"type": "tool_call", "name": "list", "id": "c2", "arguments": "[1, 2]"},
        {"type": "tool_call", "name": "odd", "id": "c3", "arguments": '{"at": '},
        {"type": "tool_call", "name": "given", "id": "c4", "arguments": {"at": 1}},
        {"type": "tool_call", "name": "shell", "id": "c5", "arguments": "ls -l"},
        {"type": "tool_call", "name": "bare"},
    ]


def test_what_tools_answered() -> None:
    found = told({"role": "tool", "tool_call_id": "c1", "content": "warm"})
    assert found == {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c1", "response": "warm"}],
    }
    parts = [{"type": "text", "text": "warm"}]
    assert told({"role": "tool", "content": parts})["parts"][0]["response"] == parts


def test_the_form_before_tools() -> None:
    call = {"name": "look", "arguments": '{"at": "Rome"}'}
    assert told({"role": "assistant", "function_call": call})["parts"] == [
        {"type": "tool_call", "name": "look", "arguments": {"at": "Rome"}}
    ]
    assert told({"role": "function", "name": "look", "content": "warm"}) == {
        "role": "tool",
        "name": "look",
        "parts": [{"type": "tool_call_response", "response": "warm"}],
    }


def test_sound_that_was_answered_before() -> None:
    assert told({"role": "assistant", "audio": {"id": "audio_1"}})["parts"] == [
        {"type": "audio", "id": "audio_1"}
    ]
    whole = {"id": "audio_1", "data": "UklG", "transcript": "Hello."}
    assert told({"role": "assistant", "audio": whole})["parts"] == [
        {"type": "blob", "modality": "audio", "content": "UklG", "transcript": "Hello."}
    ]


@pytest.mark.parametrize(
    "source",
    [
        {"reasoning_content": "Think."},
        {"reasoning": "Think."},
        {
            "reasoning": "Think.",
            "reasoning_details": [{"type": "reasoning.text", "text": "Think."}],
        },
        {
            "reasoning_details": [
                {"type": "reasoning.summary", "summary": "Think."},
                {"data": "gAAA"},
            ]
        },
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Think."}]}]},
        {"content": [{"type": "thinking", "thinking": "Think."}]},
    ],
)
def test_thinking_of_compatible_servers(source: Any) -> None:
    found = message({"role": "assistant", **source})
    assert found["parts"] == [{"type": "reasoning", "content": "Think."}]


def test_a_message_that_a_call_returned_before() -> None:
    returned = ChatCompletionMessage.model_validate(
        {
            "role": "assistant",
            "content": "Wait.",
            "refusal": "Or not.",
            "reasoning_content": "Hm.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
            ],
        }
    )
    assert told(returned)["parts"] == [
        {"type": "reasoning", "content": "Hm."},
        {"type": "text", "content": "Wait."},
        {"type": "refusal", "content": "Or not."},
        {"type": "tool_call", "name": "look", "id": "c1", "arguments": {}},
    ]


def test_an_iterator_is_left_to_the_client() -> None:
    one_shot = iter([{"role": "user", "content": "hi"}])
    assert list(messages(one_shot)) == []
    assert next(one_shot)["content"] == "hi"


def test_nothing_of_the_host_is_run() -> None:
    class Hostile:
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

        def __iter__(self) -> Any:
            raise AssertionError("iterated")

        def __bool__(self) -> bool:
            raise AssertionError("asked whether it is true")

    source: Any = Hostile()
    assert list(messages(source)) == []
    assert list(messages([source, None, 7, "text"])) == []
    assert told({"role": source, "content": source, "tool_calls": source}) == {
        "role": "user",
        "parts": [],
    }


@pytest.mark.parametrize("content", [None, "", [], [None], [7], {}, 7, [[]]])
def test_broken_content_is_no_part(content: Any) -> None:
    assert told({"role": "user", "content": content})["parts"] == []


# -- messages of a role and a text -------------------------------------------------------------------------


class Words(str):
    __slots__ = ()


class Mapped(dict[str, Any]):
    pass


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function", "critic", "", None, 7, Words("user"), ["user"]])  # fmt: skip
@pytest.mark.parametrize("content", ["Hi.", "", None, 7, Words("Hi."), ["Hi."], []])
def test_a_message_of_two_fields_is_read_as_any_other(role: Any, content: Any) -> None:
    source = {"role": role, "content": content}
    expected = message(source)
    assert told(source) == told(Mapped(source)) == told({**source, "name": None}) == expected
    assert type(expected["role"]) is type(told(source)["role"]) is str
    if role == "user" and content == "Hi.":
        assert expected == {"role": "user", "parts": [{"type": "text", "content": "Hi."}]}


@pytest.mark.parametrize(
    "source",
    [
        {"role": "user", "refusal": "No."}, {"content": "Hi.", "name": "ada"}, {"role": "user", "name": "ada"}, {"role": "user"},
        {"content": "Hi."}, {"role": "user", "content": "Hi.", "name": "ada"}, {1: "user", "content": "Hi."},
    ],
)  # fmt: skip
def test_a_message_of_other_fields_is_read_as_any_other(source: Any) -> None:
    assert told(source) == message(source)


def test_what_is_told_is_not_what_was_given() -> None:
    source = {"role": "user", "content": "Hi."}
    found = told(source)
    source["content"] = "changed"
    assert found["parts"] == [{"type": "text", "content": "Hi."}]
