"""What the bench keeps of calls beyond the calls themselves: what they rest on, and the wholes that they are part of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from clearspan.assess.grounding import Grounding
from clearspan.assess.subjects import grounded
from clearspan.assess.whole import Gatherer
from clearspan.conversation import Conversation
from clearspan.record import Invocation, TraceRef
from clearspan.score import Level

__all__ = ["Gathering", "Going"]


class Going(Protocol):
    """A call that has begun, and has not been handed over to be judged."""

    @property
    def trace(self) -> TraceRef | None:
        """Where it belongs."""
        ...


class Gathering:
    """Gathers for each of `levels`. `max_bytes` is what there is room for altogether: wholes have half of it, the
    documents that later calls of a trace may rest on a quarter; `held` is about how many bytes they are now.

    `overflow` is told of calls that no whole has room for: its level, why, and how many. Not thread-safe, but
    for `held`, which may be read by anybody.
    """

    def __init__(
        self,
        levels: Collection[Level],
        *,
        idle: float,
        max_bytes: int,
        overflow: Callable[[Level, str, int], None],
    ) -> None:
        self.levels = frozenset(levels)
        self._room = max_bytes // 8
        self._gatherers = {
            level: Gatherer(
                level,
                idle=idle,
                max_bytes=max_bytes // 2 // len(levels),
                overflow=functools.partial(overflow, level),
            )
            for level in levels
        }
        self._going: Callable[[], Iterable[Going]] = tuple
        self.forget()

    def forget(self) -> None:
        """In a forked child: what was gathered is the parent's."""
        for gatherer in self._gatherers.values():
            gatherer.forget()
        self._clean, self._raw = Grounding(total=self._room), Grounding(total=self._room)

    @property
    def held(self) -> int:
        """About how many bytes are kept."""
        gathered = sum(gatherer.bytes for gatherer in self._gatherers.values())
        return gathered + self._clean.held + self._raw.held

    def follow(self, going: Callable[[], Iterable[Going]]) -> None:
        """Who is asked which calls have begun and are not here yet: a trace with one of them is not over."""
        self._going = going

    def going_on(self) -> frozenset[str]:
        """The traces of those calls."""
        if "trace" not in self.levels:
            return frozenset()
        return frozenset(call.trace.trace_id for call in self._going() if call.trace is not None)

    def ground(self, clean: Invocation, raw: Invocation) -> tuple[Invocation, Invocation]:
        """Both forms of a call with what they were to rest on."""
        told = grounded(self._clean, clean)
        return told, told if raw is clean else grounded(self._raw, raw)

    def add(self, call: Invocation) -> list[Conversation]:
        """Make a call part of its wholes; answers those that are over early, for want of room."""
        return [early for each in self._gatherers.values() for early in each.add(call)]

    def over(
        self, going_on: Collection[str], sessions: Iterable[str], asked: str | None
    ) -> list[Conversation]:
        """What is over by now: `sessions` are said to be.

        Where that is `asked` for, `"settled"` is all that nothing goes on in but sessions, and `"rest"` is everything.
        """
        if "session" in self.levels:
            for session in sessions:
                self._gatherers["session"].end(session)
        each = self._gatherers.values()
        if asked == "rest":
            return [left for gatherer in each for left in gatherer.rest()]
        settled = asked is not None
        return [over for gatherer in each for over in gatherer.due(going_on, settled=settled)]

    @property
    def next_over(self) -> float | None:
        """In how many seconds something may be over; `None` where nothing was gathered."""
        due = [gatherer.next_due for gatherer in self._gatherers.values()]
        return min((seconds for seconds in due if seconds is not None), default=None)
