from __future__ import annotations

from typing import Any

import pytest

from clearspan.assess.evaluator import Evaluator
from clearspan.assess.judge.calibration import Calibration, compared
from clearspan.record import Invocation
from clearspan.score import Score
from tests.assess.judge.kit import call


class Said(Evaluator):
    """Its value is what the answer says."""

    threshold = 0.5

    def evaluate(self, call: Any) -> Score:
        text = call.output_text
        if text == "skip":
            return Score(skipped="judge_unknown")
        if text == "label":
            return Score(label="x")
        if text == "error":
            raise LookupError
        return Score(value=float(text))


def rows(*pairs: tuple[Any, bool]) -> list[tuple[Invocation, bool]]:
    return [(call(answer=str(value)), truth) for value, truth in pairs]


def test_agreement_and_kappa_are_those_of_the_table() -> None:
    found = compared(Said(), rows((0.9, True), (0.8, True), (0.7, False), (0.2, False), (0.1, True), (0.0, False)))  # fmt: skip
    assert found.confusion == {
        (True, True): 2,
        (True, False): 1,
        (False, False): 2,
        (False, True): 1,
    }
    assert found.judged == 6
    assert found.agreement == pytest.approx(4 / 6)
    assert found.kappa == pytest.approx(1 / 3)
    assert found.sensitivity == pytest.approx(2 / 3)
    assert found.specificity == pytest.approx(2 / 3)


def test_what_has_no_verdict_is_counted_by_reason() -> None:
    found = compared(Said(), rows((0.9, True), ("skip", True), ("label", False), ("error", True)))
    assert found.judged == 1
    assert found.skipped == {"judge_unknown": 1, "no_verdict": 1}
    assert found.errors == {"LookupError": 1}
    assert (found.kappa, found.threshold) == (None, None)


def test_the_threshold_with_the_best_kappa_and_most_room_is_chosen() -> None:
    found = compared(Said(), rows((0.95, True), (0.9, True), (0.8, False), (0.4, False), (0.4, False)))  # fmt: skip
    assert found.threshold == pytest.approx(0.85)
    assert found.threshold_kappa == 1.0
    assert found.agreement == pytest.approx(4 / 5)
    roomy = compared(
        Said(), rows((0.9, True), (0.3, False), (0.5, True), (0.1, False), (0.05, True))
    )
    assert roomy.threshold == pytest.approx(0.4)


def test_of_a_risk_the_small_values_pass() -> None:
    risk = Said()
    risk.direction = "minimize"
    found = compared(risk, rows((0.1, True), (0.2, True), (0.3, False), (0.4, False)))
    assert found.threshold == pytest.approx(0.25)
    assert found.threshold_kappa == 1.0
    assert found.confusion == {(True, True): 2, (True, False): 2}


def test_any_evaluator_may_be_calibrated() -> None:
    async def long(call: Any) -> bool:
        return len(call.output_text) > 2

    found = compared(long, rows(("long enough", True), ("no", False)))
    assert found.evaluator == "long"
    assert found.kappa == 1.0


TABLE = {(True, True): 45, (False, True): 5, (True, False): 10, (False, False): 40}


def test_a_rate_is_corrected_for_the_judges_errors() -> None:
    found = Calibration("x", "1", TABLE)
    assert found.corrected(0.55) == pytest.approx(0.5)  # .5 * .9 + .5 * .2
    assert found.corrected(0.0) == 0.0
    assert found.corrected(1.0) == 1.0
    with pytest.raises(ValueError, match="a rate is 0 to 1"):
        found.corrected(2)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {(True, True): 5},
        {(True, True): 5, (True, False): 5},
        {(False, True): 5, (True, False): 5},
    ],
    ids=["none", "one kind", "chance", "worse"],
)
def test_a_judge_that_knows_nothing_corrects_nothing(table: dict[tuple[bool, bool], int]) -> None:
    assert Calibration("x", "1", table).corrected(0.5) is None


def test_a_share_is_estimated_with_an_interval_that_holds_the_truth() -> None:
    found = Calibration("x", "1", TABLE)
    estimate = found.estimate([True] * 700 + [False] * 300)
    assert estimate is not None
    assert estimate.value == pytest.approx(0.65)  # the judge passes 5 of 100 too many
    assert estimate.low < 0.65 < estimate.high
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * (0.21 / 1_000 + 0.1475 / 100) ** 0.5)  # fmt: skip
    assert found.estimate([True]) is None
    assert Calibration("x", "1", {}).estimate([True, False]) is None


def test_without_samples_nothing_is_known() -> None:
    found = Calibration("x", "1", {})
    assert (found.agreement, found.kappa, found.sensitivity, found.specificity) == (None,) * 4
