"""Answers that break off, by what the record says, and by their text."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.assess.answers import CUT
from clearspan.assess.outcome import scored
from clearspan.conversation import Conversation
from clearspan.evaluators.wording import Truncation
from clearspan.record import Outcome
from clearspan.score import Score
from tests.assess.calls import call

LONG = "This is a sentence of more than twenty words that goes on and on until it has said all that"
CODE = "Here:\n```python\nprint(1)\n"


def judged(text: str, **more: Any) -> Score:
    made = Truncation()
    return scored(made.evaluate(call(answer=text, **more)), made)


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens"])
def test_the_limit_is_certain(reason: str) -> None:
    score = judged("All is well.", finish_reasons=(reason,))
    assert (score.name, score.value, score.label, score.passed) == ("truncation", 1.0, "cut", False)
    assert score.metadata == {"by": "limit"}


def test_a_call_that_failed_before_any_answer_has_none_that_breaks_off() -> None:
    assert judged("", outcome=Outcome.FAILED).skipped == "no answer had begun"


@pytest.mark.parametrize("outcome", [Outcome.CLOSED, Outcome.ABANDONED, Outcome.FAILED])
def test_so_is_a_stream_that_ended_early(outcome: Outcome) -> None:
    assert judged("All is well.", outcome=outcome).metadata == {"by": "outcome"}


@pytest.mark.parametrize(
    ("text", "value", "by"),
    [
        (CODE, 0.8, "fence"),
        ("It is (as we know", 0.6, "bracket"),
        ('{"a": [1, 2', 0.6, "bracket"),
        (f"{LONG} there is and", 0.6, "ending"),
        (f"{LONG} there is, ", 0.6, "ending"),
        (f"{LONG}.\n\nThe next one has begun and", 0.6, "ending"),
    ],
)
def test_by_the_text(text: str, value: float, by: str) -> None:
    score = judged(text)
    assert (score.value, score.label, score.passed) == (value, "cut", False)
    assert score.metadata == {"by": by}


@pytest.mark.parametrize(
    "text",
    [
        "Paris",
        f"{LONG} there is.",
        f"{LONG} there is 🎉",
        f"{LONG} there is #done",
        f"{LONG} there is.\nYours, Ada",
        f"{LONG} there is\nand so on with the rest",
        f"{CODE}```\nThat is all.",
        "a) one b) two :-)",
        "It is (so) and {[so]}.",
        f"{LONG} there is:\n- one\n- two",
        "~~~\n```\n~~~",
        "```\n```python\n```",
    ],
)
def test_complete(text: str) -> None:
    score = judged(text)
    assert (score.value, score.label, score.passed, score.metadata) == (0.0, "complete", True, {})


def test_a_model_that_said_stop_had_finished() -> None:
    text = f"{LONG} there is and"
    assert judged(text, finish_reasons=("stop",)).label == "complete"
    assert judged("It is (as", finish_reasons=("stop",)).label == "complete"
    assert judged(CODE, finish_reasons=("stop",)).label == "cut"
    assert judged(text, finish_reasons=("error",)).label == "cut"


def test_without_text() -> None:
    assert judged("", finish_reasons=("tool_call",)).label == "complete"
    assert judged("").skipped == "neither a text nor a finish reason"
    assert judged("half …[12 more]").skipped == CUT


def test_a_conversation_is_told_by_its_last_call() -> None:
    cut = call(answer="x", finish_reasons=("length",))
    assert Truncation().evaluate(Conversation("1", "trace", (call(), cut))).value == 1.0
    assert Truncation().evaluate(Conversation("1", "trace", ())).skipped == "no answer of a model"
