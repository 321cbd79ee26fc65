"""Points as the SDK gets them: runs of the same are one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clearspan.emit.measures import Point, Run

__all__ = ["each"]


def each(found: Iterable[Point | Run]) -> Iterator[Point]:
    """Every single measurement."""
    for one in found:
        if isinstance(one, Point):
            yield one
        else:
            for value, many in one.values:
                yield from [Point(one.name, value, one.attributes)] * many
