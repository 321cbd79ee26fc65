"""About how many bytes a value keeps alive, or takes on its way: what queues and batches are bounded by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["weigh"]

_SCALAR: Final = 8


def weigh(value: Any) -> int:
    """The bytes of all texts (as UTF-8) in `value`, inside mappings, lists and tuples as well.

    A number weighs something in a list only, where there may be very many.
    """
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(weigh(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return sum(weigh(item) or _SCALAR for item in value)
    return 0
