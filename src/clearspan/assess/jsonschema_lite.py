"""Whether a value fits a JSON Schema (draft 2020-12), without any library and without the network.

Covered: `type`, `enum`, `const`, the bounds of numbers, strings, arrays and objects, `pattern`, `items` (also the
older form with a list), `prefixItems`, `additionalItems`, `contains`, `uniqueItems`, `properties`,
`patternProperties`, `additionalProperties`, `propertyNames`, `required`, `dependentRequired`, `dependentSchemas`,
`allOf`, `anyOf`, `oneOf`, `not`, `if`/`then`/`else`, and `$ref` by JSON Pointer within the schema. `format` is an annotation,
as the specification has it. `unknown` names what else a schema uses; whoever asks must then not take silence
for consent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from clearspan.assess.patterns import Pattern

__all__ = ["Problem", "problems", "unknown"]

DEPTH = 128
"""How deep a schema may lead, references included; deeper raises `RecursionError`."""

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "number": lambda value: _is_number(value),  # noqa: PLW0108 - defined below
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}

# Words under which further schemas stand: one, a list of them, or several by name.
_ONE = frozenset({
    "additionalItems", "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then",
})  # fmt: skip
_LIST = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_NAMED = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})
_PLAIN = frozenset({
    "$comment", "$id", "$ref", "$schema", "const", "contentEncoding", "contentMediaType", "contentSchema", "default",
    "dependentRequired", "deprecated", "description", "discriminator", "enum", "example", "examples",
    "exclusiveMaximum", "exclusiveMinimum", "format", "maxContains", "maxItems", "maxLength", "maxProperties",
    "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "nullable",
    "pattern", "readOnly", "required", "strict", "title", "type", "uniqueItems", "writeOnly",
})  # fmt: skip


class Problem(NamedTuple):
    """What does not fit: the place as a JSON Pointer (RFC 6901), and the word of the schema that says so."""

    path: str
    keyword: str


def unknown(schema: Any) -> list[str]:
    """The words of `schema` that this module does not check; other references than those within it by JSON Pointer
    are told as `$ref`.
    """
    return sorted(set(_strange(schema)))


def _strange(schema: Any) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        return
    for word, held in schema.items():
        if (word == "$ref" and not _is_local(held)) or (
            word not in _ONE | _LIST | _NAMED | _PLAIN and not word.startswith("x-")
        ):
            yield word
        for inner in _inner(word, held):
            yield from _strange(inner)


def _is_local(reference: Any) -> bool:
    return isinstance(reference, str) and (reference == "#" or reference.startswith("#/"))


def _inner(word: str, held: Any) -> list[Any]:
    if word in _NAMED and isinstance(held, Mapping):
        return list(held.values())
    if word in _LIST and isinstance(held, list):
        return held
    return [held] if word in _ONE else []


def problems(value: Any, schema: Any) -> list[Problem]:
    """All places where `value` (as `json.loads` gives it) does not fit `schema`; none where it does.

    Raises `ValueError` for a schema that cannot be read, `RecursionError` for one without an end, `TimeoutError`
    for a pattern that takes too long.
    """
    return list(_Check(schema).at(value, schema, "", DEPTH))


class _Check:
    """One schema that values are held against."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def at(self, value: Any, schema: Any, path: str, depth: int) -> Iterator[Problem]:
        """The problems of `value`, which stands at `path`."""
        if depth <= 0:
            raise RecursionError("a schema must have an end")
        if schema is True or schema is False:
            if schema is False:
                yield Problem(path, "false")
            return
        if not isinstance(schema, Mapping):
            raise ValueError(f"a schema is an object or a boolean, not {type(schema).__name__}")  # noqa: TRY004
        if value is None and schema.get("nullable") is True:
            return  # OpenAPI 3.0's word for it, which tools still use
        if _is_local(schema.get("$ref")):
            yield from self.at(value, self._referred(schema["$ref"]), path, depth - 1)
        for word in _plain(value, schema):
            yield Problem(path, word)
        yield from self._combined(value, schema, path, depth - 1)
        if isinstance(value, list):
            yield from self._array(value, schema, path, depth - 1)
        if isinstance(value, dict):
            yield from self._object(value, schema, path, depth - 1)

    def fits(self, value: Any, schema: Any, depth: int) -> bool:
        return next(self.at(value, schema, "", depth), None) is None

    def _referred(self, reference: str) -> Any:
        found = self._root
        for step in reference.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(name)] if isinstance(found, list) else found[name]
            except (LookupError, TypeError, ValueError) as error:
                raise ValueError(f"the schema has nothing at {reference}") from error
        return found

    def _combined(
        self, value: Any, schema: Mapping[str, Any], path: str, depth: int
    ) -> Iterator[Problem]:
        for part in schema.get("allOf", ()):
            yield from self.at(value, part, path, depth)
        options = schema.get("anyOf")
        if options is not None and not any(self.fits(value, each, depth) for each in options):
            yield Problem(path, "anyOf")
        options = schema.get("oneOf")
        if options is not None and sum(self.fits(value, each, depth) for each in options) != 1:
            yield Problem(path, "oneOf")
        if "not" in schema and self.fits(value, schema["not"], depth):
            yield Problem(path, "not")
        if "if" in schema:
            then = "then" if self.fits(value, schema["if"], depth) else "else"
            yield from self.at(value, schema.get(then, True), path, depth)

    def _array(
        self, value: list[Any], schema: Mapping[str, Any], path: str, depth: int
    ) -> Iterator[Problem]:
        items = schema.get("items", True)
        first: Sequence[Any] = schema.get("prefixItems", items if isinstance(items, list) else ())
        rest = schema.get("additionalItems", True) if isinstance(items, list) else items
        for index, item in enumerate(value):
            inner = first[index] if index < len(first) else rest
            yield from self.at(item, inner, f"{path}/{index}", depth)
        if "contains" in schema:
            hits = sum(self.fits(item, schema["contains"], depth) for item in value)
            if not schema.get("minContains", 1) <= hits <= schema.get("maxContains", math.inf):
                yield Problem(path, "contains")

    def _object(
        self, value: dict[str, Any], schema: Mapping[str, Any], path: str, depth: int
    ) -> Iterator[Problem]:
        named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        rest = schema.get("additionalProperties", True)
        for name, item in value.items():
            here = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
            inner = [named[name]] if name in named else []
            inner += [held for pattern, held in patterns.items() if Pattern(pattern).search(name)]
            if not inner and rest is False:
                yield Problem(here, "additionalProperties")
            elif not inner:
                inner = [rest]
            for each in inner:
                yield from self.at(item, each, here, depth)
            if not self.fits(name, schema.get("propertyNames", True), depth):
                yield Problem(here, "propertyNames")
        for name, held in schema.get("dependentSchemas", {}).items():
            if name in value:
                yield from self.at(value, held, path, depth)


def _plain(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """The words that need no further schema and that `value` does not fit."""
    wanted = schema.get("type")
    kinds = [wanted] if isinstance(wanted, str) else wanted or []
    if kinds and not any(_TYPES[kind](value) for kind in kinds if kind in _TYPES):
        yield "type"
    if "enum" in schema and not any(_same(value, each) for each in schema["enum"]):
        yield "enum"
    if "const" in schema and not _same(value, schema["const"]):
        yield "const"
    if _is_number(value):
        yield from _of_number(value, schema)
    elif isinstance(value, str):
        yield from _sized(len(value), schema, "minLength", "maxLength")
        if "pattern" in schema and not Pattern(schema["pattern"]).search(value):
            yield "pattern"
    elif isinstance(value, list):
        yield from _sized(len(value), schema, "minItems", "maxItems")
        if schema.get("uniqueItems") is True and len({_key(item) for item in value}) < len(value):
            yield "uniqueItems"
    elif isinstance(value, dict):
        yield from _sized(len(value), schema, "minProperties", "maxProperties")
        yield from _needed(value, schema)


def _of_number(value: float, schema: Mapping[str, Any]) -> Iterator[str]:
    if value < schema.get("minimum", -math.inf):
        yield "minimum"
    if value > schema.get("maximum", math.inf):
        yield "maximum"
    if value <= _exclusive(schema, "exclusiveMinimum", "minimum", -math.inf):
        yield "exclusiveMinimum"
    if value >= _exclusive(schema, "exclusiveMaximum", "maximum", math.inf):
        yield "exclusiveMaximum"
    step = schema.get("multipleOf")
    # As written: 0.3 is a multiple of 0.1, which binary fractions would deny.
    if step and Fraction(str(value)) % Fraction(str(step)) != 0:
        yield "multipleOf"


def _exclusive(schema: Mapping[str, Any], word: str, other: str, without: float) -> float:
    """An exclusive bound; in draft 4 the word was a boolean beside the inclusive one."""
    held = schema.get(word, without)
    if isinstance(held, bool):
        return schema.get(other, without) if held else without
    bound: float = held
    return bound


def _sized(size: int, schema: Mapping[str, Any], least: str, most: str) -> Iterator[str]:
    if size < schema.get(least, 0):
        yield least
    if size > schema.get(most, math.inf):
        yield most


def _needed(value: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    if any(name not in value for name in schema.get("required", ())):
        yield "required"
    for name, others in schema.get("dependentRequired", {}).items():
        if name in value and any(other not in value for other in others):
            yield "dependentRequired"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    """Equality as JSON has it: 1 is 1.0, and neither is true."""
    return _key(one) == _key(other)


def _key(value: Any) -> str:
    return json.dumps(_canonical(value), sort_keys=True)


def _canonical(value: Any) -> Any:
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, dict):
        return {name: _canonical(item) for name, item in value.items()}
    return int(value) if _is_number(value) and float(value).is_integer() else value
