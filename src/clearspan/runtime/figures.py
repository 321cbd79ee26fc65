"""Which numbers are worked out beside what was reported, by the settings, in the order they need one another."""

from __future__ import annotations

from clearspan.figures.confidence import measure
from clearspan.figures.cost import PriceBook, PricingError
from clearspan.figures.tokens import TokenCounter
from clearspan.pipeline import Figure
from clearspan.settings import SettingError, Settings

__all__ = ["figures_of", "wants_of"]


def figures_of(settings: Settings) -> list[Figure]:
    """The figures that `settings` ask for. Raises `SettingError` for a price table that is none."""
    figures: list[Figure] = []
    if settings.count_tokens != "off":
        figures.append(Figure("tokens", TokenCounter()))
    figures.append(Figure("confidence", measure))
    if settings.pricing != "off":
        try:
            figures.append(Figure("cost", PriceBook(settings.pricing)))
        except PricingError as error:
            raise SettingError(f"clearspan: pricing: {error}") from None
    return figures


def wants_of(settings: Settings) -> frozenset[str]:
    """What adapters are asked for beside what calls tell by themselves."""
    asked = {"usage": settings.request_usage, "confidence": settings.token_confidence}
    return frozenset(name for name, wanted in asked.items() if wanted)
