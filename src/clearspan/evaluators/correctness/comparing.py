"""How far an answer says what a reference says, contradictions counted: the measure behind AnswerCorrectness."""

from __future__ import annotations

import re
from itertools import pairwise
from math import log
from typing import NamedTuple

from clearspan.assess.text.common import FUNCTION_WORDS, rarity
from clearspan.assess.text.dates import MONTHS, dates
from clearspan.assess.text.names import initials, names
from clearspan.assess.text.numbers import Number, numbers, roman
from clearspan.assess.text.overlap import partial_ratio
from clearspan.assess.text.words import normalized, stem, tokens
from clearspan.evaluators.correctness.quantities import quantities, same_quantity
from clearspan.evaluators.correctness.wording import american, opposed

__all__ = ["agreement"]

_SPLIT = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)|[°%$€£]")
_INITIALS = re.compile(r"\b([^\W\d_])\.(?=\s?[^\W\d_])")
_SPACED_POINT = re.compile(r"(?<=\d)\s?\.\s?(?=\d)")
# Elizabeth I, but not "Am I": one letter counts after a name, at the end of a phrase.
_ROMAN = re.compile(r"\b[IVX]{2,5}\b|(?<=[A-Z][a-z]{2}|[a-z]{3}) [IVX](?=\s*(?:$|[,;.)]|of\b))")
_RANGE = re.compile(r"\d\s?(?:-|\u2013|\u2014|to)\s?\d")
_CENTURY = re.compile(r"(?:st|nd|rd|th)?[\s-]centur", re.IGNORECASE)
_MOJIBAKE = re.compile("[ÃÂâ][\u0080-\u00bf€™œ\u201c\u201d\u2013\u2014]")
_ARTICLE = re.compile(r"^\s*(?:the|an?)\s", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|never|isn't|wasn't|aren't|weren't|isnt|wasnt|arent|werent|no longer)\s(?:\w+\s){0,2}$"
)

_FORM_WORD = 0.2
_ASKED = 0.1
_CONTRADICTED = 0.2
_OTHER_NAME = 0.5
_OTHER_NAMES = 0.5
_SAME_FIGURE = 0.9
_OTHER_FIGURE = 0.3
_NO_FIGURE = 0.7
_PART = 0.5
_SHORT = 0.8
_FUZZY = 0.3
_FIGURES = 200
_LENGTH = 0.4
_FULL = 0.5


class _Words(NamedTuple):
    """The words of a text as written (folded) and their stems."""

    plain: list[str]
    stems: list[str]


def agreement(answer: str, reference: str, question: str = "") -> float:
    """How far `answer` says what `reference` says, 0 to 1.

    The core is the share of the reference's words that the answer has, each by its rarity, words of the
    question hardly counting. Figures and dates that differ, another first name before the same last
    name, and a denial take from it; equal figures and a part of the reference add to it. Three tenths are the
    best match of the characters.
    """
    answer, reference = _mended(answer), _mended(reference)
    said, true, asked = _words(answer), _words(reference), set(_words(question).stems)
    if not said.stems or not true.stems:
        return 0.0
    verdict = _same_figures(answer, reference, question)
    if said.stems == true.stems:
        return _CONTRADICTED if verdict is False else 1.0
    value = _recall(said, true, asked)
    short = _abbreviates(answer, reference) or _abbreviates(reference, answer)
    value = max(value, _SHORT) if short else value
    if verdict is not None:
        value = _weighed(value, _beside(true, asked), same=verdict, told=bool(numbers(answer)))
    if _other_name(said, true, asked):
        value *= _OTHER_NAME
    if not short and _other_names(answer, reference, question):
        value *= _OTHER_NAMES
    flat_said, flat_true = f" {' '.join(said.stems)} ", f" {' '.join(true.stems)} "
    if flat_said in flat_true and not asked.issuperset(said.stems):
        value = max(value, _PART)
    fuzzy = partial_ratio(flat_said.strip(), flat_true.strip()) * min(1.0, 4.0 * value)
    value = max(value, (1.0 - _FUZZY) * value + _FUZZY * fuzzy)
    value += _LENGTH * value * (1.0 - value) * (_longer(said, true) - _FULL)
    against = _denied(said, true) or opposed(said.stems, true.stems)
    return value * _CONTRADICTED if against else value


def _longer(said: _Words, true: _Words) -> float:
    """The logarithm of how many times as long as the reference the answer is, at most 1.5 either way."""
    return max(-1.5, min(1.5, log((1 + len(said.stems)) / (1 + len(true.stems)))))


def _denied(said: _Words, true: _Words) -> bool:
    """Whether the answer has the reference, after a "not"."""
    before, found, _ = f" {' '.join(said.plain)} ".partition(f" {' '.join(true.plain)} ")
    return bool(found) and bool(_DENIED.search(before + " "))


def _other_names(answer: str, reference: str, question: str) -> bool:
    """Whether the answer has names, and none of the reference's names but others instead."""
    asked = set(tokens(question))
    wanted = {part for name in names(reference) for part in tokens(name.text)} - asked
    if not wanted:
        return False
    told = {part for name in names(answer) for part in tokens(name.text)} - asked
    there = set(tokens(answer))
    kept = any(_near(part, there) for part in wanted)
    return bool(told) and not kept and told.isdisjoint(tokens(reference))


def _mended(text: str) -> str:
    """The text with Roman numerals in figures; if it was UTF-8 that somebody read as Windows-1252, as it was meant."""
    text = _ROMAN.sub(_arabic, text)
    text = _SPACED_POINT.sub(".", text) if "." in text else text
    if not _MOJIBAKE.search(text):
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def _arabic(match: re.Match[str]) -> str:
    value = roman(match[0].strip())
    return match[0] if value is None else match[0].replace(match[0].strip(), str(value))


def _words(text: str) -> _Words:
    apart = _INITIALS.sub(r"\1 ", _in_figures(text))
    plain = _SPLIT.sub(" ", normalized(apart, split_dashes=True)).split()
    return _Words(plain, [_root(word) for word in plain])


def _root(word: str) -> str:
    if word in MONTHS:
        return str(MONTHS[word]) + "m"
    return stem(american(word)) if word.isalpha() else word


def _in_figures(text: str) -> str:
    """The text with its numbers in figures: twenty-one as 21, 1,000 as 1000."""
    parts: list[str] = []
    end = 0
    for number in numbers(text):
        if number.start >= end and number.value.is_integer():
            parts += [text[end : number.start], f" {int(number.value)} "]
            end = number.end
    return "".join([*parts, text[end:]])


def _recall(said: _Words, true: _Words, asked: set[str]) -> float:
    """The share of the reference's words that the answer has, by their weight."""
    there = {*said.stems, *(one + other for one, other in pairwise(said.plain))}  # steam ship
    total = found = 0.0
    for word, root in zip(true.plain, true.stems, strict=True):
        weight = _FORM_WORD if word in FUNCTION_WORDS else rarity(word) ** 0.5
        weight *= _ASKED if root in asked else 1.0
        total += weight
        found += weight * (_near(root, there) or _initial(word, true, said))
    return found / total


def _initial(word: str, true: _Words, said: _Words) -> float:
    """0.8 for the initial of a name that the answer writes in full before the same last name, else 0."""
    if len(word) > 1 or not word.isalpha() or true.stems[-1] not in said.stems:
        return 0.0
    before = said.plain[: said.stems.index(true.stems[-1])]
    return 0.8 if any(other[0] == word and other not in FUNCTION_WORDS for other in before) else 0.0


def _near(word: str, there: set[str]) -> float:
    """Whether a word is there: 1 as it is, 0.8 as a part of another or misspelt."""
    if word in there:
        return 1.0
    if len(word) < 4 or word.isdigit():
        return 0.0
    return 0.8 if any(_alike(word, other) for other in there if len(other) >= 4) else 0.0


def _alike(word: str, other: str) -> bool:
    if word.startswith(other) or other.startswith(word):
        return True
    same_kind = word[0] == other[0] and abs(len(word) - len(other)) <= 1 and min(len(word), len(other)) >= 5  # fmt: skip
    return same_kind and partial_ratio(word, other) >= 0.75


def _beside(true: _Words, asked: set[str]) -> int:
    """How many words of the reference say something besides its figures and the question."""
    return sum(
        root[0].isalpha() and word not in FUNCTION_WORDS and root not in asked
        for word, root in zip(true.plain, true.stems, strict=True)
    )


def _weighed(value: float, beside: int, *, same: bool, told: bool) -> float:
    """`value` after the verdict on the figures, which decides where the reference is little else."""
    if same:
        return max(value, _SAME_FIGURE) if beside <= 1 else value
    if beside <= 2:
        return value * _CONTRADICTED
    return value * (_OTHER_FIGURE if told else _NO_FIGURE)


def _same_figures(answer: str, reference: str, question: str) -> bool | None:
    """Whether the answer has the numbers or dates of the reference; `None` where there is nothing to compare."""
    true, said = numbers(reference), numbers(answer)
    if not true:
        return None
    days, told = dates(reference), dates(answer)
    if days and told:
        return any(day.agrees(other) for day in days for other in told)
    years = [day.year for day in days if day.year is not None]
    if years:
        return any(number.value in years for number in said)
    there, wanted = quantities(answer)[:_FIGURES], quantities(reference)[:_FIGURES]
    if any(same_quantity(other, one) for one in wanted for other in there):
        return True
    known = {number.value for number in numbers(question)}
    new = [number for number in said if number.value not in known]
    if _RANGE.search(reference) and len(true) == 2:
        low, high = sorted(number.value for number in true)
        return any(low <= number.value <= high for number in new)
    return any(_within(number, _period(one, reference)) or _within(one, _period(number, answer)) for number in new for one in true)  # fmt: skip


def _within(number: Number, period: tuple[float, float] | None) -> bool:
    return period is not None and period[0] <= number.value <= period[1]


def _period(number: Number, text: str) -> tuple[float, float] | None:
    """The years that it stands for, where it names a century or a decade: whoever says one of them is right."""
    if _CENTURY.match(text, number.end):
        return (number.value - 1) * 100, number.value * 100
    if number.decade:
        return number.value, number.value + 9
    return None


def _other_name(said: _Words, true: _Words, asked: set[str]) -> bool:
    """Whether the answer has the last word of the reference after a word of its own: another person of that name."""
    last = true.stems[-1]
    if len(true.stems) < 2 or last not in said.stems[1:]:
        return False
    place = said.stems.index(last, 1) - 1
    before, own = said.plain[place], said.stems[place]
    if before in FUNCTION_WORDS or own in asked or own in true.stems:
        return False
    known = set(said.stems)
    if any(_near(word, known) for word in true.stems[:-1]):
        return False
    return all(before[0] != word[0] for word in true.plain[:-1])


def _abbreviates(short: str, long: str) -> bool:
    """Whether `short` is the initials of words of `long` that stand together."""
    letters = _ARTICLE.sub("", short).replace(".", "").strip()
    if not (2 <= len(letters) <= 8 and letters.isalpha() and letters.isupper()):
        return False
    words = [word for word in normalized(long).split() if word not in FUNCTION_WORDS]
    return letters.lower() in initials(words)
