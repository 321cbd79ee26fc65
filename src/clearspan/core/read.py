"""Reading values of other libraries without trusting or running them.

Only dictionaries, lists, tuples, pydantic models and dataclasses are looked into, and always
through the storage that Python keeps for them: no property, no `__getattr__`, no `__iter__` of the
host is ever called. Anything else is opaque and stands for itself by its type's name.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from clearspan.record import Json

__all__ = ["count", "fields", "get", "items", "number", "plain", "snapshot", "text", "whole"]

_OPAQUE, _MAPPING, _MODEL, _DATACLASS = range(4)
_PRINTABLE = (
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    uuid.UUID,
)
_MAX_DEPTH = 12
_MAX_ITEMS = 1_000


@lru_cache(maxsize=512)
def _shape(cls: type[Any]) -> int:
    if issubclass(cls, dict):
        return _MAPPING
    for base in cls.__mro__:
        if base.__name__ == "BaseModel" and base.__module__.startswith("pydantic"):
            return _MODEL
    return _DATACLASS if "__dataclass_fields__" in vars(cls) else _OPAQUE


def fields(value: object) -> Mapping[str, Any] | None:
    """The fields of a dictionary, pydantic model or dataclass; `None` for anything else."""
    shape = _shape(type(value))  # type: ignore[arg-type]  # types are hashable
    if shape == _OPAQUE:
        return None
    if shape == _MAPPING:
        return value  # type: ignore[return-value]  # checked by its type just above
    found: dict[str, Any]
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:  # a dataclass with slots
        return _slots(value)
    if shape == _MODEL:
        extra = _extra(value)
        return {**found, **extra} if extra else found
    return found


def _slots(value: object) -> dict[str, Any]:
    names = type(value).__dataclass_fields__  # type: ignore[attr-defined]  # its shape says so
    return {name: object.__getattribute__(value, name) for name in names}


def _extra(value: object) -> dict[str, Any] | None:
    try:
        extra: dict[str, Any] | None = object.__getattribute__(value, "__pydantic_extra__")
    except AttributeError:  # pydantic 1 keeps the extra fields in __dict__
        return None
    return extra


def get(value: object, *path: str) -> Any:
    """Follow `path` through nested fields; `None` as soon as one is missing."""
    for name in path:
        cls = type(value)
        if cls is dict:
            value = value.get(name)  # type: ignore[attr-defined]  # exactly a dict
            continue
        found = fields(value)
        if found is None:
            return None
        value = dict.get(found, name) if isinstance(found, dict) else found.get(name)
    return value


def text(value: object, *path: str) -> str | None:
    """A non-empty string at `path`, else `None`."""
    found = get(value, *path)
    if isinstance(found, enum.Enum):
        found = found.value
    return str.__str__(found) if isinstance(found, str) and found else None


def whole(value: object, *path: str) -> int | None:
    """A whole number at `path`, else `None`; booleans are not numbers."""
    found = get(value, *path)
    return int(found) if isinstance(found, int) and not isinstance(found, bool) else None


def count(value: object, *path: str) -> int | None:
    """A whole number that is not negative at `path`, else `None`."""
    found = whole(value, *path)
    return found if found is not None and found >= 0 else None


def number(value: object, *path: str) -> float | None:
    """A finite number at `path` as a float, else `None`."""
    found = get(value, *path)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    try:
        converted = float(found)
    except OverflowError:
        return None
    return converted if converted - converted == 0 else None


def items(value: object, *path: str) -> list[Any]:
    """A list or tuple at `path` as a list; an empty list for anything else."""
    found = get(value, *path) if path else value
    if type(found) is list:
        return found
    return list(found) if type(found) is tuple else []


def snapshot(value: Any, depth: int, weight: list[int]) -> Any:
    """Copy the containers of `value` down to `depth`; strings and other leaves are shared.

    What the caller does with its lists afterwards is then invisible. `weight[0]` grows by the
    length of the strings and bytes met: a cheap measure of the memory that the copy keeps alive.
    """
    cls = type(value)
    if cls is str or cls is bytes:
        weight[0] += len(value)
    elif depth > 0:
        if cls is dict:
            return {key: snapshot(item, depth - 1, weight) for key, item in value.items()}
        if cls is list:
            return [snapshot(item, depth - 1, weight) for item in value]
        if cls is tuple:
            return tuple([snapshot(item, depth - 1, weight) for item in value])
        if _shape(cls) == _MODEL:  # type: ignore[arg-type]  # types are hashable
            return {
                key: snapshot(item, depth - 1, weight)
                for key, item in (fields(value) or {}).items()
            }
    return value


def plain(value: Any, depth: int = _MAX_DEPTH) -> Json:
    """`value` as JSON can hold it, running none of its code.

    Depth and breadth are bounded, so a cycle ends; what is not known is named by its type.
    """
    cls = type(value)
    if cls in (str, int, float, bool, type(None)):
        return value  # type: ignore[no-any-return]
    if isinstance(value, enum.Enum):
        return plain(value.value, depth)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return _plain_container(value, cls, depth)


def _plain_container(value: Any, cls: type, depth: int) -> Json:
    if cls in (list, tuple, set, frozenset):
        if depth <= 0:
            return "..."
        kept: list[Json] = []
        for item in value:
            if len(kept) >= _MAX_ITEMS:
                kept.append(f"... {len(value) - _MAX_ITEMS} more")
                break
            kept.append(plain(item, depth - 1))
        return kept
    if cls in (bytes, bytearray):
        return f"<{cls.__name__} of {len(value)} bytes>"
    if cls in _PRINTABLE or isinstance(value, pathlib.PurePath):
        return str(value)
    found = fields(value)
    if found is None:
        return f"<{cls.__module__}.{cls.__qualname__}>"
    if depth <= 0:
        return "..."
    names = list(dict.keys(found) if isinstance(found, dict) else found)[:_MAX_ITEMS]
    return {_key(name): plain(found[name], depth - 1) for name in names}


def _key(key: object) -> str:
    return key if type(key) is str else str(plain(key, 0))
