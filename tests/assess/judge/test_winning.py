from __future__ import annotations

import pytest

from clearspan.assess.judge.winning import win_rate
from clearspan.score import Score


def pair(value: float, ratio: float = 1.0, *, consistent: bool = True) -> Score:
    return Score(value=value, metadata={"length_ratio": ratio, "consistent": consistent})


def test_ties_are_half_a_win_and_what_has_no_value_is_left_out() -> None:
    found = win_rate(
        [pair(1), pair(1), pair(0), pair(0.5, consistent=False), Score(skipped="budget")]
    )
    assert found[:3] == (2, 1, 1)
    assert found.rate == pytest.approx(0.625)
    assert found.consistent == pytest.approx(0.75)


def test_wins_that_are_all_length_are_none_at_the_same_length() -> None:
    longer = [pair(1, 4.0)] * 40 + [pair(0, 0.25)] * 10
    found = win_rate(longer)
    assert found.rate == pytest.approx(0.8)
    assert found.same_length is not None
    assert found.same_length < 0.7


def test_wins_that_have_nothing_to_do_with_length_stay() -> None:
    fair = [pair(1, 2.0), pair(1, 0.5), pair(1, 1.0), pair(0, 2.0), pair(0, 0.5)] * 20
    found = win_rate(fair)
    assert found.same_length == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_few_and_extreme_pairs_give_no_extreme(value: float) -> None:
    found = win_rate([pair(value, 1e9), pair(value, 0.0)])
    assert found.rate == value
    assert found.same_length is not None
    assert 0.05 < found.same_length < 0.95


def test_scores_of_others_may_lack_lengths() -> None:
    assert win_rate([Score(value=1.0)]).consistent == 1.0


def test_without_pairs_nothing_is_known() -> None:
    assert win_rate([]) == (0, 0, 0, None, None, None)
