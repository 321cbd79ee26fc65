"""How well the rules of wording tell what is made to be told: answers as they are, cut short, and in a loop.

There are no labels for these; the answers of the samples are English and whole, but for a few per cent.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from benchmarks.evaluators.figure import Figure, call, milliseconds, rows, verdicts
from clearspan.evaluators.wording import Language, Readability, Refusal, Repetition, Truncation

ENDINGS = (".", "!", "?", '"', "`", ")", ":")


def figures(folder: Path) -> list[Figure]:
    samples = rows(folder, "hallucination_open") + rows(folder, "relevance")
    answers = [row["answer"] for row in samples if len(row["answer"].split()) >= 40]
    short = [row["answer"] for row in rows(folder, "answer_correctness")]
    draw = random.Random(11)  # noqa: S311 - where to cut
    return [
        *_language(answers),
        *_truncation(answers, draw),
        *_repetition(answers, draw),
        Figure("refusal", "flagged among short answers that do not", _share(Refusal(), short), None, 0.005),
        *(_speed(made, answers) for made in (Language("en"), Readability(), Refusal(), Repetition(), Truncation())),
    ]  # fmt: skip


def _language(answers: list[str]) -> list[Figure]:
    labels = [_score(Language("en"), text).label for text in answers]
    told = [label for label in labels if label is not None]
    return [
        Figure("language", "English answers told at all", len(told) / len(labels), 0.9),
        Figure("language", "of these, told as English", told.count("en") / len(told), 0.99),
    ]


def _truncation(answers: list[str], draw: random.Random) -> list[Figure]:
    """Whole answers, and the same cut after a word somewhere in their second half."""
    both = [*answers, *(_cut(text, draw) for text in answers)]
    true = [False] * len(answers) + [True] * len(answers)
    found = verdicts([(_score(Truncation(), text).value or 0) >= 0.5 for text in both], true)
    plain = verdicts([not text.rstrip().endswith(ENDINGS) for text in both], true)
    return [
        Figure("truncation", "precision without a finish reason", found.precision, 0.97),
        Figure("truncation", "recall without a finish reason", found.recall),
        Figure("truncation", "baseline, last mark: precision", plain.precision),
        Figure("truncation", "baseline, last mark: recall", plain.recall),
    ]


def _cut(text: str, draw: random.Random) -> str:
    return text[: draw.randrange(len(text) // 2, len(text) - 1)].rsplit(" ", 1)[0]


def _repetition(answers: list[str], draw: random.Random) -> list[Figure]:
    """Answers, and the same with some of their own words over and over until they are twice as long."""
    looped: list[str] = []
    for text in answers:
        words, period = text.split(), draw.randrange(1, 13)
        start = draw.randrange(len(words) - period)
        looped.append(
            " ".join([*words, *words[start : start + period] * (len(words) // period + 2)])
        )
    return [
        Figure("repetition", "loops flagged", _share(Repetition(), looped), 0.9),
        Figure("repetition", "answers flagged", _share(Repetition(), answers), None, 0.01),
    ]  # fmt: skip


def _score(made: Any, text: str) -> Any:
    return made.evaluate(call("", text))


def _share(made: Any, texts: list[str]) -> float:
    return sum((_score(made, text).value or 0) >= 0.5 for text in texts) / len(texts)


def _speed(made: Any, answers: list[str]) -> Figure:
    return Figure(made.name, "median ms", milliseconds(made.evaluate, [call("", text) for text in answers]))  # fmt: skip
