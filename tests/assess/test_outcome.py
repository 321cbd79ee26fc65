from __future__ import annotations

from typing import Any

import numpy
import pytest
from hypothesis import given, strategies as st

from clearspan.assess.evaluator import Evaluator, seated
from clearspan.assess.outcome import failed, scored, skipped
from clearspan.score import Score, Target

FREE = seated(lambda call: None)
FREE.name = "free"


class Risk(Evaluator):
    direction = "minimize"
    threshold = 0.5
    version = "7"

    def evaluate(self, call: Any) -> None:
        return None


@pytest.mark.parametrize(
    ("answer", "value", "label", "passed"),
    [
        (True, 1.0, None, True),
        (False, 0.0, None, False),
        (numpy.bool_(1), 1.0, None, True),
        (0.25, 0.25, None, None),
        (3, 3.0, None, None),
        (numpy.float32(0.5), 0.5, None, None),
        ("polite", None, "polite", None),
        ((0.5, "since"), 0.5, None, None),
        ((True, "good", "since"), 1.0, "good", True),
        ((0.5, None, None), 0.5, None, None),
        ({"score": 0.5, "label": "meh"}, 0.5, "meh", None),
        ({"value": False}, 0.0, None, False),
        ({"label": "meh"}, None, "meh", None),
        ({"passed": True}, None, None, True),
        (Score(0.1), 0.1, None, None),
    ],
)
def test_every_form_of_answer_becomes_a_score(
    answer: Any, value: float | None, label: str | None, passed: bool | None
) -> None:
    score = scored(answer, FREE)
    assert (score.value, score.label, score.passed) == (value, label, passed)
    assert (score.error, score.skipped, score.name) == (None, None, "free")


class Unwilling:
    def __float__(self) -> float:
        raise RuntimeError("not now")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (float("nan"), "invalid_value"),
        (float("-inf"), "invalid_value"),
        (10**400, "invalid_result"),
        ([1], "invalid_result"),
        (object(), "invalid_result"),
        ((1,), "invalid_result"),
        ((1, 2, 3, 4), "invalid_result"),
        ({"scoer": 1}, "invalid_result"),
        ({}, "invalid_result"),
        ({"explanation": "nothing else"}, "invalid_result"),
        ({"value": 1.0, "error": "both"}, "invalid_result"),
        (((float("nan")), "since"), "invalid_value"),
        (Unwilling(), "invalid_result"),
        (Score(0.5, ["no", "text"]), "invalid_result"),  # type: ignore[arg-type]
        (Score(0.5, explanation=42), "invalid_result"),  # type: ignore[arg-type]
        (Score(0.5, metadata="none"), "invalid_result"),  # type: ignore[arg-type]
        (Score(0.5, kind="robot"), "invalid_result"),  # type: ignore[arg-type]
        (Score(0.5, target="that one"), "invalid_result"),  # type: ignore[arg-type]
        (Score(0.5, passed="yes"), "invalid_result"),  # type: ignore[arg-type]
        ({"value": 0.5, "range": ("a", "b")}, "invalid_result"),
        ({"value": 0.5, "range": (2, 1)}, "invalid_result"),
        (Score(), "invalid_result"),
        ("", "invalid_result"),
    ],
)
def test_what_is_no_answer_is_an_error_and_never_a_number(answer: Any, error: str) -> None:
    score = scored(answer, FREE)
    assert (score.value, score.label, score.passed, score.error) == (None, None, None, error)
    assert score.explanation


def test_no_answer_is_a_skipped_call() -> None:
    assert scored(None, FREE).skipped == "no_result"


def test_an_answer_may_be_an_error_or_a_reason() -> None:
    assert scored({"error": "judge_parse"}, FREE).error == "judge_parse"
    assert scored({"skipped": "too_short"}, FREE).skipped == "too_short"


def test_a_score_says_whose_it_is() -> None:
    target = Target(response_id="r-1")
    score = scored(0.75, Risk(), target)
    assert (score.name, score.version, score.kind, score.target) == ("risk", "7", "code", target)
    assert (score.direction, score.range, score.threshold) == ("minimize", (0.0, 1.0), 0.5)


@pytest.mark.parametrize(
    ("value", "direction", "passed"),
    [
        (0.4, "minimize", True),
        (0.5, "minimize", False),
        (0.5, "maximize", True),
        (0.4, "maximize", False),
        (0.5, "neutral", None),
    ],
)
def test_the_threshold_says_whether_it_passed(
    value: float, direction: Any, passed: bool | None
) -> None:
    made = Risk()
    made.direction = direction
    assert scored(value, made).passed is passed


def test_what_the_evaluator_says_itself_holds() -> None:
    own = Score(0.9, passed=True, name="own", threshold=0.95, direction="maximize", version="x")
    score = scored(own, Risk())
    assert (score.passed, score.name, score.threshold, score.version) == (True, "own", 0.95, "x")


def test_a_value_outside_the_range_is_an_error() -> None:
    score = scored({"score": 1.5, "metadata": {"votes": 3}}, Risk())
    assert (score.value, score.error) == (None, "invalid_value")
    assert score.explanation == "1.5 is outside 0.0 to 1.0"
    assert score.metadata == {"votes": 3}


def test_a_label_is_a_word_not_a_book() -> None:
    for answer in ("x" * 5_000, {"label": "x" * 5_000}, Score(label="x" * 5_000)):
        assert scored(answer, FREE).label == "x" * 200
    assert scored(Score(error="x" * 5_000), FREE).error == "x" * 200


def test_failures_and_skips_are_stamped_too() -> None:
    target = Target(key="k")
    error = failed(Risk(), "timeout", "took too long", target)
    assert (error.error, error.explanation, error.name, error.target) == (
        "timeout", "took too long", "risk", target,
    )  # fmt: skip
    assert skipped(Risk(), "missing:context").skipped == "missing:context"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_is_answered_the_outcome_is_one_of_three(answer: Any) -> None:
    score = scored(answer, FREE)
    judged = not (score.value is None and score.label is None and score.passed is None)
    assert judged + (score.error is not None) + (score.skipped is not None) == 1


@pytest.mark.parametrize("number", ["value", "threshold", "cost", "duration"])
def test_a_scores_numbers_are_finite(number: str) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        Score(**{number: float("nan")})


def test_a_score_has_one_outcome() -> None:
    with pytest.raises(ValueError, match="one of them only"):
        Score(1.0, skipped="why")
