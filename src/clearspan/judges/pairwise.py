"""A judge of two answers to one question: which is better, whichever comes first."""

from __future__ import annotations

from collections.abc import Mapping

from clearspan.assess.judge.client import Judge
from clearspan.assess.judge.failure import Unjudged
from clearspan.assess.judge.prompt import ask
from clearspan.assess.judge.rubric import Rubric
from clearspan.assess.judge.schema import UNKNOWN, Shape, verdict
from clearspan.assess.judge.tally import Tally
from clearspan.assess.judge.verdict import Verdict
from clearspan.record import Invocation, Message, Timing
from clearspan.score import Score

__all__ = ["Pairwise"]

_MIRRORED = {"first": "second", "second": "first", "tie": "tie"}
_LABELS = {"first": "better", "second": "worse", "tie": "tie"}


class Pairwise(Rubric):
    """Whether the answer is better than another one: the reference, or what `compare` is given.

    The judge is asked in both orders, since most judges prefer one place; a win counts only if it wins in both,
    and is a tie else (Zheng et al. 2023). The metadata say whether both orders agreed, and how much longer
    the answer is, because judges like length. 1 is better, 0.5 a tie, 0 worse.
    """

    name = "judge_pairwise"
    requires = frozenset({"output", "reference"})
    shows = ("question", "answer", "reference")
    criterion = (
        "Which of two answers serves the one who asked better: more correct, more helpful, more to the point? "
        "Their order says nothing, and neither does their length."
    )
    labels = {"better": 1.0, "tie": 0.5, "worse": 0.0}  # noqa: RUF012 -- read only
    canaries = (
        {
            "question": "What is the capital of France?",
            "answer": "I like cheese.",
            "reference": "The capital of France is Paris.",
        },
    )

    def shape(self) -> Shape:
        """Which of the two."""
        return verdict((*_LABELS, UNKNOWN) if self.unknown else tuple(_LABELS))

    def meanings(self) -> list[str]:
        """What the label says."""
        return [
            'The label is "first" or "second" for the better answer, "tie" where neither is clearly better.'
        ]

    def compare(self, question: str, answer: str, other: str) -> Score:
        """Whether `answer` is better than `other`."""
        asked, said = _said("user", question), _said("assistant", answer)
        made = Invocation("chat", Timing(0, 0), input=(asked,), output=(said,), references=(other,))
        return self.evaluate(made)

    def judged(self, judge: Judge, texts: Mapping[str, str], tally: Tally) -> Verdict:
        """Asked in both orders."""
        answer, other = texts["answer"], texts["reference"]
        plain, why = self._chosen(judge, texts, answer, other, tally)
        swapped, _ = self._chosen(judge, texts, other, answer, tally)
        agreed = plain == _MIRRORED[swapped]
        label = _LABELS[plain] if agreed else "tie"
        ratio = round(len(answer) / max(len(other), 1), 2)
        return Verdict(self.values[label], label, why).noting(consistent=agreed, length_ratio=ratio)

    def _chosen(
        self, judge: Judge, texts: Mapping[str, str], first: str, second: str, tally: Tally
    ) -> tuple[str, str]:
        asked = {"question": texts["question"]} if "question" in texts else {}
        prepared = ask(self._system, {**asked, "first": first, "second": second}, judge.limit)
        fields, _ = judge.ask(prepared.messages, self.shape(), tally)
        if fields["label"] == UNKNOWN:
            raise Unjudged("judge_unknown")
        return fields["label"], fields["reasoning"]


def _said(role: str, text: str) -> Message:
    return {"role": role, "parts": [{"type": "text", "content": text}]}
