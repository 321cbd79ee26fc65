"""Quantities: numbers with their units, compared by what they measure."""

from __future__ import annotations

import re
from typing import NamedTuple

from clearspan.assess.text.numbers import Number, numbers

__all__ = ["Quantity", "quantities", "same_quantity"]

_UNITS: dict[str, tuple[str, float]] = {
    word: (kind, factor)
    for kind, factor, written in [
        ("length", 1e-3, "mm millimeter millimetre"), ("length", 0.01, "cm centimeter centimetre"),
        ("length", 1.0, "m meter metre"), ("length", 1e3, "km kilometer kilometre"), ("length", 0.0254, "inch inche"),
        ("length", 0.3048, "ft foot feet"), ("length", 0.9144, "yard yd"), ("length", 1609.344, "mile mi"),
        ("mass", 1e-3, "mg milligram"), ("mass", 1.0, "g gram gramme"), ("mass", 1e3, "kg kilogram kilo"),
        ("mass", 1e6, "ton tonne"), ("mass", 453.592, "lb"), ("mass", 28.3495, "oz ounce"),
        ("volume", 1e-3, "ml milliliter millilitre"), ("volume", 1.0, "l liter litre"), ("volume", 3.78541, "gallon"),
        ("time", 1e-3, "ms millisecond"), ("time", 1.0, "second sec"), ("time", 60.0, "minute min"),
        ("time", 3600.0, "hour hr h"), ("time", 86400.0, "day"), ("time", 604800.0, "week"),
        ("time", 2629800.0, "month"), ("time", 31557600.0, "year yr"), ("time", 315576000.0, "decade"),
        ("share", 0.01, "% percent"), ("dollars", 1.0, "$ dollar usd"), ("dollars", 0.01, "cent"),
        ("euros", 1.0, "€ euro eur"), ("sterling", 1.0, "£ gbp"), ("yen", 1.0, "¥ yen jpy"),
        ("celsius", 1.0, "°c celsius"), ("fahrenheit", 1.0, "°f fahrenheit"), ("kelvin", 1.0, "kelvin"),
        ("speed", 1.0, "km/h kmh kph"), ("speed", 1.609344, "mph"),
    ]
    for word in written.split()
}  # fmt: skip
_AFTER = re.compile(
    r"[\s-]?(?:degrees?\s)?(?P<unit>%|per\scent\b|km/h|[€£$¥]|°\s?[cf]\b|[a-z]+)", re.IGNORECASE
)
_BEFORE = re.compile(r"[$€£¥](?=\s?$)")


class Quantity(NamedTuple):
    """A number and what it counts: the kind of measure, `None` where that is not told, and the unit's size."""

    value: float
    kind: str | None
    size: float


def quantities(text: str) -> list[Quantity]:
    """All numbers of a text with their units, in their order."""
    return [Quantity(number.value, *_unit(number, text)) for number in numbers(text)]


def _unit(number: Number, text: str) -> tuple[str | None, float]:
    after = _AFTER.match(text, number.end)
    before = _BEFORE.search(text[max(0, number.start - 2) : number.start])
    words = [before[0]] if before else []
    if after:
        unit = after["unit"].lower().replace(" ", "")
        words += [unit, unit.removesuffix("s")]
    return next((_UNITS[word] for word in words if word in _UNITS), (None, 1.0))


def same_quantity(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities are the same, in whatever units; without a unit on one side, by the number alone."""
    if one.kind and other.kind:
        if one.kind != other.kind:
            return False
        if one.size != other.size:
            return _close(one.value * one.size, other.value * other.size)
    elif (one.kind or other.kind) == "share" and _close(one.value * one.size, other.value * other.size):  # fmt: skip
        return True
    return _equal(one.value, other.value)


def _equal(one: float, other: float) -> bool:
    """Whether two figures are the same: exactly for whole numbers, within 1 % for measured ones."""
    if one == other:
        return True
    return not (one.is_integer() and other.is_integer()) and _close(one, other)


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= 0.01 * abs(other)
