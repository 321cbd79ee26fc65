"""Looking things up by a name, or by a pattern of names in which `*` stands for any text."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Generic, TypeVar

__all__ = ["Names"]

T = TypeVar("T")
_REMEMBERED = 512


class Names(Generic[T]):
    """Finds what was given for a name, in any case: its own entry first, then the longest pattern's."""

    def __init__(self, entries: Mapping[str, T]) -> None:
        # By how much of the name they spell out, so that `*` alone comes last.
        ordered = sorted(entries.items(), key=lambda entry: (_open(entry[0]), -_said(entry[0])))
        self._entries = tuple((_pattern(name), value) for name, value in ordered)
        # What is remembered goes with its owner, which is one for each pipeline.
        self.all = functools.lru_cache(maxsize=_REMEMBERED)(self._all)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def _all(self, name: str) -> tuple[T, ...]:
        return tuple(value for pattern, value in self._entries if pattern.fullmatch(name))


def _open(name: str) -> bool:
    return "*" in name


def _said(name: str) -> int:
    return len(name.replace("*", ""))


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, name.split("*"))), re.IGNORECASE | re.DOTALL)
