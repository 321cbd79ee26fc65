"""JSON out of an answer: the whole text, or what stands in its last fenced block."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

__all__ = ["Document", "NotJson", "read"]

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*(\w*)[^\n]*$", re.MULTILINE)
_LANGUAGES = ("", "json", "jsonc", "json5")


class NotJson(ValueError):
    """A text is no JSON (RFC 8259). The message tells where, and quotes nothing."""


class Document(NamedTuple):
    """A value, and whether it stood in a fenced block."""

    value: Any
    fenced: bool


def read(text: str, *, strict: bool) -> Document:
    """The JSON value of an answer; with `strict` the text must be that and nothing else.

    Else it may stand in a fenced block; of several, the last that says `json`, or nothing, counts.
    Raises `NotJson`, also for `NaN` and `Infinity`, which are no JSON.
    """
    try:
        return Document(_loads(text), fenced=False)
    except NotJson:
        block = None if strict else _block(text)
        if block is None:
            raise
    return Document(_loads(block), fenced=True)


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except ValueError as error:
        raise NotJson("a number that JSON readers refuse") from error
    except RecursionError:
        raise NotJson("nested too deeply") from None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _block(text: str) -> str | None:
    """What stands in the last fenced block that may be JSON."""
    found, opened = None, None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif not fence[2] and fence[1].startswith(opened[1]):
            if opened[2].lower() in _LANGUAGES:
                found = text[opened.end() : fence.start()]
            opened = None
    return found
