"""About how many bytes a value keeps alive: what queues are bounded by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["weigh"]


def weigh(value: Any) -> int:
    """The length of all texts and bytes in `value`, inside mappings, lists and tuples as well."""
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, Mapping):
        return sum(weigh(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return sum(weigh(item) for item in value)
    return 0
