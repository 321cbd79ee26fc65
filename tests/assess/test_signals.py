"""What a person did with an answer, as a score."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from clearspan.assess import signals
from clearspan.assess.feedback import feedback_score
from clearspan.assess.signals import abandoned, copied, distance, edited, reaction, regenerated
from clearspan.score import Score, Target


def table(first: Sequence[object], second: Sequence[object]) -> int:
    """Levenshtein's distance as it is defined."""
    above = list(range(len(second) + 1))
    for row, left in enumerate(first, 1):
        here = [row]
        for column, right in enumerate(second):
            here.append(min(above[column + 1] + 1, here[-1] + 1, above[column] + (left != right)))
        above = here
    return above[-1]


def test_the_distance_is_that_of_the_definition() -> None:
    draw = random.Random(5)
    for _ in range(1_500):
        first, second = (draw.choices("abcd", k=draw.randrange(16)) for _ in range(2))
        assert distance(first, second) == table(first, second)
    long = [draw.choices(range(40), k=300) for _ in range(2)]
    assert distance(*long) == table(*long)


@pytest.mark.parametrize(
    ("shown", "kept", "value", "label"),
    [
        ("The cat sat.", "The cat sat.", 1.0, "positive"),
        ("one two three four five", "one two three four six", 0.8, "positive"),
        ("one two three four", "one two three", 0.75, "neutral"),
        ("one two three four", "one two", 0.5, "neutral"),
        ("one two three four", "one", 0.25, "negative"),
        ("one two three", "", 0.0, "negative"),
        ("one two", "one two three four five six seven eight", 0.25, "negative"),
        ("吾輩は猫", "吾輩は犬", 0.75, "neutral"),
    ],
)
def test_an_edited_answer_is_worth_what_stayed_of_it(
    shown: str, kept: str, value: float, label: str
) -> None:
    score = edited(shown, kept)
    assert (score.value, score.label) == (pytest.approx(value), label)
    assert score.metadata == {"source": "implicit"}


def test_nothing_shown_cannot_be_edited() -> None:
    assert edited("  ", "mine").skipped == "nothing_shown"


def test_long_texts_are_compared_as_far_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_MOST_TOKENS", 4)
    score = edited("a b c d e f", "a b c d x y")
    assert (score.value, score.metadata["truncated"]) == (1.0, True)
    assert edited("a b c d", "a b c d").metadata == {"source": "implicit"}
    monkeypatch.setattr(signals, "_MOST_CHARACTERS", 5)
    assert edited("a b c", "a b").metadata == {"source": "implicit"}
    assert edited("a b", "a b c ").metadata["truncated"] is True


def test_another_answer_was_wanted() -> None:
    assert regenerated("one two").metadata == {"source": "implicit"}
    score = regenerated("one two three four", "one two three five")
    assert (score.name, score.value, score.label, score.passed) == (
        "regenerated",
        0.0,
        "negative",
        False,
    )
    assert score.metadata == {"source": "implicit", "similarity": 0.75}
    assert "similarity" not in regenerated("", "one").metadata


def test_what_is_copied_was_of_use() -> None:
    score = copied("one two three four", "three")
    assert (score.value, score.label, score.passed) == (0.25, "positive", True)
    assert copied("one", "one and more of it").value == 1.0
    assert copied("one", " ").skipped == copied("", "one").skipped == "nothing_copied"


def test_who_leaves_early_is_not_content() -> None:
    score = abandoned(read=0.25, after=1.5)
    assert (score.value, score.label, score.passed) == (0.25, "negative", False)
    assert score.metadata == {"source": "implicit", "after": 1.5}
    late = abandoned(read=0.9)
    assert (late.value, late.label, late.passed) == (0.9, "neutral", None)
    assert (abandoned().value, abandoned().metadata) == (0.0, {"source": "implicit"})


@pytest.mark.parametrize(
    "given", [{"read": -0.1}, {"read": 1.1}, {"read": float("nan")}, {"after": -1}, {"after": float("inf")}]
)  # fmt: skip
def test_a_number_that_cannot_be_is_told(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"abandoned: {next(iter(given))} must be"):
        abandoned(**given)


@pytest.mark.parametrize(
    "message",
    [
        "Thanks!",
        "thank you so much, one more thing: how do I ...",
        "That\u2019s right.",
        "perfect, that works",
        "It worked",
        "not wrong at all, thanks",
        "Vielen Dank!",
        "merci beaucoup",
        "Muchas GRACIAS",
    ],
)
def test_thanks_are_good(message: str) -> None:
    score = reaction(message)
    assert (score.value, score.label) == (1.0, "positive")


@pytest.mark.parametrize(
    "message",
    [
        "That is wrong.",
        "No, that's not what I asked",
        "thanks, but it doesn't work",
        "it still fails",
        "you made that up!",
        "This isn't correct",
        "Try again, please",
        "das ist falsch",
        "no funciona",
    ],
)
def test_complaints_are_bad_and_outweigh_thanks(message: str) -> None:
    score = reaction(message)
    assert (score.value, score.label) == (0.0, "negative")


@pytest.mark.parametrize(
    "message",
    ["", "How do I write a loop?", "no thanks", "Nein, danke.", "wrongdoing", f"{'word ' * 80} thanks"],
)  # fmt: skip
def test_what_says_neither_is_skipped(message: str) -> None:
    assert reaction(message).skipped == "no_reaction"


SIGNALS: list[Callable[[], Score]] = [
    lambda: regenerated("alpha", "beta"),
    lambda: edited("alpha", "alpha"),
    lambda: edited("", "alpha"),
    lambda: copied("alpha", "alpha"),
    lambda: copied("", "alpha"),
    abandoned,
    lambda: reaction("thanks alpha"),
    lambda: reaction("alpha"),
]


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_can_be_handed_to_feedback_and_holds_no_text(signal: Callable[[], Score]) -> None:
    score = feedback_score(signal(), target=Target(response_id="r-1"))
    assert score.kind == "human"
    assert score.metadata["source"] == "implicit"
    assert score.name != "user_rating"
    assert score.identity is not None
    assert "alpha" not in repr(score)
