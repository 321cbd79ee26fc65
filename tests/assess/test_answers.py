"""Several answers, and answers of which the record has a part only."""

from __future__ import annotations

import pytest

from clearspan.assess.answers import CUT, AnswerEvaluator, answers, is_cut, together
from clearspan.conversation import Conversation
from clearspan.emit.fit import fit
from clearspan.record import Invocation, Message, Timing
from clearspan.score import Score


def call(*texts: str, value: object = None) -> Invocation:
    said: tuple[Message, ...] = tuple(
        {"role": "assistant", "parts": [{"type": "text", "content": text}]} for text in texts
    )
    return Invocation("chat", Timing(0, 0), output=said, output_value=value)


class Short(AnswerEvaluator):
    def judge(self, text: str, call: object) -> Score:
        return Score(value=1 / len(text), label="one" if len(text) == 1 else "more")


def test_each_choice_is_judged() -> None:
    score = Short().evaluate(call("a", "abcd"))
    assert (score.value, score.label, score.passed) == (0.625, "mixed", None)
    assert score.metadata == {"answers": [1.0, 0.25]}


def test_a_single_answer_is_its_own_score() -> None:
    assert Short().evaluate(call("a")) == Score(value=1.0, label="one")


def test_what_has_no_text_is_skipped() -> None:
    assert Short().evaluate(call()).skipped == "no text in the answer"
    assert Short().evaluate(call("", "  ")).skipped == "no text in the answer"


def test_a_text_may_be_the_value_of_a_step() -> None:
    assert answers(call(value="text")) == ["text"]
    assert answers(call(value={"a": 1})) == []


def test_of_a_conversation_the_last_answer_counts() -> None:
    talk = Conversation("1", "trace", (call("first"), call("last")))
    assert answers(talk) == ["last"]
    assert answers(Conversation("1", "trace", ())) == []


def test_parts_that_are_no_text_are_left_out() -> None:
    message: Message = {
        "role": "assistant",
        "parts": [{"type": "reasoning", "content": "hm"}, {"type": "text", "content": "yes"}],
    }
    assert answers(Invocation("chat", Timing(0, 0), output=(message,))) == ["yes"]


def test_what_the_record_cut_is_seen() -> None:
    short, _ = fit(["x" * 5_000], 1_000)
    assert is_cut(short[0])
    assert not is_cut("a plain text […] more")
    assert Short().evaluate(call(short[0])).skipped == CUT


def test_together_leaves_out_what_is_not_known() -> None:
    known = Score(value=0.5, label="a", passed=True, explanation="why")
    score = together([Score(skipped="no"), known, known])
    assert (score.value, score.label, score.passed, score.explanation) == (0.5, "a", True, "why")
    assert together([known, Score(value=1.0, passed=False)]).passed is False
    assert together([Score(skipped="one"), Score(skipped="two")]).skipped == "one"


def test_how_an_answer_is_judged_has_to_be_written() -> None:
    with pytest.raises(TypeError, match="must define judge"):
        AnswerEvaluator(name="mine").evaluate(call("A."))
