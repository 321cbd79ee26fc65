"""What guards have to do for a call, written once for code that waits and code that awaits.

A plan is a generator that asks for judgements by yielding checks; who drives it knows how to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from clearspan.assess.finding import Finding
from clearspan.assess.guard.guard import Action, Blocked, Guard, Phase
from clearspan.assess.guard.judge import Check, Judgement, Said, undone
from clearspan.assess.guard.sight import replaced
from clearspan.score import Score

__all__ = ["Case", "Plan", "Ruling", "Stop", "Text", "hidden", "screened"]

T = TypeVar("T")
Plan: TypeAlias = Generator[Check, Judgement, T]


class Text(Protocol):
    """A text of a call, as `provider.Slot` has it."""

    @property
    def text(self) -> str:
        """The text itself."""
        ...

    @property
    def channel(self) -> Any:
        """Which texts of a stream follow one another."""
        ...

    @property
    def role(self) -> str:
        """Who says it."""
        ...

    @property
    def whole(self) -> bool:
        """Whether it stands for itself."""
        ...

    @property
    def last(self) -> bool:
        """Whether no more comes."""
        ...


class Stop(NamedTuple):
    """A call goes no further: the exception to raise, or the answer to give instead."""

    error: Blocked
    reply: str | None


class Ruling(NamedTuple):
    """What becomes of texts: each as it is to be, or none of them."""

    texts: list[str]
    stop: Stop | None = None


class Case:
    """One call before the guards: what was asked, and whom to tell what they did."""

    def __init__(
        self,
        guards: Sequence[Guard],
        operation: str,
        told: Callable[[Score, Action], None],
        later: Callable[[Callable[[], None]], None],
    ) -> None:
        self.guards = guards
        self.later = later
        """Has something done that nobody waits for."""
        self.operation = operation
        self.asked: list[Said] = []
        self._told = told

    def check(self, guard: Guard, phase: Phase, said: Sequence[Said]) -> Check:
        """What `guard` is asked to judge."""
        return Check(guard, phase, said, self.asked, self.operation)

    def tell(self, guard: Guard, score: Score, action: Action) -> None:
        """Count it, and tell whoever listens."""
        guard.count("error" if score.error is not None else action)
        self._told(score, action)

    def fail(self, guards: Iterable[Guard], phase: Phase, why: str) -> Stop | None:
        """None of these could do its work: tell it of each; a stop where one does not fail open."""
        stop: Stop | None = None
        for guard in guards:
            score = undone(self.check(guard, phase, ()), why).score
            self.tell(guard, score, guard.action(score))
            if stop is None and not guard.fail_open:
                stop = self.stop(guard, phase, score)
        return stop

    def unseen(self, guard: Guard, phase: Phase) -> Stop | None:
        """There is a text that `guard` cannot look at."""
        guard.count("unseen")
        return None if guard.fail_open else self.fail((guard,), phase, "unseen")

    def refuse(self, guard: Guard, phase: Phase, why: str) -> Stop:
        """It may not go on as it is, and cannot be changed."""
        score = undone(self.check(guard, phase, ()), why).score
        self.tell(guard, score, "block")
        return self.stop(guard, phase, score)

    def stop(self, guard: Guard, phase: Phase, score: Score) -> Stop:
        """The end of this call."""
        return Stop(Blocked(guard.name, phase, score, guard.why(score)), guard.reply)


def screened(case: Case, phase: Phase, slots: Sequence[Text]) -> Plan[Ruling]:
    """Every guard of a phase over the same texts, one after the other; what one takes out the next never sees."""
    texts = [slot.text for slot in slots]
    if phase == "input":
        case.asked = [Said(slot.text, slot.role) for slot in slots]
    for guard in case.guards:
        if hidden(slots) and guard.stands(phase) and (stop := case.unseen(guard, phase)):
            return Ruling(texts, stop)
        seen = [at for at, slot in enumerate(slots) if texts[at] and guard.sees(phase, slot.role)]
        if not seen:
            continue
        said = [Said(texts[at], slots[at].role) for at in seen]
        judged: Judgement = yield case.check(guard, phase, said)
        action = guard.action(judged.score)
        case.tell(guard, judged.score, action)
        if action == "block":
            return Ruling(texts, case.stop(guard, phase, judged.score))
        if action == "redact":
            for at, found in zip(seen, judged.found, strict=True):
                texts[at] = _redacted(texts[at], found)
    return Ruling(texts)


def hidden(slots: Sequence[Text]) -> bool:
    """Whether one of them stands for what cannot be looked at."""
    return any(getattr(slot.text, "unseen", False) for slot in slots)


def _redacted(text: str, found: Sequence[Finding]) -> str:
    for one in reversed(found):
        text = text[: one.start] + replaced(one) + text[one.end :]
    return text
