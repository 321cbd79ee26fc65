"""Scores below the spans of a tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from rich.console import Console

from clearspan.exporters.console import remarks, render_trace
from clearspan.exporters.console.scores import share_passed


@dataclass
class Span:
    span_id: str
    parent_id: str | None = None
    name: str = "step"
    start_ns: int = 0
    end_ns: int = 10**9
    status: str = "ok"
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Judged:
    name: str
    value: float | None = None
    label: str | None = None
    passed: bool | None = None
    kind: str | None = "code"
    error: str | None = None
    skipped: str | None = None
    guard_action: str | None = None


TREE = [Span("a", name="root"), Span("b", "a", name="first"), Span("c", "a", name="second", start_ns=5)]  # fmt: skip
SCORES = {
    "a": [Judged("plan", 0.5)],
    "b": [
        Judged("relevance", 0.82, passed=True),
        Judged("faithfulness", 0.31, "unsupported", passed=False, kind="llm"),
        Judged("correctness", skipped="missing:reference"),
    ],
    "c": [Judged("user_rating", 1, "positive", passed=True, kind="human")],
}


def drawn(width: int = 100, *, ascii_only: bool = False, **given: Any) -> list[str]:
    console = Console(width=width, color_system=None)
    options = console.options.update(width=width)
    options.encoding = "ascii" if ascii_only else "utf-8"
    tree = render_trace(TREE, **{"title": "t", "scores": SCORES, **given})
    lines = console.render_lines(tree, options, pad=False)
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (Judged("relevance", 0.82, passed=True), "✓ relevance 0.82"),
        (Judged("toxicity", 0.9, passed=False, kind="llm"), "✗ toxicity 0.90 (judge)"),
        (Judged("user_rating", 1.0, "positive", kind="human"), "user_rating 1 positive (human)"),
        (Judged("language", label="de"), "language de"),
        (Judged("words", 12_345), "words 12,345"),
        (Judged("risk", 0.0004), "risk 0.0004"),
        (Judged("goodness", 0.9999), "goodness 1"),
        (Judged("nothing", 0.0), "nothing 0"),
        (Judged("loss", -1.5, kind=None), "loss -1.50"),
        (Judged("coherence", error="TimeoutError", kind="llm"), "coherence error TimeoutError (judge)"),
        (Judged("pii", 1.0, passed=False, guard_action="block"), "guard pii: blocked"),
        (Judged("secrets", 1.0, "key", passed=False, guard_action="redact"), "guard secrets: redacted"),
        (Judged("tone", 0.0, passed=False, kind="llm", guard_action="warn"), "guard tone: warned"),
        (Judged("pii", 0.0, passed=True, guard_action="allow"), "guard pii: allowed"),
        (Judged("pii", error="timeout", guard_action="allow"), "guard pii: allowed (timeout)"),
        (Judged("pii", error="timeout", guard_action="block"), "guard pii: blocked (timeout)"),
        (Judged("pii", 0.0, guard_action="hold"), "guard pii: hold"),
        (Judged("x" * 60, 1), f"{'x' * 37}... 1"),
        (Judged("evil\x1b[2J\nname", label="\x07"), "evil [2J name  "),
    ],
)  # fmt: skip
def test_a_score_is_a_few_words(score: Judged, said: str) -> None:
    assert [remark.text for remark in remarks([score])] == [said]


def test_without_unicode_the_marks_are_ascii() -> None:
    given = [Judged("a", 1, passed=True), Judged("b", 0, passed=False)]
    assert [remark.text for remark in remarks(given, plain=True)] == ["+ a 1", "x b 0"]


def test_what_was_skipped_stands_together_at_the_end() -> None:
    given = [Judged(name, skipped="missing:context") for name in ("recall", "precision", "recall")]
    told = remarks([given[0], Judged("length", 5), *given[1:]])
    assert [remark.text for remark in told] == ["length 5", "skipped recall, precision"]


def test_those_that_passed_are_counted_of_those_that_could() -> None:
    assert share_passed(score for each in SCORES.values() for score in each) == (2, 3)
    assert share_passed([]) == (0, 0)


def test_guards_are_not_counted_among_them() -> None:
    given = [Judged("pii", 1, passed=False, guard_action="block"), Judged("pii", 0, passed=True)]
    assert share_passed(given) == (1, 1)


def test_scores_stand_below_their_span() -> None:
    heading, *lines = drawn()
    assert "2 of 3 scores passed" in heading
    assert [line.split("█")[0].rstrip() for line in lines] == [
        "root",
        "  plan 0.50",
        "├─ first",
        "│    ✓ relevance 0.82 · ✗ faithfulness 0.31 unsupported (judge) · skipped correctness",
        "└─ second",
        "     ✓ user_rating 1 positive (human)",
    ]
    assert "|    + relevance 0.82 | x faithfulness 0.31 unsupported (judge) | skipped correctness" in (
        drawn(ascii_only=True)
    )  # fmt: skip


def test_without_scores_the_tree_is_as_it_was() -> None:
    assert drawn(scores={}) == drawn(scores=None)
    assert not any("score" in line for line in drawn(scores={}))
    assert "passed" not in drawn(scores={"a": [Judged("n", 1)]})[0]


@pytest.mark.parametrize("width", range(12, 100))
def test_scores_take_the_width_that_there_is(width: int) -> None:
    lines = drawn(width)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    for number in ("0.82", "0.31", "0.50"):
        assert number in words


def test_below_a_deep_span_there_is_room_for_scores() -> None:
    chain = [Span(str(n), str(n - 1) if n else None) for n in range(40)]
    console = Console(width=60, color_system=None)
    tree = render_trace(chain, scores={"39": [Judged("relevance", 0.82)]})
    with console.capture() as capture:
        console.print(tree)
    assert capture.get().splitlines()[-1] == "  relevance 0.82"
