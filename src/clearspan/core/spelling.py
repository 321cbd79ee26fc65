"""What somebody may have meant who wrote a name that is not known."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from clearspan.core.loading import load

__all__ = ["close", "closest", "meant"]


def close(given: str, known: Collection[str], most: int) -> list[str]:
    """Those of `known` that read most like `given`."""
    library: Any = load("difflib")  # for who mistypes a name, and for nobody else
    found: list[str] = library.get_close_matches(given, known, most)
    return found


def closest(given: str, known: Collection[str]) -> str | None:
    """The one of `known` that reads most like `given`; `None` where none does."""
    found = close(given, known, 1)
    return found[0] if found else None


def meant(given: str, known: Collection[str]) -> str:
    """`; did you mean 'threshold'?` where one that is known reads like `given`, else nothing."""
    found = closest(given, known)
    return f"; did you mean {found!r}?" if found else ""
