"""What is said of a price table that cannot be used."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["PricingError", "unknown"]


class PricingError(ValueError):
    """A price table that cannot be used; the message says what is wrong and what would be right."""


def unknown(where: str, name: object, known: Iterable[str]) -> PricingError:
    """A field that no table has, and what may have been meant."""
    fields = tuple(known)
    close = difflib.get_close_matches(str(name), fields, 1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return PricingError(f"{where}: unknown field {name!r}{meant} (known are: {', '.join(fields)})")
