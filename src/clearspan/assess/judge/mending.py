"""What small models write instead of JSON, read as what they meant: the whole answer or nothing."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["mended"]

_FENCED = re.compile(r"```(?:json|python)?\s*(.*?)\s*```", re.DOTALL | re.IGNORECASE)
_TRAILING = re.compile(r",\s*(?=[}\]])")
_BARE_NAME = re.compile(r"([{,]\s*)([A-Za-z_]\w{0,60})(?=\s*:)")
_LONGEST = 16_384
_MOST_MISSING = 3


def mended(answer: str) -> Mapping[str, Any] | None:
    """The object that an answer is which is no JSON: by a comma too many, a brace too few, or Python's quotes.

    Also one that stands as a text within JSON. An answer that is more than its object is not looked at: what it quotes
    must not become a verdict.
    """
    text = answer.strip()
    fenced = _FENCED.fullmatch(text)
    text = text if fenced is None else fenced[1]
    if len(text) > _LONGEST or not text.startswith(("{", '"')):
        return None
    return next(filter(None, map(_object, _readings(text))), None)


def _readings(text: str) -> Iterator[str]:
    """The text, and closer and closer to JSON."""
    yield text
    text = _TRAILING.sub("", text)
    yield text
    yield _BARE_NAME.sub(r'\1"\2"', text)
    for missing in range(1, _MOST_MISSING + 1):
        yield text + "}" * missing
        yield f"{text}]{'}' * missing}"


def _object(text: str) -> Mapping[str, Any] | None:
    found: Any
    try:
        found = json.loads(text, strict=False)
        if isinstance(found, str):  # once more: JSON within a string
            found = json.loads(found, strict=False)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    return found if isinstance(found, Mapping) else None
