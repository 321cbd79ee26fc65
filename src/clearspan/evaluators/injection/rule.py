"""A rule: what it is called, how much it tells, and the pattern that it is met by."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Rule", "rule"]


class Rule(NamedTuple):
    """`keys`: one of these must be in the text, else the pattern is not tried. `order`: not counted when told of.

    `musing`: not counted in a question about such things.
    """

    name: str
    points: float
    keys: tuple[str, ...]
    pattern: re.Pattern[str]
    order: bool = False
    musing: bool = False


def rule(name: str, points: float, keys: str, pattern: str, *, order: bool = False, musing: bool = False) -> Rule:  # fmt: skip
    """A rule for words in lower case with one space between them; `keys` with bars between."""
    return Rule(name, points, tuple(keys.split("|")), re.compile(pattern), order, musing)
