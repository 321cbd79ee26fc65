"""One JSON encoder for content: valid UTF-8, finite numbers, never an exception for odd values."""

from __future__ import annotations

import json
from typing import Any

from clearspan.core import read

__all__ = ["dumps", "loads"]

_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode


def dumps(value: Any) -> str:
    """`value` as compact JSON text that any UTF-8 consumer accepts.

    NaN and infinities become `null`, lone surrogates U+FFFD, unknown objects their type's name.
    """
    try:
        encoded = _encode(value)
    except (TypeError, ValueError, RecursionError):
        encoded = _encode(_finite(read.plain(value)))
    try:
        encoded.encode()
    except UnicodeEncodeError:
        return encoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return encoded


def loads(value: Any) -> Any:
    """The value of JSON text; the text itself (or whatever it was) when it is not JSON."""
    if not isinstance(value, (str, bytes)):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return value
