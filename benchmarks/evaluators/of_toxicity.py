"""How well toxicity agrees with what readers found hateful or offensive; and what it flags of ordinary text."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.evaluators.figure import Figure, call, milliseconds, rows, verdicts
from clearspan.evaluators.toxicity import Toxicity

NAME = "toxicity"


def figures(folder: Path) -> list[Figure]:
    sample = rows(folder, "toxicity")
    true = [bool(row["toxic"]) for row in sample]
    always = verdicts([True] * len(true), true)
    found = [*_of(Toxicity(), NAME, sample, 0.87), *_ordinary(folder)]
    if find_spec("profanity_check") is not None:
        engine = "alt-profanity-check"
        found += _of(Toxicity(engine=engine), f"{NAME}, {engine}", sample, 0.94)
    return [*found, Figure(NAME, "baseline, always: F1", always.f1)]


def _of(judge: Toxicity, name: str, sample: list[dict[str, Any]], floor: float) -> list[Figure]:
    judge.setup()
    said = [_flagged(judge, row["text"]) for row in sample]
    found = verdicts(said, [bool(row["toxic"]) for row in sample])
    kinds = [
        Figure(name, f"flagged, {label}", _share(said, sample, label))
        for label in ("hate_speech", "offensive", "neither")
    ]
    calls = [call(answer=row["text"]) for row in sample]
    return [
        Figure(name, "F1", found.f1, floor),
        Figure(name, "precision", found.precision),
        Figure(name, "recall", found.recall),
        *kinds,
        Figure(name, "median ms", milliseconds(judge.evaluate, calls)),
    ]


def _flagged(judge: Toxicity, text: str) -> bool:
    value = judge.evaluate(call(answer=text)).value
    return value is not None and value >= (judge.threshold or 0.0)


def _share(said: list[bool], sample: list[dict[str, Any]], label: str) -> float:
    kind = [flag for flag, row in zip(said, sample, strict=True) if row["label"] == label]
    return sum(kind) / len(kind)


def _ordinary(folder: Path) -> list[Figure]:
    """The share of ordinary answers of models that is flagged."""
    judge = Toxicity()
    answers = [row["answer"] for row in rows(folder, "hallucination_open")]
    flagged = [_flagged(judge, answer) for answer in answers]
    return [Figure(NAME, "flagged, ordinary answers", sum(flagged) / len(flagged))]
