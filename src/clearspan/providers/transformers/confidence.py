"""How sure a model was of each token that it chose: worked out where the model runs, while it generates.

Two listeners: the first of the logits processors sees what the model itself made of the text so far,
before penalties, temperature and top-p; a stopping criterion sees which token was chosen then. They
answer nothing, draw no random numbers and never wait for the device: a step leaves two numbers for
each row there, and all of them come over in one piece after the call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from clearspan.core.fence import fenced
from clearspan.figures.confidence import summary
from clearspan.provider import Call, Probe
from clearspan.providers.transformers.stamps import CRITERIA, Steps, add
from clearspan.providers.transformers.tensors import rows, shape
from clearspan.providers.transformers.tokens import Answer
from clearspan.record import Confidence

__all__ = ["PROBES", "Scores", "listen", "told"]

_GATHERED = 256
_FLOOR = -1e4  # exp of it is 0, and 0 times it is too


class Scores:
    """The log probability of each chosen token, and the entropy of what it was chosen from.

    Where anything is not as in plain greedy or sampled decoding, `lost` says that nothing is known.
    """

    def __init__(self) -> None:
        self.lost = False
        self.ids: Any = None
        self.steps = 0
        self._logs: Any = None
        self._last: list[Any] = []
        self._before: list[Any] = []

    def see(self, scores: Any) -> bool:
        """Logits over the vocabulary, row by row; answers whether they can be used."""
        if self._logs is not None or len(shape(scores)) != 2:
            return False
        self._logs = scores.detach().float().log_softmax(-1)
        return True

    def choose(self, ids: Any) -> bool:
        """The same rows, ending in the chosen tokens; answers whether they are the same."""
        logs, self._logs = self._logs, None
        if logs is None or len(shape(ids)) != 2 or len(ids) != len(logs):
            return False
        chosen = logs.gather(-1, ids[:, -1:])
        entropy = logs.exp().mul_(logs.clamp_(min=_FLOOR)).sum(-1, keepdim=True).neg_()
        self.ids, self.steps = ids, self.steps + 1
        self._last.append(_torch().cat((chosen, entropy), -1))
        if len(self._last) == _GATHERED:
            self._before.append(_torch().stack(self._last))
            self._last = []
        return True

    def attempt(self, step: Callable[[Any], bool], given: Any) -> None:
        """Take a step unless one has failed before, be it for want of memory: the program goes on."""
        if not self.lost:
            self.lost = fenced("transformers.confidence", step, given) is not True

    def fetch(self) -> list[list[list[float]]]:
        """(log probability, entropy) of each step and row. Waits for the device."""
        left = [_torch().stack(self._last)] if self._last else []
        values: list[list[list[float]]] = _torch().cat([*self._before, *left]).tolist()
        return values


def _torch() -> Any:
    return sys.modules["torch"]


class _Seen:
    """A logits processor, to stand before all others."""

    def __init__(self, scores: Scores) -> None:
        self.scores = scores

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores as they are."""
        self.scores.attempt(self.scores.see, scores)
        return scores


class _Chosen:
    """A stopping criterion: what it is asked with ends in the tokens just chosen."""

    def __init__(self, scores: Scores) -> None:
        self.scores = scores

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> bool:
        """Never a reason to stop."""
        self.scores.attempt(self.scores.choose, input_ids)
        return False


def listen(call: Call, kwargs: dict[str, Any], heard: object, found: dict[str, Any]) -> None:
    """Have `heard`, which is among the logits processors, followed by scores, where they would be exact.

    The rows of beams are not those of the result; DoLa's scores are not the model's.
    """
    beams = found["num_beams"] not in (None, 1)
    if isinstance(heard, Steps) and not beams and found["dola_layers"] is None:
        scores = Scores()
        if add(call, kwargs, CRITERIA, _Chosen(scores)):
            heard.scores = scores


def _listed(call: Call, result: Any, seconds: float) -> None:
    """Our processor goes before those that the library makes of the call's parameters."""
    del call, seconds
    listed = result if isinstance(result, list) else []
    heard = [item.scores for item in listed if isinstance(item, Steps)]
    if heard and isinstance(heard[0], Scores) and not any(isinstance(it, _Seen) for it in listed):
        listed.insert(0, _Seen(heard[0]))


def told(heard: object, start: int | None, answers: list[Answer] | None) -> Confidence | None:
    """The figures of all rows, one after the other; `None` where they are not of these very tokens."""
    scores = heard.scores if isinstance(heard, Steps) else None
    if not isinstance(scores, Scores) or scores.lost or not scores.steps or not answers:
        return None
    ids = rows(scores.ids)
    if len(ids) != len(answers) or start is None or len(ids[0]) != start + scores.steps:
        return None
    if any(
        row[start : start + len(answer.tokens)] != answer.tokens
        for row, answer in zip(ids, answers, strict=True)
    ):
        return None
    steps = scores.fetch()
    pairs = [
        steps[step][row] for row, answer in enumerate(answers) for step in range(len(answer.tokens))
    ]
    logprobs, entropies = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return summary(logprobs, entropies, exact=True)


_MADE = "transformers.generation.utils:GenerationMixin._get_logits_processor"

PROBES: tuple[Probe, ...] = (Probe((_MADE,), seen=_listed),)
