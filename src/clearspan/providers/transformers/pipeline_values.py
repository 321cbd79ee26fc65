"""What goes into a pipeline and comes out of it, in few words: texts, labels, scores and boxes as they are.

Of pictures, sound, arrays, tensors and vectors only what they are is said, never what is in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import prod
from typing import Any

from clearspan.core import read
from clearspan.providers.transformers.parameters import inner

__all__ = ["Opaque", "Thing", "compact", "width"]

_DEPTH = 8
_WIDE = 100
_NODES = 2_000
_NUMBERS = 64  # so many are still boxes and scores; more are vectors
_SCALARS = (bool, int, float, str)


class Thing(str):
    """The description of what is no text: a picture, sound, an array."""

    __slots__ = ()


class Opaque(Thing):
    """The name of a type of which nothing more is known: a generator, a dataset, a table."""

    __slots__ = ()


def compact(value: Any) -> Any:
    """`value` as bounded plain data, made on the caller's thread: nothing of the program's is kept."""
    return _Compact().of(value, _DEPTH)


def width(value: Any) -> int | None:
    """The length of the vectors in `value`, which may be lists in lists, a tensor or an array."""
    for _ in range(_DEPTH):
        listed = read.items(value)
        if not listed:
            break
        if type(listed[0]) in (int, float):
            return len(listed)
        value = listed[0]
    sides = _shape(value)
    return sides[-1] if sides else None


class _Compact:
    """One walk: what it may still take in."""

    def __init__(self) -> None:
        self._left = _NODES

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        cls = type(value)
        if value is None or issubclass(cls, _SCALARS):
            return read.plain(value)
        if _named(cls, "numpy", "generic"):
            return read.plain(value.item())
        value = _opened(value)
        if issubclass(type(value), dict):
            return self._mapped(value, depth)
        if issubclass(type(value), (list, tuple)):
            return self._listed(read.items(value), depth)
        return _described(value)

    def _mapped(self, value: Any, depth: int) -> Any:
        if depth <= 0:
            return "..."
        taken = islice(dict.items(value), self._room())
        return {
            str(read.plain(key, 1)): self.of(_last(key, item), depth - 1) for key, item in taken
        }

    def _listed(self, items: list[Any], depth: int) -> Any:
        if depth <= 0:
            return "..."
        sides = list(_sides(items))
        if prod(sides) > _NUMBERS:
            return Thing(f"<numbers {_by(sides)}>")
        kept = [self.of(item, depth - 1) for item in items[: self._room()]]
        return [*kept, f"... {len(items) - len(kept)} more"] if len(items) > len(kept) else kept

    def _room(self) -> int:
        return max(0, min(_WIDE, self._left))


def _last(key: object, item: Any) -> Any:
    """Of a conversation that was carried on, only what was added to it."""
    listed = read.items(item) if key == "generated_text" else []
    return [listed[-1]] if listed else item


def _opened(value: Any) -> Any:
    """What the library's own wrappers of inputs hold."""
    name = type(value).__name__
    if name == "Chat":
        return inner(value, "messages")
    if name == "SquadExample":
        return {"question": inner(value, "question_text"), "context": inner(value, "context_text")}
    held = inner(value, "data")
    return held if name in ("BatchEncoding", "BatchFeature") and type(held) is dict else value


def _described(value: Any) -> Thing:
    """What it is: a tensor's or an array's shape, a picture's size, else the type's name."""
    cls = type(value)
    sides = _shape(value)
    if sides is not None:
        return Thing(f"<{cls.__name__} {_by(sides)} {str(value.dtype).removeprefix('torch.')}>")
    size = inner(value, "_size")
    if _named(cls, "PIL.Image", "Image") and type(size) is tuple:
        return Thing(f"<{cls.__name__} {_by(size)} {inner(value, '_mode')}>")
    kind = Thing if cls in (bytes, bytearray) else Opaque
    return kind(read.plain(value, 0))


def _sides(items: list[Any]) -> Iterator[int]:
    """The lengths of lists in lists of numbers, by their first elements; nothing for anything else."""
    lengths: list[int] = []
    while items and len(lengths) < _DEPTH:
        lengths.append(len(items))
        if type(items[0]) in (int, float):
            yield from lengths
            return
        items = read.items(items[0])


def _shape(value: Any) -> tuple[int, ...] | None:
    cls = type(value)
    known = _named(cls, "torch", "Tensor") or _named(cls, "numpy", "ndarray")
    return tuple(value.shape) if known else None


def _named(cls: type, module: str, name: str) -> bool:
    """Whether a class is that one or derived from it, nothing being imported to ask."""
    return any(base.__name__ == name and base.__module__ == module for base in cls.__mro__)


def _by(sides: Any) -> str:
    return "x".join(str(side) for side in sides)
