"""The answers of a call as texts, judged one by one: a call may have several choices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from clearspan.assess.evaluator import Evaluator, Subject
from clearspan.record import Invocation
from clearspan.score import Score

__all__ = ["AnswerEvaluator", "answers", "is_cut", "together"]

CUT = "the record holds only a part of it"
"""Why a text is not judged whose end, or middle, the size limit of the record took away."""

_NOTE = re.compile(r"…\[(?:\d{1,18} more|too large)\]\Z")


def answers(call: Subject) -> list[str]:
    """The texts of a call's choices that are not empty; of a conversation, its last answer."""
    if not isinstance(call, Invocation):
        return [call.output_text] if call.output_text else []
    told = [_text(message.get("parts", ())) for message in call.output]
    if not call.output and isinstance(call.output_value, str):
        told = [call.output_value]
    return [text for text in told if text.strip()]


def is_cut(text: str) -> bool:
    """Whether the end of `text` is missing because the record may hold only so much."""
    return _NOTE.search(text[-40:]) is not None


def _text(parts: Sequence[Mapping[str, Any]]) -> str:
    return "".join(str(part.get("content", "")) for part in parts if part.get("type") == "text")


class AnswerEvaluator(Evaluator):
    """Judges each choice of a call by itself; several become one score by `together`."""

    def evaluate(self, call: Any) -> Score:
        """Judge every answer that is there as a whole."""
        found = answers(call)
        if not found:
            return Score(skipped="no text in the answer")
        return together([self._judged(text, call) for text in found])

    def _judged(self, text: str, call: Subject) -> Score:
        return Score(skipped=CUT) if is_cut(text) else self.judge(text, call)

    def judge(self, text: str, call: Subject) -> Score:
        """Judge one answer of `call`."""
        raise TypeError(f"{type(self).__name__} must define judge(text, call)")


def together(scores: Sequence[Score]) -> Score:
    """One score for several answers: the mean of the values that are known, passed where all passed.

    The label is theirs where they agree, else `mixed`; `metadata` has their values under `answers`.
    """
    known = [score for score in scores if score.value is not None]
    if len(scores) == 1 or not known:
        return scores[0]
    values = [score.value for score in known if score.value is not None]
    labels = {score.label for score in known}
    passed = [score.passed for score in known if score.passed is not None]
    return Score(
        value=sum(values) / len(values),
        label=labels.pop() if len(labels) == 1 else "mixed",
        passed=all(passed) if passed else None,
        explanation=next((score.explanation for score in known if score.explanation), None),
        metadata={"answers": values},
    )
