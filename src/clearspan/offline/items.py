"""What is evaluated: one call, with its name in the report and the group that it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from clearspan.record import Invocation

__all__ = ["Item", "Source"]


@dataclass(frozen=True, slots=True)
class Item:
    """One call. `id` is what its row or the program calls it, or its number. `trace` names the trace that it is part of.

    `whole` says that it stands for everything there is (a row of a data set), whatever its operation;
    a call of a recorded program is judged only by evaluators of its operation. `position` is how much
    of the source has been read when it is done.
    """

    id: str | int
    call: Invocation
    trace: str
    whole: bool
    position: int

    @property
    def session(self) -> str | None:
        """The session's name."""
        return self.call.context.session


class Source(Protocol):
    """Where items come from, one after the other: no more of it than necessary is in memory."""

    def total(self) -> int | None:
        """How much there is, in the unit of `Item.position`; `None` where that is not known."""
        ...

    def items(self, *, by_session: bool) -> Iterator[Item]:
        """The items; those of one trace, and with `by_session` of one session, one after another."""
        ...
