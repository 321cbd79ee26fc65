"""About how many bytes a value keeps alive, asked on the thread of the program that made it."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

from clearspan.core import read

__all__ = ["held"]

_NODES = 4_096
_SAMPLES = (256, 32, 8)
_NUMBER = 32
_NUMBERS = frozenset(map(id, (int, float, bool)))
"""By id: a class of the host's has a hash of its own."""
_TEXTS = (str, bytes, bytearray)
_FEW, _GLANCE = 8, 32
_SMALL = 128


def held(value: Any) -> int:
    """The size of the texts, bytes and rows of numbers in `value`, running none of its code.

    At most some thousand values are looked at, so that it takes a millisecond or two at most; of a long list, and
    where there are very many, some that stand for all of them.
    """
    if issubclass(type(value), _TEXTS):
        return _size(value)
    found = _glanced(value)
    if found is not None:
        return found
    return next(found for few in _SAMPLES if (found := _weighed(value, few)) is not None)


def _glanced(value: Any) -> int | None:
    """The short way for what holds few values, as most answers do; `None` where there are more."""
    total, left = 0, _SMALL
    holders = [value]
    for holder in holders:  # which grow meanwhile: what is inside itself ends with the room for it
        fields = None if type(holder) is list else read.fields(holder)
        inside = _inside(holder) if fields is None else list(dict.values(fields))
        left -= len(inside)
        if left < 0:
            return None
        for item in inside:
            if item is None:
                continue
            cls = type(item)
            if cls is str:
                total += getsizeof(item)
            elif cls is int or cls is float or cls is bool:
                total += _NUMBER
            elif issubclass(cls, _TEXTS):
                total += _size(item)
            else:
                holders.append(item)
    return total


def _weighed(value: Any, few: int) -> int | None:
    """By so many elements of each container at the most; `None` where that was too much, and fewer would do."""
    total, left = 0.0, _NODES
    waiting: list[tuple[Any, float]] = [(value, 1.0)]
    seen: set[int] = {id(value)}
    while waiting:
        holder, times = waiting.pop()
        inside = _inside(holder)
        length = len(inside)
        if length > _FEW and _row(inside):
            total += times * _NUMBER * length
            left -= 1
            continue
        each = times
        if length > few:
            inside = inside[:: length // few + 1]
            each = times * length / len(inside)
        left -= len(inside)
        if left < 0:
            return None if few > _SAMPLES[-1] else int(total)
        for item in inside:
            if item is None:
                continue
            cls = type(item)
            if cls is str or cls is bytes or cls is bytearray:
                total += each * getsizeof(item)
            elif id(cls) in _NUMBERS:
                total += each * _NUMBER
            elif issubclass(cls, _TEXTS):
                total += each * _size(item)
            elif id(item) not in seen:
                seen.add(id(item))
                waiting.append((item, each))
    return int(total)


def _size(text: Any) -> int:
    """Of a text or bytes of any class, by Python's own word."""
    return next(kind for kind in _TEXTS if issubclass(type(text), kind)).__sizeof__(text)


def _row(inside: list[Any]) -> bool:
    """Whether these are numbers; of a long row, those that stand for it."""
    few = inside if len(inside) <= _SAMPLES[0] else inside[:: len(inside) // _GLANCE + 1]
    return _NUMBERS.issuperset(map(id, map(type, few)))


def _inside(value: Any) -> list[Any]:
    """Elements or fields of a value."""
    cls = type(value)
    if cls is list:
        return list(value)
    if cls is dict:
        return list(value.values())
    if issubclass(cls, (list, tuple)):
        return read.items(value)
    fields = read.fields(value)
    return [] if fields is None else list(dict.values(fields))
