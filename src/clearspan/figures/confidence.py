"""What the log probabilities of an answer's tokens say of its certainty.

Where several answers were asked for, their tokens count as one row, one answer after the other;
positions count in that row from 0, tokens without a log probability included.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeGuard

from clearspan.draft import Draft
from clearspan.record import Confidence, TokenScore

__all__ = ["LOW", "POSITIONS", "measure", "summary"]

LOW = 0.1
"""A token of less probability than this is one of low confidence."""
POSITIONS = 64
"""How many positions of such tokens are told at most."""

_LOW = math.log(LOW)
# OpenAI's word for "not among the likeliest 20", which is below 1 in 20; others write the least float.
_UNLIKELY = -9999.0
_ROUNDING = 1e-3


def measure(draft: Draft) -> None:
    """Put a `Confidence` into a draft whose tokens came with log probabilities.

    With `echo` the tokens of the prompt stand among those of the answer: nothing is said then.
    """
    if draft.inner is not None:
        draft.confidence = draft.confidence or draft.inner.confidence
    if draft.confidence is None and draft.recording and not draft.params.get("echo"):
        if not draft.scores:
            return
        scores = [score for index in sorted(draft.scores) for score in draft.scores[index]]
        draft.confidence = _of(scores)


def _of(scores: Sequence[TokenScore]) -> Confidence | None:
    logprobs = [score.logprob for score in scores]
    told = chain(logprobs, *(score.alternatives for score in scores))
    if any(value is not None and value > _ROUNDING for value in told):
        return None  # whatever they are, they are no log probabilities
    entropies = [_entropy(score.alternatives) for score in scores if _is_known(score.logprob)]
    return summary(logprobs, [entropy for entropy in entropies if entropy is not None])


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and not math.isnan(value)


def _entropy(alternatives: Iterable[float]) -> float | None:
    """Entropy in nats of the alternatives as if there were no others; `None` of fewer than two.

    With p = w / W it is ln W - (sum of w ln w) / W.
    """
    logs = list(filter(_is_known, alternatives))
    weights = [math.exp(value) for value in logs]
    whole = math.fsum(weights)
    if len(logs) < 2 or whole <= 0:
        return None
    inner = math.fsum(
        weight * value for weight, value in zip(weights, logs, strict=True) if weight > 0
    )
    return max(0.0, math.log(whole) - inner / whole)


def summary(
    logprobs: Sequence[float | None],
    entropies: Sequence[float] = (),
    *,
    exact: bool | None = None,
) -> Confidence | None:
    """The figures of one row of tokens; `None` where no log probability is known.

    What is only known to be very unlikely (-9999 or less) counts, and counts as low; without a
    value of its own it has no part in mean, minimum and perplexity.
    """
    known = [(place, value) for place, value in enumerate(logprobs) if _is_known(value)]
    if not known:
        return None
    low = [place for place, value in known if value < _LOW]
    values = [min(value, 0.0) for _, value in known if value > _UNLIKELY]
    mean = math.fsum(values) / len(values) if values else None
    spread = [entropy for entropy in entropies if _is_known(entropy)]
    return Confidence(
        len(known),
        mean=mean,
        least=min(values, default=None),
        perplexity=_perplexity(mean),
        entropy=math.fsum(spread) / len(spread) if spread else None,
        low=len(low) / len(known),
        low_positions=tuple(low[:POSITIONS]),
        exact=exact,
    )


def _perplexity(mean: float | None) -> float | None:
    """exp(-mean), where that is a number that can be written down."""
    if mean is None:
        return None
    try:
        return math.exp(-mean)
    except OverflowError:
        return None
