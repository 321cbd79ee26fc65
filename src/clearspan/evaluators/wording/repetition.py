"""Does the answer repeat itself, or run in a loop?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from clearspan.assess.answers import AnswerEvaluator
from clearspan.assess.evaluator import Subject
from clearspan.score import Score

__all__ = ["Loop", "Repetition", "distinct", "longest_loop"]

# A run of letters and digits is a word; of scripts without spaces, each character is.
_WORD = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|[^\W_\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+")  # fmt: skip
_LONGEST = 2_000
_FEWEST = 20


class Loop(NamedTuple):
    """The same `period` words over and over: `words` in all, from word number `start` on."""

    start: int
    period: int
    words: int

    @property
    def rounds(self) -> int:
        """How many times the words stand there in full."""
        return self.words // self.period


class Repetition(AnswerEvaluator):
    """How much the answer repeats itself: 0 (never) to 1; the label is `loop`, `repetitive` or `varied`.

    The larger of two shares: of words in the longest loop (at least three rounds of the same 1 to `max_period`
    words), and of the runs of four words that were there before (1 - distinct-4, after Li et al. 2016). Of
    more than 2 000 words the last are looked at, as loops do not end. Answers of fewer than 20 words are skipped.
    `metadata` has distinct-1 to distinct-4, and the loop's period and rounds.
    """

    direction = "minimize"
    threshold = 0.5

    def __init__(self, *, max_period: int = 40, **options: Any) -> None:
        super().__init__(**options)
        if max_period < 1:
            raise ValueError(f"clearspan: repetition: max_period must be 1 or more, not {max_period!r}")  # fmt: skip
        self.max_period = max_period

    def judge(self, text: str, call: Subject) -> Score:
        """Look for loops, and count the runs of words."""
        words = _WORD.findall(text.casefold())[-_LONGEST:]
        if len(words) < _FEWEST:
            return Score(skipped=f"shorter than {_FEWEST} words")
        loop = longest_loop(words, self.max_period)
        looped = loop.words / len(words) if loop else 0.0
        told: dict[str, Any] = {f"distinct_{size}": distinct(words, size) for size in (1, 2, 3, 4)}
        if loop is not None:
            told |= {"period": loop.period, "rounds": loop.rounds}
        value = max(looped, 1 - told["distinct_4"])
        label = "repetitive" if value >= (self.threshold or 0.5) else "varied"
        return Score(value=value, label="loop" if label != "varied" and looped == value else label, metadata=told)  # fmt: skip


def distinct(words: Sequence[str], size: int) -> float:
    """Distinct-n: the share of runs of `size` words that are different ones; 1 where there is none."""
    runs = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
    return len(set(runs)) / len(runs) if runs else 1.0


def longest_loop(words: Sequence[str], max_period: int, rounds: int = 3) -> Loop | None:
    """The most words in a row that are one run of up to `max_period` words, at least `rounds` times."""
    best: Loop | None = None
    for period in range(1, min(max_period, len(words) // rounds) + 1):
        same = 0
        for at in range(period, len(words)):
            same = same + 1 if words[at] == words[at - period] else 0
            total = same + period
            if total >= rounds * period and (best is None or total > best.words):
                best = Loop(at - total + 1, period, total)
    return best
