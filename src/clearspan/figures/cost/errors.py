"""What is said of a price table that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable

from clearspan.core.spelling import meant

__all__ = ["PricingError", "unknown"]


class PricingError(ValueError):
    """A price table that cannot be used; the message says what is wrong and what would be right."""


def unknown(where: str, name: object, known: Iterable[str]) -> PricingError:
    """A field that no table has, and what may have been meant."""
    fields = tuple(known)
    hint = meant(str(name), fields)
    return PricingError(f"{where}: unknown field {name!r}{hint} (known are: {', '.join(fields)})")
