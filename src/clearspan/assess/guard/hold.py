"""Streams: elements are held back as far as a match could still reach, and no further; their order stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from clearspan.assess.finding import Finding
from clearspan.assess.guard.guard import Action, Guard
from clearspan.assess.guard.judge import Check, Judgement, Said, judge
from clearspan.assess.guard.lines import Line
from clearspan.assess.guard.plan import Case, Plan, Stop, hidden
from clearspan.core.fence import caught
from clearspan.score import Score

__all__ = ["Chain"]

_LOOKING_BACK = 64  # characters: what a pattern may want to see before a match
_PATIENCE = 2  # checks of a stream that are overdue, before its guard is left alone
_AT_ONCE = 4_096  # characters: what holds nothing back need not look more often
_MOST_HELD = 16_384  # elements
_GRAVITY: dict[Action, int] = {"allow": 0, "warn": 1, "redact": 2, "block": 3}


class _Part(NamedTuple):
    """A text of an element that waits, and where it stands in its line."""

    slot: Any
    line: Line
    start: int
    end: int


class _Held(NamedTuple):
    item: Any
    parts: list[_Part]


class Chain:
    """Every guard of the output over one stream: what one lets go, the next gets. `stop` is set by a block."""

    def __init__(
        self,
        case: Case,
        read: Callable[[Any], Sequence[Any]],
        put: Callable[[Any, Any, str], Any],
    ) -> None:
        self._holders = [_Holder(case, guard, read, put) for guard in case.guards if guard.stands("output")]  # fmt: skip
        self.stop: Stop | None = None

    def feed(self, item: Any) -> Plan[list[Any]]:
        """One more element; answers with those that may go on."""
        return (yield from self._pass([item], ended=False))

    def end(self) -> Plan[list[Any]]:
        """No more elements come; answers with the rest."""
        return (yield from self._pass([], ended=True))

    def rest(self) -> list[Any]:
        """Everything that is held, as it is: a failure of ours holds nothing back for good."""
        return [item for holder in self._holders[::-1] for item in holder.rest()]

    def leave(self) -> None:
        """Nobody wants the rest: tell what was seen so far."""
        for holder in self._holders:
            holder.leave()

    def _pass(self, items: Iterable[Any], *, ended: bool) -> Plan[list[Any]]:
        going = list(items)
        for holder in self._holders:
            gone: list[Any] = []
            for item in going:
                gone += yield from holder.feed(item)
                if holder.stop is not None:
                    break
            if ended and holder.stop is None:
                gone += yield from holder.end()
            if holder.stop is not None:
                self.stop, ended = holder.stop, True  # what it let go still passes the others
            going = gone
        return going


class _Holder:
    """One guard over one stream."""

    def __init__(
        self,
        case: Case,
        guard: Guard,
        read: Callable[[Any], Sequence[Any]],
        put: Callable[[Any, Any, str], Any],
    ) -> None:
        self._case = case
        self._guard = guard
        self._read = read
        self._put = put
        self._held: deque[_Held] = deque()
        self._lines: dict[Any, Line] = {}
        self._worst: tuple[Score, Action] | None = None
        self._overdue = 0
        self.stop: Stop | None = None

    def feed(self, item: Any) -> Plan[list[Any]]:
        """Judge what can be judged now; answers with what need not wait any longer."""
        parts: list[_Part] = []
        self._held.append(_Held(item, parts))
        slots = self._read(item)
        if hidden(slots):
            self.stop = self._case.unseen(self._guard, "output")
        for slot in slots if self.stop is None else ():
            yield from self._quiet(slot)
            line = self._line(slot)
            if slot.whole:
                yield from self._decide(self._lines.pop(slot.channel, line), final=True)
            parts.append(_Part(slot, line, *line.add(slot.text)))
            yield from self._decide(line, final=slot.whole)
            if slot.last:
                yield from self._finish(slot.channel[:1])
        return self._released()

    def _quiet(self, slot: Any) -> Plan[None]:
        """Judge the lines that do not go on as they stand: where another of the same choice begins, or comes far."""
        detector, window = self._guard.detector, self._guard.window
        far = window if detector is None else detector.reach
        if far is None or not slot.text:
            return
        begins = not slot.whole and slot.channel not in self._lines
        full = len(self._held) > _MOST_HELD
        for channel, line in list(self._lines.items()):
            line.since = 0 if channel == slot.channel else line.since + len(slot.text)
            if full or line.since >= far or (begins and channel[:1] == slot.channel[:1]):
                yield from self._decide(line, final=True)

    def end(self) -> Plan[list[Any]]:
        """Judge the rest."""
        yield from self._finish(())
        self.tell()
        return self._released()

    def rest(self) -> list[Any]:
        """What is held, as it is."""
        items = [held.item for held in self._held]
        self._held.clear()
        return items

    def tell(self) -> None:
        """Say once for the whole stream what was done: the gravest of it."""
        if self._worst is not None:
            self._case.tell(self._guard, *self._worst)
            self._worst = None

    def leave(self) -> None:
        """Nobody wants more. What went on without having been judged is judged when there is time."""
        rest = [line for line in self._lines.values() if line.length > line.decided]
        self._lines = {}
        if not rest or self._guard.on_fail != "warn" or self._overdue >= _PATIENCE:
            self.tell()
            return
        checks = [self._check(line, line.length)[0] for line in rest]
        self._case.later(lambda: self._heard(checks))

    def _heard(self, checks: Sequence[Check]) -> None:
        for check in checks:
            score = judge(check).score
            self._note(score, self._guard.action(score))
        self.tell()

    def _line(self, slot: Any) -> Line:
        kept = _LOOKING_BACK if self._guard.detector is not None else self._guard.window or 0
        if slot.whole:
            return Line(kept)
        return self._lines.setdefault(slot.channel, Line(kept))

    def _finish(self, begin: tuple[Any, ...]) -> Plan[None]:
        for channel in [one for one in self._lines if one[: len(begin)] == begin]:
            yield from self._decide(self._lines.pop(channel), final=True)

    def _decide(self, line: Line, *, final: bool) -> Plan[None]:
        until = line.length if final else self._boundary(line)
        if until <= line.decided or self.stop is not None:
            return
        if self._overdue >= _PATIENCE:
            return self._passed(line, until)
        # A detector sees what comes after as well: a match that only begins may be there to be seen.
        end = until if final or self._guard.detector is None else max(until, line.firm())
        check, start = self._check(line, end)
        judged: Judgement = yield check
        self._overdue += judged.score.error in ("timeout", "breaker_open")
        if not final and self._guard.on_fail == "redact":
            until = self._whole(judged.found[0] if judged.found else (), line, start, until, end)
        found = line.take(judged.found[0], start, until) if judged.found else []
        action = self._guard.action(judged.score)
        if any(judged.found) and not found:
            return self._passed(line, until)
        self._note(judged.score, action)
        if action == "block":
            line.cut([], min((one.start for one in found), default=line.decided))
            self.stop = self._case.stop(self._guard, "output", judged.score)
            self.tell()
        elif action == "redact":
            line.cut(found, until)
        else:
            self._passed(line, until)

    def _check(self, line: Line, end: int) -> tuple[Check, int]:
        """What is asked of the line up to `end`, and where the text of that begins."""
        text, start = line.view(end)
        said = Said(text, "assistant", line.json, line.quoted)
        return self._case.check(self._guard, "output", [said]), start

    def _whole(self, found: Sequence[Finding], line: Line, start: int, until: int, end: int) -> int:
        """How far to go without cutting through what may go on: a key or an address longer than any reach."""
        going_on = (one.start + start for one in found if one.end + start >= end)
        return min((until, *(max(place, line.decided) for place in going_on)))

    def _passed(self, line: Line, until: int) -> None:
        line.cut([], until)

    def _boundary(self, line: Line) -> int:
        """How far a line can be judged before more of it comes."""
        detector, window = self._guard.detector, self._guard.window
        if self._guard.on_fail == "warn" and line.length - line.decided < _AT_ONCE:
            return line.decided
        if detector is not None:
            return line.before(detector.reach)
        return line.sentence(window) if window is not None else line.decided

    def _note(self, score: Score, action: Action) -> None:
        if self._worst is None or _GRAVITY[action] > _GRAVITY[self._worst[1]]:
            self._worst = score, action

    def _released(self) -> list[Any]:
        gone: list[Any] = []
        free = self._guard.on_fail == "warn" and self.stop is None
        while self._held and (free or self._settled(self._held[0])):
            held = self._held.popleft()
            try:
                gone.append(self._rewritten(held))
            except Exception as error:  # noqa: BLE001 -- a class of anybody's, which may refuse to be changed
                self.stop = self._case.refuse(self._guard, "output", "put_failed")
                caught("guard.put", error)
                break
        return gone

    def _settled(self, held: _Held) -> bool:
        return all(part.end <= part.line.decided for part in held.parts)

    def _rewritten(self, held: _Held) -> Any:
        item = held.item
        for part in held.parts:
            text = part.line.piece(part.slot.text, part.start)
            if text != part.slot.text:
                item = self._put(item, part.slot.path, text)
        return item
