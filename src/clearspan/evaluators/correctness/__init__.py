"""Whether an answer is right, where right answers are known."""

from __future__ import annotations

from clearspan.assess.evaluator import Evaluator
from clearspan.assess.text.subject import answer_of, question_of
from clearspan.evaluators.correctness.comparing import agreement
from clearspan.evaluators.correctness.measures import (
    Bleu,
    ChrF,
    Contains,
    ExactMatch,
    FuzzyMatch,
    NumericMatch,
    RougeL,
    TokenF1,
)
from clearspan.record import Invocation
from clearspan.score import Score

__all__ = [
    "AnswerCorrectness", "Bleu", "ChrF", "Contains", "ExactMatch", "FuzzyMatch", "NumericMatch", "RougeL", "TokenF1",
]  # fmt: skip

_LONG = 8_000


class AnswerCorrectness(Evaluator):
    """How far the answer says what one of the reference answers says, 0 to 1; the best of them counts.

    Made for short answers to questions about facts: the words of the reference that the answer has, by
    their rarity; numbers by value and dates by their parts; names by their last word unless another first name
    stands before it; part of it the characters. An answer may be long: what it says besides does not count,
    right or wrong. Synonyms, other units, and facts that are right in another way than the reference are not seen.
    """

    name = "answer_correctness"
    version = "1"
    requires = frozenset({"output", "reference"})
    direction = "maximize"
    threshold = 0.5

    def evaluate(self, call: Invocation) -> Score:
        """Judge the answer by the references, given the question."""
        answer, question = answer_of(call)[:_LONG], question_of(call)[:_LONG]
        references = [text[:_LONG] for text in call.references if text.strip()]
        if not references:
            return Score(skipped="nothing_to_compare")
        return Score(value=max(agreement(answer, text, question) for text in references))
