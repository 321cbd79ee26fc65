"""PromptInjection: the risk that a call's untrusted texts give orders to the model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from clearspan.assess.evaluator import Evaluator
from clearspan.core import hidden_text
from clearspan.core.clear_text import clear
from clearspan.evaluators.injection import model, rules
from clearspan.evaluators.injection.embedded import speaks_out
from clearspan.evaluators.injection.slips import mended
from clearspan.record import Invocation, Message
from clearspan.score import Score

__all__ = ["PromptInjection", "Verdict", "judged", "windows"]

_DEPTH = 16  # of what a tool may answer
_CAP = 64 * 1024  # characters of one call that are read
_WINDOW, _STEP = 4096, 3584
_TRUSTED = frozenset({"system", "developer", "assistant"})
_SURE = 4.0  # log odds: what the linear model alone may say, either way
_HIDDEN = -3.5  # log odds before what is hidden is read: it is seldom an order
# of a few words, and no rule to speak of, the model knows little; of very few it must be certain
_SHORT, _DOUBT, _WEAK = 200, 1.5, 2.0
_SHORTEST, _UNSURE, _CERTAIN = 100, -0.6, 5.0
_LONG, _TRUST = 300, 0.75  # of many words it knows more
_EMBEDDED = 5.5
_MAYBE = -0.7  # log odds of what is only suspicious
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
    names rules, and holds no text of the call. Of one call, 64 k characters are read, the newest messages first, of a
    longer message its beginning and its end; `characters_unread` counts the rest.
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
        texts = list(_once(_untrusted(call)))
        read = list(_capped(texts))
        found = [(field, judged(text)) for field, text in read]
        unread = sum(len(text) for _, text in texts) - sum(len(text) for _, text in read)
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
                **({"characters_unread": unread} if unread > 0 else {}),
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
    read = _ends(text, _CAP)
    verdicts = [_of_window(clear(part), known) for part in windows(read)]
    verdicts += _of_hidden(read)
    return max(verdicts, key=lambda verdict: verdict.risk, default=Verdict(0.0, ()))


def windows(text: str) -> Iterator[str]:
    """`text` in pieces that overlap, so that what stands at a border is whole in one of them."""
    for start in range(0, max(1, len(text) - (_WINDOW - _STEP)), _STEP):
        if piece := text[start : start + _WINDOW].strip():
            yield piece


def _of_window(text: str, known: model.Model) -> Verdict:
    whole = _weighed(text, known)
    if (said := rules.unquoted(text)) == text:
        return whole
    own = _weighed(said, known)
    # what is only quoted is at most suspicious
    quoted = min(whole.risk, _risk(_MAYBE))
    return own if own.risk >= quoted else Verdict(quoted, ("quoted", *whole.reasons))


def _weighed(text: str, known: model.Model) -> Verdict:
    met = {**rules.hits_in_quotes(text), **rules.hits(text)}
    evidence = speaks_out(text)
    if evidence == "strong":
        met["request_in_passage"] = _EMBEDDED
    points = sum(met.values())
    said = known.log_odds(text)
    learned = max(-_SURE, min(_SURE, said))
    if len(text) >= _LONG:
        learned = min(_SURE, learned + _TRUST)
    elif points < _WEAK and len(text) < _SHORT:
        learned -= _DOUBT
    if not met and len(text) < _SHORTEST and said < _CERTAIN:
        learned = min(learned, _UNSURE)
    reasons = (*met, *(["learned_wording"] if learned > 0 else []))
    if evidence == "weak" and learned + points < _MAYBE:
        return Verdict(_risk(_MAYBE), (*reasons, "request_in_passage"))
    return Verdict(_risk(learned + points), reasons)


def _of_hidden(text: str) -> Iterator[Verdict]:
    found = list(hidden_text.views(text, _TELLING))
    if (right := mended(clear(text))) is not None:
        found.append(("misspelt", rules.unquoted(right)))
    plainly = rules.hits(clear(text)) if found else {}
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


def _once(texts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each text where it is met first: what a tool has found is a message, and often a document as well."""
    seen: set[str] = set()
    results = ""
    for field, text in texts:
        if text in seen or (field.startswith("documents") and text in results):
            continue
        seen.add(text)
        if field.endswith(".tool"):
            results += f"\n{text}"
        yield field, text


def _capped(texts: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    left = _CAP
    for field, text in texts:
        if left <= 0:
            return
        yield field, _ends(text, left)
        left -= len(text)


def _ends(text: str, room: int) -> str:
    """`text`, or as much of its beginning and of its end as there is room for: an attack stands at either."""
    if len(text) <= room:
        return text
    return text[: room - room // 2] + (text[-(room // 2) :] if room > 1 else "")


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
    return value if isinstance(value, str) else "\n".join(_said(value, _DEPTH))


def _said(value: Any, depth: int) -> Iterator[str]:
    """What stands in a structure, each name and each value on a line of its own."""
    if isinstance(value, Mapping) and depth > 0:
        for name, held in value.items():
            yield str(name)
            yield from _said(held, depth - 1)
    elif isinstance(value, (list, tuple)) and depth > 0:
        for held in cast("Sequence[Any]", value):
            yield from _said(held, depth - 1)
    elif value is not None:
        yield str(value)
