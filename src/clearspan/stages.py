"""What is on its way through the pipeline, and who has a part in that: numbers to work out, watchers to tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from clearspan.core.tape import Strip
from clearspan.draft import Draft

if TYPE_CHECKING:
    from clearspan.assess.handover import Assess
    from clearspan.score import Score

__all__ = ["Chunks", "Due", "Figure", "Over", "Read", "Told", "Watch", "Work"]


class Chunks(NamedTuple):
    """A batch of a stream's chunks with the time each arrived, on its way to being read."""

    draft: Draft
    strip: Strip


class Figure(NamedTuple):
    """A number that nobody reported: worked out of what was read, and put into the draft.

    `slow` tells of a draft whether that takes longer than a caller may be kept waiting.
    """

    name: str
    work_out: Callable[[Draft], None]
    slow: Callable[[Draft], bool] | None = None


class Read(NamedTuple):
    """A draft that has been read already, on its way to its numbers and its record."""

    draft: Draft


class Told(NamedTuple):
    """What somebody said of a call, on its way to being cleaned."""

    tell: Callable[[Score, bool], None]
    score: Score
    plain: bool


class Due(NamedTuple):
    """Points that have been waiting to be recorded."""

    settle: Callable[[], None]


class Over(NamedTuple):
    """A session that is over, behind the calls of it that are still to be completed."""

    assess: Assess
    session: str


Work: TypeAlias = "Draft | Chunks | Read | Told | Due | Over"
"""What waits for the worker."""


class Watch(Protocol):
    """Who wants to know, at once and on the caller's thread, that a call is going on."""

    def begin(self, draft: Draft) -> None:
        """A call has begun. Takes no time: what there is to do is done elsewhere."""
        ...

    def end(self, draft: Draft) -> None:
        """It is over, its end time taken."""
        ...

    def renew(self) -> None:
        """In a forked child: nothing is going on."""
        ...
