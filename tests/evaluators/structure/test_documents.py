"""JSON in answers, and schemas that it must fit."""

from __future__ import annotations

import sys
from typing import Any

import pydantic
import pytest

from clearspan.assess.evaluator import missing
from clearspan.assess.outcome import scored
from clearspan.evaluators.structure import MatchesSchema, ValidJson
from clearspan.score import Score
from tests.assess.calls import call

NUMBER: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


def judged(made: ValidJson | MatchesSchema, answer: str, **more: Any) -> Score:
    return scored(made.evaluate(call(answer=answer, **more)), made)


@pytest.mark.parametrize("text", ['{"a": [1, null]}', "3", ' "text" \n', "null"])
def test_json_is_valid(text: str) -> None:
    score = judged(ValidJson(strict=True), text)
    assert (score.name, score.value, score.label, score.passed) == ("valid_json", 1.0, "valid", True)  # fmt: skip
    assert score.metadata == {"fenced": False}


@pytest.mark.parametrize(
    "text",
    ["{'a': 1}", '{"a": 1', "Sure! {}", '{"a": NaN}', "[Infinity]", "[" * 100_000, "9" * 5_000],
)
def test_what_is_none_is_invalid(text: str) -> None:
    score = judged(ValidJson(strict=True), text)
    assert (score.value, score.label, score.passed) == (0.0, "invalid", False)
    assert score.explanation
    assert "Sure" not in score.explanation


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"a": 1}\n```',
        'Here it is:\n\n```\n{"a": 1}\n```\nAnything else?',
        '~~~~ JSON\n{"a": "```"}\n~~~~',
        'First:\n```json\nnot this\n```\nthen:\n```json\n{"a": 1}\n```\n```python\nprint()\n```',
    ],
)
def test_a_fenced_block_counts_unless_strict(text: str) -> None:
    assert judged(ValidJson(), text).metadata == {"fenced": True}
    assert judged(ValidJson(strict=True), text).value == 0.0


@pytest.mark.parametrize(
    "text", ["```python\n{}\n```", "~~~\n```\n~~~", "```json\n{}", "```json\n{\n```"]
)
def test_other_blocks_do_not(text: str) -> None:
    assert judged(ValidJson(), text).value == 0.0


def test_only_those_that_asked_for_json() -> None:
    made = ValidJson(only_asked=True)
    assert judged(made, "prose").skipped == "the call did not ask for JSON"
    assert judged(made, "prose", params={"output_type": "json"}).value == 0.0


def test_a_schema_is_held_against_the_answer() -> None:
    made = MatchesSchema(NUMBER)
    score = judged(made, '{"n": 1}')
    assert (score.name, score.value, score.label, score.passed) == ("matches_schema", 1.0, "valid", True)  # fmt: skip
    score = judged(made, '{"n": "one", "m": 1}')
    assert (score.value, score.label, score.passed) == (0.0, "invalid", False)
    assert score.metadata == {"problems": {"additionalProperties": 1, "type": 1}}
    assert score.explanation == "/n: type, /m: additionalProperties"
    assert judged(made, "one").metadata == {"problems": {"json": 1}}
    assert judged(made, '```json\n{"n": 1}\n```').value == 1.0
    assert judged(MatchesSchema(NUMBER, strict=True), '```json\n{"n": 1}\n```').value == 0.0


def test_a_pydantic_model_is_a_schema() -> None:
    class City(pydantic.BaseModel):
        name: str
        people: int | None = None

    assert judged(MatchesSchema(City), '{"name": "Rome"}').value == 1.0
    assert judged(MatchesSchema(City), '{"people": 3}').value == 0.0


def test_the_calls_own_schema_is_used() -> None:
    params = {"output_schema": NUMBER}
    assert judged(MatchesSchema(), '{"n": 1}', params=params).value == 1.0
    assert judged(MatchesSchema(), '{"n": 1}').skipped == "no schema is known for the answer"


def asked(arguments: Any, text: str = "") -> dict[str, Any]:
    part = {"type": "tool_call", "name": "add", "arguments": arguments}
    unknown = {"type": "tool_call", "name": "other", "arguments": {}}
    parts = [part, unknown, {"type": "text", "content": text}]
    return {
        "output": ({"role": "assistant", "parts": parts},),
        "tools": ({"type": "function", "name": "add", "parameters": NUMBER},),
    }


def evaluated(made: MatchesSchema, **more: Any) -> Score:
    from dataclasses import replace

    return scored(made.evaluate(replace(call(), **more)), made)


def test_tool_calls_are_held_against_their_definitions() -> None:
    assert evaluated(MatchesSchema(), **asked({"n": 1})).value == 1.0
    assert evaluated(MatchesSchema(), **asked({"n": None})).metadata == {"problems": {"type": 1}}
    both = evaluated(MatchesSchema(), **asked({"n": 1}, "x"), params={"output_schema": NUMBER})
    assert (both.value, both.label) == (0.5, "invalid")


def test_a_conversation_is_judged_by_its_last_answer() -> None:
    from clearspan.conversation import Conversation

    talk = Conversation("1", "trace", (call(answer='{"n": 1}'),))
    assert MatchesSchema(NUMBER).evaluate(talk).value == 1.0
    assert MatchesSchema().evaluate(talk).skipped == "no schema is known for the answer"


def test_it_needs_an_answer_or_tool_calls() -> None:
    assert missing(MatchesSchema(NUMBER), call(answer="")) == "output|tool_calls"


def test_a_part_of_an_answer_is_not_judged() -> None:
    assert judged(MatchesSchema(NUMBER), '{"n": "…[12 more]').skipped is not None


STRANGE = {"type": "object", "properties": {"a": True}, "unevaluatedProperties": False}


def test_without_the_library_a_strange_word_leaves_it_open(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    monkeypatch.setitem(sys.modules, "jsonschema.validators", None)
    made = MatchesSchema(STRANGE)
    assert judged(made, '{"a": 1, "b": 2}').skipped == (
        "unevaluatedProperties cannot be checked without jsonschema"
    )
    assert judged(made, "[]").value == 0.0  # whatever the strange word says


def test_with_the_library_it_is_checked() -> None:
    pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    made = MatchesSchema(STRANGE)
    assert judged(made, '{"a": 1}').value == 1.0
    assert judged(made, '{"a": 1, "b": 2}').metadata == {"problems": {"unevaluatedProperties": 1}}


def test_the_library_is_handed_no_network(monkeypatch: Any) -> None:
    """A reference to elsewhere is an error of the schema, not a request."""
    pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    with pytest.raises(Exception, match=r"example\.com"):
        judged(MatchesSchema({"$ref": "https://example.com/schema"}), "1")


class Registry:
    pass


class FakeValidator:
    """Stands in for the library where it is not installed: what it is asked, and what it answers."""

    def __init__(self, schema: Any, *, registry: Any) -> None:
        assert isinstance(registry, Registry)
        self.schema = schema

    def iter_errors(self, value: Any) -> list[Any]:
        class Error:
            absolute_path = ("b", 0)
            validator = "unevaluatedProperties"

        return [Error()] if "b" in value else []


def test_the_library_is_asked_in_its_own_way(monkeypatch: Any) -> None:
    class Validators:
        Draft202012Validator = FakeValidator

        @staticmethod
        def validator_for(schema: Any, default: Any) -> Any:
            return default

    class Referencing:
        pass

    Referencing.Registry = Registry  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "jsonschema.validators", Validators)
    monkeypatch.setitem(sys.modules, "referencing", Referencing)
    score = judged(MatchesSchema(STRANGE), '{"b": [1]}')
    assert score.explanation == "/b/0: unevaluatedProperties"
    assert judged(MatchesSchema(STRANGE), "{}").value == 1.0


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="schema"):
        MatchesSchema("object")
