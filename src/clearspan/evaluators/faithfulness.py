"""An alarm for answers that tell numbers and names which their documents do not."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

from clearspan.assess.evaluator import Evaluator
from clearspan.assess.text.common import is_common
from clearspan.assess.text.dates import MONTHS, Date, dates
from clearspan.assess.text.names import Name, akin, initials, names, relatives
from clearspan.assess.text.numbers import Number, numbers, roman
from clearspan.assess.text.subject import answer_of, question_of
from clearspan.assess.text.words import LONGEST, folded, stem, tokens
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
_SMALL_WORDS = frozenset({"of", "the", "and", "for", "de", "in", "on"})
_WORD = re.compile(r"[a-zß-ɏͰ-ϿЀ-ԯ]{4,}")
_NAMED = 10
# What stands where something was taken out, [GITHUB_TOKEN], <EMAIL_ADDRESS>, [secret], and the marks of quotations, [2];
# not the text of a link.
_PLACEHOLDER = re.compile(
    r"\[(?:\d{1,3}|[A-Z][A-Z\d_]{1,60}|[a-z][a-z_ ]{1,60})\](?!\()|<(?:[A-Z][A-Z\d_]{1,60}|[a-z][a-z_]{1,60})>"
)


class _Item(NamedTuple):
    """Something that the answer tells and the sources do not."""

    kind: str
    text: str


class FaithfulnessAlarm(Evaluator):
    """The share of the numbers and names of an answer that neither the documents nor the question hold.

    A risk in [0, 1]; it needs documents (`record.Invocation.documents`). One such number or name is enough for the
    alarm: what is told of this kind has to come from somewhere. It is silent about everything else, so that
    no alarm is no proof of faithfulness.

    Numbers are compared by value (1,000 = one thousand; 1.2 million = 1,213,000 rounded; 1995 is in the
    1990s), names without case, accents, possessives and plurals, by initials, and as a country or its people;
    dates by their day, month and year together. Where at least `words` of the specific words of an answer
    (those that are not common English) stand in no source, these words count as well; `None` leaves them out.
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

    def __init__(self, *, words: float | None = 0.2, **options: Any) -> None:
        if words is not None and not 0 < words <= 1:
            raise ValueError(f"clearspan: FaithfulnessAlarm: words must be more than 0 and at most 1, or None, not {words!r}")  # fmt: skip
        self._words = words
        super().__init__(**options)

    def evaluate(self, call: Invocation) -> Score:
        """Judge the answer by the call's documents and question."""
        answer = _PLACEHOLDER.sub(lambda match: " " * len(match[0]), answer_of(call))
        sources = _Sources("\n".join([*call.documents, question_of(call)]))
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
        text = text[: 16 * LONGEST]
        whole = tokens(text)
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

    def number(self, number: Number, text: str) -> bool:
        """Whether the sources tell this number, as precisely as the answer does."""
        value = abs(number.value)
        if value in self.values:
            return True
        if number.decade:
            return any(_in_decade(known, value) for known in self.values)
        if _CENTURY.match(text, number.end):
            return any((known - 1) // 100 + 1 == value for known in self.values)
        room = _room(number, text)
        return room > 0 and any(abs(known - value) <= room for known in self.values)

    def month(self, word: str) -> bool:
        """Whether it is a month of a date that the sources write in figures."""
        return any(date.month == MONTHS.get(word) for date in self.dates)

    def date(self, date: Date) -> bool:
        """Whether no date of the sources is against it."""
        return not self.dates or any(date.agrees(known) for known in self.dates)


def _in_decade(known: float, decade: float) -> bool:
    start = known // 10 * 10
    return decade in (start, start % 100)


def _room(number: Number, text: str) -> float:
    """How far a number may be off and still round to what the answer says; none for years and counts."""
    written = text[number.start : number.end]
    value = abs(number.value)
    if number.spelled or (1000 <= value < 3000 and value.is_integer() and written.isdigit()):
        return 0.0
    digits = re.sub(r"[^\d.]", "", written).rstrip(".")
    whole, _, rest = digits.partition(".")
    zeros = 0 if rest else len(whole) - len(whole.rstrip("0"))
    step = 10.0 ** (zeros - len(rest)) * value / (float(digits) or 1.0)
    return min(step / 2, value * 0.025)


def _facts(answer: str, sources: _Sources) -> tuple[int, list[_Item]]:
    """How many numbers, names and dates the answer tells, and those that the sources do not."""
    written = numbers(answer)
    spelled = {number.start for number in written if number.spelled}
    figures = [number for number in written if not _marks(number, answer)]
    called = [name for name in names(answer) if name.start not in spelled]
    told = dates(answer)
    unsupported = [
        _Item("number", answer[number.start : number.end])
        for number in figures
        if not sources.number(number, answer)
    ]
    unsupported += [
        _Item("name", _POSSESSIVE.sub("", name.text))
        for name in _strangers(called, answer, sources)
    ]
    if not unsupported:
        unsupported += [
            _Item("date", answer[date.start : date.end]) for date in told if not sources.date(date)
        ]
    return len(figures) + len(called), unsupported


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
    strange = [word for word in specific if word not in apart and not sources.stemmed(word)]
    return len(specific), [_Item("word", word) for word in strange]


def _of_sources(word: str) -> bool:
    """Whether it speaks of the documents, as in "the passage mentions": that is no claim about their subject."""
    return stem(word) in _SOURCES


def _parts(words: list[str]) -> list[str]:
    return [part for word in words for part in _PARTS.split(word) if part]
