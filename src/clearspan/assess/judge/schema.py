"""The shape of a verdict: a small flat JSON schema, and a lenient reader of what was meant for it.

The reasoning comes first, so that the verdict follows from it and not the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["UNKNOWN", "Field", "Shape", "labels", "number", "quotes", "text", "verdict"]

UNKNOWN = "unknown"
"""The label of a judge that cannot tell."""

Field = tuple[str, Mapping[str, Any], bool]
"""Name, schema, and whether an answer without it is of no use."""

_BOUNDS = ("maxLength", "minItems", "maxItems")


def text(name: str, longest: int = 1_200) -> Field:
    """A text."""
    return name, {"type": "string", "maxLength": longest}, False


def quotes(name: str, most: int = 8, *, needed: bool = False) -> Field:
    """A list of texts."""
    item = {"type": "string", "maxLength": 300}
    return name, {"type": "array", "items": item, "maxItems": most}, needed


def labels(name: str, choices: Sequence[str]) -> Field:
    """One of a few words."""
    return name, {"type": "string", "enum": list(choices)}, True


def number(name: str, lowest: int, highest: int) -> Field:
    """One of a few whole numbers."""
    return name, {"type": "integer", "enum": list(range(lowest, highest + 1))}, True


@dataclass(frozen=True)
class Shape:
    """The fields of an answer, in the order in which they are to be written.

    `contradicting` says of fields that are right one by one how they contradict each other; `None` where they do not.
    """

    fields: tuple[Field, ...]
    contradicting: Callable[[Mapping[str, Any]], str | None] | None = None

    def contradiction(self, found: Mapping[str, Any]) -> str | None:
        """How the fields of an answer contradict each other."""
        return None if self.contradicting is None else self.contradicting(found)

    def json(self, *, bounded: bool = True) -> dict[str, Any]:
        """As a strict JSON schema; without `bounded`, lengths are left out, which some servers refuse."""
        return {
            "type": "object",
            "properties": {
                name: dict(kind) if bounded else _unbounded(kind) for name, kind, _ in self.fields
            },
            "required": [name for name, _, _ in self.fields],
            "additionalProperties": False,
        }

    def read(self, found: Mapping[Any, Any]) -> dict[str, Any]:
        """The fields of `found`; raises `ValueError` for one that is needed and missing or wrong."""
        return {
            name: _value(name, kind, found.get(name), needed=needed)
            for name, kind, needed in self.fields
        }


def verdict(choices: Sequence[str], scale: tuple[int, int] | None = None) -> Shape:
    """Reasoning, quotes as evidence, then the label, then a number where there is a scale."""
    rated = (number("score", *scale),) if scale is not None else ()
    return Shape((text("reasoning"), quotes("evidence"), labels("label", choices), *rated))


def _unbounded(kind: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in kind.items() if key not in _BOUNDS}
    if "items" in kept:
        kept["items"] = _unbounded(kept["items"])
    return kept


def _value(name: str, kind: Mapping[str, Any], given: Any, *, needed: bool) -> Any:
    if given is None:
        if needed:
            raise ValueError(f"the field {name!r} is missing")
        return [] if kind["type"] == "array" else ""
    if kind["type"] == "array":
        listed = given if isinstance(given, list) else [given]
        fits = len(listed) >= kind.get("minItems", 0)
        if not fits:
            raise ValueError(f"the field {name!r} must have {kind['minItems']} items")
        return [_value(name, kind["items"], item, needed=needed) for item in listed]
    if kind["type"] == "integer":
        return _whole(name, kind["enum"], given)
    return _word(name, kind["enum"], given) if "enum" in kind else str(given)


def _whole(name: str, choices: Sequence[int], given: Any) -> int:
    said = str(given).strip()  # text and number alike; True is neither
    for choice in choices:
        if said in (str(choice), f"{choice}.0"):
            return choice
    raise ValueError(f"the field {name!r} must be one of {', '.join(map(str, choices))}")


def _word(name: str, choices: Sequence[str], given: Any) -> str:
    said = _plain(str(given))
    for choice in choices:
        if _plain(choice) == said:
            return choice
    raise ValueError(f"the field {name!r} must be one of {', '.join(choices)}")


def _plain(word: str) -> str:
    return word.strip().strip(".\"'").replace(" ", "_").replace("-", "_").casefold()
