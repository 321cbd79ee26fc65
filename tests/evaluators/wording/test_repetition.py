"""Loops and repeated runs of words."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, strategies as st

from clearspan.assess.outcome import scored
from clearspan.evaluators.wording import Repetition
from clearspan.evaluators.wording.repetition import Loop, distinct, longest_loop
from clearspan.score import Score
from tests.assess.calls import call

VARIED = " ".join(f"word{number}" for number in range(40))


def judged(text: str, made: Repetition | None = None) -> Score:
    made = made or Repetition()
    return scored(made.evaluate(call(answer=text)), made)


def test_by_hand() -> None:
    assert distinct(["a", "b", "a", "b", "a"], 1) == pytest.approx(2 / 5)
    assert distinct(["a", "b", "a", "b", "a"], 2) == pytest.approx(2 / 4)
    assert distinct(["a"], 2) == 1.0
    loop = longest_loop(["x", "a", "b", "a", "b", "a", "b", "y"], 3)
    assert loop == Loop(1, 2, 6)
    assert loop.rounds == 3
    assert longest_loop(["a", "b", "a", "b"], 3) is None
    assert longest_loop([], 3) is None


def test_what_does_not_repeat() -> None:
    score = judged(VARIED)
    assert (score.name, score.value, score.label, score.passed) == ("repetition", 0.0, "varied", True)  # fmt: skip
    assert score.metadata == {f"distinct_{size}": 1.0 for size in (1, 2, 3, 4)}


def test_a_loop() -> None:
    score = judged(VARIED + " and so on" * 60)
    assert (score.label, score.passed) == ("loop", False)
    assert score.value == pytest.approx(180 / 220)
    assert (score.metadata["period"], score.metadata["rounds"]) == (3, 60)


def test_a_paragraph_that_comes_again_and_again() -> None:
    score = judged("\n".join([VARIED + " end"] * 3), Repetition(max_period=5))
    assert score.label == "repetitive"
    assert score.value == pytest.approx(1 - 41 / 120)


def test_a_short_loop_in_a_long_text_is_let_pass() -> None:
    assert judged(VARIED + " no no no").label == "varied"


def test_characters_count_where_there_are_no_spaces() -> None:
    assert judged("我们去" * 20).metadata["period"] == 3


def test_short_answers_are_skipped() -> None:
    assert judged("no " * 19).skipped == "shorter than 20 words"


def test_a_period_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="max_period"):
        Repetition(max_period=0)


def test_random_words_hardly_repeat() -> None:
    draw = random.Random(7)
    for _ in range(20):
        text = " ".join(f"w{draw.randrange(500)}" for _ in range(400))
        value = judged(text).value
        assert value is not None
        assert value < 0.05


WORDS = st.lists(st.sampled_from("abc"), min_size=20, max_size=60)


@given(WORDS)
def test_the_value_is_a_share(words: list[str]) -> None:
    value = judged(" ".join(words)).value
    assert value is not None
    assert 0 <= value <= 1


@given(WORDS, st.integers(1, 6))
def test_a_loop_is_one(words: list[str], period: int) -> None:
    loop = longest_loop(words, period)
    if loop is not None:
        run = words[loop.start : loop.start + loop.words]
        assert loop.period <= period
        assert run[loop.period :] == run[: -loop.period]
        assert loop.rounds >= 3


@given(WORDS)
def test_repeating_a_text_never_makes_it_more_varied(words: list[str]) -> None:
    once, often = judged(" ".join(words)).value, judged(" ".join(words * 5)).value
    assert once is not None
    assert often is not None
    assert often >= once - 1e-9
