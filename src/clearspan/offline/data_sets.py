"""Rows of data sets as items: from a JSONL file, or from whatever Python has at hand."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from clearspan.offline import lines, rows
from clearspan.offline.errors import SourceError
from clearspan.offline.items import Item, unreadable
from clearspan.record import Invocation

__all__ = ["Given", "JsonLines"]


class JsonLines:
    """A file with a JSON object a line. It may be of any size: one line is in memory at a time."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        self._path = path
        self._name = name or str(path)

    def total(self) -> int:
        """Lines."""
        return lines.count(self._path)

    def items(self, *, by_session: bool) -> Iterator[Item]:
        """The rows in their order; with `by_session` each with the others of its session."""
        if not by_session:
            for line in lines.lines(self._path, self._name, broken=True):
                yield self._row(line.value, line.number, line.number)
            return
        position = 0
        for numbers, offsets in self._sessions():
            for number, offset in zip(numbers, offsets, strict=True):
                position += 1
                value = lines.value_at(self._path, offset, number, self._name, broken=True)
                yield self._row(value, number, position)

    def _row(self, value: Any, number: int, position: int) -> Item:
        return _item(value, number, f"{self._name}:{number}", position)

    def _sessions(self) -> Iterable[tuple[array[int], array[int]]]:
        """Where the rows of each session stand: two numbers a row are all that is kept."""
        found: dict[str, tuple[array[int], array[int]]] = {}
        for line in lines.lines(self._path, self._name, broken=True):
            item = self._row(line.value, line.number, 0)
            numbers, offsets = found.setdefault(_group(item), (array("q"), array("q")))
            numbers.append(line.number)
            offsets.append(line.offset)
        return found.values()


class Given:
    """Mappings (rows) and Invocations, from any iterable."""

    def __init__(self, given: Iterable[Any], label: str = "row") -> None:
        self._given = given
        self._label = label

    def total(self) -> int | None:
        """Rows, where the iterable knows its length."""
        try:
            return len(self._given)  # type: ignore[arg-type]  # the answer for those without is below
        except TypeError:
            return None

    def items(self, *, by_session: bool) -> Iterator[Item]:
        """The rows in their order; with `by_session` each with the others of its session."""
        found = self._items()
        if not by_session:
            return found
        groups: dict[str, list[Item]] = {}
        for item in found:
            groups.setdefault(_group(item), []).append(item)
        return (item for items in groups.values() for item in items)

    def _items(self) -> Iterator[Item]:
        for number, given in enumerate(self._given, 1):
            if isinstance(given, Invocation):
                yield _recorded(given, number)
            else:
                yield _item(given, number, f"{self._label} {number}", number)


def _group(item: Item) -> str:
    """What rows are put together by: those without a session stand alone, but one after another."""
    return item.session or ""


def _item(value: Any, number: int, place: str, position: int) -> Item:
    """The row as an item, one that says what is wrong where the row cannot be read."""
    try:
        return _read(value, number, place, position)
    except SourceError as error:
        return unreadable(_named(value, number), position, error)


def _named(value: Any, number: int) -> str | int:
    """The name of a row that cannot be read: what it is called, if that can be, else its number."""
    try:
        return rows.identity(cast("Mapping[str, Any]", value), number, "") if isinstance(value, Mapping) else number  # fmt: skip
    except SourceError:
        return number


def _read(value: Any, number: int, place: str, position: int) -> Item:
    if isinstance(value, SourceError):
        raise value
    if not isinstance(value, Mapping):
        raise SourceError(place, f"a row must be an object with columns such as input and output, not {type(value).__name__}")  # fmt: skip
    row = cast("Mapping[str, Any]", value)
    name = rows.identity(row, number, place)
    return Item(name, rows.invocation(row, place), str(name), True, position)


def _recorded(call: Invocation, number: int) -> Item:
    if call.trace is None:
        return Item(number, call, str(number), False, number)
    name = f"{call.trace.trace_id}:{call.trace.span_id}"
    return Item(name, call, call.trace.trace_id, False, number)
