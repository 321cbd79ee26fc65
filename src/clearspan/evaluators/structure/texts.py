"""Answers as plain texts: a pattern, a length, words that must or must not be there."""

# ruff: noqa: RUF001 - other scripts and typographic quotes are the matter here

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from clearspan.assess.answers import AnswerEvaluator, answers
from clearspan.assess.evaluator import Subject
from clearspan.assess.language import sentences
from clearspan.assess.patterns import Pattern
from clearspan.assess.text.words import LONGEST
from clearspan.record import Invocation
from clearspan.score import Score

__all__ = ["Forbids", "Length", "MatchesRegex", "Mentions"]

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class MatchesRegex(AnswerEvaluator):
    """Whether the answer has what a pattern describes: 1 or 0, label `match` or `no_match`.

    `mode` is `search` (anywhere) or `full` (the whole answer, without outer space). Patterns are those of the
    `regex` library, which understands Python's own and lets other threads run meanwhile. A search that takes
    longer than a second is given up as an error (`timeout`), as patterns like `(a|aa)+$` would never end. Only the
    first 65 536 characters are looked at; where that leaves it open, the call is skipped. Raises `ValueError`
    for a pattern that cannot be read.
    """

    threshold = 1.0

    def __init__(
        self, pattern: str = "", *, mode: Literal["search", "full"] = "search", **options: Any
    ) -> None:
        super().__init__(**options)
        if not pattern:
            raise ValueError("clearspan: matches_regex needs a pattern")
        if mode not in ("search", "full"):
            raise ValueError(f"clearspan: matches_regex: mode must be search or full, not {mode!r}")
        try:
            self._made = Pattern(pattern)
        except ValueError as error:
            raise ValueError(f"clearspan: matches_regex: {error}") from error
        self.pattern = pattern
        self.mode = mode

    def judge(self, text: str, call: Subject) -> Score:
        """Look for the pattern, for a second at most."""
        seen = text.strip() if self.mode == "full" else text
        try:
            found = (self._made.full if self.mode == "full" else self._made.search)(seen[:LONGEST])
        except TimeoutError:
            return Score(error="timeout", explanation="the pattern takes too long on this answer")
        if len(seen) > LONGEST and (not found or self.mode == "full"):
            return Score(skipped=f"longer than {LONGEST} characters")
        return Score(value=float(found), label="match" if found else "no_match")


class Length(AnswerEvaluator):
    """Whether the answer's length is within `min` and `max` (both included): 1 or 0, label `ok`, `short` or `long`.

    `unit` is `characters` (code points), `words` (scripts without spaces count as one word each run), `tokens`
    (as the provider or its tokenizer counted, without reasoning; skipped where that is estimated) or `sentences`. Without bounds
    the value is the length itself, which is neither good nor bad.
    """

    threshold: float | None = 1.0

    def __init__(
        self,
        min: int | None = None,  # noqa: A002 - the plainest names there are
        max: int | None = None,  # noqa: A002
        *,
        unit: Literal["characters", "words", "tokens", "sentences"] = "words",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if unit not in ("characters", "words", "tokens", "sentences"):
            raise ValueError(
                f"clearspan: length: unit must be characters, words, tokens or sentences, not {unit!r}"
            )
        if min is not None and max is not None and min > max:
            raise ValueError(f"clearspan: length: min {min} is more than max {max}")
        self.min, self.max, self.unit = min, max, unit
        if min is None and max is None:
            self.direction, self.range, self.threshold = "neutral", None, None

    def judge(self, text: str, call: Subject) -> Score:
        """Count, and compare."""
        size = _tokens(call) if self.unit == "tokens" else _UNITS[self.unit](text)
        if size is None:
            return Score(skipped="nobody counted this answer's tokens")
        label = _compared(size, self.min, self.max)
        told = {"length": size, "unit": self.unit}
        if self.range is None:
            return Score(value=float(size), metadata=told)
        return Score(value=float(label == "ok"), label=label, metadata=told)


_UNITS: Mapping[str, Callable[[str], int]] = {
    "characters": len,
    "words": lambda text: len(_WORD.findall(text)),
    "sentences": lambda text: len(sentences(text)),
}


def _tokens(call: Subject) -> int | None:
    """The tokens of a call's only answer; of several, nobody knows which has how many."""
    if not isinstance(call, Invocation) or call.usage.output is None or len(answers(call)) != 1:
        return None
    if call.usage.sources[1] == "estimated":
        return None
    return call.usage.output - (call.usage.reasoning or 0)


def _compared(size: int, least: int | None, most: int | None) -> str:
    if least is not None and size < least:
        return "short"
    return "long" if most is not None and size > most else "ok"


class _Words(AnswerEvaluator):
    """Looks for words of the application's, as wholes unless `whole` is off, and without regard to case."""

    threshold = 1.0

    def __init__(
        self, words: Iterable[str], *, whole: bool, ignore_case: bool, **options: Any
    ) -> None:
        super().__init__(**options)
        self.words = _listed(self.name, words)
        flags = re.IGNORECASE if ignore_case else re.UNICODE
        self._patterns = [re.compile(_pattern(word, whole=whole), flags) for word in self.words]

    def found(self, text: str) -> list[str]:
        """Those of the words that are in `text`."""
        seen = " ".join(text.split())
        pairs = zip(self.words, self._patterns, strict=True)
        return [word for word, pattern in pairs if pattern.search(seen)]


def _pattern(word: str, *, whole: bool) -> str:
    plain = " ".join(word.split())
    before = r"(?<!\w)" if whole and _spaced(plain[0]) else ""
    after = r"(?!\w)" if whole and _spaced(plain[-1]) else ""
    return f"{before}{re.escape(plain)}{after}"


def _listed(name: str, words: Iterable[str]) -> tuple[str, ...]:
    listed = (words,) if isinstance(words, str) else tuple(words)
    if not listed or not all(word.strip() for word in listed):
        raise ValueError(f"clearspan: {name}: words must be texts, at least one, not {words!r}")
    return listed


def _spaced(char: str) -> bool:
    """Whether `char` is of a script that puts spaces between words: roughly, not Thai, Lao, Tibetan, Khmer, CJK."""
    unspaced = "\u0e00" <= char <= "\u0fff" or "\u1780" <= char <= "\u17ff" or char >= "\u2e80"
    return char.isalnum() and not unspaced


class Mentions(_Words):
    """Whether the answer has certain words or phrases: with `mode="all"` the share of them, with `any` 1 or 0.

    Words count as wholes (`cat` is not in `concatenate`), in any case of letters and with any spaces between
    them; `whole` and `ignore_case` turn that off. The label is `present` or `missing`. Raises `ValueError`
    without words.
    """

    def __init__(
        self,
        words: Iterable[str] = (),
        *,
        mode: Literal["all", "any"] = "all",
        whole: bool = True,
        ignore_case: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(words, whole=whole, ignore_case=ignore_case, **options)
        if mode not in ("all", "any"):
            raise ValueError(f"clearspan: mentions: mode must be all or any, not {mode!r}")
        self.mode = mode

    def judge(self, text: str, call: Subject) -> Score:
        """Look for each of them."""
        found = self.found(text)
        share = len(found) / len(self.words)
        value = share if self.mode == "all" else float(bool(found))
        missing = [word for word in self.words if word not in found]
        return Score(
            value=value,
            label="present" if value == 1 else "missing",
            explanation=None if value == 1 else f"not found: {', '.join(missing)}",
            metadata={"found": len(found), "of": len(self.words)},
        )


class Forbids(_Words):
    """Whether the answer is free of certain words or phrases: 1 or 0, label `clean` or `forbidden`.

    Words are found as by `Mentions`. Raises `ValueError` without words.
    """

    def __init__(
        self,
        words: Iterable[str] = (),
        *,
        whole: bool = True,
        ignore_case: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(words, whole=whole, ignore_case=ignore_case, **options)

    def judge(self, text: str, call: Subject) -> Score:
        """Look for each of them."""
        found = self.found(text)
        return Score(
            value=float(not found),
            label="forbidden" if found else "clean",
            explanation=f"found: {', '.join(found)}" if found else None,
            metadata={"found": len(found)},
        )
