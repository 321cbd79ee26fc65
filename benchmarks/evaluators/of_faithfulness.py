"""How often the faithfulness alarm is right, and what the length of an answer tells alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.evaluators.faithful_retellings import RETELLINGS
from benchmarks.evaluators.figure import Figure, auroc, call, milliseconds, rows, verdicts
from clearspan.evaluators.faithfulness import FaithfulnessAlarm

NAME = "faithfulness_alarm"


def figures(folder: Path) -> list[Figure]:
    sample = rows(folder, "faithfulness_qa")
    alarm, strict = FaithfulnessAlarm(), FaithfulnessAlarm(words=None)
    wrong = [row["label"] == "hallucinated" for row in sample]
    said = [_flagged(alarm, row) for row in sample]
    found = verdicts(said, wrong)
    facts = verdicts([_flagged(strict, row) for row in sample], wrong)
    long = [place for place, row in enumerate(sample) if len(row["answer"].split()) >= 4]
    longer = verdicts([said[place] for place in long], [wrong[place] for place in long])
    lengths = [float(len(row["answer"].split())) for row in sample]
    by_length = auroc([lengths[place] for place in long], [wrong[place] for place in long])
    return [
        Figure(NAME, "precision", found.precision, 0.98),
        Figure(NAME, "recall", found.recall, 0.50),
        *(
            Figure(NAME, f"recall, {variant}", _share(said, sample, variant))
            for variant in ("one_turn", "multi_turn")
        ),
        Figure(NAME, "precision, answers of 4 words or more", longer.precision),
        Figure(NAME, "recall, answers of 4 words or more", longer.recall),
        Figure(NAME, "precision, numbers and names alone", facts.precision),
        Figure(NAME, "recall, numbers and names alone", facts.recall),
        Figure(NAME, "baseline, length: AUROC", auroc(lengths, wrong)),
        Figure(NAME, "baseline, length, answers of 4 words or more: AUROC", by_length),
        Figure(NAME, "baseline, always: precision", sum(wrong) / len(wrong)),
        Figure(NAME, "median ms", milliseconds(alarm.evaluate, [_call(row) for row in sample])),
        Figure(NAME, "alarms at faithful retellings (own pairs)", _retold(alarm)),
        Figure(NAME, "the same, numbers and names alone", _retold(strict)),
        *_open(folder),
    ]


def _call(row: dict[str, Any]) -> Any:
    return call(row["question"], row["answer"], documents=[row["context"]])


def _flagged(alarm: FaithfulnessAlarm, row: dict[str, Any]) -> bool:
    value = alarm.evaluate(_call(row)).value
    return value is not None and value >= (alarm.threshold or 0.0)


def _retold(alarm: FaithfulnessAlarm) -> float:
    """The share of faithful retellings, written for this and apart from the data, that raise an alarm."""
    said = [
        _flagged(alarm, {"question": "What does it say?", "answer": answer, "context": passage})
        for passage, answers in RETELLINGS.items()
        for answer in answers
    ]
    return sum(said) / len(said)


def _share(said: list[bool], sample: list[dict[str, Any]], variant: str) -> float:
    kind = [flag for flag, row in zip(said, sample, strict=True) if row["variant"] == variant]
    return sum(kind) / len(kind)


def _open(folder: Path) -> list[Figure]:
    """Without documents nothing can be told; this is what the nearest thing to it, the length, tells."""
    sample = rows(folder, "hallucination_open")
    wrong = [row["label"] == "hallucinated" for row in sample]
    lengths = [float(len(row["answer"].split())) for row in sample]
    return [Figure(NAME, "without documents, length: AUROC", auroc(lengths, wrong))]
