"""Is the answer in the language it should be in?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clearspan.assess.answers import AnswerEvaluator
from clearspan.assess.evaluator import Subject
from clearspan.assess.language import LANGUAGES, identify
from clearspan.score import Score

__all__ = ["Language"]


class Language(AnswerEvaluator):
    """Whether the answer is in an expected language: 1 or 0; the label is its ISO 639-1 code.

    `expected` is one code or several; without it, the language of the question. Languages are told by script and
    small words (`assess.language.LANGUAGES` has all codes, `no` for Bokmål); code and addresses are
    left aside. Skipped where question or answer is too short or too mixed to tell. Raises `ValueError` for
    a code that cannot come out.
    """

    threshold = 1.0

    def __init__(self, expected: str | Iterable[str] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.expected: frozenset[str] | None = None
        if expected is None:
            self.requires = frozenset({"input", "output"})
        else:
            self.expected = frozenset([expected] if isinstance(expected, str) else expected)
            if strange := self.expected - LANGUAGES or (set() if self.expected else {"nothing"}):
                raise ValueError(
                    f"clearspan: language: expected is {', '.join(sorted(strange))}, which is none of "
                    f"{', '.join(sorted(LANGUAGES))}"
                )

    def judge(self, text: str, call: Subject) -> Score:
        """Tell the answer's language, and the question's where nothing else is expected."""
        found = identify(text)
        if found is None:
            return Score(skipped="too short or too mixed to tell its language")
        wanted = self.expected
        if wanted is None:
            asked = identify(call.question)
            if asked is None:
                return Score(skipped="the question's language cannot be told")
            wanted = frozenset({asked.code})
        return Score(
            value=float(found.code in wanted),
            label=found.code,
            metadata={"expected": sorted(wanted), "share": round(found.share, 3)},
        )
