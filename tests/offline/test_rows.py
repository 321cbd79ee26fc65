from __future__ import annotations

from typing import Any

import pytest

from clearspan.offline.errors import SourceError
from clearspan.offline.rows import identity, invocation


def call(**row: Any) -> Any:
    return invocation(row, "rows.jsonl:3")


def test_texts_become_one_question_and_one_answer() -> None:
    made = call(
        id="1", input="Why?", output="Because.", context="It is.", reference=["So.", "Thus."]
    )
    assert (made.operation, made.question, made.output_text) == ("chat", "Why?", "Because.")
    assert (made.documents, made.references) == (("It is.",), ("So.", "Thus."))
    assert made.output[0]["role"] == "assistant"


def test_contexts_may_be_lists_of_texts_or_of_documents() -> None:
    assert call(input="?", context=["a", {"page_content": "b"}]).documents == ("a", "b")


def test_further_columns_are_metadata() -> None:
    made = call(input="?", group="a", score=3, empty=None, nested={"x": 1}, session=7)
    assert made.context.metadata == {"group": "a", "score": "3", "nested": '{"x":1}'}
    assert made.context.session == "7"


def test_messages_of_chat_completions() -> None:
    made = call(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]},
            {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]},
            {"role": "tool", "tool_call_id": "c", "content": "42"},
            {"role": "assistant", "content": "It is 42.", "finish_reason": "stop"},
        ],
        tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}, {"type": "other", "name": "g"}],
    )  # fmt: skip
    assert [message["role"] for message in made.input] == ["system", "user", "assistant", "tool"]
    assert [part["type"] for part in made.input[1]["parts"]] == ["text", "uri"]
    assert made.input[2]["parts"][0]["arguments"] == {"a": 1}
    assert made.question == "See"
    assert made.output_text == "It is 42."
    assert made.output[0]["finish_reason"] == "stop"
    assert made.tools == ({"type": "function", "name": "f", "parameters": {}}, {"type": "other", "name": "g"})  # fmt: skip
    assert made.documents == ("42",)


def test_messages_of_the_conventions() -> None:
    said = {
        "role": "user",
        "parts": [{"type": "text", "content": "Hi"}, {"type": "text", "text": "!"}, "?", 3],
    }
    made = call(messages=[said], output={"role": "assistant", "parts": [{"type": "text", "content": "Ho"}]})  # fmt: skip
    assert made.input_text == "Hi!?"
    assert made.output_text == "Ho"


def test_a_question_that_the_messages_have_already_is_not_asked_twice() -> None:
    messages = [{"role": "user", "content": "Why?"}]
    assert len(call(input="Why?", messages=messages).input) == 1
    assert call(input="When?", messages=messages).question == "When?"


def test_an_output_wins_over_the_last_message() -> None:
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "first"}]
    made = call(messages=messages, output="second")
    assert (made.output_text, len(made.input)) == ("second", 2)


def test_input_and_output_may_be_messages() -> None:
    made = call(input=[{"role": "user", "content": "a"}], output=[{"role": "assistant", "content": "b"}])  # fmt: skip
    assert (made.input_text, made.output_text) == ("a", "b")


def test_system_is_a_text_or_parts() -> None:
    assert call(input="?", system="Be brief.").system == ({"type": "text", "content": "Be brief."},)
    assert call(input="?", system=[{"type": "text", "text": "B"}]).system[0]["content"] == "B"


def test_an_empty_text_is_no_message() -> None:
    made = call(input="", output="")
    assert (made.input, made.output) == ((), ())


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, "a row needs an input, an output or messages; it has no columns"),
        ({"context": "only", "input": None}, "a row needs an input, an output or messages; it has the columns context"),
        ({"input": 3}, "input must be a text or a list of messages, not a number"),
        ({"input": ["a"]}, "input must be a list of messages, not a list"),
        ({"output": True}, "output must be a text or a message, not true or false"),
        ({"output": {"answer": 1}}, "output must be a text or a message, not an object"),
        ({"input": "?", "context": 1.5}, "context must be a text or a list of texts, not a number"),
        ({"input": "?", "context": {"text": "a"}}, "context must be a text or a list of texts, not an object"),
        ({"input": "?", "context": ["a", None]}, "context must be a text or a list of texts, not null"),
        ({"input": "?", "reference": ["a", 2]}, "reference must be a text or a list of texts, not a number"),
        ({"messages": "hi"}, "messages must be a list of messages, not a text"),
        ({"input": "?", "tools": {}}, "tools must be a list of tool definitions, not an object"),
        ({"input": "?", "system": 3}, "system must be a text or a list of parts, not a number"),
        ({"input": "?", "session": ["s"]}, "session must be a text, not a list"),
        ({"input": "?", "session": True}, "session must be a text, not true or false"),
    ],
)  # fmt: skip
def test_wrong_columns_are_named_with_their_place(row: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceError) as caught:
        call(**row)
    assert str(caught.value) == f"clearspan: rows.jsonl:3: {said}"
    assert (caught.value.place, caught.value.problem) == ("rows.jsonl:3", said)


def test_a_row_is_called_by_its_id_or_its_number() -> None:
    assert identity({"id": "a"}, 4, "x") == "a"
    assert identity({"id": 12}, 4, "x") == 12
    assert identity({}, 4, "x") == 4
    for wrong in (True, 1.5, ["a"]):
        with pytest.raises(SourceError, match="id must be a text or a whole number"):
            identity({"id": wrong}, 4, "x")
