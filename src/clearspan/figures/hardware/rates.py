"""How fast models make tokens, from the calls so far: what to expect of those that are still running."""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["Rates"]

_MODELS = 64
_NEWEST = 0.25


class Rates:
    """Output tokens per second, a running mean for each of the models used last, and for all together."""

    def __init__(self) -> None:
        self.mean: float | None = None
        self._models: dict[Hashable, float] = {}

    def add(self, model: Hashable, rate: float) -> None:
        """A call of `model` made so many tokens per second."""
        self._models[model] = _mixed(self._models.pop(model, None), rate)
        self.mean = _mixed(self.mean, rate)
        if len(self._models) > _MODELS:
            del self._models[next(iter(self._models))]

    def of(self, model: Hashable) -> float | None:
        """What `model` usually does; `None` where no call of it is known."""
        return self._models.get(model)


def _mixed(mean: float | None, rate: float) -> float:
    return rate if mean is None else mean + _NEWEST * (rate - mean)
