"""A judge's text as an object: the last whole one in it that has the wanted shape.

The last, because what is judged may hold a verdict of its own making, and a judge that quotes it does so
before its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from clearspan.assess.judge.failure import JudgeFailure
from clearspan.assess.judge.mending import mended
from clearspan.assess.judge.quoting import Quotable
from clearspan.assess.judge.schema import Shape

__all__ = ["Accepted", "read"]

_THINKING, _THOUGHT = "<think", "</think"
_BEGUN = re.compile(r'\{\s*"(?:[^"\\\n]|\\.){0,100}"\s*:')
_LONGEST = 65_536
_TRIES = 2_000


class Accepted(NamedTuple):
    """The fields of a verdict, and how it is written in the answer; of an object, not at all."""

    fields: dict[str, Any]
    written: str


def read(answer: Any, shape: Shape, material: str = "") -> Accepted:
    """The verdict in a judge's answer, a text or an object already.

    What stands in the `material` that was judged is quoted from it, and no verdict, in whatever order its fields are. Raises
    `JudgeFailure` (`judge_parse`) that says what is wrong.
    """
    if isinstance(answer, Mapping):
        return Accepted(_sound(_conforming(answer, shape), shape), "")
    if not isinstance(answer, str):
        raise JudgeFailure("judge_parse", f"the judge answered with a {type(answer).__name__}")
    given = Quotable(material, shape)
    wrong: JudgeFailure | None = None
    said = _said(answer)
    for found, written in reversed(list(_objects(said)) or _meant(said)):
        if given.holds(found, written):
            wrong = wrong or JudgeFailure("judge_parse", "the verdict is only quoted from the material")  # fmt: skip
            continue
        try:
            fields = _conforming(_unwrapped(found, shape), shape)
        except JudgeFailure as error:
            wrong = wrong or error
        else:
            return Accepted(_sound(fields, shape), written)
    raise wrong or JudgeFailure("judge_parse", "there is no whole JSON object in the answer")


def _meant(said: str) -> list[tuple[Mapping[str, Any], str]]:
    found = mended(said)
    return [] if found is None else [(found, json.dumps(found, ensure_ascii=False, default=str))]


def _unwrapped(found: Mapping[Any, Any], shape: Shape) -> Mapping[Any, Any]:
    """The verdict that stands alone in an object which says no more than that it is one."""
    inner = next(iter(found.values())) if len(found) == 1 else None
    ours = any(name in found for name, _, _ in shape.fields)
    return inner if isinstance(inner, Mapping) and not ours else found


def _said(answer: str) -> str:
    """What comes after a thought that the answer begins with: a verdict that was only thought of is none."""
    if answer.lstrip().startswith(_THINKING):
        answer = answer.partition(_THOUGHT)[2]
    return answer[-_LONGEST:]


def _conforming(found: Mapping[Any, Any], shape: Shape) -> dict[str, Any]:
    try:
        return shape.read(found)
    except ValueError as error:
        raise JudgeFailure("judge_parse", str(error)) from None


def _sound(fields: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Fields that do not contradict each other. One that does is the judge's own, so that none before it counts."""
    wrong = shape.contradiction(fields)
    if wrong is not None:
        raise JudgeFailure("judge_parse", wrong)
    return fields


def _objects(text: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """All whole JSON objects that stand in no other, in order, and how they are written.

    After one that began and is not whole there are none: what comes then may be something that it quotes.
    """
    decoder = json.JSONDecoder(strict=False)  # small models leave line breaks in their strings
    at = text.find("{")
    for _ in range(_TRIES):
        if at < 0:
            return
        try:
            found, end = decoder.raw_decode(text, at)
            yield found, text[at:end]
        except (ValueError, RecursionError):
            if _BEGUN.match(text, at):
                return
            end = at + 1
        at = text.find("{", end)
