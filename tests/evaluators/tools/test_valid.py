"""Tool calls that can be carried out, and those that cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clearspan.assess.evaluator import missing
from clearspan.assess.outcome import scored
from clearspan.evaluators.tools import ToolCallValid
from clearspan.score import Score
from tests.assess.calls import call

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city"],
}
WEATHER = {"type": "function", "name": "weather", "parameters": PARAMETERS}


def judged(*asked: tuple[str, Any], tools: Any = (WEATHER,), **options: Any) -> Score:
    made = ToolCallValid(**options)
    parts: Any = [
        {"type": "text", "content": "Let me see."},
        *({"type": "tool_call", "name": name, "arguments": given} for name, given in asked),
    ]
    message: Any = {"role": "assistant", "parts": parts}
    return scored(made.evaluate(replace(call(), output=(message,), tools=tools)), made)


def test_a_call_that_fits() -> None:
    score = judged(("weather", {"city": "Rome", "days": 2}), ("weather", '{"city": "Rome"}'))
    assert (score.name, score.value, score.label, score.passed) == ("tool_call_valid", 1.0, "valid", True)  # fmt: skip
    assert (score.explanation, score.metadata) == (None, {"problems": {}})


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("wether", {"city": "Rome"}, "unknown_tool"),
        ("weather", '{"city": ', "not_an_object"),
        ("weather", "[1]", "not_an_object"),
        ("weather", [1], "not_an_object"),
        ("weather", {}, "required"),
        ("weather", "", "required"),
        ("weather", None, "required"),
        ("weather", {"city": 3}, "type"),
        ("weather", {"city": "Rome", "days": 0}, "minimum"),
        ("weather", {"city": "Rome", "day": 1}, "unknown_argument"),
    ],
)
def test_a_call_that_does_not(name: str, arguments: Any, problem: str) -> None:
    score = judged((name, arguments))
    assert (score.value, score.label, score.passed) == (0.0, "invalid", False)
    assert score.metadata == {"problems": {problem: 1}}
    assert score.explanation == f"{name}: {problem}"


def test_the_value_is_the_share() -> None:
    assert judged(("weather", {"city": "Rome"}), ("other", {})).value == 0.5


def test_a_schema_may_allow_more_arguments() -> None:
    for words in ({"additionalProperties": True}, {"patternProperties": {"^d": True}}):
        tool = {**WEATHER, "parameters": {**PARAMETERS, **words}}
        assert judged(("weather", {"city": "Rome", "day": 1}), tools=(tool,)).value == 1.0


def test_a_tool_without_parameters_takes_none() -> None:
    tool = {"name": "now", "parameters": {"type": "object"}}
    assert judged(("now", {}), tools=(tool,)).value == 1.0
    assert judged(("now", {"zone": "UTC"}), tools=(tool,)).value == 0.0


def test_what_nobody_knows_is_left_out() -> None:
    bare = {"type": "function", "name": "weather"}
    assert judged(("weather", {}), tools=(bare,)).skipped == (
        "the parameters of the tools are not in the record"
    )
    partly = judged(("weather", {}), ("other", {}), tools=(bare,))
    assert (partly.value, partly.metadata["unchecked"]) == (0.0, 1)
    assert judged(("weather", {}), tools=()).skipped == "nobody knows which tools there were"
    assert missing(ToolCallValid(), call()) == "tool_calls"


def test_a_schema_with_strange_words_is_only_ever_wrong() -> None:
    tool = {**WEATHER, "parameters": {**PARAMETERS, "unevaluatedProperties": False}}
    assert judged(("weather", {"city": "Rome"}), tools=(tool,)).skipped is not None
    assert judged(("weather", {}), tools=(tool,)).value == 0.0


def test_definitions_may_be_given_in_a_clients_form() -> None:
    given = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
    bare = {"type": "function", "name": "weather"}
    made = ToolCallValid(tools=iter(given))
    part: Any = {"type": "tool_call", "name": "weather", "arguments": {}}
    asked = replace(call(), output=({"role": "assistant", "parts": [part]},), tools=(bare,))
    assert made.evaluate(asked).metadata == {"problems": {"required": 1}}
    with pytest.raises(ValueError, match="name"):
        ToolCallValid(tools=[{"type": "function"}])


def test_free_text_is_what_a_custom_tool_takes() -> None:
    tool = {"type": "custom", "name": "shell"}
    assert judged(("shell", "ls -l"), tools=(tool,)).value == 1.0
    assert judged(("shell", {"a": 1}), tools=(tool,)).skipped is not None
