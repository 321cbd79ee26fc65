"""What is evaluated: one call, with its name in the report and the group that it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from clearspan.offline.errors import SourceError
from clearspan.record import Invocation, Timing

__all__ = ["Item", "Source", "sound", "unreadable"]

_MOST_WRONG = 1_000


@dataclass(frozen=True, slots=True)
class Item:
    """One call. `id` is what its row or the program calls it, or its number. `trace` names the trace that it is part of.

    `whole` says that it stands for everything there is (a row of a data set), whatever its operation;
    a call of a recorded program is judged only by evaluators of its operation. `position` is how much
    of the source has been read when it is done. `wrong` says why a row could not be read; its call is empty then.
    """

    id: str | int
    call: Invocation
    trace: str
    whole: bool
    position: int
    wrong: SourceError | None = None

    @property
    def session(self) -> str | None:
        """The session's name."""
        return self.call.context.session


def unreadable(name: str | int, position: int, why: SourceError) -> Item:
    """What stands for a row or line that could not be read."""
    return Item(name, Invocation("chat", Timing(0, 0)), str(name), True, position, why)


class Source(Protocol):
    """Where items come from, one after the other: no more of it than necessary is in memory."""

    def total(self) -> int | None:
        """How much there is, in the unit of `Item.position`; `None` where that is not known."""
        ...

    def items(self, *, by_session: bool) -> Iterator[Item]:
        """The items; those of one trace, and with `by_session` of one session, one after another."""
        ...


def sound(items: Iterator[Item]) -> Iterator[Item]:
    """The items, rows that could not be read among them, if one of the first thousand could be.

    Raises the `SourceError` of the first row where none could: the source is none of rows then.
    """
    held: list[Item] = []
    for item in items:
        if item.wrong is None:
            yield from held
            yield item
            yield from items
            return
        held.append(item)
        if len(held) == _MOST_WRONG:
            break
    if held and held[0].wrong is not None:
        raise held[0].wrong
