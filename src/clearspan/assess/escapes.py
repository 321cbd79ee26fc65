"""Texts that are source: what stands in them once JSON's escapes are read, and where each character of that comes from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Reading", "firm", "like_json", "readings"]

_HEX = "[0-9a-fA-F]"
_ESCAPE = re.compile(
    rf"\\(?:u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}|u{_HEX}{{4}}|[\"\\/bfnrt])"
)
_BEGUN = re.compile(rf"\\(?:u{_HEX}{{0,3}})?\Z")
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_DEEPEST = 4  # JSON in a string of JSON, and so on
_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")


class Reading(NamedTuple):
    """A text without its escapes; `places` says where in the source each character begins, and where the last ends."""

    text: str
    places: Sequence[int]


def readings(source: str) -> list[Reading]:
    """`source` as read once, and again as long as there are escapes in what was read; nothing where there are none."""
    found: list[Reading] = []
    text, places = source, list(range(len(source) + 1)) if "\\" in source else []
    while len(found) < _DEEPEST and (read := _read(text)) is not None:
        text, places = read.text, [places[at] for at in read.places]
        found.append(Reading(text, places))
    return found


def firm(source: str) -> int:
    """How much of `source` is there to be read: at its end an escape may have only begun, at any depth."""
    begun = _begun(source)
    if begun < len(source):
        return firm(source[:begun])
    for reading in readings(source):
        begun = _begun(reading.text)
        if begun < len(reading.text):
            return firm(source[: reading.places[begun]])
    return len(source)


def like_json(text: str) -> bool:
    """Whether it begins as an object or a list of JSON does."""
    return _JSON.match(text) is not None


def _read(text: str) -> Reading | None:
    if "\\" not in text:
        return None
    made: list[str] = []
    places: list[int] = []
    at = 0
    for escape in _ESCAPE.finditer(text):
        start, end = escape.span()
        made += (text[at:start], _meant(escape[0]))
        places += range(at, start + 1)
        at = end
    if not made:
        return None
    made.append(text[at:])
    places += range(at, len(text) + 1)
    return Reading("".join(made), places)


def _meant(escape: str) -> str:
    if escape[1] != "u":
        return _SHORT.get(escape[1], escape[1])
    high = int(escape[2:6], 16)
    if len(escape) == 6:
        return chr(high)
    return chr(0x10000 + ((high - 0xD800) << 10) + int(escape[8:], 16) - 0xDC00)


def _begun(text: str) -> int:
    """Where an escape begins that the end of `text` cuts off; its length where none does."""
    begun = _BEGUN.search(text, max(0, len(text) - 6)) if "\\" in text[-6:] else None
    if begun is None:
        return len(text)
    run = len(text[: begun.start() + 1]) - len(text[: begun.start() + 1].rstrip("\\"))
    return begun.start() if run % 2 else len(text)
