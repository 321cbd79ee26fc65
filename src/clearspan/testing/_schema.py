"""The smallest value that a JSON Schema accepts, for answers to structured-output requests."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clearspan.testing._reading import Obj, array, integer, obj, string

_FORMATS = {
    "date-time": "2025-10-09T08:53:20Z",
    "date": "2025-10-09",
    "time": "08:53:20Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
# A schema that refers to itself without a way out has no finite value; the depth ends it.
_DEPTH = 40


def smallest(schema: object, root: Obj | None = None, depth: int = 0) -> object:
    """A minimal instance of the schema; a `pattern` is the one keyword it does not follow."""
    here = obj(schema)
    top = here if root is None else root
    if depth > _DEPTH:
        return None
    here = _resolved(here, top)
    if "const" in here:
        return here["const"]
    if array(here.get("enum")):
        return array(here["enum"])[0]
    if "default" in here and "type" not in here:
        return here["default"]
    options = array(here.get("anyOf")) or array(here.get("oneOf"))
    if options:
        return smallest(_simplest(options), top, depth + 1)
    return _typed(here, top, depth)


def _resolved(schema: Obj, root: Obj) -> Obj:
    """The schema with references followed and `allOf` folded in."""
    for _ in range(_DEPTH):
        reference = string(schema.get("$ref"))
        if not reference.startswith("#"):
            break
        target: object = root
        for step in reference.lstrip("#").strip("/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            target = obj(target).get(name) if name else target
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**obj(target), **rest}
    return _folded(schema, root)


def _folded(schema: Obj, root: Obj) -> Obj:
    parts = [_resolved(obj(part), root) for part in array(schema.get("allOf"))]
    for part in parts:
        properties = {**obj(schema.get("properties")), **obj(part.get("properties"))}
        required = [*array(schema.get("required")), *array(part.get("required"))]
        schema = {**schema, **part, "properties": properties, "required": required}
    return schema


def _simplest(options: Sequence[object]) -> object:
    """Prefer what needs no further structure, as `null` in an optional field."""
    plain = [option for option in options if not {"$ref", "properties"} & obj(option).keys()]
    null = [option for option in plain if obj(option).get("type") == "null"]
    return (null or plain or list(options))[0]


def _typed(schema: Obj, root: Obj, depth: int) -> object:
    kind = schema.get("type")
    kinds = array(kind) or [kind]
    if "null" in kinds:
        return None
    if "object" in kinds or "properties" in schema:
        return _object(schema, root, depth)
    if "array" in kinds:
        item = smallest(schema.get("items"), root, depth + 1)
        return [item] * integer(schema.get("minItems"), 0)
    if "string" in kinds:
        return _string(schema)
    if "integer" in kinds or "number" in kinds:
        return _number(schema, whole="integer" in kinds)
    return False if "boolean" in kinds else None


def _object(schema: Obj, root: Obj, depth: int) -> Obj:
    properties = obj(schema.get("properties"))
    required = [string(name) for name in array(schema.get("required"))]
    return {name: smallest(properties.get(name), root, depth + 1) for name in required}


def _string(schema: Obj) -> str:
    known = _FORMATS.get(string(schema.get("format")))
    return known or "text"[: integer(schema.get("maxLength"), 4)].ljust(
        integer(schema.get("minLength"), 0), "."
    )


def _number(schema: Obj, *, whole: bool) -> float:
    low = _bound(schema, "minimum", "exclusiveMinimum")
    high = _bound(schema, "maximum", "exclusiveMaximum")
    step = schema.get("multipleOf")
    size = float(step) if isinstance(step, int | float) else 1.0
    value = 0.0
    if low is not None and value < low[0] + low[1]:
        value = math.ceil(low[0] / size) * size
        value += size if low[1] and value == low[0] else 0.0
    elif high is not None and value > high[0] - high[1]:
        value = math.floor(high[0] / size) * size
        value -= size if high[1] and value == high[0] else 0.0
    if low is not None and high is not None and not whole and not low[0] <= value <= high[0]:
        value = (low[0] + high[0]) / 2
    return int(value) if whole else value


def _bound(schema: Obj, inclusive: str, exclusive: str) -> tuple[float, bool] | None:
    """A limit and whether it is itself out of bounds."""
    for name, strict in ((exclusive, True), (inclusive, False)):
        value = schema.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value), strict
    return None
