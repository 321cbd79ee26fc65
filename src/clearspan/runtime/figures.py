"""Which numbers are worked out beside what was reported, by the settings, in the order they need one another."""

from __future__ import annotations

from collections.abc import Mapping

from clearspan.figures.confidence import measure
from clearspan.figures.cost import PriceBook, PricingError
from clearspan.figures.hardware import Attribution
from clearspan.figures.texts import density
from clearspan.figures.tokens import TokenCounter
from clearspan.pipeline import Figure
from clearspan.settings import SettingError, Settings

__all__ = ["Figures", "wants_of"]


class Figures:
    """What `settings` ask for. Raises `SettingError` for a price table that is none.

    `own` says whether calls are completed on a thread of ours: where they are not, nothing may load
    there, and what takes long is left to the worker.
    """

    def __init__(self, settings: Settings, *, own: bool) -> None:
        self._tokens = TokenCounter() if settings.count_tokens != "off" else None
        try:
            self._prices = (
                PriceBook(settings.pricing, background=not own)
                if settings.pricing != "off"
                else None
            )
        except PricingError as error:
            raise SettingError(f"clearspan: pricing: {error}") from None

    def listed(self, attribution: Attribution | None = None) -> list[Figure]:
        """The figures: each may need those before it."""
        figures = [Figure("confidence", measure), Figure("texts", density)]
        if self._tokens is not None:
            figures.insert(0, Figure("tokens", self._tokens, self._tokens.due))
        if attribution is not None:
            figures.append(Figure("hardware", attribution.work_out))
        if self._prices is not None:
            figures.append(Figure("cost", self._prices))
        return figures

    def missing(self) -> Mapping[str, str]:
        """What is lacking for a figure, and the remedy."""
        lacking = self._prices.missing if self._prices is not None else None
        return {} if lacking is None else {"cost": lacking}


def wants_of(settings: Settings) -> frozenset[str]:
    """What adapters are asked for beside what calls tell by themselves."""
    asked = {"usage": settings.request_usage, "confidence": settings.token_confidence}
    return frozenset(name for name, wanted in asked.items() if wanted)
