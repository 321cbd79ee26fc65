"""Patterns, lengths and words of answers."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from clearspan.assess.outcome import scored
from clearspan.assess.text.words import LONGEST
from clearspan.evaluators.structure import Forbids, Length, MatchesRegex, Mentions
from clearspan.record import Usage
from clearspan.score import Score
from tests.assess.calls import call


def judged(made: Any, answer: str, **more: Any) -> Score:
    return scored(made.evaluate(call(answer=answer, **more)), made)


def test_a_pattern_anywhere_or_as_a_whole() -> None:
    anywhere, whole = MatchesRegex(r"\d{4}"), MatchesRegex(r"\d{4}", mode="full")
    found = judged(anywhere, "in 1999.")
    assert (found.name, found.value, found.label, found.passed) == ("matches_regex", 1.0, "match", True)  # fmt: skip
    assert judged(anywhere, "in 99").label == "no_match"
    assert judged(whole, " 1999\n").value == 1.0
    assert judged(whole, "in 1999").value == 0.0


def test_a_pattern_that_never_ends_is_an_error_and_others_run_meanwhile(monkeypatch: Any) -> None:
    monkeypatch.setattr("clearspan.assess.patterns.SECONDS", 0.2)
    ticks, done = [0], threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks[0] += 1

    beside = threading.Thread(target=tick)
    beside.start()
    before = ticks[0]
    score = judged(MatchesRegex(r"(a|aa)+$", name="slow"), "a" * 60 + "b")
    after = ticks[0]
    done.set()
    beside.join()
    assert (score.error, score.value) == ("timeout", None)
    assert after > before


def test_of_long_answers_what_is_not_seen_is_left_open() -> None:
    text = "x" * LONGEST
    assert judged(MatchesRegex("x"), text + "y").value == 1.0
    assert judged(MatchesRegex("y"), text + "y").skipped is not None
    assert judged(MatchesRegex("x+", mode="full"), text + "y").skipped is not None
    assert judged(MatchesRegex("y"), text).value == 0.0


def test_patterns_that_cannot_be() -> None:
    for pattern, match in (("", "needs a pattern"), ("(", "matches_regex")):
        with pytest.raises(ValueError, match=match):
            MatchesRegex(pattern)
    with pytest.raises(ValueError, match="mode"):
        MatchesRegex("a", mode="match")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "length"), [("characters", 29), ("words", 4), ("sentences", 2), ("tokens", 7)]
)
def test_lengths(unit: Any, length: int) -> None:
    told = {"length": length, "unit": unit}
    usage = Usage(output=10, reasoning=3)
    text = "It's well-known. Yes, indeed!"
    within = judged(Length(length, length, unit=unit), text, usage=usage)
    assert (within.value, within.label, within.passed, within.metadata) == (1.0, "ok", True, told)
    assert judged(Length(length + 1, unit=unit), text, usage=usage).label == "short"
    assert judged(Length(max=length - 1, unit=unit), text, usage=usage).label == "long"
    measured = judged(Length(unit=unit), text, usage=usage)
    assert (measured.value, measured.direction, measured.passed, measured.range) == (length, "neutral", None, None)  # fmt: skip


def test_tokens_that_nobody_counted() -> None:
    made = Length(1, unit="tokens")
    assert judged(made, "text").skipped is not None
    assert judged(made, "text", usage=Usage(output=3, source="estimated")).skipped is not None


def test_lengths_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="unit"):
        Length(1, unit="lines")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="min 3 is more than max 2"):
        Length(3, 2)


def test_words_that_must_be_there() -> None:
    made = Mentions(["refund", "30  days"])
    assert judged(made, "A Refund within 30\ndays.").value == 1.0
    half = judged(made, "Refunds? No refund.")
    assert (half.value, half.label, half.passed) == (0.5, "missing", False)
    assert half.explanation == "not found: 30  days"
    assert half.metadata == {"found": 1, "of": 2}
    assert judged(Mentions(["refund", "x"], mode="any"), "refund").value == 1.0
    assert judged(Mentions("Refund", ignore_case=False), "refund").value == 0.0


def test_words_are_wholes_where_there_are_spaces() -> None:
    assert judged(Mentions("cat"), "concatenate").value == 0.0
    assert judged(Mentions("cat", whole=False), "concatenate").value == 1.0
    assert judged(Mentions("東京"), "私は東京にいます").value == 1.0
    assert judged(Mentions("C++"), "C++17").value == 1.0
    assert judged(Mentions("C++"), "MC++").value == 0.0


def test_words_that_must_not_be_there() -> None:
    made = Forbids(["guarantee", "risk free"])
    assert judged(made, "We cannot promise.").label == "clean"
    found = judged(made, "It is Risk Free")
    assert (found.value, found.label, found.passed) == (0.0, "forbidden", False)
    assert (found.explanation, found.metadata) == ("found: risk free", {"found": 1})


def test_words_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="forbids: words"):
        Forbids()
    with pytest.raises(ValueError, match="mentions: words"):
        Mentions(["a", " "])
    with pytest.raises(ValueError, match="mode"):
        Mentions(["a"], mode="some")  # type: ignore[arg-type]
