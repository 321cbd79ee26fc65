"""The sketch against the whole list that it stands for."""

from __future__ import annotations

import math
import random
import sys
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from clearspan.core.sketch import ACCURACY, BINS, EXACT, Sketch

SHARES = (0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0)
BOUND = ACCURACY * (1 + 1e-6)  # and what rounding adds to it

# Values over so many orders of magnitude fit into the bins without merging.
ordinary = st.floats(min_value=1e-6, max_value=1e2, allow_nan=False)
seeds = st.integers(0, 2**32)


def sketch(values: Any) -> Sketch:
    made = Sketch()
    for value in values:
        made.add(value)
    return made


def rank(values: list[float], share: float) -> float:
    """The quantile of a list by nearest rank."""
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


def near(found: Any, right: float) -> bool:
    return bool(abs(found - right) <= BOUND * right)


def held(made: Sketch) -> int:
    return len(made._exact) + len(made._bins)


def test_nothing_has_no_quantile() -> None:
    made = Sketch()
    assert made.quantiles(SHARES) == [None] * len(SHARES)
    assert (made.count, made.largest, made.values()) == (0, 0.0, ())


@given(st.lists(st.floats(min_value=0, allow_nan=False, allow_infinity=False), max_size=EXACT))
def test_few_values_are_exact(values: list[float]) -> None:
    made = sketch(values)
    found = made.quantiles(SHARES)
    assert found == [rank(values, share) if values else None for share in SHARES]
    assert made.count == len(values)
    assert made.largest == max(values, default=0.0)
    assert made.values() == tuple((value, values.count(value)) for value in sorted(set(values)))


@given(
    st.lists(ordinary, min_size=1, max_size=60), st.integers(EXACT, EXACT + 900), seeds, st.floats(0, 1),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_many_values_are_within_the_bound(
    kinds: list[float], many: int, seed: int, share: float
) -> None:
    chance = random.Random(seed)
    values = [chance.choice(kinds) * chance.uniform(0.5, 2) for _ in range(many + 1)]
    made = sketch(values)
    for wanted, found in zip((*SHARES, share), made.quantiles((*SHARES, share)), strict=True):
        assert near(found, rank(values, wanted))
    assert (made.count, made.largest) == (len(values), max(values))
    assert sum(count for _, count in made.values()) == len(values)
    assert held(made) <= BINS


@given(
    st.lists(st.floats(), max_size=50),
    st.integers(min_value=EXACT + 1, max_value=4 * BINS),
    seeds,
)
@settings(max_examples=40, deadline=None)
def test_anything_at_all_leaves_it_small_and_whole(
    kinds: list[float], many: int, seed: int
) -> None:
    chance = random.Random(seed)
    values = [
        chance.choice(kinds) if kinds and chance.random() < 0.5 else 10 ** chance.uniform(-320, 308)
        for _ in range(many)
    ]
    made = sketch(values)
    finite = [max(0.0, value) for value in values if math.isfinite(value)]
    assert held(made) <= max(BINS, EXACT)
    assert (made.count, made.largest) == (len(finite), max(finite, default=0.0))
    told = made.values()
    assert sum(count for _, count in told) == len(finite)
    assert [value for value, _ in told] == sorted({value for value, _ in told})
    assert all(math.isfinite(value) and 0 <= value <= made.largest for value, _ in told)


@given(seeds, st.floats(min_value=1, max_value=600))
@settings(max_examples=30, deadline=None)
def test_the_order_does_not_matter(seed: int, spread: float) -> None:
    chance = random.Random(seed)
    values = [10 ** chance.uniform(-spread / 2, min(300, spread / 2)) for _ in range(3 * BINS)]
    made = sketch(values)
    for shuffled in (sorted(values), sorted(values, reverse=True)):
        other = sketch(shuffled)
        assert other.values() == made.values()
        assert (other.count, other.largest) == (made.count, made.largest)


def test_when_bins_are_merged_the_high_quantiles_keep_the_bound() -> None:
    values = [1.03**step for step in range(-2 * BINS, 2 * BINS)]
    made = sketch(values)
    assert held(made) == BINS
    for share in (0.9, 0.95, 0.99, 1.0):
        assert near(made.quantiles((share,))[0], rank(values, share))
    # Of the lowest it is only known that they are not higher than the bin they were merged into.
    low = made.quantiles((0.1,))[0]
    assert low is not None
    assert low >= rank(values, 0.1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_does_not_count(value: float) -> None:
    made = sketch([1.0, value, 3.0])
    assert (made.count, made.largest) == (2, 3.0)
    assert made.quantiles((0.5, 1.0)) == [1.0, 3.0]


def test_a_clock_that_went_backwards_counts_as_zero() -> None:
    made = sketch([-5.0, 2.0])
    assert made.values() == ((0.0, 1), (2.0, 1))


@pytest.mark.parametrize("value", [0.0, 5e-324, 1e-12, 1.0, 1e300, sys.float_info.max])
def test_the_same_value_many_times(value: float) -> None:
    made = sketch([value] * (10 * EXACT))
    assert made.largest == value
    assert held(made) == 1
    ((found, many),) = made.values()
    assert many == 10 * EXACT
    assert abs(found - value) <= BOUND * value
