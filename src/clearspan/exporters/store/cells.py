"""What a cell of the store may hold, made from what came from anywhere. Knows no OpenTelemetry.

A column is filled only by a value of its own type: what another program put under a standard name
with another type stays visible in `attributes`, and leaves the column empty.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from typing import TypeAlias, cast

from clearspan.core import jsonfast

__all__ = ["Row", "Value", "as_json", "clean", "number", "text", "whole"]

Value: TypeAlias = str | int | float | None
Row: TypeAlias = tuple[Value, ...]

_LARGEST = 2**63


def text(value: object) -> str | None:
    """A text that is not empty."""
    return clean(value) if isinstance(value, str) and value else None


def clean(value: str) -> str:
    """`value` without the lone surrogates that SQLite, like any UTF-8 consumer, refuses."""
    if value.isascii():
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def whole(value: object) -> int | None:
    """A whole number that SQLite can hold."""
    if isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST:
        return int(value)
    return None


def number(value: object) -> int | float | None:
    """A number as SQLite can hold it: infinite and unbounded ones are not known values."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    return whole(value)


def as_json(value: object) -> str:
    """Compact JSON text; bytes in base64, as in OTLP's own JSON."""
    try:
        encoded = _encode(value)
    except (TypeError, ValueError, RecursionError):
        return jsonfast.dumps(_bare(value))
    return clean(encoded)


def _bare(value: object) -> object:
    """The outermost containers as `jsonfast` knows them."""
    if isinstance(value, Mapping):
        given = cast("Mapping[object, object]", value)
        return {str(key): _bare(item) for key, item in given.items()}
    return value


def _unusual(value: object) -> object:
    """What the `json` module does not know and OpenTelemetry's attributes may hold."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value).items())
    if isinstance(value, (Sequence, AbstractSet)):
        return list(cast("Iterable[object]", value))
    return f"<{type(value).__qualname__}>"


_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_unusual
).encode
