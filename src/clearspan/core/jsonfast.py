"""One JSON encoder for content: valid UTF-8, finite numbers, never an exception for odd values."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from clearspan.core import read
from clearspan.core.loading import load

__all__ = ["attribute", "dumps", "encoded", "loads", "valid"]

_SCALARS = {str, int, float, bool}

_DEPTH = 64
_BREADTH = 100_000

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
        encoded = _encode(read.plain(value, _DEPTH, _BREADTH, _BREADTH))
    return valid(encoded)


def encoded(value: Any) -> str:
    """The same for what holds Python's own texts, numbers, lists and dictionaries only, several times as fast.

    Of anything else another text might come than by `dumps`, which takes it to be what it is named.
    """
    try:
        return str(_swift()(value), "utf-8")
    # Halves of surrogate pairs, numbers beyond 64 bits; or a child that was forked off while something was loading.
    except (TypeError, ValueError, OverflowError, RecursionError, ImportError):
        return dumps(value)


@functools.cache
def _swift() -> Callable[[Any], bytes]:
    """The encoder: made by whoever encodes first, as it takes a while to load."""
    library: Any = load("msgspec.json")
    encode: Callable[[Any], bytes] = library.Encoder().encode
    return encode


def valid(text: str) -> str:
    """`text` as UTF-8 can hold it: halves of a surrogate pair are joined, lone ones become U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def loads(value: Any) -> Any:
    """The value of JSON text; the text itself (or whatever it was) when it is not JSON."""
    if not isinstance(value, (str, bytes)):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def attribute(value: Any) -> Any:
    """`value` as an attribute can hold it: a scalar, a list of one kind of scalars, else JSON text.

    Empty containers are nothing: `None`.
    """
    plain = read.plain(value)
    if not isinstance(plain, (list, dict)):
        return plain
    kinds = {type(item) for item in plain} if isinstance(plain, list) else set[type]()
    if len(kinds) == 1 and kinds <= _SCALARS:
        return plain
    return dumps(plain) if plain else None
