"""Texts in requests and answers of any shape: found where they are, replaced wherever they stand."""

from __future__ import annotations

from collections import OrderedDict, UserDict, UserList, deque
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from clearspan.core.unseen import UNSEEN
from clearspan.formats import speech
from clearspan.provider import Slot


class Parsed(BaseModel):
    note: str


class Message(BaseModel):
    content: str
    parsed: Any = None


def test_texts_are_found_under_their_names_at_any_depth() -> None:
    given = {
        "content": [{"type": "text", "text": "a"}, "b", {"type": "image_url", "image_url": {"url": "c"}}],
        "tool_calls": [{"id": "d", "function": {"name": "e", "arguments": {"any": {"thing": ["f", 1]}}}}],
        "role": "user",
        7: "g",
    }  # fmt: skip
    assert list(speech.walk(given)) == [
        ("a", ("content", 0, "text")),
        ("b", ("content", 1)),
        ("e", ("tool_calls", 0, "function", "name")),
        ("f", ("tool_calls", 0, "function", "arguments", "any", "thing", 0)),
        ("thing", ("tool_calls", 0, "function", "arguments", "any", "thing")),
        ("any", ("tool_calls", 0, "function", "arguments", "any")),
    ]


def test_the_names_of_arguments_are_texts_and_keep_their_places() -> None:
    given = {"arguments": {"a": 1, "sk": {"b": "c", "file": "d"}, "<K>": 2}}
    found = dict(speech.walk(given))
    assert list(found) == ["c", "d", "b", "file", "a", "sk", "<K>"]
    for text, new in (("d", "D"), ("b", "B"), ("sk", "<K>")):
        speech.put(given, found[text], new)
    assert given == {"arguments": {"a": 1, "<K>_": {"B": "c", "file": "D"}, "<K>": 2}}
    assert list(given["arguments"]) == ["a", "<K>_", "<K>"]


def test_what_is_cited_is_a_text() -> None:
    given = {"content": "a", "annotations": [{"type": "url_citation", "url_citation": {"title": "b", "url": "c", "start_index": 0}}], "url": "d"}  # fmt: skip
    assert [text for text, _ in speech.walk(given)] == ["a", "b", "c"]


def test_what_goes_round_in_circles_ends() -> None:
    given: dict[str, Any] = {"text": "once"}
    given["content"] = [given]
    found = list(speech.walk(given))
    assert 1 < len(found) < 20


def test_who_says_it() -> None:
    items = [
        {"role": "developer", "content": "a"},
        {"role": "function", "content": "b"},
        {"type": "function_call_output", "output": "c"},
        {"type": "function_call", "arguments": "d"},
        {"type": "reasoning", "summary": [{"text": "e"}]},
        {"content": "f"},
        "g",
    ]
    roles = [slot.role for slot in speech.requested(items)]
    assert roles == ["developer", "tool", "tool", "assistant", "assistant", "user", "user"]
    assert list(speech.requested("h", ("x",))) == [Slot("h", ("x",))]
    assert list(speech.requested(None)) == []


def test_arguments_by_name_and_in_the_extra_body() -> None:
    asked = speech.named("input", system=("instructions",))
    given = {"input": "a", "instructions": "b", "extra_body": {"input": ["c"]}}
    assert [(slot.text, slot.path, slot.role) for slot in asked(given)] == [
        ("b", ("instructions",), "system"),
        ("a", ("input",), "user"),
        ("c", ("extra_body", "input", 0), "user"),
    ]


def test_a_text_is_replaced_wherever_an_answer_holds_it() -> None:
    class Twice(dict):  # type: ignore[type-arg]  # of anything
        """Keeps its items as attributes as well, and copies of what is in them."""

    inner, other = Twice(content="old"), Twice(content="old")
    inner.content, other.content = "old", "old"  # type: ignore[attr-defined]  # as such classes do
    answer = Twice(message=inner)
    answer.message = other  # type: ignore[attr-defined]  # as such classes do
    assert speech.put(answer, ("message", "content"), "new") is answer
    assert (inner["content"], other["content"]) == ("new", "new")
    assert (inner.content, other.content) == ("new", "new")  # type: ignore[attr-defined]  # as above
    assert speech.put("old", (), "new") == "new"


def test_what_repeats_it_in_another_form_goes_with_it() -> None:
    answer = {"logprobs": {"content": ["old"]}, "context": [1, 2], "text": "old", "top_tokens": None}  # fmt: skip
    assert speech.put(answer, ("text",), "new") == {
        "logprobs": None, "context": [], "text": "new", "top_tokens": None,
    }  # fmt: skip


def test_parsed_forms_are_read_anew_or_given_up() -> None:
    for text, parsed in (('{"note": "new"}', Parsed(note="new")), ("no JSON", None)):
        message = Message(content='{"note": "old"}', parsed=Parsed(note="old"))
        assert speech.put(message, ("content",), text).parsed == parsed
    message = Message(content="[1]", parsed=[1])
    assert speech.put(message, ("content",), "[2]").parsed is None


def test_deltas_of_a_choice_go_on_by_their_index() -> None:
    item = {
        "choices": [
            {"index": 1, "delta": {"content": "a", "tool_calls": [{"index": 3, "function": {"arguments": "b"}}]}},
            {"text": "c", "finish_reason": "stop"},
        ]
    }  # fmt: skip
    found = list(speech.deltas(item))
    assert [slot.text for slot in found] == ["a", "b", "c", ""]
    assert found[1].channel == (1, "choices", 1, "delta", "tool_calls", 3, "function", "arguments")
    assert (found[3].channel, found[3].last) == ((0,), True)


class Said(str):
    """A text of a class of its own."""

    __slots__ = ()


def test_texts_and_mappings_of_any_make_are_seen() -> None:
    given = [
        UserDict(role="system", content=Said("a")),
        MappingProxyType({"content": [OrderedDict(text="b")]}),
        Said("c"),
    ]
    found = list(speech.requested(given))
    assert [(slot.text, slot.role) for slot in found] == [("a", "system"), ("b", "user"), ("c", "user")]  # fmt: skip
    assert all(type(slot.text) is str for slot in found)
    assert list(speech.requested(Said("d"))) == [Slot("d")]


def test_an_answers_texts_go_on_by_their_way() -> None:
    (slot,) = speech.told({"text": "a"}, ("part",), channel=(3,), whole=False)
    assert slot == Slot("a", ("part", "text"), (3, "part", "text"), "assistant")


def test_what_cannot_be_looked_into_is_said() -> None:
    deep: Any = "hidden"
    for _ in range(20):
        deep = [{"content": deep}]
    assert [slot.text for slot in speech.requested(deep)] == [UNSEEN]
    for lazy in (iter(["a"]), UserList(["a"]), deque(["a"]), {"a"}):
        assert [slot.text for slot in speech.requested([{"content": lazy}])] == [UNSEEN]
    for nothing in (None, 3, b"x", [], range(3), object()):
        assert list(speech.requested([{"content": nothing}])) == []
