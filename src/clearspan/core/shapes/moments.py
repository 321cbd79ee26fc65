"""What is personal only where somebody says so: dates, driver licences, hardware addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["dates", "licences", "machines"]

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_TIME = r"(?:[T ,]{1,2}(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+\-]\d\d:?\d\d| ?[ap]\.?m\.?)?)?"
_DATE = re.compile(
    rf"""(?<![\w.\-/])(?:
      \d{{4}}([\-/.])(?:0?[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01]|[1-9])
    | (?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])/(?:\d{{4}}|\d\d)
    | (?:0?[1-9]|[12]\d|3[01])([.\-/])(?:0?[1-9]|1[0-2])\2(?:\d{{4}}|\d\d)
    | (?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?\ (?:of\ )?{_MONTH},?\ \d{{4}}
    | {_MONTH}\ (?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?,?\ \d{{4}}
    ){_TIME.replace(" ", chr(92) + " ")}(?![\w\-/]|\.\d)""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_LICENCE = re.compile(
    r"\bdriv(?:er|ing)(?:'?s|s')?[ -]licen[cs]e(?: (?:number|no|nr|id|is|was|#))*[^\w\n]{1,8}"
    r"(?P<found>(?=[A-Z\d\-]{0,8}\d)[A-Z\d](?:[A-Z\d]|-(?=[A-Z\d])){4,18})(?![\w\-])",
    re.ASCII | re.IGNORECASE,
)
_MACHINE = re.compile(
    r"(?<![\w:\-])[\dA-F]{2}([:\-])(?:[\dA-F]{2}\1){4}[\dA-F]{2}(?![\w:\-])",
    re.ASCII | re.IGNORECASE,
)


def dates(text: str) -> Iterator[tuple[int, int]]:
    """Calendar dates with a year, and the time of day behind them."""
    return (match.span() for match in _DATE.finditer(text))


def licences(text: str) -> Iterator[tuple[int, int]]:
    """Numbers that stand right behind the words for a driver's licence: their form alone says nothing."""
    return (match.span("found") for match in _LICENCE.finditer(text))


def machines(text: str) -> Iterator[tuple[int, int]]:
    """Hardware (MAC) addresses."""
    return (match.span() for match in _MACHINE.finditer(text))
