"""PromptInjection: the risk that a call's untrusted texts give orders to the model."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from clearspan.assess.evaluator import Evaluator
from clearspan.core import hidden_text
from clearspan.core.clear_text import clear
from clearspan.evaluators.injection import model, rules
from clearspan.evaluators.injection.embedded import speaks_out
from clearspan.record import Invocation, Message
from clearspan.score import Score

__all__ = ["PromptInjection", "Verdict", "judged", "windows"]

_CAP = 64 * 1024  # characters of one call that are read
_WINDOW, _STEP = 4096, 3584
_TRUSTED = frozenset({"system", "developer", "assistant"})
_SURE = 4.0  # log odds: what the linear model alone may say, either way
_HIDDEN = -3.5  # log odds before what is hidden is read: it is seldom an order
_SHORT, _DOUBT, _WEAK = (
    200,
    1.5,
    2.0,
)  # of a few words, and no rule to speak of, the model knows little
_EMBEDDED = 5.5
_SUSPICIOUS = 0.25
_TELLING = ("ignore", "instruction", "prompt", "disregard", "forget", "reveal", "jailbreak")


class Verdict(NamedTuple):
    """The risk of one text, and the names of what speaks for it."""

    risk: float
    reasons: tuple[str, ...]


class PromptInjection(Evaluator):
    """Looks for attacks on the model's instructions in what users, tools and documents say (OWASP LLM01:2025).

    Each untrusted message is judged apart, the system prompt and the model's own words never; the value is the
    highest risk, 0 to 1. The label is `benign`, `suspicious` or `injection` (at or above `threshold`). The explanation
    names rules, and holds no text of the call. Of one call, 64 k characters are read, the newest messages first.
    """

    name = "prompt_injection"
    requires = frozenset({"input|output"})
    direction = "minimize"
    threshold: float | None = 0.5
    raw = True

    def setup(self) -> None:
        """Read the model's file before the first call needs it."""
        model.shipped()

    def evaluate(self, call: Invocation) -> Score:
        """The highest risk of the call's untrusted texts; skipped where there is none."""
        found = [(field, judged(text)) for field, text in _capped(_untrusted(call))]
        if not found:
            return Score(skipped="no_untrusted_text")
        _, worst = max(found, key=lambda each: each[1].risk)
        threshold = 0.5 if self.threshold is None else self.threshold
        return Score(
            value=worst.risk,
            label=_label(worst.risk, threshold),
            explanation=", ".join(worst.reasons) or None,
            metadata={
                "texts": len(found),
                "fields": [
                    {"field": field, "risk": verdict.risk, "rules": list(verdict.reasons)}
                    for field, verdict in found
                    if verdict.risk >= _SUSPICIOUS
                ],
            },
        )


def judged(text: str, learned: model.Model | None = None) -> Verdict:
    """How likely `text` is an attack: the worst of its windows, and of what it hides. `learned` is the shipped model."""
    known = model.shipped() if learned is None else learned
    verdicts = [_of_window(clear(part), known) for part in windows(text[:_CAP])]
    verdicts += _of_hidden(text[:_CAP])
    return max(verdicts, key=lambda verdict: verdict.risk, default=Verdict(0.0, ()))


def windows(text: str) -> Iterator[str]:
    """`text` in pieces that overlap, so that what stands at a border is whole in one of them."""
    for start in range(0, max(1, len(text) - (_WINDOW - _STEP)), _STEP):
        if piece := text[start : start + _WINDOW].strip():
            yield piece


def _of_window(text: str, known: model.Model) -> Verdict:
    said = rules.unquoted(text)
    met = rules.hits(said)
    if speaks_out(text):
        met["request_in_passage"] = _EMBEDDED
    learned = max(-_SURE, min(_SURE, known.log_odds(said)))
    if sum(met.values()) < _WEAK and len(text) < _SHORT:
        learned -= _DOUBT
    reasons = [*met, *(["learned_wording"] if learned > 0 else [])]
    return Verdict(_risk(learned + sum(met.values())), tuple(reasons))


def _of_hidden(text: str) -> Iterator[Verdict]:
    plainly = rules.hits(clear(text)) if (found := list(hidden_text.views(text, _TELLING))) else {}
    for way, shown in found:
        if met := {
            name: points for name, points in rules.hits(clear(shown)).items() if name not in plainly
        }:
            reasons = tuple(f"{way}:{name}" for name in met)
            yield Verdict(_risk(sum(met.values()) + _HIDDEN), reasons)
    for letters in hidden_text.compact(clear(text)):
        if rules.spelled(letters):
            yield Verdict(_risk(_SURE), ("spelled_out",))


def _risk(log_odds: float) -> float:
    return round(1 / (1 + math.exp(-log_odds)), 4)


def _label(risk: float, threshold: float) -> str:
    if risk >= threshold:
        return "injection"
    return "suspicious" if risk >= _SUSPICIOUS else "benign"


def _capped(texts: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    left = _CAP
    for field, text in texts:
        if left <= 0:
            return
        yield field, text[:left]
        left -= len(text)


def _untrusted(call: Invocation) -> Iterator[tuple[str, str]]:
    """Texts that are not the application's own, newest first, with the names of their fields; else the answer."""
    some = False
    for place in range(len(call.input) - 1, -1, -1):
        message = call.input[place]
        if message.get("role") in _TRUSTED:
            continue
        for text in _texts(message):
            some = True
            yield f"input[{place}].{message.get('role', 'user')}", text
    for place, text in enumerate(call.documents):
        some = some or bool(text.strip())
        if text.strip():
            yield f"documents[{place}]", text
    if not some and call.input_value is not None:
        some = True
        yield "input", _as_text(call.input_value)
    if not some and call.output_text.strip():
        yield "output", call.output_text


def _texts(message: Message) -> Iterator[str]:
    for part in message.get("parts", ()):
        told: Any = None
        if part.get("type") == "text":
            told = part.get("content")
        elif part.get("type") == "tool_call_response":
            told = part.get("response", part.get("content"))
        if told is not None and (text := _as_text(told)).strip():
            yield text


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
