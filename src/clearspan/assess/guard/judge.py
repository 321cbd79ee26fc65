"""Judging texts: what an evaluator says of them, and where; on a thread of our own."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from clearspan.assess import outcome
from clearspan.assess.escapes import like_json, readings
from clearspan.assess.evaluator import Evaluator, missing
from clearspan.assess.finding import Finding
from clearspan.assess.guard.guard import Guard, Phase
from clearspan.assess.guard.sight import sight
from clearspan.record import Invocation, Message, Timing
from clearspan.score import Score

__all__ = ["Check", "Judgement", "Said", "judge", "overdue", "undone"]

_CONTEXT = frozenset({"input", "messages", "system"})
_TRUSTED = frozenset({"system", "developer"})


class Said(NamedTuple):
    """A text and who said it, as a message's role; of JSON that begins elsewhere, whether it begins within a string."""

    text: str
    role: str = "user"
    json: bool | None = None
    quoted: bool = False


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
    if not check.guard.ready(check.guard.deadline):
        return overdue(check)
    if check.guard.failure is not None:
        return Judgement(outcome.failed(made, check.guard.failure))
    started = time.perf_counter()
    try:
        judged = _judged(check)
    except BaseException as error:  # noqa: BLE001 -- the application's code: even its sys.exit is its score
        judged = Judgement(outcome.failed(made, type(error).__name__))
    return judged._replace(score=replace(judged.score, duration=time.perf_counter() - started))


def overdue(check: Check) -> Judgement:
    """No answer came within the guard's deadline."""
    return undone(check, "timeout")


def undone(check: Check, why: str) -> Judgement:
    """It was not judged."""
    return Judgement(outcome.failed(check.guard.evaluator, why))


def _judged(check: Check) -> Judgement:
    detector = check.guard.detector
    if detector is None:
        return Judgement(_weighed(_gravest(check, check.said)))
    found = tuple(sight(detector.find, one.text, json=_is_json(one), quoted=one.quoted) for one in check.said)  # fmt: skip
    said = check.said
    if check.guard.on_fail == "redact":
        unplaced = [one for one, some in zip(said, found, strict=True) if not some]
        if unplaced and _gravest(check, unplaced).passed is False:
            return undone(
                check, "no_place"
            )  # it is there, and what has no place cannot be taken out
        said = [one for one, some in zip(said, found, strict=True) if some]
        if not said:
            return Judgement(outcome.scored(Score(passed=True), check.guard.evaluator))
    score = _gravest(check, said)
    if score.passed is None and any(found):
        # It has no threshold, or has no opinion on a text alone: what it found is what counts.
        score = outcome.scored(Score(passed=False), check.guard.evaluator)
    return Judgement(score, found if score.passed is False else ())


def _is_json(said: Said) -> bool:
    return like_json(said.text) if said.json is None else said.json


def _weighed(score: Score) -> Score:
    """A number that nothing says good or bad of stops no text; that it never can is a mistake to be told."""
    if score.value is None or score.passed is not None or score.error is not None:
        return score
    return replace(score, value=None, label=None, error="no_threshold")


def _gravest(check: Check, said: Sequence[Said]) -> Score:
    """What is said of the texts as they are; of what looks for something hidden, also of how they read."""
    score = _score(check, said)
    made = check.guard.evaluator
    if made.raw or check.guard.detector is not None:
        for read in _read(said):
            if score.passed is False or score.error is not None:
                break
            score = _score(check, read)
    return score


def _read(said: Sequence[Said]) -> Iterator[list[Said]]:
    """The texts without escapes, once and again, where there are any."""
    read = [readings(one.text) for one in said]
    for depth in range(max(map(len, read), default=0)):
        yield [
            one._replace(text=some[min(depth, len(some) - 1)].text) if some else one
            for one, some in zip(said, read, strict=True)
        ]


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
        # What the guard was to trust is not among them: instructions are judged as anybody's words.
        said = [one._replace(role="user") if one.role in _TRUSTED else one for one in said]
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
