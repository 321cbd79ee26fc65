"""How sure the model was of its words, as a score."""

from __future__ import annotations

import math
from typing import Any

from clearspan.assess.evaluator import Evaluator
from clearspan.score import Score

__all__ = ["TokenConfidence"]


class TokenConfidence(Evaluator):
    """The length-normalised likelihood of the answer: exp of the mean log probability of its tokens, 0 to 1.

    That is 1 / perplexity, the geometric mean of the tokens' probabilities: the usual single-pass measure of
    confidence in a sequence (Malinin and Gales 2021). Skipped where the call has no log probabilities. There is no
    threshold unless you set one, as what is low depends on model and task. With `max_low_share` it
    passes only where no larger share of the tokens has a probability below 0.1. `metadata` has `tokens`,
    `perplexity`, `least`, `low_share`, `entropy` and `exact`, as far as they are known.
    """

    requires = frozenset({"confidence"})

    def __init__(self, *, max_low_share: float | None = None, **options: Any) -> None:
        super().__init__(**options)
        if max_low_share is not None and not 0 <= max_low_share <= 1:
            raise ValueError(
                f"clearspan: token_confidence: max_low_share must be 0 to 1, not {max_low_share!r}"
            )
        self.max_low_share = max_low_share

    def evaluate(self, call: Any) -> Score:
        """Read what was worked out when the call ended."""
        known = call.confidence
        if known.mean is None:
            return Score(skipped="no token has a log probability of its own")
        value = min(1.0, math.exp(known.mean))
        told = {
            "tokens": known.tokens,
            "perplexity": known.perplexity,
            "least": known.least,
            "low_share": known.low,
            "entropy": known.entropy,
            "exact": known.exact,
        }
        return Score(
            value=value,
            passed=self._passed(value, known.low),
            metadata={name: each for name, each in told.items() if each is not None},
        )

    def _passed(self, value: float, low: float | None) -> bool | None:
        if self.max_low_share is None or low is None:
            return None  # the threshold alone decides, where there is one
        return low <= self.max_low_share and (self.threshold is None or value >= self.threshold)
