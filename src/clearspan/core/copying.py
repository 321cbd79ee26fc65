"""Copies of what a program hands over, made before it can go on changing it.

A copy holds Python's own dictionaries, lists and tuples only, so that whoever reads it later walks
nothing of the host's. It is bounded: one `Copier` serves all values of a call and takes in so many
containers and elements altogether, whatever holds what. What is left out is marked, and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from clearspan.core import read

__all__ = ["CUT", "Copier"]

CUT = "..."
"""Stands for a container that is not looked into: too deep, one too many, or inside itself."""

_MAX_NODES = 10_000
"""A few milliseconds of the caller's: so much of its arguments is copied, and so much of its result."""

_FEW = 64
_MOST = 100_000
_AT_ONCE = 8  # so many elements of a row take as long as a single one elsewhere
_NUMBERS = frozenset(map(id, (int, float, bool)))
_SIZED = frozenset(map(id, (str, bytes)))
_LEAVES = _NUMBERS | _SIZED | {id(type(None))}
_ENDLESS = 1 << 30  # deeper than anything: the copy that is just being made


class Copier:
    """Copies values of one call. Not for use by two threads at a time.

    `weight` is the length of the texts and bytes met, in characters: about what the copies keep
    alive. `cuts` counts the containers of which something was left out. With `bare`, what is not
    known is replaced by its type's name, so that no object of the host's is kept alive.
    """

    __slots__ = ("_bare", "_left", "_made", "cuts", "weight")

    def __init__(self, *, bare: bool = False, nodes: int = _MAX_NODES) -> None:
        self.weight = self.cuts = 0
        self._bare = bare
        self._left = nodes
        # By id: how deep the copy goes, the copy, and the value itself, so that its id stays its own.
        self._made: dict[int, tuple[int, Any, Any]] = {}

    def of(self, value: Any, depth: int) -> Any:
        """The copy of `value`, `depth` containers deep; with no depth at all, the value as it is."""
        if depth <= 0:
            return value
        if type(value) is str:
            self.weight += len(value)
            return value
        if type(value) is list and depth > 1:
            before = self.weight, self._left
            rows = self._rows(value)
            if rows is not None and self._left >= 0:
                return rows
            self.weight, self._left = before
        return self._of(value, depth)

    def _rows(self, value: list[Any]) -> list[Any] | None:
        """The copy of a short list of texts or small dictionaries, as most conversations are: the short way. `None` for any other."""
        taken = value[: _FEW + 1]
        if len(taken) > _FEW:
            return None
        made: list[Any] = []
        texts = 0
        for item in taken:
            flat: Any = None
            if type(item) is str:
                self.weight += len(item)
                texts += 1
                flat = item
            elif type(item) is dict:
                flat = self._flat(item)
            if flat is None:
                return None
            made.append(flat)
        self._left -= len(made) - texts + texts // _AT_ONCE + 1
        return made

    def _of(self, value: Any, depth: int) -> Any:
        cls = type(value)
        if cls is dict:
            flat = self._flat(value) if depth > 0 else None
            return self._held(value, value, self._mapped, depth) if flat is None else flat
        if cls is str or cls is bytes:
            self.weight += len(value)
            return value
        if value is None or cls is int or cls is bool or cls is float:
            return value
        if cls is list or cls is tuple or read.is_sequence(cls):
            return self._held(value, value, self._listed, depth)
        found = read.fields(value)
        if found is not None:
            return self._held(value, found, self._mapped, depth)
        self.weight += _length(cls, value)
        return read.plain(value, min(depth, 4), _FEW) if self._bare else value

    def _flat(self, value: dict[Any, Any]) -> dict[str, Any] | None:
        """The copy of a small dictionary of texts and numbers, as most are: the short way. `None` for any other."""
        if len(value) > _FEW or len(value) >= self._left:
            return None
        made = value.copy()
        weight = 0
        for key, item in made.items():
            cls = type(item)
            if type(key) is not str or len(key) > _FEW:
                return None
            if cls is str:
                weight += len(item)
            elif item is not None and cls is not int and cls is not bool and cls is not float:
                return None
        self.weight += weight
        self._left -= len(made) + 1
        return made

    def _held(self, value: Any, found: Any, copy: Callable[[Any, int], Any], depth: int) -> Any:
        known = self._made.get(id(value))
        if known is not None and known[0] >= depth:
            return known[1]
        if depth <= 0 or self._left <= 0:
            self.cuts += 1
            return CUT
        self._left -= 1
        self._made[id(value)] = (_ENDLESS, CUT, value)
        made = copy(found, depth - 1)
        self._made[id(value)] = (depth, made, value)
        return made

    def _mapped(self, found: dict[Any, Any], depth: int) -> dict[str, Any]:
        # One step of the interpreter's own, so that other threads may change the container.
        taken = list(islice(dict.items(found), self._room()))
        missing = dict.__len__(found) - len(taken)
        self._left -= len(taken)
        made: dict[str, Any] = {}
        for key, item in taken:
            # A key of the host's has a hash of its own.
            name = key if type(key) is str else str(read.plain(key, 1))
            if type(item) is str:
                self.weight += len(item)
                made[name] = item
            else:
                made[name] = self._of(item, depth)
            if len(name) > _FEW:
                self.weight += len(name)
        if missing > 0:
            self.cuts += 1
            made[CUT] = f"{missing} more"
        return made

    def _listed(self, value: Any, depth: int) -> Any:
        cls = type(value)
        iterate, size = (
            (iter(value), len(value)) if cls is list or cls is tuple else read.elements(value)
        )
        taken = list(islice(iterate, _MOST))
        missing, at = size - len(taken), len(taken)
        kinds = _leaves(taken)
        if kinds is not None:
            made = self._row(taken, kinds)
        else:
            if size > self._left // 4:
                taken, missing, at = self._ends(value, taken, size)
            self._left -= len(taken)
            made = [self._of(item, depth) for item in taken]
        if missing > 0:
            self.cuts += 1
            made.insert(at, f"... {missing} more")
        return tuple(made) if issubclass(cls, tuple) else made

    def _row(self, taken: list[Any], kinds: frozenset[int]) -> list[Any]:
        """Rows of numbers or texts, mostly: taken at one stroke, so that their length costs next to nothing."""
        self._left -= len(taken) // _AT_ONCE
        if kinds <= _NUMBERS:
            self.weight += 8 * len(taken)
        elif kinds <= _SIZED:
            self.weight += sum(map(len, taken))
        else:
            self.weight += sum([len(item) for item in taken if id(type(item)) in _SIZED])
        return taken

    def _ends(self, value: Any, taken: list[Any], size: int) -> tuple[list[Any], int, int]:
        """What there is room for, how many elements are missing, and where: the last ones matter too."""
        room = min(size, self._room())
        head = room - room // 2
        tail = _last(value, room // 2)
        return [*taken[:head], *tail], size - head - len(tail), head

    def _room(self) -> int:
        """How many elements one container may have: the rest is for what they hold, and for others."""
        return max(1, self._left // 4)


def _length(cls: type, value: Any) -> int:
    """How long a text or bytes of any class is, by Python's own word; anything else weighs nothing here."""
    for kind in (str, bytes, bytearray):
        if issubclass(cls, kind):
            return kind.__len__(value)
    return 0


def _last(value: Any, many: int) -> list[Any]:
    """The last elements, where there are such: a set has no order."""
    for kind in (list, tuple):
        if many and issubclass(type(value), kind):
            return list(kind.__getitem__(value, slice(-many, None)))
    return []


def _leaves(taken: list[Any]) -> frozenset[int] | None:
    """The kinds of what a list holds, where it is worth looking at as a whole and holds nothing that could be changed."""
    if not taken:
        return frozenset()
    first = type(taken[0])
    if len(taken) <= _AT_ONCE and first is not int and first is not float:
        return None
    if id(first) not in _LEAVES:
        return None
    kinds = frozenset(map(id, map(type, taken)))
    return kinds if kinds <= _LEAVES else None
