"""Does the answer break off before its end?"""

# ruff: noqa: RUF001 - other scripts and typographic quotes are the matter here

from __future__ import annotations

import re
from typing import Any

from clearspan.assess.answers import CUT, answers, is_cut, together
from clearspan.assess.evaluator import Evaluator
from clearspan.assess.language import unfenced
from clearspan.assess.text.words import LONGEST
from clearspan.record import Invocation, Outcome
from clearspan.score import Score

__all__ = ["Truncation"]

_LIMIT = frozenset({"length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length"})  # fmt: skip
_DONE = frozenset({"stop", "end_turn", "stop_sequence", "tool_call", "tool_calls", "function_call"})
_BROKEN = frozenset({Outcome.FAILED, Outcome.CANCELLED, Outcome.CLOSED, Outcome.ABANDONED})
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*(\S*)", re.MULTILINE)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_ENDINGS = re.compile(r"[.!?…:;。！？؟।॥]|[)\]}\"'”’»」』*_`|>]|[^\w\s,(\[{-]")
_FEWEST = 20
_SENTENCE = 5
_UNCLOSED = 0.8
_OPEN_END = 0.6


class Truncation(Evaluator):
    """Whether the answer breaks off: 0 to 1, label `complete` or `cut`; `metadata` tells by what (`by`).

    1 where the finish reason is the limit of tokens (`limit`) or the stream was broken off or left (`outcome`). Else
    by the text, with less certainty: an open code fence (0.8, `fence`); an open bracket, or no mark at
    the end of 20 words or more (0.6, `bracket`, `ending`), these two only where no finish reason says that the
    model had finished.
    """

    direction = "minimize"
    threshold = 0.5
    requires = frozenset()

    def evaluate(self, call: Any) -> Score:
        """Ask the record first, the text then."""
        last = call if isinstance(call, Invocation) else next(iter(call.model_calls[::-1]), None)
        if last is None:
            return Score(skipped="no answer of a model")
        reasons = {reason.lower() for reason in last.finish_reasons}
        if reasons & _LIMIT:
            return _cut(1.0, "limit")
        found = answers(last)
        if last.outcome in _BROKEN:
            return _cut(1.0, "outcome") if found else Score(skipped="no answer had begun")
        if not found and not reasons & _DONE:
            return Score(skipped="neither a text nor a finish reason")
        done = bool(reasons) and reasons <= _DONE
        return together([_of_text(text, done=done) for text in found] or [_complete()])


def _of_text(text: str, *, done: bool) -> Score:
    if is_cut(text):
        return Score(skipped=CUT)
    if _fence_is_open(text):
        return _cut(_UNCLOSED, "fence")
    if done:
        return _complete()
    plain = unfenced(text[-LONGEST:]).rstrip()
    if _bracket_is_open(plain):
        return _cut(_OPEN_END, "bracket")
    if len(plain.split()) >= _FEWEST and not _has_ended(plain):
        return _cut(_OPEN_END, "ending")
    return _complete()


def _complete() -> Score:
    return Score(value=0.0, label="complete")


def _cut(value: float, by: str) -> Score:
    return Score(value=value, label="cut", metadata={"by": by})


def _fence_is_open(text: str) -> bool:
    opened: str | None = None
    for mark, info in _FENCE.findall(text):
        if opened is None:
            opened = mark
        elif mark.startswith(opened) and not info:
            opened = None
    return opened is not None


def _bracket_is_open(text: str) -> bool:
    """Whether one of the last brackets is never closed; stray closing ones, as in `a)`, are passed over."""
    stack: list[str] = []
    for char in text:
        if char in "([{":
            stack.append(char)
        elif stack and stack[-1] == _PAIRS.get(char):
            stack.pop()
    return bool(stack)


def _has_ended(text: str) -> bool:
    """By its last mark; lists, tables, headings and signatures end as they like, and so do rows of hashtags."""
    if _ENDINGS.match(text[-1]) or text.rsplit(maxsplit=1)[-1].startswith(("#", "http")):
        return True
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = len(lines[-1].split())
    if len(lines) == 1 or words >= _FEWEST:
        return False
    # Where the line before ends with a mark, this one should as well, unless it is a name or a heading.
    return words < _SENTENCE or lines[-2].endswith(":") or not _ENDINGS.match(lines[-2][-1])
