"""Truncation that keeps JSON valid: long strings are cut, and only then are messages left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clearspan.core import jsonfast
from clearspan.core.marks import cut

__all__ = ["fit"]

_NOTE_ROOM = 40
_TOO_LARGE = "…[too large]"
_SHORTEST = 16


def fit(value: Any, limit: int) -> tuple[Any, str]:
    """`value` and its JSON text of at most `limit` bytes of UTF-8.

    Strings are shortened to a common cap, at code points, so that short ones stay whole; each that
    was cut says how many characters are missing. If the structure alone is too large, elements are
    left out of the middle of the outermost list, whose ends matter most, and the element after the
    gap carries their number as `omitted_before`.
    """
    encoded = jsonfast.encoded(value)
    size = _size(encoded)
    if size <= limit:
        return value, encoded
    lengths: list[int] = []
    _texts(value, lengths.append)
    frame = _size(jsonfast.encoded(_cut(value, 0, bare=True)))
    room = _room(sum(lengths), frame, size, limit)
    while (cap := _common_cap(lengths, int(room))) >= _SHORTEST:
        shortened = _cut(value, cap)
        encoded = jsonfast.encoded(shortened)
        size = _size(encoded)
        if size <= limit:
            return shortened, encoded
        room = _room(room, frame, size, limit)
    return _thin(value, limit)


def _room(characters: float, frame: int, size: int, limit: int) -> float:
    """How many characters may stay, when this many took `size` bytes: less each time it is asked.

    What one costs depends on its script and on escapes, so each answer is tried.
    """
    return characters * 0.98 * max(0, limit - frame) / max(1, size - frame)


def _size(encoded: str) -> int:
    return len(encoded) if encoded.isascii() else len(encoded.encode())


def _texts(value: Any, note: Callable[[int], None]) -> None:
    if isinstance(value, str):
        note(len(value))
    elif isinstance(value, list):
        for item in value:
            _texts(item, note)
    elif isinstance(value, dict):
        for item in value.values():
            _texts(item, note)


def _common_cap(lengths: list[int], budget: int) -> int:
    """The cap at which strings of these lengths, each cut to it, add up to `budget` at most."""
    left = budget
    for position, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - position)
        if length > share:
            return share - _NOTE_ROOM  # the note about what is missing takes room too
        left -= length
    return budget


def _cut(value: Any, cap: int, *, bare: bool = False) -> Any:
    """`value` with every string cut to `cap` characters; `bare` leaves the notes away."""
    if isinstance(value, str):
        return value[:cap] if bare else cut(value, cap)
    if isinstance(value, list):
        return [_cut(item, cap, bare=bare) for item in value]
    if isinstance(value, dict):
        return {key: _cut(item, cap, bare=bare) for key, item in _fields(value, cap)}
    return value


def _fields(value: dict[str, Any], cap: int) -> list[tuple[str, Any]]:
    content = value.get("content")
    if value.get("type") != "blob" or not isinstance(content, str) or len(content) <= cap:
        return list(value.items())
    # Half a picture is no picture; its size says what was there.
    return [*{**value, "content": ""}.items(), ("omitted", len(content))]


def _thin(value: Any, limit: int) -> tuple[Any, str]:
    """Leave elements out of the middle until it fits; what is no list goes altogether."""
    if not isinstance(value, list):
        return _TOO_LARGE, jsonfast.encoded(_TOO_LARGE)
    short = [_cut(item, _SHORTEST) for item in value]
    sizes = [_size(jsonfast.encoded(item)) + len(',"omitted_before":00000000') for item in short]
    first, last, used = 0, len(sizes), 2
    while first < last:
        # The newest messages first, then the oldest, in turn.
        take_last = (len(sizes) - last) <= first
        used += sizes[last - 1] if take_last else sizes[first]
        if used > limit:
            break
        first, last = (first, last - 1) if take_last else (first + 1, last)
    tail = short[last:]
    if tail and last > first and isinstance(tail[0], dict):
        tail[0] = {**tail[0], "omitted_before": last - first}
    kept = short[:first] + tail
    return kept, jsonfast.encoded(kept)
