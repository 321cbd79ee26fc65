"""How often the verdict on an answer, given right answers, is that of people."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.evaluators.figure import Figure, auroc, call, milliseconds, rows, verdicts
from clearspan.assess.evaluator import Evaluator
from clearspan.evaluators.correctness import (
    AnswerCorrectness,
    ChrF,
    Contains,
    ExactMatch,
    FuzzyMatch,
    RougeL,
    TokenF1,
)

NAME = "answer_correctness"


def figures(folder: Path) -> list[Figure]:
    sample = rows(folder, "answer_correctness")
    calls = [call(row["question"], row["answer"], references=row["references"]) for row in sample]
    true = [row["label"] == "correct" for row in sample]
    judge = AnswerCorrectness()
    values = _values(judge, calls)
    found = verdicts([value >= (judge.threshold or 0.0) for value in values], true)
    lengths = [float(len(row["answer"].split())) for row in sample]
    return [
        Figure(NAME, "accuracy", _accuracy(judge, values, true), 0.80),
        Figure(NAME, "precision", found.precision),
        Figure(NAME, "recall", found.recall),
        Figure(NAME, "AUROC", auroc(values, true)),
        Figure(NAME, "median ms", milliseconds(judge.evaluate, calls)),
        Figure(NAME, "baseline, always: accuracy", sum(true) / len(true)),
        Figure(NAME, "baseline, length: AUROC", auroc(lengths, true)),
        *(
            Figure(f"{other.name}, {other.threshold}", "accuracy", _accuracy(other, _values(other, calls), true))
            for other in _others()
        ),
    ]  # fmt: skip


def _others() -> list[Evaluator]:
    plain: list[Evaluator] = [ExactMatch(), Contains(), TokenF1(), RougeL(), ChrF()]
    return [*plain, FuzzyMatch()] if find_spec("rapidfuzz") else plain


def _values(judge: Evaluator, calls: list[Any]) -> list[float]:
    return [float(getattr(judge.evaluate(each), "value", None) or 0.0) for each in calls]


def _accuracy(judge: Evaluator, values: list[float], true: list[bool]) -> float:
    said = [value >= (judge.threshold or 0.0) for value in values]
    return sum(one == other for one, other in zip(said, true, strict=True)) / len(true)
