"""What somebody may have meant who wrote a name that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Collection

__all__ = ["closest", "meant"]


def closest(given: str, known: Collection[str]) -> str | None:
    """The one of `known` that reads most like `given`; `None` where none does."""
    close = difflib.get_close_matches(given, known, 1)
    return close[0] if close else None


def meant(given: str, known: Collection[str]) -> str:
    """`; did you mean 'threshold'?` where one that is known reads like `given`, else nothing."""
    close = closest(given, known)
    return f"; did you mean {close!r}?" if close else ""
