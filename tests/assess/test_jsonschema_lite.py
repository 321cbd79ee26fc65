"""JSON Schema, keyword by keyword, and against the reference library where it is there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.assess.jsonschema_lite import Problem, problems, unknown

NODE: dict[str, Any] = {
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    "$ref": "#/$defs/node",
}

FITS: list[tuple[Any, Any]] = [
    (1, True),
    (1, {"type": "integer"}),
    (1.0, {"type": "integer"}),
    (1, {"type": ["string", "number"]}),
    (None, {"type": "null"}),
    (None, {"type": "string", "nullable": True}),
    (0.3, {"multipleOf": 0.1}),
    (1, {"enum": [1.0, "a"]}),
    ({"a": [1]}, {"const": {"a": [1.0]}}),
    (5, {"minimum": 5, "maximum": 5}),
    (5, {"minimum": 5, "exclusiveMinimum": False, "exclusiveMaximum": 6}),
    ("ab", {"minLength": 2, "maxLength": 2, "pattern": "^a"}),
    ([1, "a", True], {"prefixItems": [{"type": "integer"}, {"type": "string"}]}),
    ([1, "a"], {"items": [{"type": "integer"}], "additionalItems": {"type": "string"}}),
    ([1, True], {"uniqueItems": True}),
    ([1, 2], {"contains": {"const": 2}, "maxContains": 1}),
    ([], {"contains": True, "minContains": 0}),
    ({"a": 1}, {"properties": {"a": {"type": "integer"}}, "additionalProperties": False}),
    ({"x_1": 1}, {"patternProperties": {"^x_": {"type": "integer"}}, "additionalProperties": False}),
    ({"b": 1}, {"dependentRequired": {"a": ["c"]}, "dependentSchemas": {"a": False}}),
    (1, {"anyOf": [{"type": "string"}, {"type": "integer"}], "not": {"type": "null"}}),
    (2, {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}),
    (3, {"if": {"minimum": 5}, "then": {"multipleOf": 5}}),
    ({"next": {"next": {}}}, NODE),
    ("x", {"$ref": "#/$defs/a~1b/0", "$defs": {"a/b": [{"type": "string"}]}}),
    ("x", {"$ref": "https://example.com/schema"}),
]  # fmt: skip


@pytest.mark.parametrize(("value", "schema"), FITS)
def test_what_fits(value: Any, schema: Any) -> None:
    assert problems(value, schema) == []


WRONG: list[tuple[Any, Any, str, str]] = [
    (1, False, "", "false"),
    (True, {"type": "integer"}, "", "type"),
    (True, {"type": ["number", "unheard-of"]}, "", "type"),
    (1.5, {"type": "integer"}, "", "type"),
    (True, {"enum": [1]}, "", "enum"),
    ({"a": [2]}, {"const": {"a": [1]}}, "", "const"),
    (4, {"minimum": 5}, "", "minimum"),
    (6, {"maximum": 5}, "", "maximum"),
    (5, {"exclusiveMinimum": 5}, "", "exclusiveMinimum"),
    (5, {"minimum": 5, "exclusiveMinimum": True}, "", "exclusiveMinimum"),
    (5, {"exclusiveMaximum": 5}, "", "exclusiveMaximum"),
    (0.35, {"multipleOf": 0.1}, "", "multipleOf"),
    ("a", {"minLength": 2}, "", "minLength"),
    ("abc", {"maxLength": 2}, "", "maxLength"),
    ("b", {"pattern": "^a"}, "", "pattern"),
    ([], {"minItems": 1}, "", "minItems"),
    ([1, 1.0], {"uniqueItems": True}, "", "uniqueItems"),
    ([1, "a"], {"items": {"type": "integer"}}, "/1", "type"),
    ([1, 2], {"items": [True], "additionalItems": False}, "/1", "false"),
    ([1], {"contains": {"const": 2}}, "", "contains"),
    ([2, 2], {"contains": {"const": 2}, "maxContains": 1}, "", "contains"),
    ({"a": 1}, {"maxProperties": 0}, "", "maxProperties"),
    ({}, {"required": ["a"]}, "", "required"),
    ({"a": 1}, {"dependentRequired": {"a": ["b"]}}, "", "dependentRequired"),
    ({"a": 1}, {"dependentSchemas": {"a": {"required": ["b"]}}}, "", "required"),
    ({"a/b~": 1}, {"additionalProperties": False}, "/a~1b~0", "additionalProperties"),
    ({"a": 1}, {"additionalProperties": {"type": "string"}}, "/a", "type"),
    ({"a": {"b": 1}}, {"properties": {"a": {"properties": {"b": {"type": "string"}}}}}, "/a/b", "type"),
    ({"a": 1}, {"propertyNames": {"minLength": 2}}, "/a", "propertyNames"),
    (1, {"allOf": [{"minimum": 5}]}, "", "minimum"),
    (1, {"anyOf": [{"type": "string"}]}, "", "anyOf"),
    (6, {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}, "", "oneOf"),
    (1, {"not": {"type": "integer"}}, "", "not"),
    (6, {"if": {"minimum": 5}, "then": {"multipleOf": 5}}, "", "multipleOf"),
    (1, {"if": {"minimum": 5}, "else": {"type": "string"}}, "", "type"),
    ({"next": {"next": 1}}, NODE, "/next/next", "type"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "schema", "path", "keyword"), WRONG)
def test_what_does_not_fit_is_told_by_place_and_word(
    value: Any, schema: Any, path: str, keyword: str
) -> None:
    assert problems(value, schema) == [Problem(path, keyword)]


def test_a_schema_that_cannot_be_read() -> None:
    for schema in ({"$ref": "#/$defs/none"}, {"pattern": "("}, {"allOf": ["text"]}):
        with pytest.raises(ValueError, match=r"schema|pattern"):
            problems("x", schema)


def test_a_schema_without_an_end() -> None:
    with pytest.raises(RecursionError):
        problems(1, {"$ref": "#"})


def test_what_is_not_covered_is_named() -> None:
    assert unknown({"type": "object", "properties": {"a": {"unevaluatedItems": False}}}) == ["unevaluatedItems"]  # fmt: skip
    assert unknown({"$ref": "other.json", "allOf": [{"$dynamicRef": "#x"}]}) == ["$dynamicRef", "$ref"]  # fmt: skip
    assert unknown({"not": {"$ref": "#anchor"}}) == ["$ref"]
    assert unknown({"properties": {"unevaluatedItems": {"type": "string"}}, "x-note": 1}) == []
    assert unknown(True) == []
    assert unknown(NODE) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)  # fmt: skip
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES,
            "enum": st.lists(JSON, min_size=1, max_size=3),
            "minimum": st.integers(-5, 5),
            "maxLength": st.integers(0, 3),
            "minItems": st.integers(0, 2),
            "uniqueItems": st.booleans(),
            "required": st.lists(st.sampled_from("ab"), unique=True),
            "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            "additionalProperties": st.booleans() | inner,
            "propertyNames": inner,
            "items": inner,
            "contains": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "if": inner,
            "then": inner,
        },
    )


SCHEMAS = st.recursive(schemas(st.booleans()), schemas, max_leaves=4)


@given(JSON, SCHEMAS)
def test_the_reference_library_agrees(value: Any, schema: Any) -> None:
    library = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    assert (not problems(value, schema)) == library.Draft202012Validator(schema).is_valid(value)


@given(JSON)
def test_every_value_fits_itself(value: Any) -> None:
    assert problems(value, {"const": value, "enum": [value]}) == []
    assert problems(value, {"not": {"const": value}}) == [Problem("", "not")]
