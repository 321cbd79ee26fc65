"""Calls gathered until what they belong to is over: a trace when its root ends, a session when it falls silent."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from clearspan.assess.subjects import lent, weight_of
from clearspan.conversation import Conversation
from clearspan.core.weight import weigh
from clearspan.record import Invocation
from clearspan.score import Level

__all__ = ["Gatherer"]

_CALLS = 500
_GROUPS = 1_000
_BYTES = 16_777_216
_REMEMBERED = 4_096
_SETTLING = 0.1  # a call of it may be about to begin
_QUIET = 5.0


@dataclass(slots=True)
class _Group:
    calls: list[tuple[Invocation, int]] = field(default_factory=list[tuple[Invocation, int]])
    documents: set[str] = field(default_factory=set[str])
    bytes: int = 0
    before: int = 0
    dropped: int = 0
    touched: float = 0.0
    rooted: bool = False
    ended: bool = False


class Gatherer:
    """Gathers calls by trace or by session; answers a `Conversation` when one is over.

    A trace is over when a call without a parent in it has ended and none of its calls goes on any more; or,
    where its root is another program's or the application's own span, of whose end nobody tells, when none
    of its calls goes on and nothing came for `quiet` seconds. A session is over when nothing came for
    `idle` seconds, or when it is said to be.

    Bounded in groups, in calls for each, and in bytes together (`max_bytes`; `bytes` is what is held now,
    documents that calls of one group share counted once). Where there are too many groups or bytes, the one
    that was silent longest is over early, with what is there. What comes for it later, or for a trace that was
    over for being quiet, is a part of its own, whose `dropped` counts the calls of the parts before. In a group that
    is full further calls are left out (also `dropped`), but for its root, which takes the place of the last ones.
    `overflow` is told of calls that are in no conversation at all. Not thread-safe.
    """

    def __init__(
        self,
        level: Level,
        *,
        idle: float,
        overflow: Callable[[str, int], None],
        quiet: float = _QUIET,
        max_bytes: int = _BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.level: Level = level
        self.bytes = 0
        self._max_bytes = max_bytes
        self._silence = quiet if level == "trace" else idle
        self._overflow = overflow
        self._clock = clock
        self._groups: OrderedDict[str, _Group] = OrderedDict()
        self._over: OrderedDict[str, int] = OrderedDict()  # traces that nothing more belongs to
        self._parts: OrderedDict[str, int] = OrderedDict()  # how many calls parts had so far

    def add(self, call: Invocation) -> list[Conversation]:
        """Take in a call that has ended; answers what was over early to make room for it."""
        name = self._name(call)
        if name is None:
            return []
        if name not in self._groups and name in self._over:
            self._overflow("late", 1)  # its trace has been judged
            return []
        if name not in self._groups:
            self._groups[name] = _Group(before=self._parts.pop(name, 0))
        self._groups.move_to_end(name)
        self._put(self._groups[name], call)
        early: list[Conversation] = []
        while len(self._groups) > _GROUPS or self.bytes > self._max_bytes:
            early += self._closed([next(iter(self._groups))], part=True)
        return early

    def _put(self, group: _Group, call: Invocation) -> None:
        root = call.trace is not None and call.trace.parent_id is None
        group.touched = self._clock()
        group.rooted = group.rooted or root
        new = [text for text in lent(call) if text not in group.documents]
        weight = weight_of(call) + weigh(new)
        while root and group.calls and not self._fits(group, weight):
            _, freed = group.calls.pop()
            group.bytes -= freed
            self.bytes -= freed
            group.dropped += 1
        if not self._fits(group, weight):
            group.dropped += 1
            return
        group.calls.append((call, weight))
        group.documents.update(new)
        group.bytes += weight
        self.bytes += weight

    def _fits(self, group: _Group, weight: int) -> bool:
        return len(group.calls) < _CALLS and group.bytes + weight <= self._max_bytes

    def end(self, name: str) -> None:
        """Say that a session or trace is over; it is answered by the next `due`."""
        if name in self._groups:
            self._groups[name].ended = True

    def due(self, going_on: Collection[str] = (), *, settled: bool = False) -> list[Conversation]:
        """Those that are over, once each.

        `going_on` are the traces of which some call has not come here yet, told from before it was made sure
        that no call waits to be added. `settled` says that all calls that have ended are here, and that nobody
        wants to wait: a trace is over then if none of its calls goes on.
        """
        now = self._clock()
        over = [
            name
            for name, group in self._groups.items()
            if name not in going_on and now >= self._over_at(group, settled=settled)
        ]
        return self._closed(over)

    def _over_at(self, group: _Group, *, settled: bool = False) -> float:
        """When it is over if nothing more comes."""
        if group.ended:
            return -math.inf
        if self.level == "trace" and (group.rooted or settled):
            return group.touched if settled else group.touched + _SETTLING
        return group.touched + self._silence

    def rest(self) -> list[Conversation]:
        """All that are left, as at shutdown."""
        return self._closed(list(self._groups))

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
        self._over.clear()
        self._parts.clear()
        self.bytes = 0

    def _closed(self, names: Iterable[str], *, part: bool = False) -> list[Conversation]:
        conversations: list[Conversation] = []
        for name in names:
            group = self._groups.pop(name)
            self.bytes -= group.bytes
            self._remember(name, group, part=part)
            calls = sorted((call for call, _ in group.calls), key=lambda call: call.timing.start_ns)
            if calls:
                left_out = group.before + group.dropped
                conversations.append(Conversation(name, self.level, tuple(calls), left_out))
            else:
                self._overflow("queue_full", group.dropped)  # none of them was small enough
        return conversations

    def _remember(self, name: str, group: _Group, *, part: bool) -> None:
        """What more of the same would be: too late, or a further part; a session just begins again."""
        if part or (self.level == "trace" and not group.rooted):
            memory, calls = self._parts, group.before + group.dropped + len(group.calls)
        elif self.level == "trace":
            memory, calls = self._over, 0
        else:
            return
        memory[name] = calls
        if len(memory) > _REMEMBERED:
            memory.popitem(last=False)

    def _name(self, call: Invocation) -> str | None:
        if self.level == "session":
            return call.context.session
        return call.trace.trace_id if call.trace is not None else None
