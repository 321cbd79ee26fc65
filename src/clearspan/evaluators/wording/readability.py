"""How hard an English answer is to read, by the formulas that count words, sentences and syllables."""

# ruff: noqa: RUF001 - other scripts and typographic quotes are the matter here

from __future__ import annotations

import re
from typing import Any, NamedTuple

from clearspan.assess.answers import AnswerEvaluator
from clearspan.assess.evaluator import Subject
from clearspan.assess.language import identify, prose, sentences
from clearspan.score import Score

__all__ = ["Counts", "Readability", "counts", "syllables"]

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_VOWELS = re.compile(r"[aeiouy]+")
# Neighbouring vowels that are spoken apart: "idea", "radio", "material", "diet", "client", "dual", "video", "being".
_APART = re.compile(
    r"ea$|(?<![cstx])ia|(?<![cstxgln])io|(?<=^l)io|(?<![cst])iu|iet|(?<![ct])ien(?!d)|(?<=sc)ien|[^qg]ua"
    r"|(?<![gp])eo(?!u)|(?<=^g)eo|creat(?!u)|reali|eum|[lr]ui[dn]|[aeiouy]ing"
)
# Endings whose "e" is silent: "place", "loved", "places" is not one of them.
_SILENT = re.compile(
    r"[^aeiouy]e$|(?:[^aeiouyrltd]|[aeioul]l|[aeiour]r)ed$|(?<![cs]h)(?<![aeiouysxzcg])es$"
)
_SPOKEN = re.compile(r"[^aeiouylrwn]les?$")
_IRREGULAR = {
    "any": 2, "ago": 2, "also": 2, "via": 2, "era": 2, "ion": 2, "business": 2, "dialogue": 3, "everyone": 3,
    "everything": 3, "people": 2, "somehow": 2, "someone": 2, "something": 2, "sometimes": 2, "somewhere": 2,
    "therefore": 2, "evening": 2, "businesses": 3,
}  # fmt: skip
_FEWEST = 30


class Counts(NamedTuple):
    """What the formulas are made of; `letters` counts letters only."""

    words: int
    sentences: int
    syllables: int
    letters: int

    @property
    def ease(self) -> float:
        """Flesch reading ease (Flesch 1948): about 0 (very hard) to 100 (very easy), without bounds."""
        return 206.835 - 1.015 * self.words / self.sentences - 84.6 * self.syllables / self.words

    @property
    def grade(self) -> float:
        """Flesch-Kincaid grade level (Kincaid et al. 1975), in years of school."""
        return 0.39 * self.words / self.sentences + 11.8 * self.syllables / self.words - 15.59

    @property
    def coleman_liau(self) -> float:
        """Coleman-Liau index (Coleman and Liau 1975), in years of school; needs no syllables."""
        by_hundred = 100 / self.words
        return 0.0588 * self.letters * by_hundred - 0.296 * self.sentences * by_hundred - 15.8


class Readability(AnswerEvaluator):
    """How easy the answer is to read: Flesch reading ease; more is easier, which is neither good nor bad.

    It passes where it keeps to `min_ease` and `max_grade` (Flesch-Kincaid), where those are given. The label is
    `easy` (from 70), `plain` (from 50), `hard` (from 30) or `very_hard`. `metadata` has `grade`,
    `coleman_liau` and the counts. The formulas are for English: other languages are skipped, and so are answers of
    fewer than 30 words. Syllables are counted by rule.
    """

    direction = "neutral"
    range = None

    def __init__(
        self, *, min_ease: float | None = None, max_grade: float | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.min_ease = min_ease
        self.max_grade = max_grade

    def judge(self, text: str, call: Subject) -> Score:
        """Count, and work out the formulas."""
        counted = counts(text)
        if counted.words < _FEWEST:
            return Score(skipped=f"shorter than {_FEWEST} words")
        language = identify(text)
        if language is None or language.code != "en":
            return Score(skipped="the formulas are for English")
        return Score(
            value=counted.ease,
            label=_label(counted.ease),
            passed=self._passed(counted),
            metadata={
                "grade": counted.grade,
                "coleman_liau": counted.coleman_liau,
                "words": counted.words,
                "sentences": counted.sentences,
                "syllables": counted.syllables,
            },
        )

    def _passed(self, counted: Counts) -> bool | None:
        kept: list[bool] = []
        if self.min_ease is not None:
            kept.append(counted.ease >= self.min_ease)
        if self.max_grade is not None:
            kept.append(counted.grade <= self.max_grade)
        return all(kept) if kept else None


def _label(ease: float) -> str:
    bands = ((70, "easy"), (50, "plain"), (30, "hard"))
    return next((label for least, label in bands if ease >= least), "very_hard")


def counts(text: str) -> Counts:
    """Words, sentences, syllables and letters of a text, without its code and addresses."""
    plain = prose(text)
    words = _WORD.findall(plain)
    said = [part for part in sentences(plain) if _WORD.search(part)]
    return Counts(
        len(words),
        len(said),
        sum(syllables(word) for word in words),
        sum(char.isalpha() for word in words for char in word),
    )


def syllables(word: str) -> int:
    """The syllables of an English word, by rule: at least 1."""
    plain = re.sub(r"[^a-z]", "", word.lower().replace("’", "'").removesuffix("'s"))
    if plain in _IRREGULAR:
        return _IRREGULAR[plain]
    if len(plain) <= 3:
        return 1
    count = len(_VOWELS.findall(plain)) + len(_APART.findall(plain))
    return max(1, count - bool(_SILENT.search(plain) and not _SPOKEN.search(plain)))
