"""Reading untrusted JSON, and a server-sent-event decoder, with nothing from the library under test.

Every accessor answers with an empty value where the JSON does not hold what was hoped for, so that the
rules built on top of them can be written without a single type check.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from typing import cast

JsonMap = dict[str, object]


def as_map(value: object) -> JsonMap:
    """The object itself, or an empty one where it is anything but a JSON object."""
    return cast("JsonMap", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """The array itself, or an empty one where it is anything but a JSON array."""
    return cast("list[object]", value) if isinstance(value, list) else []


def maps(value: object) -> list[JsonMap]:
    """The objects of an array, everything else left out."""
    return [as_map(item) for item in as_list(value) if isinstance(item, dict)]


def as_text(value: object) -> str:
    """The string itself, or an empty one."""
    return value if isinstance(value, str) else ""


def as_count(value: object) -> int | None:
    """A whole number that is not negative; ``None`` for anything else, booleans included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if value == int(value) and value >= 0 else None


def as_number(value: object) -> float | None:
    """A number that is not a boolean, as a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value)


def parsed(source: str | bytes) -> tuple[bool, object]:
    """Whether the source is JSON, and what it holds."""
    try:
        return True, json.loads(source)
    except ValueError:
        return False, None


def first_text(values: Iterable[object]) -> str | None:
    """The first string that is not empty."""
    return next((value for value in values if isinstance(value, str) and value), None)


def base64_size(content: str) -> int | None:
    """How many bytes a base64 string stands for; ``None`` where it is not base64."""
    padded = content + "=" * (-len(content) % 4)
    try:
        return len(base64.b64decode(padded))
    except (binascii.Error, ValueError):
        return None


def events(content: bytes) -> Iterator[str]:
    """The data of each server-sent event that OpenAI's client takes note of.

    A blank line ends an event; what the end of the stream cuts off is dropped, comments too. Unlike the standard, the
    client takes note of an event without data when it has another field, or once any event had an id.
    """
    held: list[str] = []
    named = numbered = False
    text = content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    *lines, _unfinished = text.split("\n")
    for line in lines:
        name, _, value = line.partition(":")
        if not line:
            if held or named or numbered:
                yield "\n".join(held)
            held, named = [], False
        elif name == "data":
            held.append(value.removeprefix(" "))
        elif name == "id":
            numbered = numbered or bool(value.strip())
        elif name == "event":
            named = bool(value.strip())


def delivered(content: bytes) -> tuple[list[JsonMap], JsonMap | None, bool]:
    """What a client hands on from an event stream.

    Returns the objects up to ``[DONE]``; the object whose ``error`` ended the stream (``None`` without one); and
    whether the stream broke on data that is not JSON.
    """
    objects: list[JsonMap] = []
    for data in events(content):
        if data.startswith("[DONE]"):
            break
        valid, value = parsed(data)
        if not valid:
            return objects, None, True
        entry = as_map(value)
        if entry.get("error"):
            return objects, entry, False
        objects.append(entry)
    return objects, None, False
