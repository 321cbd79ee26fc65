"""What of a judge's answer is quoted from the material that it judges, and so is no verdict of its own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from clearspan.assess.judge.schema import Shape

__all__ = ["Quotable"]

_LONGEST = 8_192  # of an object without its spaces: a judge that is asked for a short one repeats no longer one


class Quotable:
    """The objects in `material` that have fields of `shape`; looked for when they are first asked for."""

    def __init__(self, material: str, shape: Shape) -> None:
        self._text = _squeezed(material)
        self._names = frozenset(name for name, _, _ in shape.fields)

    def holds(self, found: Mapping[str, Any], written: str) -> bool:
        """Whether the object is in the material as it is `written`, or with what it says in another order or quoting.

        What was left out of it, and spaces and capitals, make no other object of it.
        """
        if _squeezed(written) in self._text:
            return True
        said = self._said(found)
        return bool(said) and any(said <= other for other in self._objects)

    @cached_property
    def _objects(self) -> list[frozenset[tuple[str, str]]]:
        text = self._text
        # objects may stand in JSON's strings, or be written as Python does
        readings = dict.fromkeys((text, text.replace('\\"', '"'), text.replace("'", '"')))
        said = (self._said(found) for reading in readings for found in _decoded(reading))
        return list(dict.fromkeys(one for one in said if one))

    def _said(self, found: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
        """The fields that say something, as they are to be compared."""
        return frozenset(
            (name, _plain(value))
            for name, value in found.items()
            if name in self._names and value not in (None, "", [])
        )


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _squeezed(text).casefold()


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _decoded(text: str) -> Iterator[Mapping[str, Any]]:
    """The whole objects in a text, those within others and within broken ones too."""
    decoder = json.JSONDecoder(strict=False)
    at = text.find("{")
    while at >= 0:
        # bounded, for a hostile text may begin very many that have no end
        if text.startswith('{"', at):
            with contextlib.suppress(ValueError, RecursionError):
                yield decoder.raw_decode(text[at : at + _LONGEST])[0]
        at = text.find("{", at + 1)
