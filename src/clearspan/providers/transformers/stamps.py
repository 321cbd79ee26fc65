"""When each token came: a listener among the logits processors, or among the stopping criteria.

`generate` asks both once for each step. Ours answer without looking at the scores, so the tokens are
the same to the last bit. On the CPU, scores are there when they are handed over; other devices only
have the work enqueued then, but have finished the step before.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from clearspan.draft import Draft
from clearspan.provider import Call
from clearspan.providers.transformers.parameters import assisted

__all__ = ["CRITERIA", "Rounds", "Steps", "add", "listen", "tell"]

_HOME = "transformers.generation."
_MANY = 1_000_000
_PROCESSORS = ("logits_processor", "logits_process.LogitsProcessorList")
CRITERIA = ("stopping_criteria", "stopping_criteria.StoppingCriteriaList")


class Steps:
    """A logits processor that notes each step, and what the first one began from."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.first: Any = None
        self.device = "cpu"
        self.again = False
        self.scores: Any = None
        self._width = -1

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores as they are."""
        width = input_ids.shape[1]
        if not self.times:
            self.first, self.device = input_ids, scores.device.type
        if width != self._width:  # groups of beams come one after the other
            self.again = self.again or width < self._width
            self.times.append(time.perf_counter())
            self._width = width
        return scores

    def tokens(self, prompt: int, ended: float) -> list[float]:
        """When each token was there."""
        return self.times if self.device == "cpu" else [*self.times[1:], ended]


class Rounds:
    """A stopping criterion that notes how far each round of assisted decoding came."""

    def __init__(self) -> None:
        self.rounds: list[tuple[float, int]] = []
        self.first: Any = None
        self.again = False

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> bool:
        """Never a reason to stop."""
        self.rounds.append((time.perf_counter(), input_ids.shape[1]))
        return False

    def tokens(self, prompt: int, ended: float) -> list[float]:
        """When each token was there; those of a round come together."""
        found: list[float] = []
        for at, width in self.rounds:
            found += [at] * min(width - prompt - len(found), _MANY)
        return found


def listen(call: Call, kwargs: dict[str, Any], found: Mapping[str, Any]) -> Steps | Rounds | None:
    """Put a listener into the arguments that `generate` will get, where that cannot do harm."""
    if call.kwargs.get("custom_generate") is not None or found["cache_implementation"] == "paged":
        return None
    made: Steps | Rounds = Rounds() if assisted(call, found) else Steps()
    place = CRITERIA if isinstance(made, Rounds) else _PROCESSORS
    return made if add(call, kwargs, place, made) else None


def add(call: Call, kwargs: dict[str, Any], place: tuple[str, str], made: object) -> bool:
    """Append `made` to one of the lists that `generate` takes; answers whether that could be done."""
    name, kind = place
    given = call.kwargs.get(name)
    if (name in call.kwargs and name not in kwargs) or _compiling():
        return False  # given by position, be it None, or being traced
    listed = _list(kind) if given is None else copy.copy(given)
    if not isinstance(listed, list):
        return False
    listed.append(made)
    kwargs[name] = listed
    return True


def _list(kind: str) -> Any:
    module, _, name = kind.partition(".")
    loaded = sys.modules.get(_HOME + module)
    build = vars(loaded).get(name) if loaded is not None else None
    return build() if build is not None else None


def _compiling() -> bool:
    compiler = sys.modules.get("torch.compiler")
    ask: Callable[[], bool] | None = getattr(compiler, "is_compiling", None)
    return ask is not None and ask()


def tell(draft: Draft, heard: Steps | Rounds, prompt: int | None, counts: list[int] | None) -> None:
    """Times of the tokens, and the phases that they bound."""
    ended = draft.started_at + (draft.end_ns - draft.start_ns) / 1e9
    if prompt is None and isinstance(heard, Rounds):
        return
    times = heard.tokens(prompt or 0, ended)
    times = times[: max(counts)] if counts else times
    if not times:
        return
    for at in times:
        draft.stamp(at, content=True)
    draft.phase("prefill", times[0] - draft.started_at)
    if len(times) > 1 and not heard.again:
        first = times.count(times[0])  # assisted, the tokens of a round come together
        if times[-1] > times[0]:
            draft.phase("decode", times[-1] - times[0])
            draft.pace.decoded = sum(max(0, count - first) for count in counts) if counts else None
