"""Numbers in a text, however they are written: 1,000; 1.5 million; twenty-one; 3rd."""

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
    r"(?P<sign>(?<!\w)[-\u2212])?(?<![\w.])(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)|\d{1,18})(?P<rest>\.\d{1,18})?"
    r"(?:(?P<ordinal>st|nd|rd|th)\b|(?P<decade>['\u2019]?s)\b|(?P<short>k|mn|bn|tn)\b"
    r"|(?:\s|-)?(?P<scale>hundred|thousand|million|billion|trillion|dozen)s?\b)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_ROMAN = re.compile(r"(?=[IVXLC])C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")


def numbers(text: str) -> list[Number]:
    """All numbers of a text, in their order; `one` alone is taken for a pronoun and left out."""
    written = [*_in_digits(text), *_in_words(text)]
    return sorted(written, key=lambda number: number.start)


def _in_digits(text: str) -> Iterator[Number]:
    for match in _DIGITS.finditer(text):
        value = float(match["digits"].replace(",", "") + (match["rest"] or ""))
        if match["scale"]:
            value *= _SCALES[match["scale"].lower()]
        elif match["short"]:
            value *= _SHORT[match["short"].lower()]
        yield Number(
            -value if match["sign"] else value, *match.span(), decade=bool(match["decade"])
        )


def _in_words(text: str) -> Iterator[Number]:
    """The numbers that are written out: "twenty-one", "three hundred and five", "2nd" not, "second" yes."""
    run: list[re.Match[str]] = []
    for match in _WORD.finditer(text):
        word = match[0].lower()
        gap = text[run[-1].end() : match.start()] if run else ""
        joined = not run or gap in (" ", "-", "\u2011")
        if run and joined and word == "and" and run[-1][0].lower() in _SCALES:
            run.append(match)
            continue
        known = word in _SMALL or (word in _SCALES and run)
        if run and not (joined and known and _goes_on(run[-1][0].lower(), word)):
            yield from _told(run)
            run = []
            known = word in _SMALL
        if known:
            run.append(match)
    yield from _told(run)


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
            current *= _SCALES[word]
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
