"""An alarm for answers that tell numbers and names which their documents do not."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from typing import Any, NamedTuple

from clearspan.assess.evaluator import Evaluator
from clearspan.assess.text.common import is_common
from clearspan.assess.text.dates import MONTHS, Date, dates
from clearspan.assess.text.names import Name, akin, initials, names, relatives
from clearspan.assess.text.numbers import Number, numbers, roman
from clearspan.assess.text.plain import is_plain
from clearspan.assess.text.subject import answer_of, question_of
from clearspan.assess.text.words import folded, stem, tokens
from clearspan.record import Invocation
from clearspan.score import Score

__all__ = ["FaithfulnessAlarm"]

_PARTS = re.compile(r"[-'\u2019]")
_POSSESSIVE = re.compile(r"['\u2019]s$")
_ROMAN = re.compile(r"\b[IVXLC]{1,9}\b")
_MARKER = re.compile(r"(?:^|\n)[\s*#>-]*\(?$")
_CENTURY = re.compile(r"(?:st|nd|rd|th)?[\s-]centur", re.IGNORECASE)
_SOURCES = frozenset(
    map(
        stem,
        [
            "document",
            "passage",
            "context",
            "source",
            "page",
            "say",
            "mention",
            "state",
            "indicate",
            "refer",
            "according",
        ],
    )
)
_APOSTROPHES = ("'", "\u2019")
_AFTERNOON = re.compile(r"(?::\d\d)?\s?p\.?m\b", re.IGNORECASE)
_BOUND = re.compile(
    r"\b(?:(?P<more>(?:more|larger|taller|longer|higher|greater|older|bigger|heavier) than|over|above|at least|exceed(?:s|ed|ing)?)"
    r"|(?:less|fewer|smaller|shorter|lower|younger) than|under|below|at most|up to)\s[$€£]?$",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"\b(?:about|around|nearly|almost|roughly|approximately|some|circa|close to)\s[$€£]?$",
    re.IGNORECASE,
)
_FIGURED = re.compile(r"(?<![\d/.])(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?!\d)")
_SENTENCE = re.compile(r"[.!?][\"')\]\u201d\u2019]*\s+|\n+")
_NEAR = 0.05
_FAR = 0.1
_QUOTED = 100
_SMALL_WORDS = frozenset({"of", "the", "and", "for", "de", "in", "on"})
_WORD = re.compile(r"[a-zß-ɏͰ-ϿЀ-ԯ]{4,}")
_NAMED = 10
_ANSWER = 16_000
_DOCUMENTS = 256_000
# What stands where something was taken out, [GITHUB_TOKEN], <EMAIL_ADDRESS>, [secret], and the marks of quotations, [2];
# not the text of a link.
_PLACEHOLDER = re.compile(
    r"\[(?:\d{1,3}|[A-Z][A-Z\d_]{1,60}|[a-z][a-z_ ]{1,60})\](?!\()|<(?:[A-Z][A-Z\d_]{1,60}|[a-z][a-z_]{1,60})>"
)


class _Item(NamedTuple):
    """Something that the answer tells and the sources do not, and its place."""

    kind: str
    text: str
    start: int


class FaithfulnessAlarm(Evaluator):
    """The share of the numbers and names of an answer that neither the documents nor the question hold.

    A risk in [0, 1]; it needs documents (`record.Invocation.documents`). One such number or name is enough for the
    alarm: what is told of this kind has to come from somewhere. It is silent about everything else, so that
    no alarm is no proof of faithfulness.

    Numbers are compared by value (1,000 = one thousand; 1.2 million = 1,213,000 rounded; 1995 is in the
    1990s), names without case, accents, possessives and plurals, by initials, and as a country or its people;
    dates by their day, month and year together. Where at least `words` of the specific words of an answer
    (those that are not common English) stand in no source, in no form, and are none of those with which anything
    may be said again, these words count as well; `None` leaves them out. What stands word by word in
    a source is no invention. The first 16,000 characters of the answer are looked at; a call whose documents have
    more than 256,000 is skipped, as something may well be there that was not looked at.
    An answer that holds nothing of the kind is skipped: there is nothing to check. What redaction puts in the place of a text
    (`<EMAIL_ADDRESS>`, `[secret]`), marks such as `[2]`, and words about the documents themselves
    ("the page says") are no claims.

    Raises `ValueError` for `words` outside (0, 1].
    """

    name = "faithfulness_alarm"
    version = "1"
    requires = frozenset({"output", "context"})
    direction = "minimize"
    threshold = 0.02

    def __init__(self, *, words: float | None = 0.1, **options: Any) -> None:
        if words is not None and not 0 < words <= 1:
            raise ValueError(f"clearspan: FaithfulnessAlarm: words must be more than 0 and at most 1, or None, not {words!r}")  # fmt: skip
        self._words = words
        super().__init__(**options)

    def evaluate(self, call: Invocation) -> Score:
        """Judge the answer by the call's documents and question."""
        answer = answer_of(call)[:_ANSWER]
        answer = _PLACEHOLDER.sub(lambda match: " " * len(match[0]), answer)
        text = "\n".join([*call.documents, question_of(call)])
        if len(text) > _DOCUMENTS:
            return Score(skipped="documents_too_long")
        sources = _Sources(text)
        told, unsupported = _facts(answer, sources)
        if self._words is not None:
            specific, strange = _words(answer, sources)
            if strange and len(strange) >= self._words * specific:
                told += specific
                unsupported += strange
        if not told:
            return Score(skipped="nothing_to_check")
        kinds = Counter(item.kind for item in unsupported)
        return Score(
            value=min(len(unsupported) / told, 1.0),
            label="unsupported" if unsupported else "supported",
            explanation=_said(unsupported),
            metadata={"checked": told, "unsupported": dict(kinds)},
        )


def _said(unsupported: list[_Item]) -> str | None:
    if not unsupported:
        return None
    listed = list(dict.fromkeys(item.text for item in unsupported))
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return f"in no document: {', '.join(listed[:_NAMED])}{more}"


class _Sources:
    """The documents and the question, ready to be asked for words, numbers and dates."""

    def __init__(self, text: str) -> None:
        whole = tokens(text)
        self._text = f" {' '.join(whole)} "
        self.words = _parts(whole)
        self.known = {*whole, *self.words}
        self.stems = {stem(word) for word in self.known}
        self.beginnings = {word[:length] for word in self.known for length in (1, 3, 5)}
        self.by_three: dict[str, list[str]] = {}
        for word in self.known:
            self.by_three.setdefault(word[:3], []).append(word)
        big = [word for word in self.words if word not in _SMALL_WORDS]
        self.letters = initials(big), initials(self.words)
        values = (roman(word) for word in _ROMAN.findall(text))
        self.values = {abs(number.value) for number in numbers(text)} | {
            float(v) for v in values if v
        }
        self._sorted = sorted(self.values)
        self.dates = dates(text)

    def word(self, word: str) -> bool:
        """Whether a word of a name is there, in one form or another."""
        if word in self.known or not relatives(word).isdisjoint(self.known):
            return True
        if len(word) == 1:
            return word in self.beginnings
        return any(akin(word, other) for other in self.by_three.get(word[:3], ()))

    def short(self, word: str) -> bool:
        """Whether it is the initials of words that stand together."""
        return len(word) >= 2 and any(word in letters for letters in self.letters)

    def stemmed(self, word: str) -> bool:
        """Whether a word is there in any form, or one that begins alike."""
        return stem(word) in self.stems or (len(word) >= 5 and word[:5] in self.beginnings)

    def holds(self, passage: str) -> bool:
        """Whether a passage stands in them word by word."""
        return f" {' '.join(tokens(passage))} " in self._text

    def number(self, number: Number, text: str) -> bool:
        """Whether the sources tell this number, as precisely as the answer does."""
        value = abs(number.value)
        if value in self.values:
            return True
        if number.decade:
            return self._any(value, value + 9.99) or (
                value < 100 and self._ends(value // 10, 10, 10)
            )
        if _CENTURY.match(text, number.end):
            return self._any(100 * value - 99, 100 * value)
        if text[max(0, number.start - 1) : number.start] in _APOSTROPHES and value < 100:
            return self._ends(value, 1, 100)
        if _AFTERNOON.match(text, number.end) and value + 12 in self.values:
            return True
        low, high = _room(number, text)
        return self._any(value - low, value + high) if low or high else False

    def _any(self, low: float, high: float) -> bool:
        """Whether they tell a number from `low` to `high`."""
        place = bisect_left(self._sorted, low - 1e-9 * abs(low))
        return place < len(self._sorted) and self._sorted[place] <= high * (1 + 1e-9)

    def _ends(self, end: float, step: int, size: int) -> bool:
        """Whether they tell a year that ends in these figures."""
        return any(1000 <= known < 2100 and known // step % size == end for known in self._sorted)

    def month(self, word: str) -> bool:
        """Whether it is a month of a date that the sources write in figures."""
        return any(date.month == MONTHS.get(word) for date in self.dates)

    def date(self, date: Date) -> bool:
        """Whether no date of the sources is against it."""
        return not self.dates or any(date.agrees(known) for known in self.dates)


def _room(number: Number, text: str) -> tuple[float, float]:
    """How far below and above a number the true one may be: what rounds to it, or is more, less or about that."""
    written = text[number.start : number.end]
    value = abs(number.value)
    before = text[max(0, number.start - 24) : number.start]
    if 1000 <= value < 3000 and value.is_integer() and written.isdigit():
        return 0.0, 0.0  # a year
    bound = _BOUND.search(before)
    if bound:
        return (0.0, value * _FAR) if bound["more"] else (value * _FAR, 0.0)
    about = value * _NEAR if _ABOUT.search(before) else 0.0
    step = _step(number, written)
    room = max(min(step / 2, value * _NEAR), about)
    return room, room


def _step(number: Number, written: str) -> float:
    """The size of the last figure that a number tells: 0.1 million of 1.2 million; 0 for a small count in words."""
    value = abs(number.value)
    if number.spelled:
        whole = str(int(value))
        return 10.0 ** (len(whole) - len(whole.rstrip("0"))) if value >= 1000 else 0.0
    digits = re.sub(r"[^\d.]", "", written).rstrip(".")
    if digits.count(".") > 1 or not float(digits or 0):
        return 0.0
    whole, _, rest = digits.partition(".")
    zeros = 0 if rest else len(whole) - len(whole.rstrip("0"))
    return 10.0 ** (zeros - len(rest)) * value / float(digits)


def _facts(answer: str, sources: _Sources) -> tuple[int, list[_Item]]:
    """How many numbers, names and dates the answer tells, and those that the sources do not."""
    written = numbers(answer)
    spelled = {number.start for number in written if number.spelled}
    dated = _dated(answer, sources)
    figures = [number for number in written if not _marks(number, answer)]
    called = [name for name in names(answer) if name.start not in spelled]
    unsupported = [
        _Item("number", answer[number.start : number.end], number.start)
        for number in figures
        if number.start not in dated and not sources.number(number, answer)
    ]
    unsupported += [
        _Item("name", _POSSESSIVE.sub("", name.text), name.start)
        for name in _strangers(called, answer, sources)
    ]
    if not unsupported:
        unsupported += [
            _Item("date", answer[date.start : date.end], date.start)
            for date in dates(answer)
            if not sources.date(date)
        ]
    return len(figures) + len(called), _not_quoted(unsupported, answer, sources)


def _not_quoted(items: list[_Item], answer: str, sources: _Sources) -> list[_Item]:
    """Those that stand in no sentence that the sources hold word by word."""
    if not items:
        return []
    ends = [match.end() for match in _SENTENCE.finditer(answer)]
    quoted: dict[int, bool] = {}
    for item in items:
        place = bisect_right(ends, item.start)
        if place not in quoted:
            start = ends[place - 1] if place else 0
            stop = ends[place] if place < len(ends) else len(answer)
            quoted[place] = len(quoted) < _QUOTED and sources.holds(answer[start:stop])
    return [item for item in items if not quoted[bisect_right(ends, item.start)]]


def _dated(answer: str, sources: _Sources) -> set[int]:
    """The places of the figures of dates such as 11/7/1867 that the sources tell, in either order of day and month."""
    found: set[int] = set()
    for match in _FIGURED.finditer(answer):
        one, other, year = (int(part) for part in match.groups())
        known = [(date.month, date.day) for date in sources.dates if date.year == year]
        if (one, other) in known or (other, one) in known:
            found.update(range(*match.span()))
    return found


def _marks(number: Number, answer: str) -> bool:
    """Whether it numbers an item of a list, or is a small count in words, such as the answer's own."""
    if number.spelled and number.value <= 3:
        return True
    before = answer[max(0, number.start - 12) : number.start]
    return bool(_MARKER.search(before)) and answer[number.end : number.end + 1] in (".", ")", ":")


def _strangers(called: list[Name], answer: str, sources: _Sources) -> list[Name]:
    """The names that the sources do not hold; a whole that they know by its initials is held."""
    strange: list[Name] = []
    for run in _runs(called, answer):
        unknown = [name for name in run if not _known(name.text, sources)]
        if not (len(run) >= 2 and folded(initials([name.text for name in run])) in sources.known):
            strange += unknown
    return strange


def _known(name: str, sources: _Sources) -> bool:
    plain = folded(name)
    whole = plain.replace(".", "")
    if name.isupper() and (sources.short(whole) or float(roman(name) or -1) in sources.values):
        return True
    if whole in sources.known or sources.month(plain):
        return True
    return all(sources.word(word) for word in _parts(tokens(name)))


def _runs(called: list[Name], answer: str) -> list[list[Name]]:
    """Names that stand together, small words between them aside."""
    runs: list[list[Name]] = []
    for name in called:
        if runs:
            between = answer[runs[-1][-1].end : name.start].split()
            if len(between) <= 2 and _SMALL_WORDS.issuperset(between):
                runs[-1].append(name)
                continue
        runs.append([name])
    return runs


def _words(answer: str, sources: _Sources) -> tuple[int, list[_Item]]:
    """How many specific words the answer has, and those in small letters that no source has."""
    specific = [
        word
        for word in _parts(tokens(answer))
        if _WORD.fullmatch(word) and not is_common(word) and not _of_sources(word)
    ]
    placed: list[Name | Number] = [*names(answer), *numbers(answer)]
    apart = {part for at in placed for part in _parts(tokens(answer[at.start : at.end]))}
    strange = [
        word
        for word in specific
        if word not in apart and not is_plain(word) and not sources.stemmed(word)
    ]
    return len(specific), [_Item("word", word, -1) for word in strange]


def _of_sources(word: str) -> bool:
    """Whether it speaks of the documents, as in "the passage mentions": that is no claim about their subject."""
    return stem(word) in _SOURCES


def _parts(words: list[str]) -> list[str]:
    return [part for word in words for part in _PARTS.split(word) if part]
