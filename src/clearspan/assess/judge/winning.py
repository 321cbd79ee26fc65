"""How often answers win against others, by the scores of pairwise judgements, and how much of that is length."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clearspan.score import Score

__all__ = ["WinRate", "win_rate"]

_ROUNDS = 50
_SPREAD = 1.0  # the standard deviation of a normal prior on both numbers, so that few pairs give no extremes


class WinRate(NamedTuple):
    """Wins, ties and losses; `rate` counts a tie as half a win.

    `consistent` is the share of pairs on which the judge agreed with itself in both orders; `same_length` the rate
    that is to be expected of answers as long as the others, by logistic regression on the logarithm of the ratio of
    lengths (after Dubois et al. 2024). Shares are `None` without pairs.
    """

    wins: int
    ties: int
    losses: int
    rate: float | None
    consistent: float | None
    same_length: float | None


def win_rate(scores: Iterable[Score]) -> WinRate:
    """The rate at which answers won, from scores of `Pairwise`; those without a value are left out."""
    found = [(score.value, score.metadata) for score in scores if score.value is not None]
    values = [value for value, _ in found]
    wins, losses = sum(value > 0.5 for value in values), sum(value < 0.5 for value in values)
    if not values:
        return WinRate(0, 0, 0, None, None, None)
    ratios = [math.log(max(float(told.get("length_ratio", 1.0)), 0.01)) for _, told in found]
    agreed = [bool(told.get("consistent", True)) for _, told in found]
    return WinRate(
        wins, len(values) - wins - losses, losses, sum(values) / len(values),
        sum(agreed) / len(agreed), _at_zero(ratios, values),
    )  # fmt: skip


def _at_zero(ratios: Sequence[float], values: Sequence[float]) -> float:
    """What a logistic curve through (ratio, value) says at 0: Newton's steps towards the likeliest one."""
    level = slope = 0.0
    for _ in range(_ROUNDS):
        gradient = [-level / _SPREAD**2, -slope / _SPREAD**2]
        first, mixed, second = 1 / _SPREAD**2, 0.0, 1 / _SPREAD**2
        for ratio, value in zip(ratios, values, strict=True):
            chance = _logistic(level + slope * ratio)
            gradient[0] += value - chance
            gradient[1] += (value - chance) * ratio
            weight = chance * (1 - chance)
            first, mixed, second = first + weight, mixed + weight * ratio, second + weight * ratio**2  # fmt: skip
        determinant = first * second - mixed**2
        level += (second * gradient[0] - mixed * gradient[1]) / determinant
        slope += (first * gradient[1] - mixed * gradient[0]) / determinant
    return _logistic(level)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-max(min(x, 30.0), -30.0)))
