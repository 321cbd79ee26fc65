"""How far a judge agrees with people, and what its numbers are worth: calibration on labelled samples."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pvariance
from typing import Any, NamedTuple

from clearspan.assess.evaluator import Evaluator, Subject, seated
from clearspan.assess.outcome import scored
from clearspan.score import Score

__all__ = ["Calibration", "Estimate", "compared"]

_WIDE = 1.96  # standard deviations, for an interval that holds 95 % of the time


class Estimate(NamedTuple):
    """A share with the interval in which it lies 95 times of 100."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """What came of asking an evaluator about samples that people have judged.

    `confusion` counts (evaluator, people) pairs: `(True, False)` passed with the evaluator and not with people.
    `agreement` is the share of equal verdicts, `kappa` Cohen's (1960), agreement beyond chance: 1 is perfect, 0 no better
    than guessing; absent where either gave one verdict only. `threshold` is the one with the highest kappa on these
    samples, `threshold_kappa` what it reaches on them, which is more than it will on others. `skipped` and `errors` count
    samples without a verdict, by reason.
    """

    evaluator: str
    version: str | None
    confusion: Mapping[tuple[bool, bool], int]
    threshold: float | None = None
    threshold_kappa: float | None = None
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])
    errors: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def judged(self) -> int:
        """How many samples have a verdict of both."""
        return sum(self.confusion.values())

    @property
    def agreement(self) -> float | None:
        """The share of samples on which both say the same."""
        same = self.confusion.get((True, True), 0) + self.confusion.get((False, False), 0)
        return same / self.judged if self.judged else None

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance."""
        counts = self.confusion
        return _kappa(
            counts.get((True, True), 0), counts.get((True, False), 0),
            counts.get((False, True), 0), counts.get((False, False), 0),
        )  # fmt: skip

    @property
    def sensitivity(self) -> float | None:
        """Of what people pass, the share that the evaluator passes."""
        return _share(self.confusion, truth=True)

    @property
    def specificity(self) -> float | None:
        """Of what people fail, the share that the evaluator fails."""
        return _share(self.confusion, truth=False)

    def corrected(self, rate: float) -> float | None:
        """The share that people would pass, where the evaluator passes `rate` (Rogan and Gladen 1978).

        `None` where the evaluator is no better than guessing, or the samples hold only one of the two.
        Raises `ValueError` for a rate that is none.
        """
        if not 0 <= rate <= 1:
            raise ValueError(f"clearspan: a rate is 0 to 1, not {rate!r}")
        found, refused = self.sensitivity, self.specificity
        if found is None or refused is None or found + refused <= 1:
            return None
        return min(max((rate + refused - 1) / (found + refused - 1), 0.0), 1.0)

    def estimate(self, verdicts: Iterable[bool]) -> Estimate | None:
        """The share that people would pass, from the evaluator's verdicts on samples that nobody labelled.

        By prediction-powered inference (Angelopoulos et al. 2023): the evaluator's share, moved by its mean error on the
        labelled samples; the interval is the normal one. `None` with fewer than two of either.
        """
        said = [float(verdict) for verdict in verdicts]
        errors = [float(truth) - float(own) for (own, truth), n in self.confusion.items() for _ in range(n)]  # fmt: skip
        if len(said) < 2 or len(errors) < 2:
            return None
        value = fmean(said) + fmean(errors)
        spread = pvariance(said) / len(said) + pvariance(errors) / len(errors)
        wide = _WIDE * math.sqrt(spread)
        low, middle, high = (min(max(at, 0.0), 1.0) for at in (value - wide, value, value + wide))
        return Estimate(middle, low, high)


def compared(evaluator: Any, samples: Iterable[tuple[Subject, bool]]) -> Calibration:
    """Ask `evaluator` about samples, and compare what it says with what people think of each: true is fine."""
    made = seated(evaluator)
    made.setup()
    confusion: Counter[tuple[bool, bool]] = Counter()
    skipped: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    values: list[tuple[float, bool]] = []
    version: str | None = None
    for call, truth in samples:
        score = _judged(made, call)
        version = score.version or version
        if score.error is not None:
            errors[score.error] += 1
        elif score.passed is None:
            skipped[score.skipped or "no_verdict"] += 1
        else:
            confusion[score.passed, truth] += 1
        if score.value is not None:
            values.append((score.value, truth))
    best = _best(values, minimize=made.direction == "minimize")
    return Calibration(
        made.name, version, dict(confusion), *best, skipped=dict(skipped), errors=dict(errors)
    )


def _judged(made: Evaluator, call: Subject) -> Score:
    try:
        answer = made.evaluate(call)
        if inspect.isawaitable(answer):
            answer = asyncio.run(_awaited(answer))
    except Exception as error:  # noqa: BLE001 -- an evaluator of the application may raise anything
        return Score(error=type(error).__name__)
    return scored(answer, made)


async def _awaited(answer: Any) -> Any:
    return await answer


def _share(confusion: Mapping[tuple[bool, bool], int], *, truth: bool) -> float | None:
    right, wrong = confusion.get((truth, truth), 0), confusion.get((not truth, truth), 0)
    return right / (right + wrong) if right + wrong else None


def _kappa(both: int, evaluator_only: int, people_only: int, neither: int) -> float | None:
    total = both + evaluator_only + people_only + neither
    if not total:
        return None
    said, true = (both + evaluator_only) / total, (both + people_only) / total
    chance = said * true + (1 - said) * (1 - true)
    if chance == 1:
        return None
    return ((both + neither) / total - chance) / (1 - chance)


def _best(
    values: Sequence[tuple[float, bool]], *, minimize: bool
) -> tuple[float | None, float | None]:
    """The threshold between two values with the highest kappa, and that; of several, that with most room."""
    ordered = sorted(values)
    good, bad = sum(truth for _, truth in ordered), sum(not truth for _, truth in ordered)
    below_good = below_bad = 0
    best: tuple[float, float, float] | None = None
    for (value, truth), (following, _) in itertools.pairwise(ordered):
        below_good, below_bad = below_good + truth, below_bad + (not truth)
        if following == value:
            continue
        passing = (below_good, below_bad) if minimize else (good - below_good, bad - below_bad)
        kappa = _kappa(*passing, good - passing[0], bad - passing[1])
        if kappa is not None and (best is None or (kappa, following - value) > best[:2]):
            best = kappa, following - value, (value + following) / 2
    return (None, None) if best is None else (best[2], best[0])
