"""Truncation that keeps JSON valid: long strings are cut, and only then are messages left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clearspan.core import jsonfast

__all__ = ["fit"]

_NOTE = "…[{} more]"
_ROUNDS = 6
_SHORTEST = 16


def fit(value: Any, limit: int, encoded: str | None = None) -> tuple[Any, str]:
    """`value` and its JSON text of at most `limit` bytes of UTF-8; `encoded` where it is known.

    Strings are shortened to a common cap, at code points, so that short ones stay whole; each that
    was cut says how many characters are missing. If the structure alone is too large, elements are
    left out of the middle of the outermost list, whose ends matter most, and the element after the
    gap carries their number as `omitted_before`.
    """
    encoded = jsonfast.dumps(value) if encoded is None else encoded
    size = _size(encoded)
    if size <= limit:
        return value, encoded
    lengths: list[int] = []
    _texts(value, lengths.append)
    frame = _size(jsonfast.dumps(_cut(value, 0, "")))
    bytes_per_character = max(1.0, (size - frame) / max(1, sum(lengths)))
    room = (limit - frame) / bytes_per_character
    for _ in range(_ROUNDS):
        cap = _common_cap(lengths, int(room))
        if cap < _SHORTEST:
            break
        shortened = _cut(value, cap)
        encoded = jsonfast.dumps(shortened)
        if _size(encoded) <= limit:
            return shortened, encoded
        room *= 0.8  # what stayed is dearer than the average, by escapes or by its script
    return _thin(value, limit)


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
    left = max(0, budget)
    for position, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - position)
        if length > share:
            return share - len(_NOTE) - 8  # the note about what is missing takes room too
        left -= length
    return budget


def _cut(value: Any, cap: int, note: str = _NOTE) -> Any:
    if isinstance(value, str):
        return value if len(value) <= cap else value[:cap] + note.format(len(value) - cap)
    if isinstance(value, list):
        return [_cut(item, cap, note) for item in value]
    if isinstance(value, dict):
        if value.get("type") == "blob" and len(str(value.get("content", ""))) > cap:
            # Half a picture is no picture; its size says what was there.
            return {**value, "content": "", "omitted": len(value["content"])}
        return {key: _cut(item, cap, note) for key, item in value.items()}
    return value


def _thin(value: Any, limit: int) -> tuple[Any, str]:
    """Leave elements out of the middle until it fits; what is no list goes altogether."""
    if not isinstance(value, list):
        note = _NOTE.format("too large:")
        return note, jsonfast.dumps(note)
    sizes = [
        _size(jsonfast.dumps(_cut(item, _SHORTEST))) + len(',"omitted_before":00000000')
        for item in value
    ]
    first, last, used = 0, len(sizes), 2
    while first < last:
        # The newest messages first, then the oldest, in turn.
        take_last = (len(sizes) - last) <= first
        used += sizes[last - 1] if take_last else sizes[first]
        if used > limit:
            break
        first, last = (first, last - 1) if take_last else (first + 1, last)
    head = [_cut(item, _SHORTEST) for item in value[:first]]
    tail = [_cut(item, _SHORTEST) for item in value[last:]]
    if tail and last > first and isinstance(tail[0], dict):
        tail[0] = {**tail[0], "omitted_before": last - first}
    kept = head + tail
    return kept, jsonfast.dumps(kept)
