"""Answers in the language of their question, or not."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.assess.evaluator import missing
from clearspan.assess.outcome import scored
from clearspan.evaluators.wording import Language
from clearspan.score import Score
from tests.assess.calls import call

ENGLISH = "What is the capital of the country that we were talking about?"
GERMAN = "Die Hauptstadt des Landes ist nach wie vor die Stadt an der Spree."


def judged(made: Language, question: str, answer: str) -> Score:
    return scored(made.evaluate(call(question, answer)), made)


def test_the_answer_is_in_the_language_of_the_question() -> None:
    same = judged(Language(), ENGLISH, "The capital of that country is the town on the river.")
    assert (same.name, same.value, same.label, same.passed) == ("language", 1.0, "en", True)
    other = judged(Language(), ENGLISH, GERMAN)
    assert (other.value, other.label, other.passed) == (0.0, "de", False)
    assert other.metadata["expected"] == ["en"]


def test_a_language_may_be_expected() -> None:
    assert judged(Language("de"), "", GERMAN).value == 1.0
    assert judged(Language(["fr", "it"]), "", GERMAN).value == 0.0
    assert missing(Language(), call("", GERMAN)) == "input"
    assert missing(Language("de"), call("", GERMAN)) is None


def test_what_cannot_be_told_is_skipped() -> None:
    assert judged(Language(), ENGLISH, "Berlin.").skipped is not None
    assert judged(Language(), "Hm?", GERMAN).skipped == "the question's language cannot be told"


@pytest.mark.parametrize("expected", ["xx", ["de", "german"], []])
def test_a_code_that_cannot_come_out(expected: Any) -> None:
    with pytest.raises(ValueError, match="none of"):
        Language(expected)
