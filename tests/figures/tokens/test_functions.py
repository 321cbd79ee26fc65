from __future__ import annotations

from typing import Any

import pytest

from clearspan.figures.tokens import functions


def words(text: str) -> int:
    return len(text.replace(":", " ").split())


WEATHER: dict[str, Any] = {
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {
        "type": "object",
        "properties": {
            "place": {"type": "string", "description": "Where"},
            "unit": {"type": "string", "enum": ["C", "F"]},
        },
    },
}


def test_the_published_constants() -> None:
    # 7 for the function with "weather Tells the weather" (4), 3 for having properties, 3 for each with
    # "place string Where" (3) and "unit string" (2), -3 for choices and 3 for each with its text, 12 at the end.
    cost = 7 + 4 + 3 + (3 + 3) + (3 + 2 - 3 + 2 * (3 + 1)) + 12
    assert functions.tokens([WEATHER], words, "o200k_base") == cost
    assert functions.tokens([WEATHER], words, "cl100k_base") == cost + 3


def test_no_tools_cost_nothing() -> None:
    assert functions.tokens([], words, "o200k_base") == 0


def test_a_function_without_anything() -> None:
    assert functions.tokens([{"name": "now"}], words, "o200k_base") == 7 + 1 + 12


def test_nested_objects_and_lists_cost_as_well() -> None:
    inner = {"type": "object", "properties": {"x": {"type": "number"}}}
    outer = {"name": "f", "parameters": {"properties": {"at": inner}}}
    listed = {"name": "f", "parameters": {"properties": {"at": {"type": "array", "items": inner}}}}
    cost = 7 + 1 + 3 + (3 + 2) + 3 + (3 + 2) + 12
    assert functions.tokens([outer], words, None) == functions.tokens([listed], words, None) == cost


@pytest.mark.parametrize(
    "parameters", [None, "text", [], {"properties": None}, {"properties": {3: 4}}]
)
def test_broken_schemas_do_no_harm(parameters: Any) -> None:
    assert functions.tokens([{"name": "f", "parameters": parameters}], words, None) >= 20


def test_a_schema_that_holds_itself_ends() -> None:
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {"again": schema}
    assert 0 < functions.tokens([{"name": "f", "parameters": schema}], words, None) < 200


def test_choices_that_are_no_texts() -> None:
    held = {"properties": {"n": {"type": "integer", "enum": [1, 2]}}}
    assert (
        functions.tokens([{"name": "f", "parameters": held}], words, None)
        == 7 + 1 + 3 + 5 - 3 + 8 + 12
    )
