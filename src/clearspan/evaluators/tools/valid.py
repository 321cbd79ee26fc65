"""Are the tool calls that a model asked for such as can be carried out?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from clearspan.assess import jsonschema_lite
from clearspan.assess.evaluator import Evaluator
from clearspan.evaluators.tools.taken import Step, parsed
from clearspan.score import Score

__all__ = ["ToolCallValid"]

_SHOWN = 5


class ToolCallValid(Evaluator):
    """The share of an answer's tool calls that could be carried out; the label is `valid` or `invalid`.

    Of each: the name is one of the tools that the call offered; the arguments are a JSON object that fits the tool's
    parameters, with all that are required and none that the tool does not have (unless its
    schema allows more in so many words). `metadata["problems"]` counts `unknown_tool`, `not_an_object`, `required`,
    `unknown_argument` and the other words of JSON Schema; `unchecked` is how many calls could not be judged.

    The record keeps names of tools, and their parameters with `clearspan.init(tool_schemas=True)`; `tools` gives
    definitions here, as for the client. A call of a known tool whose parameters nobody knows is not counted, and where
    none is left the call is skipped. Raises `ValueError` for definitions without a name.
    """

    threshold = 1.0
    requires = frozenset({"tool_calls"})

    def __init__(self, *, tools: Iterable[Mapping[str, Any]] = (), **options: Any) -> None:
        super().__init__(**options)
        self.tools = _named(tools)
        if None in self.tools:
            raise ValueError("clearspan: tool_call_valid: each of tools needs a name")

    def evaluate(self, call: Any) -> Score:
        """Hold each tool call of the answer against its definition."""
        known = _named(call.tools) | self.tools
        if not known:
            return Score(skipped="nobody knows which tools there were")
        asked = [
            Step(part.get("name", ""), parsed(part.get("arguments")))
            for message in call.output
            for part in message.get("parts", ())
            if part.get("type") == "tool_call"
        ]
        found = [_problems(step, known) for step in asked]
        judged = [problems for problems in found if problems is not None]
        if not judged:
            return Score(skipped="the parameters of the tools are not in the record")
        return _score(asked, found, judged)


def _score(asked: list[Step], found: list[list[str] | None], judged: list[list[str]]) -> Score:
    valid = sum(not problems for problems in judged)
    said = [
        f"{step.name}: {', '.join(problems)}"
        for step, problems in zip(asked, found, strict=True)
        if problems
    ]
    told: dict[str, Any] = {
        "problems": dict(Counter(each for problems in judged for each in problems))
    }
    if len(judged) < len(found):
        told["unchecked"] = len(found) - len(judged)
    return Score(
        value=valid / len(judged),
        label="valid" if valid == len(judged) else "invalid",
        explanation="; ".join(said[:_SHOWN]) or None,
        metadata=told,
    )


def _named(tools: Iterable[Mapping[str, Any]]) -> dict[Any, Mapping[str, Any]]:
    """Definitions by name, of the conventions' form or a client's own, where `function` holds them."""
    held = [{**tool, **tool.get("function", {})} for tool in tools]
    return {definition.get("name"): definition for definition in held}


def _problems(step: Step, known: Mapping[Any, Mapping[str, Any]]) -> list[str] | None:
    """What is wrong with a tool call; `None` where that cannot be told."""
    definition = known.get(step.name)
    if definition is None:
        return ["unknown_tool"]
    if definition.get("type") == "custom":
        return [] if isinstance(step.arguments, str) else None  # free text, by its nature
    if not isinstance(step.arguments, Mapping):
        return ["not_an_object"]
    schema = definition.get("parameters")
    if not isinstance(schema, Mapping):
        return None
    found = [each.keyword for each in jsonschema_lite.problems(step.arguments, _closed(schema))]
    if not found and jsonschema_lite.unknown(schema):
        return None
    return ["unknown_argument" if word == "additionalProperties" else word for word in found]


def _closed(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema without room for arguments that it does not name, unless it says that there is."""
    open_words = {
        "additionalProperties",
        "patternProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "$ref",
        "if",
    }
    if open_words & set(schema):
        return schema
    return {"properties": {}, **schema, "additionalProperties": False}
