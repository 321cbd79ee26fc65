"""Dates in a text: 7 April 2016, April 7th, 2016-04-07, April 2016."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["MONTHS", "Date", "dates"]

_NAMES = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
MONTHS: dict[str, int] = {
    **{name: month for month, name in enumerate(_NAMES, 1)},
    **{name[:3]: month for month, name in enumerate(_NAMES, 1)},
    "sept": 9,
}
"""The English names of the months, whole and short, in lower case."""

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = r"(?P<day{0}>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year{0}>[12]\d{{3}})"
_DATE = re.compile(
    rf"\b{_YEAR.format(1)}-(?P<number>[01]\d)-{_DAY.format(1)}\b"
    rf"|\b{_DAY.format(2)}\s(?:of\s)?(?P<month2>{_MONTH})\b\.?(?:,?\s{_YEAR.format(2)}\b)?"
    rf"|\b(?P<month3>{_MONTH})\b\.?\s{_DAY.format(3)}\b(?:,?\s{_YEAR.format(3)}\b)?"
    rf"|\b(?P<month4>{_MONTH})\b\.?,?\s(?:of\s)?{_YEAR.format(4)}\b",
    re.IGNORECASE,
)


class Date(NamedTuple):
    """A date as far as it is told, and its place in the text."""

    year: int | None
    month: int
    day: int | None
    start: int
    end: int

    def agrees(self, other: Date) -> bool:
        """Whether nothing that both tell differs."""
        pairs = zip(self[:3], other[:3], strict=True)
        return all(mine is None or its is None or mine == its for mine, its in pairs)


def dates(text: str) -> list[Date]:
    """All dates of a text that tell at least the month, in their order."""
    found: list[Date] = []
    for match in _DATE.finditer(text):
        told = {key.rstrip("1234"): value for key, value in match.groupdict().items() if value}
        month = int(told["number"]) if "number" in told else MONTHS[told["month"].lower()]
        year, day = told.get("year"), told.get("day")
        if not 1 <= month <= 12 or (day and not 1 <= int(day) <= 31):
            continue
        found.append(
            Date(int(year) if year else None, month, int(day) if day else None, *match.span())
        )
    return found
