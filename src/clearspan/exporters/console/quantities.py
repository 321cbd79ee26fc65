"""Amounts as people read them: time, money, tokens, rates, energy. Never a zero for what is only small."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Money", "duration", "energy", "money", "pace", "sums", "tokens"]

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_DIGITS = 3
_TINY = 1e-9


class Money(NamedTuple):
    """What something cost. `currency` is a code of ISO 4217, `None` where nobody said."""

    amount: float
    currency: str | None
    estimated: bool


def money(cost: Money, *, plain: bool = False) -> str:
    """`$0.00042`, `~€1.20`, `CHF 3.00`; `plain` for terminals that have ASCII only.

    Two decimals from one upwards, below it three significant digits. `~` marks an estimate.
    """
    sign = _SIGNS.get(cost.currency or "")
    if sign is None or (plain and not sign.isascii()):
        sign = f"{cost.currency} " if cost.currency else ""
    return f"{'~' * cost.estimated}{sign}{_digits(cost.amount)}"


def sums(costs: Sequence[Money], *, plain: bool = False) -> str:
    """Costs of several currencies, which cannot be added up."""
    return " + ".join(money(cost, plain=plain) for cost in costs)


def _digits(amount: float) -> str:
    if amount == 0:
        return "0"
    if amount < _TINY:
        return f"{amount:.1e}"
    if round(amount, _DIGITS) >= 1:
        return f"{amount:,.2f}"
    places = _DIGITS - 1 - math.floor(math.log10(amount))
    whole, _, decimals = f"{amount:.{places}f}".rstrip("0").partition(".")
    return f"{whole}.{decimals:0<2}"


def tokens(
    sent: int | None,
    received: int | None,
    *,
    estimated: tuple[bool, bool] = (False, False),
    arrow: str = "→",
) -> str:
    """`1,812→~64`, an unknown side left out; `~` marks one that was estimated."""
    if sent is None and received is None:
        return ""
    sides = zip((sent, received), estimated, strict=True)
    return arrow.join("" if count is None else f"{'~' * about}{count:,}" for count, about in sides)


def pace(rate: float, *, estimated: bool = False) -> str:
    """Tokens a second."""
    number = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 1 else f"{rate:.2g}"
    return f"{'~' * estimated}{number} tok/s"


def energy(joules: float) -> str:
    """Joules, or thousands of them."""
    if joules >= 10_000:
        return f"{joules / 1_000:,.1f} kJ"
    number = (
        f"{joules:,.0f}" if joules >= 100 else f"{joules:.1f}" if joules >= 1 else f"{joules:.2g}"
    )
    return f"{number} J"


def duration(nanoseconds: int) -> str:
    """A length of time in at most seven characters, as long as it is below a thousand hours."""
    milliseconds = nanoseconds / 1e6
    if milliseconds < 9.95:
        return f"{milliseconds:.1f}ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f}ms"
    seconds = nanoseconds / 1e9
    if seconds < 59.995:
        return f"{seconds:.2f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    return f"{minutes // 60}h{minutes % 60:02}m"
