"""How a text that was cut says so."""

from __future__ import annotations

import re

__all__ = ["NOTED", "length", "noted"]

_NOTE = "…[{} more]"
_ROOM = 40
NOTED = re.compile(r"…\[(\d{1,18}) more\]\Z")
"""Finds the remark at the end of a text; its group is the number."""


def noted(kept: str, missing: int) -> str:
    """`kept` with the remark that so many more characters were there."""
    return kept + _NOTE.format(missing)


def length(text: str) -> int:
    """How many characters a text has, or had before it was cut."""
    before = NOTED.search(text[-_ROOM:])
    return len(text) if before is None else len(text) - len(before.group()) + int(before.group(1))
