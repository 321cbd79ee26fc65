"""How well relevance tells the answer to a question from that to another one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.evaluators.figure import Figure, auroc, call, milliseconds, rows, verdicts
from clearspan.assess.text.words import tokens
from clearspan.evaluators.relevance import Relevance

NAME = "relevance"


def figures(folder: Path) -> list[Figure]:
    sample = rows(folder, "relevance")
    judge = Relevance()
    calls = [call(row["question"], row["answer"]) for row in sample]
    true = [row["label"] == "relevant" for row in sample]
    values = [_value(judge, each) for each in calls]
    said = [value >= (judge.threshold or 0.0) for value in values]
    right = sum(one == other for one, other in zip(said, true, strict=True)) / len(true)
    lengths = [float(len(row["answer"])) for row in sample]
    shared = [_shared(row["question"], row["answer"]) for row in sample]
    found = verdicts(said, true)
    return [
        Figure(NAME, "AUROC", auroc(values, true), 0.95),
        Figure(NAME, "precision", found.precision),
        Figure(NAME, "recall", found.recall),
        Figure(NAME, "accuracy", right),
        Figure(NAME, "baseline, words shared: AUROC", auroc(shared, true)),
        Figure(NAME, "baseline, length: AUROC", auroc(lengths, true)),
        Figure(NAME, "median ms", milliseconds(judge.evaluate, calls)),
    ]


def _value(judge: Relevance, each: object) -> float:
    value = getattr(judge.evaluate(each), "value", None)  # type: ignore[arg-type]
    return float(value) if value is not None else 0.0


def _shared(question: str, answer: str) -> float:
    asked = set(tokens(question))
    return len(asked & set(tokens(answer))) / max(1, len(asked))
