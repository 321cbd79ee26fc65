"""How a text that was cut says so."""

from __future__ import annotations

import re

__all__ = ["cut", "length", "noted"]

_NOTE = "…[{} more]"
_ROOM = 40
# Finds the remark at the end of a text; its group is the number.
_NOTED = re.compile(r"…\[(\d{1,18}) more\]\Z")


def noted(kept: str, missing: int) -> str:
    """`kept` with the remark that so many more characters were there."""
    return kept + _NOTE.format(missing)


def length(text: str) -> int:
    """How many characters a text has, or had before it was cut."""
    bare, missing = _apart(text)
    return bare + missing


def cut(text: str, longest: int) -> str:
    """Of a text of more than `longest` characters these, and one remark that tells of all that is missing."""
    if len(text) <= longest:
        return text
    bare, missing = _apart(text)
    kept = min(bare, longest)
    return noted(text[:kept], bare - kept + missing)


def _apart(text: str) -> tuple[int, int]:
    """How many characters stand before the remark, and how many it tells of."""
    before = _NOTED.search(text[-_ROOM:])
    return (
        (len(text), 0)
        if before is None
        else (len(text) - len(before.group()), int(before.group(1)))
    )
