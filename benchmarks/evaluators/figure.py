"""What the measurements of evaluators have in common: the labelled rows, the measures, and one figure."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from clearspan.record import Invocation, Message, Timing


class Figure(NamedTuple):
    """One number of the table. `floor` is what it must reach (`ceiling`: may not exceed), where there is such."""

    evaluator: str
    what: str
    value: float
    floor: float | None = None
    ceiling: float | None = None

    @property
    def reached(self) -> bool:
        above = self.floor is None or self.value >= self.floor
        return above and (self.ceiling is None or self.value <= self.ceiling)


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The labelled samples of one file."""
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def call(
    question: str = "",
    answer: str = "",
    *,
    documents: Sequence[str] = (),
    references: Sequence[str] = (),
) -> Invocation:
    """A call that asked and was answered this."""
    return Invocation(
        operation="chat",
        timing=Timing(0, 0),
        input=_said("user", question),
        output=_said("assistant", answer),
        documents=tuple(documents),
        references=tuple(references),
    )


def _said(role: str, text: str) -> tuple[Message, ...]:
    return ({"role": role, "parts": [{"type": "text", "content": text}]},) if text else ()


class Verdicts(NamedTuple):
    """Precision, recall and F1 of verdicts against labels."""

    precision: float
    recall: float
    f1: float


def verdicts(said: Iterable[bool], true: Iterable[bool]) -> Verdicts:
    """How well what was said agrees with what is true."""
    pairs = list(zip(said, true, strict=True))
    hits = sum(said and true for said, true in pairs)
    return of_counts(hits, sum(said for said, _ in pairs), sum(true for _, true in pairs))


def of_counts(hits: int, said: int, true: int) -> Verdicts:
    """The same from counts: of the `true` ones, `hits` were among those `said`."""
    precision = hits / said if said else 0.0
    recall = hits / true if true else 0.0
    total = precision + recall
    return Verdicts(precision, recall, 2 * precision * recall / total if total else 0.0)


def auroc(values: Sequence[float], true: Sequence[bool]) -> float:
    """The chance that a true one has the larger value than a false one; ties count half."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + end + 1) / 2
        start = end
    hits = sum(true)
    above = sum(rank for rank, is_true in zip(ranks, true, strict=True) if is_true)
    return (above - hits * (hits + 1) / 2) / (hits * (len(true) - hits))


def milliseconds(function: Callable[[Any], object], items: Sequence[Any]) -> float:
    """The median time of one call, over `items`."""
    taken: list[float] = []
    for item in items:
        start = time.perf_counter()
        function(item)
        taken.append(time.perf_counter() - start)
    return median(taken) * 1e3
