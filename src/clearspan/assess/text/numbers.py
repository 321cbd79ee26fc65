"""Numbers in a text, however they are written: 1,000; 1 500 000; 1.500,50; 1e6; 1/2; 1.5 million; twenty-one; a dozen; 3rd."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Number", "numbers", "roman"]


class Number(NamedTuple):
    """A number of a text: its value and its place.

    `spelled` where it is written out in words, `decade` where it stands for ten years (1990s).
    """

    value: float
    start: int
    end: int
    spelled: bool = False
    decade: bool = False


_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
]
_SMALL: dict[str, int] = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{word: value for value, word in enumerate(_ORDINALS)},
    **{word: value * 10 for value, word in enumerate(_TENS, 2)},
    **{word[:-1] + "ieth": value * 10 for value, word in enumerate(_TENS, 2)},
}
_SCALES: dict[str, float] = {
    "hundred": 100, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "hundredth": 100, "thousandth": 1e3, "millionth": 1e6, "dozen": 12,
    "hundreds": 100, "thousands": 1e3, "millions": 1e6, "billions": 1e9,
}  # fmt: skip
_SHORT: dict[str, float] = {"k": 1e3, "mn": 1e6, "bn": 1e9, "tn": 1e12}  # "5m" may be metres

_DIGITS = re.compile(
    r"(?P<sign>(?<!\w)[-\u2212])?(?<![\w.])"
    r"(?:(?P<points>\d{1,3}(?:\.\d{3}){2,6}(?![\d.])(?:,\d{1,2}(?!\d))?|\d{1,3}(?:\.\d{3}){1,6},\d{1,2}(?![\d,])"
    r"|\d{4,9},\d{2}(?![\d,]))"
    r"|(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?: \d{3}){2,6}(?!\d)|\d{1,3}(?:[\u00a0\u2009\u202f]\d{3}){1,6}(?!\d)"
    r"|\d{1,18})(?P<rest>\.\d{1,18})?(?P<power>e[+-]?\d{1,2}(?!\w))?)"
    r"(?:(?P<ordinal>st|nd|rd|th)\b|(?P<decade>['\u2019]?s)\b|(?P<short>k|mn|bn|tn)\b"
    r"|(?:\s|-)?(?P<scale>hundred|thousand|million|billion|trillion|dozen)s?\b)?",
    re.IGNORECASE,
)
# Not 9/11, 24/7 or a date.
_FRACTION = re.compile(r"(?<![\w./,])(?P<over>\d)/(?P<under>2|3|4|5|6|8|10|100)(?![\w/]|[.,]\d)")
_LONGEST_RUN = 16  # words; what goes on is no number
_NO_DOZEN = re.compile(r"(?:\bhalf\sa|\d)[\s-]$", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_ROMAN = re.compile(r"(?=[IVXLC])C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")


def numbers(text: str) -> list[Number]:
    """All numbers of a text, in their order; `one` alone is taken for a pronoun and left out."""
    written = [*_in_digits(text), *_in_words(text)]
    return sorted(written, key=lambda number: number.start)


def _in_digits(text: str) -> Iterator[Number]:
    parts = {match.start(): match for match in _FRACTION.finditer(text)} if "/" in text else {}
    end = 0
    for match in _DIGITS.finditer(text):
        part = parts.get(match.start())
        if part and int(part["over"]) < int(part["under"]):
            end = part.end()
            yield Number(int(part["over"]) / int(part["under"]), *part.span())
        elif match.start() >= end:
            value = _figures(match)
            yield Number(
                -value if match["sign"] else value, *match.span(), decade=bool(match["decade"])
            )


def _figures(match: re.Match[str]) -> float:
    """The value of figures: thousands apart by commas, spaces or, where a comma is the mark of decimals, points."""
    if match["points"]:
        value = float(match["points"].replace(".", "").replace(",", "."))
    else:
        whole = re.sub(r"[,\s]", "", match["digits"])
        value = float(whole + (match["rest"] or "") + (match["power"] or ""))
    if match["scale"]:
        return value * _SCALES[match["scale"].lower()]
    return value * _SHORT[match["short"].lower()] if match["short"] else value


def _in_words(text: str) -> Iterator[Number]:
    """The numbers that are written out: "twenty-one", "three hundred and five", "2nd" not, "second" yes."""
    run: list[re.Match[str]] = []
    for match in _WORD.finditer(text):
        word = match[0].lower()
        gap = text[run[-1].end() : match.start()] if run else ""
        joined = not run or (len(run) < _LONGEST_RUN and gap in (" ", "-", "\u2011"))
        if run and joined and word == "and" and run[-1][0].lower() in _SCALES:
            run.append(match)
            continue
        known = word in _SMALL or (word in _SCALES and run)
        if run and not (joined and known and _goes_on(run[-1][0].lower(), word)):
            yield from _told(run)
            run = []
            known = word in _SMALL
        if known or _dozen(match, text):
            run.append(match)
    yield from _told(run)


def _dozen(word: re.Match[str], text: str) -> bool:
    """Whether it is a dozen of its own, neither half a dozen nor of figures that stand before it."""
    start = word.start()
    return word[0].lower() == "dozen" and not _NO_DOZEN.search(text, max(0, start - 8), start)


def _goes_on(last: str, word: str) -> bool:
    """Whether `word` belongs to the number that `last` is of: "twenty one" does, "two three" does not."""
    if word in _SCALES or last in _SCALES or last == "and":
        return True
    return _SMALL[last] >= 20 and _SMALL[word] < 10


def _told(run: list[re.Match[str]]) -> Iterator[Number]:
    if run and run[-1][0].lower() == "and":
        run = run[:-1]
    if not run or (len(run) == 1 and run[0][0].lower() == "one"):
        return
    total, current = 0.0, 0.0
    for match in run:
        word = match[0].lower()
        if word in _SMALL:
            current += _SMALL[word]
        elif word in _SCALES and _SCALES[word] <= 100:
            current = (current or 1) * _SCALES[word]
        elif word in _SCALES:
            total, current = total + current * _SCALES[word], 0.0
    yield Number(total + current, run[0].start(), run[-1].end(), spelled=True)


def roman(word: str) -> int | None:
    """The value of a Roman numeral in capitals, up to 399; `None` for any other word."""
    if not _ROMAN.fullmatch(word):
        return None
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}[char] for char in word]
    after = [*values[1:], 0]
    return sum(-value if value < more else value for value, more in zip(values, after, strict=True))
