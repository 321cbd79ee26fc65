"""Evaluators that compare the answer with reference answers by one measure each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from clearspan.assess.evaluator import Evaluator
from clearspan.assess.text.numbers import numbers
from clearspan.assess.text.overlap import chrf, rouge_l, token_f1
from clearspan.assess.text.subject import answer_of
from clearspan.assess.text.words import LONGEST, normalized
from clearspan.evaluators.correctness import libraries
from clearspan.record import Invocation
from clearspan.score import Score

__all__ = ["Bleu", "ChrF", "Contains", "ExactMatch", "FuzzyMatch", "NumericMatch", "RougeL", "TokenF1"]  # fmt: skip

_LONG = 20_000
# The libraries hold the interpreter's lock while they compare: beyond this many pairs of characters they would
# hold up the program (0.1 s), so that nothing is compared instead.
_PAIRS = 1_000_000


class Compared(Evaluator, ABC):
    """The best that `compare` says of the answer and any of the references: 0 to 1."""

    version = "1"
    requires = frozenset({"output", "reference"})
    direction = "maximize"
    threshold = 0.5
    longest = LONGEST

    def evaluate(self, call: Invocation) -> Score:
        """Compare the answer with each reference; the best counts."""
        answer = answer_of(call)[: self.longest]
        values = [self.compare(answer, text[: self.longest]) for text in call.references]
        known = [value for value in values if value is not None]
        return Score(value=max(known)) if known else Score(skipped="nothing_to_compare")

    @abstractmethod
    def compare(self, answer: str, reference: str) -> float | None:
        """How far they agree, 0 to 1; `None` where it cannot be said."""


class ExactMatch(Compared):
    """1 where answer and reference are the same after SQuAD's normalisation, else 0 (Rajpurkar 2016).

    Case, punctuation, articles, accents and white space do not count; with `normalize=False` all of them do.
    """

    def __init__(self, *, normalize: bool = True, **options: Any) -> None:
        self._normalize = normalize
        super().__init__(**options)

    def compare(self, answer: str, reference: str) -> float:
        """1 for the same."""
        if self._normalize:
            answer, reference = normalized(answer), normalized(reference)
        return float(answer == reference)


class Contains(Compared):
    """1 where the whole reference stands in the answer, word by word after SQuAD's normalisation, else 0."""

    def compare(self, answer: str, reference: str) -> float | None:
        """1 where it is there; `None` for a reference without words."""
        wanted = normalized(reference)
        return float(f" {wanted} " in f" {normalized(answer)} ") if wanted else None


class TokenF1(Compared):
    """F1 of the words of answer and reference after SQuAD's normalisation (Rajpurkar 2016)."""

    def compare(self, answer: str, reference: str) -> float:
        """The F1."""
        return token_f1(normalized(answer).split(), normalized(reference).split())


class RougeL(Compared):
    """F1 of the longest common subsequence of words (Lin 2004), after SQuAD's normalisation."""

    longest = _LONG

    def compare(self, answer: str, reference: str) -> float:
        """The F1."""
        return rouge_l(normalized(answer).split(), normalized(reference).split())


class ChrF(Compared):
    """chrF2: the F-score of character n-grams up to 6, recall counting twice (Popovic 2015); case counts.

    `engine="sacrebleu"` has that library compute it (extra `text`). Raises `ValueError` for another engine.
    """

    name = "chrf"
    longest = _LONG

    def __init__(self, *, engine: str = "builtin", **options: Any) -> None:
        if engine not in ("builtin", "sacrebleu"):
            raise ValueError(f"clearspan: ChrF: engine must be builtin or sacrebleu, not {engine!r}")  # fmt: skip
        self._engine = engine
        self._library: Callable[[str, list[str]], float] | None = None
        super().__init__(**options)

    def compare(self, answer: str, reference: str) -> float:
        """The chrF2."""
        if self._engine == "builtin":
            return chrf(answer, reference)
        if self._library is None:
            self._library = libraries.chrf()
        return self._library(answer, [reference])


class NumericMatch(Compared):
    """1 where a number of the answer equals the number of the reference, else 0; skipped where that has none.

    Numbers may be written in any way (1,000; one thousand; 1.5 million). They are equal when they differ by
    at most `tolerance`, or by at most `relative` times the reference. With `last=True` only the last number of the
    answer counts, as for worked solutions. Raises `ValueError` for a negative tolerance.
    """

    def __init__(
        self, *, tolerance: float = 0.0, relative: float = 1e-9, last: bool = False, **options: Any
    ) -> None:
        for option, value in (("tolerance", tolerance), ("relative", relative)):
            if not value >= 0:
                raise ValueError(f"clearspan: NumericMatch: {option} must be 0 or more, not {value!r}")  # fmt: skip
        self._tolerance, self._relative, self._last = tolerance, relative, last
        super().__init__(**options)

    def compare(self, answer: str, reference: str) -> float | None:
        """1 where all numbers of the reference are there."""
        wanted, said = numbers(reference), numbers(answer)
        if not wanted:
            return None
        if self._last:
            said, wanted = said[-1:], wanted[-1:]
        values = sorted(number.value for number in said)
        return float(all(self._there(one.value, values) for one in wanted))

    def _there(self, wanted: float, values: list[float]) -> bool:
        """Whether the nearest of the sorted `values` is near enough."""
        place = bisect_left(values, wanted)
        room = max(self._tolerance, self._relative * abs(wanted))
        return any(abs(told - wanted) <= room for told in values[max(0, place - 1) : place + 1])


class FuzzyMatch(Compared):
    """A similarity of rapidfuzz (extra `text`), 0 to 1: `measure` is the name of a function of `rapidfuzz.fuzz`.

    Texts of more than a million pairs of characters (1,000 in each; 50 and 20,000) are not compared: the call is skipped as
    `nothing_to_compare`. Raises `ValueError` for a measure that is none of them.
    """

    threshold = 0.8
    longest = _LONG

    def __init__(self, *, measure: str = "partial_ratio", **options: Any) -> None:
        if measure not in libraries.RATIOS:
            raise ValueError(f"clearspan: FuzzyMatch: measure must be one of {', '.join(libraries.RATIOS)}, not {measure!r}")  # fmt: skip
        self._measure = measure
        self._ratio: Callable[[str, str], float] | None = None
        super().__init__(**options)

    def compare(self, answer: str, reference: str) -> float | None:
        """The similarity; `None` for texts that are too long."""
        if len(answer) * len(reference) > _PAIRS:
            return None
        if self._ratio is None:
            self._ratio = libraries.ratio(self._measure)
        return self._ratio(answer, reference)


class Bleu(Evaluator):
    """Sentence BLEU by sacreBLEU (extra `text`), 0 to 1, against all references together (Papineni 2002)."""

    version = "1"
    requires = frozenset({"output", "reference"})
    direction = "maximize"
    threshold = 0.3
    _library: Callable[[str, list[str]], float] | None = None

    def evaluate(self, call: Invocation) -> Score:
        """Compare the answer with all references at once."""
        if self._library is None:
            self._library = libraries.bleu()
        references = [text[:_LONG] for text in call.references]
        return Score(value=self._library(answer_of(call)[:_LONG], references))
