"""What the definitions of functions cost, by the rules of OpenAI's cookbook.

The constants are the published ones; OpenAI calls the result an estimate, and so does clearspan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from clearspan.core import jsonfast, read

__all__ = ["tokens"]

_DEPTH = 8


class _Overhead(NamedTuple):
    function: int
    properties: int = 3
    property: int = 3
    choices: int = -3
    choice: int = 3
    end: int = 12


_NEWER, _OLDER = _Overhead(7), _Overhead(10)


def tokens(
    definitions: Iterable[Mapping[str, Any]], encode: Callable[[str], int], encoding: str | None
) -> int:
    """What the definitions of all tools cost; those that are no functions are counted as their JSON text."""
    overhead = _OLDER if encoding == "cl100k_base" else _NEWER
    costs = [_tool(definition, encode, overhead) for definition in definitions]
    return sum(costs) + (overhead.end if costs else 0)


def _tool(definition: Mapping[str, Any], encode: Callable[[str], int], overhead: _Overhead) -> int:
    name = read.text(definition, "name") or ""
    described = (read.text(definition, "description") or "").removesuffix(".")
    cost = overhead.function + encode(f"{name}:{described}")
    return cost + _properties(read.get(definition, "parameters"), encode, overhead, _DEPTH)


def _properties(schema: Any, encode: Callable[[str], int], overhead: _Overhead, depth: int) -> int:
    fields = read.fields(read.get(schema, "properties")) or {}
    if not fields or depth <= 0:
        return 0
    return overhead.properties + sum(
        _property(name, held, encode, overhead, depth) for name, held in dict.items(fields)
    )


def _property(
    name: Any, held: Any, encode: Callable[[str], int], overhead: _Overhead, depth: int
) -> int:
    kind = read.text(held, "type") or ""
    described = (read.text(held, "description") or "").removesuffix(".")
    choices = list(_choices(held))
    cost = overhead.property + encode(f"{name}:{kind}:{described}")
    if choices:
        cost += overhead.choices + sum(overhead.choice + encode(each) for each in choices)
    return cost + sum(
        _properties(inner, encode, overhead, depth - 1) for inner in (held, read.get(held, "items"))
    )


def _choices(held: Any) -> Iterator[str]:
    for choice in read.items(held, "enum"):
        yield read.text(choice) or jsonfast.dumps(read.plain(choice))
