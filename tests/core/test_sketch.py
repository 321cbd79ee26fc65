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


# -- several at once ---------------------------------------------------------------------------------------


def extended(*groups: list[float]) -> Sketch:
    """A sketch that these were given to at once, which is as if each value had been."""
    together, alone = Sketch(), sketch(value for values in groups for value in values)
    for values in groups:
        together.extend(values)
    assert (together.count, together.largest) == (alone.count, alone.largest)
    assert together.values() == alone.values()
    assert (together._exact, together._bins) == (alone._exact, alone._bins)
    return together


def test_several_values_are_what_they_are_one_by_one() -> None:
    made = extended([3.0, 1.0], [2.0, 1.0])
    assert (made.count, made.largest) == (4, 3.0)
    assert made.values() == ((1.0, 2), (2.0, 1), (3.0, 1))
    assert extended([0.0]).values() == ((0.0, 1),)


def test_no_values_change_nothing() -> None:
    assert extended([]).count == 0
    assert extended([1.0], [], [2.0]).count == 2
    assert extended([1.0] * (EXACT + 1), []).count == EXACT + 1


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    ("odd", "count"), [(math.nan, 2), (math.inf, 2), (-math.inf, 2), (-5.0, 3), (-0.0, 3)]
)
def test_odd_values_among_several_are_as_odd_as_alone(odd: float, count: int, place: int) -> None:
    values = [2.0, 4.0]
    values.insert(place, odd)
    made = extended([1.0], values)
    assert (made.count, made.largest) == (1 + count, 4.0)


def test_values_whose_sum_is_none_are_kept_all_the_same() -> None:
    made = extended([sys.float_info.max, sys.float_info.max])
    assert made.values() == ((sys.float_info.max, 2),)


@pytest.mark.parametrize("before", [1, 2, EXACT - 1, EXACT, EXACT + 1])
@pytest.mark.parametrize("more", [1, 2, EXACT - 1, EXACT, EXACT + 1])
def test_more_than_are_kept_exactly_fall_into_bins(before: int, more: int) -> None:
    made = extended([float(number) for number in range(1, before + 1)], [0.5] * more)
    assert (made._bins == {}) is (before + more <= EXACT)
    assert made.count == before + more


@given(st.lists(st.lists(st.floats() | st.sampled_from((0.0, -0.0, 0.25)), min_size=1, max_size=20), max_size=5), st.integers(1, EXACT + 9))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_any_groups_are_what_they_are_one_by_one(groups: list[list[float]], many: int) -> None:
    extended([0.5] * many, *groups)
