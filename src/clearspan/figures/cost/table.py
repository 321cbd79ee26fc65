"""A price table of one's own, and what it says of a model.

{"currency": "EUR", "priced_on": "2026-11-01", "only": false,
 "models": {"my-model*": {"input": 1.5, "output": 6, "cache_read": 0.15, "tiers": {"flex": 0.5},
                          "above": {"200000": {"input": 3, "output": 9}}, "provider": "openai"}},
 "gpu_hour": {"NVIDIA H200": 3.9, "*": 2}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from clearspan.figures.cost.names import Names
from clearspan.figures.cost.rates import Rates

__all__ = ["STANDARD", "Entry", "Table"]

STANDARD = (None, "auto", "default", "standard", "on_demand")
"""Tiers that cost what is listed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The prices of one model; `above` are those beyond so many input tokens, the lowest step first."""

    rates: Rates
    above: tuple[tuple[int, Rates], ...] = ()
    tiers: Mapping[str, Decimal | Rates] = field(default_factory=dict[str, "Decimal | Rates"])
    provider: str | None = None

    def at(self, tier: str | None, tokens: int) -> tuple[Rates, bool]:
        """The prices for a call with so many input tokens, and whether the table knows the tier."""
        rates = self.rates
        for start, beyond in self.above:
            if tokens > start:
                rates = self.rates.under(beyond)
        said = self.tiers.get(tier or "default")
        if isinstance(said, Rates):
            return rates.under(said), True
        if said is not None:
            return rates.times(said), True
        return rates, tier in STANDARD


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was found to be in order. `gpu_hour` is by the names of devices."""

    source: str
    currency: str
    priced_on: str | None
    models: Names[Entry]
    gpu_hour: Names[Decimal]
    only: bool = False

    def entry(self, models: tuple[str, ...], provider: str | None) -> Entry | None:
        """What the table says of the first of these names that it knows."""
        for model in models:
            for entry in self.models.all(model):
                if entry.provider in (None, provider):
                    return entry
        return None
