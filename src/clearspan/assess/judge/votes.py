"""Several verdicts on one case, where the first was a near thing (self-consistency, Wang et al. 2022)."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from clearspan.assess.judge.reply import Knobs
from clearspan.assess.judge.schema import UNKNOWN
from clearspan.assess.judge.verdict import Verdict

__all__ = ["ABSTAINED", "close", "decided", "knobs"]

ABSTAINED = Verdict(0.0, UNKNOWN)
"""A further vote of a judge that could not tell: it counts neither way."""

_TEMPERATURE = 0.7  # the same question at temperature 0 has the same answer


def close(first: Verdict, threshold: float | None, margin: float) -> bool:
    """Whether the first verdict lies within `margin` of the threshold."""
    return threshold is not None and abs(first.value - threshold) <= margin


def knobs(usual: Knobs, number: int) -> Knobs:
    """How the vote of that number is asked for: other seeds and some chance, where those are sent at all."""
    if not number:
        return usual
    warm = None if usual.temperature is None else max(usual.temperature, _TEMPERATURE)
    seed = None if usual.seed is None else usual.seed + number
    return dataclasses.replace(usual, temperature=warm, seed=seed)


def decided(given: Sequence[Verdict]) -> Verdict:
    """The mean value of the label that most votes have; of labels with as many, the first."""
    if len(given) == 1:
        return given[0]
    counted = [vote for vote in given if vote is not ABSTAINED]
    most = Counter(vote.label for vote in counted).most_common(1)[0][0]
    spoken = next(vote for vote in counted if vote.label == most)
    value = fmean(vote.value for vote in counted if vote.label == most)
    voted = dataclasses.replace(spoken, value=value)
    return voted.noting(votes=[vote.label for vote in given])
