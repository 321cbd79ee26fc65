"""Files of JSON: one value a line, or one value in all. Lines are read one at a time, errors say where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from clearspan.offline.errors import SourceError

__all__ = ["Line", "count", "first", "lines", "one_a_line", "value_at", "whole"]

_BOM = b"\xef\xbb\xbf"
_BLOCK = 1 << 20


class Line(NamedTuple):
    """A line that is not blank: its number from 1, where it begins (bytes), and the value of its JSON.

    The value of one that is no JSON is the `SourceError` that says so, where that was asked for.
    """

    number: int
    offset: int
    value: Any


def count(path: Path) -> int:
    """How many lines there are, read without looking into them."""
    found, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found += block.count(b"\n")
            last = block[-1:]
    return found + (last != b"\n")


def first(path: Path) -> bytes:
    """The first line that is not blank; empty where there is none."""
    with path.open("rb") as file:
        return next((bare for line in file if (bare := line.removeprefix(_BOM).strip())), b"")


def one_a_line(path: Path) -> bool:
    """Whether a value ends with the first line; else it is one document over many lines.

    A first line that is broken in its middle is a broken line, and no document.
    """
    try:
        json.loads(first(path).decode())
    except json.JSONDecodeError as error:
        return error.pos < len(error.doc)
    except (ValueError, RecursionError):
        return True
    return True


def lines(path: Path, name: str | None = None, *, broken: bool = False) -> Iterator[Line]:
    """The lines that are not blank, of a file that is called `name` in messages.

    Raises `SourceError` for one that is no JSON; with `broken` that is the line's value instead.
    """
    label = name or str(path)
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and line.strip() != _BOM:
                yield Line(number, offset, _value(line, f"{label}:{number}", broken=broken))
            offset += len(line)


def value_at(path: Path, offset: int, number: int, name: str | None = None, *, broken: bool = False) -> Any:  # fmt: skip
    """The value of the line that begins there, as `lines` tells it."""
    with path.open("rb") as file:
        file.seek(offset)
        return _value(file.readline(), f"{name or path}:{number}", broken=broken)


def whole(path: Path, name: str | None = None) -> Any:
    """The value of a file that is one JSON document over many lines."""
    return _parsed(path.read_bytes(), name or str(path))


def _value(line: bytes, place: str, *, broken: bool) -> Any:
    try:
        return _parsed(line, place)
    except SourceError as error:
        if broken:
            return error
        raise


def _parsed(text: bytes, place: str) -> Any:
    try:
        return cast("object", json.loads(text.removeprefix(_BOM).decode()))
    except UnicodeDecodeError as error:
        raise SourceError(place, f"is no UTF-8 ({error.reason} at byte {error.start})") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column" if error.lineno > 1 else "column"
        raise SourceError(place, f"is no JSON: {error.msg} at {where} {error.colno}") from error
    except ValueError as error:
        raise SourceError(place, f"has a number that is too long: {error}") from error
    except RecursionError as error:
        raise SourceError(place, "is nested too deep") from error
