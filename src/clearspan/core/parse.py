"""Reading settings from text or objects: each function answers a value or says what would be right."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

__all__ = [
    "LEAST_STORE",
    "duration",
    "flag",
    "having",
    "names",
    "one_of",
    "pairs",
    "path",
    "pricing",
    "share",
    "size",
    "spelt_duration",
    "spelt_size",
    "spool",
    "store_size",
    "text",
    "url",
    "whole",
]

LEAST_STORE = 512 * 1024
"""Bytes: in less the tables of a store and its log alone would not fit."""

_UNITS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SIZES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}
_SPELT_UNITS = (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0))
_SPELT_SIZES = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_MIN_SIZE = 1024


def having(method: str) -> Callable[[Any], Any]:
    """An object with that method."""

    def read(value: Any) -> Any:
        if not callable(getattr(value, method, None)):
            raise TypeError(f"must be an OpenTelemetry provider, with a method {method}")
        return value

    return read


def text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text that is not empty")
    return value.strip()


def flag(value: Any) -> bool:
    """True or false, in the usual spellings."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError("use true or false")


def one_of(*allowed: str) -> Callable[[Any], str]:
    """One of the allowed words, in any case."""

    def read(value: Any) -> str:
        word = str(value).strip().lower()
        if word not in allowed:
            raise ValueError(f"use one of {', '.join(allowed)}")
        return word

    return read


def url(value: Any) -> str:
    """An http or https address with a host."""
    found = text(value)
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("use an address such as http://localhost:4318")
    if parts.username or parts.password:
        raise ValueError("must not hold a user or password; use headers")
    _ = parts.port  # raises when it is no number
    return found


def path(value: Any) -> str:
    """A file's path as text."""
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError("use the path of a file")
    return text(value if isinstance(value, str) else os.fsdecode(value))


def spool(value: Any) -> bool | str:
    """Yes, no, or a file's path as text."""
    try:
        return flag(value)
    except ValueError:
        return path(value)


def judge(value: Any) -> Any:
    """An address, or an object that is asked."""
    return text(value) if isinstance(value, str) else value


def pricing(value: Any) -> Any:
    """A table as a mapping, a file's path, or `off`."""
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError("use a price table (a mapping), the path of a JSON file, or 'off'")
    return path(value)


def pairs(value: Any) -> dict[str, str]:
    """A mapping, or `name=value,name=value`."""
    if isinstance(value, Mapping):
        return {str(name): str(item) for name, item in value.items()}
    found: dict[str, str] = {}
    for item in filter(None, (piece.strip() for piece in text(value).split(","))):
        name, equals, content = item.partition("=")
        if not equals or not name.strip():
            raise ValueError("use name=value, separated by commas")
        found[name.strip()] = content.strip()
    return found


def names(value: Any) -> tuple[Any, ...]:
    """A list, or names separated by commas."""
    if isinstance(value, str):
        return tuple(piece.strip() for piece in value.split(",") if piece.strip())
    if isinstance(value, Iterable):
        return tuple(value)
    raise TypeError("must be a list")


def share(value: Any) -> float:
    """A number from 0 to 1."""
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0.0 <= found <= 1.0:
        raise ValueError("must be a number from 0 to 1")
    return found


def whole(least: int) -> Callable[[Any], int]:
    """A whole number of at least `least`."""

    def read(value: Any) -> int:
        try:
            found = least - 1 if isinstance(value, bool) else int(value)
        except (ValueError, TypeError):
            found = least - 1
        if found < least:
            raise ValueError(f"must be a whole number of at least {least}")
        return found

    return read


def duration(value: Any) -> float:
    """Seconds: a number above 0, or one with a unit (ms, s, m, h, d, w)."""
    return _measured(value, _UNITS, "use seconds, or a number with ms, s, m, h, d or w")


def size(value: Any, least: int = _MIN_SIZE) -> int:
    """Bytes: a number of at least `least`, or one with a unit (KB, MB, GB, KiB, MiB, GiB)."""
    found = int(_measured(value, _SIZES, "use bytes, or a number with KB, MB, GB, KiB, MiB or GiB"))
    if found < least:
        raise ValueError(f"must be at least {least} bytes")
    return found


def store_size(value: Any) -> int:
    """The same for a store: at least `LEAST_STORE`."""
    return size(value, LEAST_STORE)


def spelt_duration(seconds: float) -> str:
    """As somebody would write it: `2s`, `7d`; `duration` reads it back."""
    for unit, length in _SPELT_UNITS:
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds * 1e3:g}ms" if seconds < 1 else f"{seconds!r}s"


def spelt_size(count: int) -> str:
    """As somebody would write it: `32MiB`, `1000`; `size` reads it back."""
    for unit, length in _SPELT_SIZES:
        if count >= length and count % length == 0:
            return f"{count // length}{unit}"
    return str(count)


def _measured(value: Any, units: Mapping[str, float], remedy: str) -> float:
    if isinstance(value, bool):
        raise TypeError(remedy)
    if isinstance(value, (int, float)):
        value = f"{value:f}"
    found = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(value))
    if found is None or found.group(2).lower() not in units:
        raise ValueError(remedy)
    if float(found.group(1)) <= 0:
        raise ValueError("must be above 0")
    return float(found.group(1)) * units[found.group(2).lower()]
