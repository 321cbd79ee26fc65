"""The likelihood of an answer as a score."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.assess.evaluator import missing
from clearspan.assess.outcome import scored
from clearspan.evaluators.confidence import TokenConfidence
from clearspan.figures.confidence import summary
from clearspan.record import Confidence
from clearspan.score import Score
from tests.assess.calls import call


def judged(confidence: Confidence | None, **options: Any) -> Score:
    made = TokenConfidence(**options)
    return scored(made.evaluate(call(confidence=confidence)), made)


def test_by_hand() -> None:
    score = judged(summary([math.log(0.5), math.log(0.125)]))
    assert (score.name, score.passed, score.label) == ("token_confidence", None, None)
    assert score.value == pytest.approx(0.25)  # the geometric mean of 1/2 and 1/8
    assert score.metadata["perplexity"] == pytest.approx(4)
    assert (score.metadata["tokens"], score.metadata["low_share"]) == (2, 0.0)
    assert "entropy" not in score.metadata


def test_thresholds() -> None:
    known = summary([math.log(0.5), math.log(0.05)])
    assert judged(known, threshold=0.1).passed is True
    assert judged(known, threshold=0.2).passed is False
    assert judged(known, max_low_share=0.5).passed is True
    assert judged(known, max_low_share=0.4).passed is False
    assert judged(known, max_low_share=0.5, threshold=0.2).passed is False
    assert judged(Confidence(1, mean=-1.0), max_low_share=0.5).passed is None


def test_without_log_probabilities_it_is_skipped() -> None:
    assert missing(TokenConfidence(), call()) == "confidence"
    assert judged(Confidence(1, low=1.0)).skipped == "no token has a log probability of its own"


def test_a_share_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="max_low_share"):
        TokenConfidence(max_low_share=2)


@given(st.lists(st.floats(-20, 0), min_size=1, max_size=30))
def test_it_is_one_by_the_perplexity_in_any_order(logprobs: list[float]) -> None:
    known = summary(logprobs)
    assert known is not None
    assert known.perplexity is not None
    value = judged(known).value
    assert value == pytest.approx(1 / known.perplexity)
    assert judged(summary(logprobs[::-1])).value == pytest.approx(value)
