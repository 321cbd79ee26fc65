"""What calls cost, by published or own prices."""

from __future__ import annotations

from clearspan.figures.cost.book import PriceBook
from clearspan.figures.cost.errors import PricingError

__all__ = ["PriceBook", "PricingError"]
