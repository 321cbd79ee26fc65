"""About how many bytes a value keeps alive, or takes on its way: what queues and batches are bounded by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["weigh"]

_SCALAR: Final = 8
_PLAIN: Final = (int, float, bool)


def weigh(value: Any) -> int:
    """The bytes of all texts (as UTF-8) in `value`, inside mappings, lists and tuples as well.

    A number weighs something in a list only, where there may be very many.
    """
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if value is None or type(value) in _PLAIN:
        return 0
    if isinstance(value, bytes):
        return len(value)
    if type(value) is dict:
        return _of_values(value)
    if isinstance(value, Mapping):
        return sum(map(weigh, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(weigh(item) or _SCALAR for item in value)
    return 0


def _of_values(held: dict[Any, Any]) -> int:
    """The same of a dictionary's values, which mostly are plain texts and numbers."""
    total = 0
    for value in held.values():
        cls = type(value)
        if cls is str and value.isascii():
            total += len(value)
        elif value is not None and cls not in _PLAIN:
            total += weigh(value)
    return total
