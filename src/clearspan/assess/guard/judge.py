"""Judging texts: what an evaluator says of them, and where; on a thread of our own."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from clearspan.assess import outcome
from clearspan.assess.evaluator import Evaluator, missing
from clearspan.assess.finding import Detector, Finding
from clearspan.assess.guard.guard import Guard, Phase
from clearspan.record import Invocation, Message, Timing
from clearspan.score import Score

__all__ = ["Check", "Judgement", "Said", "judge", "overdue"]

_CONTEXT = frozenset({"input", "messages", "system"})


class Said(NamedTuple):
    """A text and who said it, as a message's role."""

    text: str
    role: str = "user"


@dataclass(frozen=True, slots=True)
class Check:
    """Texts for one guard to judge. `asked` is the whole request, for those who judge an answer by it."""

    guard: Guard
    phase: Phase
    said: Sequence[Said]
    asked: Sequence[Said]
    operation: str


class Judgement(NamedTuple):
    """The score, and for each text what was found in it, in order."""

    score: Score
    found: tuple[tuple[Finding, ...], ...] = ()


def judge(check: Check) -> Judgement:
    """What the guard's evaluator says; what it raises is an error of its own and told as one."""
    made = check.guard.evaluator
    if check.guard.failure is not None:
        return Judgement(outcome.failed(made, check.guard.failure))
    started = time.perf_counter()
    try:
        judged = _judged(check)
    except Exception as error:  # noqa: BLE001 -- the application's code: its failure is its score
        judged = Judgement(outcome.failed(made, type(error).__name__))
    return judged._replace(score=replace(judged.score, duration=time.perf_counter() - started))


def overdue(check: Check) -> Judgement:
    """No answer came within the guard's deadline."""
    return Judgement(outcome.failed(check.guard.evaluator, "timeout"))


def _judged(check: Check) -> Judgement:
    detector = check.guard.detector
    if detector is None:
        return Judgement(_score(check, check.said))
    found = tuple(_found(detector, said.text) for said in check.said)
    said = check.said
    if check.guard.on_fail == "redact":  # what has no place cannot be taken out
        said = [one for one, some in zip(check.said, found, strict=True) if some]
        if not said:
            return Judgement(outcome.scored(Score(passed=True), check.guard.evaluator))
    score = _score(check, said)
    if score.passed is None and any(found):
        # It has no threshold, or has no opinion on a text alone: what it found is what counts.
        score = outcome.scored(Score(passed=False), check.guard.evaluator)
    return Judgement(score, found if score.passed is False else ())


def _found(detector: Detector, text: str) -> tuple[Finding, ...]:
    """The findings in order; of two that overlap, the second is what is left of it."""
    kept: list[Finding] = []
    for found in sorted(detector.find(text), key=lambda found: (found.start, -found.end)):
        start = max(found.start, kept[-1].end if kept else 0)
        end = min(found.end, len(text))
        if start < end:
            kept.append(Finding(found.type, start, end))
    return tuple(kept)


def _score(check: Check, said: Sequence[Said]) -> Score:
    made = check.guard.evaluator
    call = _subject(check, said)
    lacking = missing(made, call)
    if lacking == "output" and check.phase == "input" and check.guard.undemanding:
        lacking = None
    if lacking is not None:
        return outcome.skipped(made, f"missing:{lacking}")
    answer: Any = made.evaluate(call)
    if inspect.isawaitable(answer):
        answer = asyncio.run(_awaited(answer))
    return outcome.scored(answer, made)


async def _awaited(answer: Any) -> Any:
    return await answer


def _subject(check: Check, said: Sequence[Said]) -> Invocation:
    """The texts as a call: with the answer go only those of the request that its evaluator asks for."""
    now = time.time_ns()
    timing = Timing(now, now)
    if check.phase == "input":
        return Invocation(check.operation, timing, input=_messages(said))
    asked = check.asked if _comparing(check.guard.evaluator) else ()
    system = tuple(_part(one.text) for one in asked if one.role == "system")
    return Invocation(
        check.operation,
        timing,
        input=_messages(asked),
        output=_messages([Said(one.text, "assistant") for one in said]),
        system=system,
    )


def _comparing(made: Evaluator) -> bool:
    return not made.requires.isdisjoint(_CONTEXT)


def _messages(said: Sequence[Said]) -> tuple[Message, ...]:
    return tuple(
        {"role": one.role, "parts": [_part(one.text)]} for one in said if one.role != "system"
    )


def _part(text: str) -> Any:
    return {"type": "text", "content": text}
