"""Secrets: credentials in a call's texts, by kind and place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clearspan.assess import outcome
from clearspan.assess.evaluator import missing, seated
from clearspan.assess.finding import Detector, Finding
from clearspan.evaluators.secrets import Secrets
from clearspan.record import Invocation, Message, Timing
from clearspan.score import Score

KEY = "sk-aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"
TOKEN = "ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"


def call(question: str = "", answer: str = "", **fields: Any) -> Invocation:
    def said(role: str, text: str) -> tuple[Message, ...]:
        return ({"role": role, "parts": [{"type": "text", "content": text}]},) if text else ()

    given: dict[str, Any] = {"input": said("user", question), "output": said("assistant", answer)}
    return Invocation("chat", Timing(0, 1), **{**given, **fields})


def judged(made: Secrets, subject: Invocation) -> Score:
    return outcome.scored(made.evaluate(subject), made)


def test_a_clean_call_passes() -> None:
    score = judged(Secrets(), call("id 550e8400-e29b-41d4-a716-446655440000", "4bf92f3577b34da6"))
    assert (score.value, score.label, score.passed) == (0.0, "clean", True)
    assert score.metadata == {"entities": [], "counts": {}}


def test_kinds_and_places_are_told_and_the_secret_is_not() -> None:
    parts = [{"type": "tool_call", "name": "push", "arguments": {"token": TOKEN}}]
    output: Any = ({"role": "assistant", "parts": [{"type": "text", "content": f"{KEY}!"}, *parts]},)  # fmt: skip
    score = judged(Secrets(), call(f"use {KEY}", output=output))
    assert (score.name, score.value, score.label, score.passed) == ("secrets", 1.0, "secret", False)
    assert score.direction == "minimize"
    assert score.metadata["entities"] == [
        {
            "type": "OPENAI_API_KEY",
            "start": 4,
            "end": 4 + len(KEY),
            "message": 0,
            "offset": 4,
            "field": "input",
        },
        {
            "type": "OPENAI_API_KEY",
            "start": 0,
            "end": len(KEY),
            "message": 0,
            "offset": 0,
            "field": "output",
        },
        {"type": "GITHUB_TOKEN", "start": 11, "end": 11 + len(TOKEN), "field": "tool_calls"},
    ]
    assert score.explanation == "1 GITHUB_TOKEN, 2 OPENAI_API_KEY"
    said = json.dumps(dict(score.metadata)) + str(score.explanation)
    assert KEY not in said
    assert TOKEN not in said


def test_only_the_asked_fields_and_kinds_count() -> None:
    subject = call(KEY, f"{KEY} {TOKEN}")
    score = judged(Secrets(where=["output"], types=["GITHUB_TOKEN"]), subject)
    assert score.metadata["counts"] == {"GITHUB_TOKEN": 1}
    assert judged(Secrets(where=["input"], types=["GITHUB_TOKEN"]), subject).value == 0.0


def test_instructions_are_left_out_unless_they_are_named() -> None:
    subject = call("hi", system=({"type": "text", "content": f"use {KEY}"},))
    assert judged(Secrets(), subject).value == 0.0
    (one,) = judged(Secrets(where=["system", "input"]), subject).metadata["entities"]
    assert one == {"type": "OPENAI_API_KEY", "start": 4, "end": 4 + len(KEY), "field": "system"}


def test_it_is_a_detector_for_guards() -> None:
    made = Secrets(name="keys", timeout=1.0)
    assert isinstance(made, Detector)
    assert made.find(f"a {KEY} b") == [Finding("OPENAI_API_KEY", 2, 2 + len(KEY))]
    assert (made.name, made.timeout, made.raw) == ("keys", 1.0, True)
    assert isinstance(seated(Secrets), Secrets)
    assert missing(made, call()) == "input|output"
    assert missing(made, call("", "x")) is None


@pytest.mark.parametrize(
    ("options", "named"),
    [({"types": ["GHOST"]}, "types"), ({"types": []}, "types"), ({"types": "JWT"}, "types"), ({"where": ["answer"]}, "where")],
)  # fmt: skip
def test_a_wrong_option_is_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Secrets(**options)
