"""Finding: something that a detector found in a text, by its place; the text itself is not in it."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

__all__ = ["Detector", "Finding", "instead"]


class Finding(NamedTuple):
    """What was found, and where: characters `start` to `end` (exclusive) of the text."""

    type: str
    start: int
    end: int


def instead(found: Finding) -> str:
    """What stands where something was taken out."""
    return f"<{found.type}>"


@runtime_checkable
class Detector(Protocol):
    """An evaluator that can say where in a text it found something, so that it can be taken out.

    `reach` is the longest that one finding can be, in characters: of a stream, no more is held back.
    """

    reach: int

    def find(self, text: str) -> list[Finding]:
        """All findings, in the order of their start, none overlapping another."""
        ...
