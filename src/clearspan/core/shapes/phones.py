"""Telephone numbers: by their form where that is enough, else by the words around them.

A number with its country's code, with an area code in brackets, in the groups of North America, or with the 0
that a national number begins with, reads as nothing else. Any other row of digits is one only where the
words before or behind it say so.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from clearspan.core.shapes.cues import Words

__all__ = ["LONGEST", "LOOSE", "phones"]

LONGEST = 48
"""No number is longer, in characters."""

LOOSE = re.compile(
    # not a date, which looks much alike
    r"(?<![\w.+])(?!\d{4}([ .-])\d\d\1\d\d\b|\d\d([ .-])\d\d\2\d{4}\b)"
    r"(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,4}){1,4}(?!\w|\.\d)"
    r"|(?<![\w+])\+\d{1,15}(?:[ .\-/]?\(\d{1,4}\)|(?:[ .\-/]|(?<=\)))\d{1,8}){0,7}(?!\w)",
    re.ASCII,
)
"""What may be a number, for those who would rather take out too much; of 8 to 15 digits."""

_GROUP = r"(?:\(\+?\d{1,5}\)|\+?\d{1,15})"
_RUN = re.compile(
    rf"(?<![\w+%])(?<![\w)][.\-_/@\#,])(?<!\d:)(?<![$€£¥]\ )(?<![$€£¥])"
    rf"(?:\+(?=\())?{_GROUP}(?:(?:\ [\-/]\ |[ .\-/]{{1,2}}|(?<=\))|(?=\())(?:\(\d{{1,5}}\)|\d{{1,15}})){{0,7}}"
    r"(?:\ ?(?:x|ext\.?|extension)[ .]?\d{1,6})?"
    r"(?!\w|[.,\-/:=%]\d|-[A-Za-z]|\ ?[%€£¥°])",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_START = re.compile(r"\d+", re.ASCII)
_EXTENSION = re.compile(r" ?(?:x|ext\.?|extension)[ .]?\d{1,6}\Z", re.IGNORECASE)

# The country codes of ITU-T E.164 that are given out, by their first digits.
_CODES = re.compile(
    r"1|7|2(?:0|7|1[1-368]|[2346]\d|5[0-8]|9[01789])|3(?:[0-469]|5\d|7[0-8]|8[0-35-79])|4(?:[013-9]|2[0134])"
    r"|5(?:[1-8]|0\d|9\d)|6(?:[0-6]|7[02-9]|8[0-35-9]|9[0-2])|8(?:[1246]|0[08]|5[02356]|7[0-48]|8[0236])"
    r"|9(?:[0-58]|6[0-8]|7[0-79]|9[2-68])"
)
_DIGITS = re.compile(r"\d+")

# Forms that stand for themselves.
_NORTHERN = (
    r"(?:1[ .\-])?(?:\([2-9]\d\d\)[ .\-]?|[2-9]\d\d[.\-])\d{3}[ .\-]\d{4}|\([2-9]\d\d\) ?\d{7}"
)
_NORTH = re.compile(_NORTHERN)
_BRACKETED = re.compile(r"(?:1[ .\-])?\([2-9]\d\d\)[ .\-]?\d{3}[ .\-]?\d{4}")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:([ .])\d{3})?(?:[ .]000)+|[1-9]\d{0,4}0{5,}")
_WITHIN = re.compile(rf"(?:(?<= )|\A)(?:{_NORTHERN})(?= |\Z)")
_AREA = re.compile(
    r"(?:[078][ \-]?)?\((?!19\d\d|20\d\d)0?\d{2,4}\)[ .\-/]?\d{2,5}(?:[ .\-/]\d{2,5}){1,3}"
)
_TRUNK = re.compile(
    r"\(?0[1-9]\d{0,3}\)?(?:[ .\-/]| [\-/] )?(?:\d{2,4}(?:[ .\-]\d{2,4}){1,4}|\d{5,9})(?:-\d{1,4})?"
)
_PAIRS = re.compile(r"0[1-9](?:([ .\-])\d\d)(?:\1\d\d){3}")
# A date or a time of day, whatever stands around it; a version; a range of years.
_DATE = re.compile(
    r"(?:19|20)\d\d([ .\-/])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?:[ .\-/]\d{1,6})*"
    r"|(?:0?[1-9]|[12]\d|3[01])([ .\-/])(?:0?[1-9]|[12]\d|3[01])\2(?:19|20)?\d\d(?: \d{1,2})?"
    r"|(?:19|20)\d\d ?- ?(?:19|20)\d\d|(?:19|20)\d{6}|\d{1,3}(?:\.\d{1,3}){2,3}"
)


# An American address: its postal code may end the line before, or the house's number stand behind.
_STREET = re.compile(
    r"\s{1,3}(?:[A-Z][\w.']{0,24}\s){1,3}(?:St|Ave|Rd|Blvd|Dr|Ln|Ct|Pl|Hwy|Way|Street|Avenue|Road|Drive|Lane|Court)\b"
)


def phones(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each number in a text that went through `span.plain`."""
    words = Words(text)
    at = 0
    while digit := _START.search(text, at):
        at = digit.end()
        start = _signs(text, digit.start())
        match = _RUN.match(text, start)
        while match is None and start < digit.start():
            start += 1
            match = _RUN.match(text, start)
        if match is None:
            continue
        at = max(at, match.end())
        run = match.group()
        if len(run) >= 6 and sum(map(str.isdigit, run)) >= 6:
            place = _place(words, text, start, run)
            if place is not None:
                yield place


def _signs(text: str, digit: int) -> int:
    """Where the signs begin that may belong to the number that begins with this digit."""
    start = digit
    while start and digit - start < 2 and text[start - 1] in "(+":
        start -= 1
    return start


def _place(words: Words, text: str, start: int, run: str) -> tuple[int, int] | None:
    if _DATE.fullmatch(run):
        return None
    said = words.say(start, start + len(run))
    street = _STREET.match(text, start + len(run))
    if said and 6 <= _count(run) <= 15 and not (_DATE.match(run) or _counted(run) or street):
        return start, start + len(run)
    if street or (said is False and not _proven(run)):
        return None
    if _alone(run):
        return start, start + len(run)
    # a number of something else may stand before or behind it
    part = _WITHIN.search(run)
    return (start + part.start(), start + part.end()) if part else None


def _count(run: str) -> int:
    return len("".join(_DIGITS.findall(_EXTENSION.sub("", run))))


def _proven(run: str) -> bool:
    """Whether its form is that of a telephone number so plainly that no word outranks it."""
    return "+" in run[:2] or _BRACKETED.fullmatch(_EXTENSION.sub("", run)) is not None


def _counted(run: str) -> bool:
    """Whether it is a round number, a list that counts on, or one of years."""
    if _THOUSANDS.fullmatch(run):
        return True
    numbers = [int(digits) for digits in _DIGITS.findall(run)]
    counting = len(numbers) > 2 and all(
        then - one == 1 for one, then in itertools.pairwise(numbers)
    )
    return counting or (len(numbers) > 1 and all(1900 <= number < 2100 for number in numbers))


def _alone(run: str) -> bool:
    """Whether it reads as a telephone number without a word that says so."""
    run = _EXTENSION.sub("", run)
    digits = "".join(_DIGITS.findall(run))
    if run.lstrip("(").startswith("+"):
        return _abroad(digits)
    if run.startswith("00") and len(run) > len(digits):
        return len(digits) > 10 and _abroad(digits[2:])
    if _NORTH.fullmatch(run) or _PAIRS.fullmatch(run):
        return True
    if _TRUNK.fullmatch(run) and not run.isdigit():
        return 9 <= len(digits) <= 11 or (len(digits) == 12 and len(_DIGITS.findall(run)) <= 3)
    return _AREA.fullmatch(run) is not None and 7 <= len(digits) <= 12


def _abroad(digits: str) -> bool:
    """Whether they begin with a country's code, and may be a number there."""
    known = 8 <= len(digits) <= 15 and _CODES.match(digits) is not None
    return known and (digits[0] != "1" or (len(digits) == 11 and digits[1] > "1"))
