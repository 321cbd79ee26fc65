"""Patterns that somebody else wrote, tried so that they can do no harm: others run meanwhile, and it ends."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["SECONDS", "Pattern"]

SECONDS = 1.0
"""After so long a search is given up: patterns like `(a|aa)+$` would hardly ever end."""


class Pattern:
    """A pattern of the `regex` library, which understands Python's own and can be interrupted.

    `search` and `full` raise `TimeoutError` when it takes too long. Raises `ValueError` for one that cannot be read.
    """

    def __init__(self, pattern: str) -> None:
        library = import_module("regex")
        try:
            self._made: Any = library.compile(pattern)
        except library.error as error:
            raise ValueError(f"the pattern {pattern!r} cannot be read: {error}") from error

    def search(self, text: str) -> bool:
        """Whether it occurs anywhere in `text`."""
        return self._made.search(text, timeout=SECONDS, concurrent=True) is not None

    def full(self, text: str) -> bool:
        """Whether it describes all of `text`."""
        return self._made.fullmatch(text, timeout=SECONDS, concurrent=True) is not None
