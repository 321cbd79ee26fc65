"""Calls gathered until what they belong to is over: a trace when its root ends, a session when it falls silent."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from clearspan.conversation import Conversation
from clearspan.record import Invocation
from clearspan.score import Level

__all__ = ["Gatherer"]

_CALLS = 500
_GROUPS = 1_000
_REMEMBERED = 4_096
_SETTLING = 0.1  # a call that has just ended may still be on its way here


@dataclass(slots=True)
class _Group:
    calls: list[Invocation] = field(default_factory=list[Invocation])
    dropped: int = 0
    touched: float = 0.0
    rooted: bool = False


class Gatherer:
    """Gathers calls by trace or by session; answers a `Conversation` when one is over.

    A trace is over when a call without a parent in it has ended and none of its calls is open any more
    (`follow` says who knows of which there are some), or, where its root is another program's or the application's
    own span, when nothing came for `idle` seconds. A session is over when nothing came for
    `idle` seconds, or when it is said to be. `overflow` is told of calls that there was no room for.
    """

    def __init__(
        self,
        level: Level,
        *,
        idle: float,
        overflow: Callable[[str, int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.level: Level = level
        self._idle = idle
        self._open: Callable[[], Collection[str]] = tuple
        self._overflow = overflow
        self._clock = clock
        self._groups: OrderedDict[str, _Group] = OrderedDict()
        self._over: deque[str] = deque(maxlen=_REMEMBERED)

    def follow(self, open_traces: Callable[[], Collection[str]]) -> None:
        """Who is asked in which traces calls go on."""
        self._open = open_traces

    def add(self, call: Invocation) -> None:
        """Take in a call that has ended."""
        name = self._name(call)
        if name is None:
            return
        if self.level == "trace" and name not in self._groups and name in self._over:
            self._overflow("late", 1)  # its trace has been judged
            return
        group = self._groups.setdefault(name, _Group())
        self._groups.move_to_end(name)
        group.touched = self._clock()
        if len(group.calls) >= _CALLS:
            group.dropped += 1
            return
        group.calls.append(call)
        group.rooted = group.rooted or (call.trace is not None and call.trace.parent_id is None)
        if len(self._groups) > _GROUPS:
            _, oldest = self._groups.popitem(last=False)
            self._overflow("queue_full", len(oldest.calls))

    def end(self, name: str) -> None:
        """Say that a session or trace is over; it is answered by the next `due`."""
        if name in self._groups:
            self._groups[name].touched = -self._idle
            self._groups[name].rooted = True

    def due(self, *, settled: bool = False) -> list[Conversation]:
        """Those that are over, once each; `settled` says that all calls that have ended are here."""
        now = self._clock()
        going_on = self._open() if self.level == "trace" and self._groups else ()
        over = [
            name
            for name, group in self._groups.items()
            if name not in going_on and now >= self._over_at(group, settled=settled)
        ]
        return [self._close(name) for name in over]

    def _over_at(self, group: _Group, *, settled: bool = False) -> float:
        """When it is over if nothing more comes."""
        if self.level == "trace" and group.rooted:
            return group.touched if settled else group.touched + _SETTLING
        return group.touched + self._idle

    def rest(self) -> list[Conversation]:
        """All that are left, as at shutdown."""
        return [self._close(name) for name in list(self._groups)]

    @property
    def next_due(self) -> float | None:
        """In how many seconds one may be over; `None` when there is none."""
        if not self._groups:
            return None
        first = min(self._over_at(group) for group in self._groups.values())
        return max(_SETTLING, first - self._clock())

    def forget(self) -> None:
        """In a forked child: what was gathered is the parent's."""
        self._groups.clear()

    def _close(self, name: str) -> Conversation:
        group = self._groups.pop(name)
        self._over.append(name)
        calls = sorted(group.calls, key=lambda call: call.timing.start_ns)
        return Conversation(name, self.level, tuple(calls), group.dropped)

    def _name(self, call: Invocation) -> str | None:
        if self.level == "session":
            return call.context.session
        return call.trace.trace_id if call.trace is not None else None
