from __future__ import annotations

import json
from typing import Any

import pytest

from clearspan.emit import scores
from clearspan.emit.content import ContentPolicy
from clearspan.emit.series import Words
from clearspan.record import TraceRef
from clearspan.score import Score, Target

TARGET = Target(
    trace=TraceRef("a" * 32, "b" * 16),
    response_id="r-1",
    session="s-1",
    key="order-7",
    operation="chat",
    provider="openai",
    model="gpt",
    level="call",
)
FULL = Score(
    0.25,
    "weak",
    passed=False,
    explanation="because",
    name="relevance",
    kind="llm",
    direction="maximize",
    range=(0, 1),
    threshold=0.5,
    metadata={"votes": 3},
    version="2",
    cost=0.001,
    duration=0.5,
    target=TARGET,
    identity="i-1",
    action="warn",
)


def test_the_event_has_the_conventions_names_and_ours_for_the_rest() -> None:
    told = scores.event_attributes(FULL)
    assert told.pop("clearspan.evaluation.metadata") == json.dumps(
        {"votes": 3}, separators=(",", ":")
    )
    assert told == {
        "gen_ai.evaluation.name": "relevance",
        "gen_ai.evaluation.score.value": 0.25,
        "gen_ai.evaluation.score.label": "weak",
        "gen_ai.evaluation.explanation": "because",
        "gen_ai.response.id": "r-1",
        "gen_ai.conversation.id": "s-1",
        "clearspan.evaluation.passed": False,
        "clearspan.evaluation.kind": "llm",
        "clearspan.evaluation.direction": "maximize",
        "clearspan.evaluation.range.min": 0.0,
        "clearspan.evaluation.range.max": 1.0,
        "clearspan.evaluation.threshold": 0.5,
        "clearspan.evaluation.version": "2",
        "clearspan.evaluation.result.cost": 0.001,
        "clearspan.evaluation.result.duration": 0.5,
        "gen_ai.request.model": "gpt",
        "clearspan.evaluation.level": "call",
        "clearspan.evaluation.target.key": "order-7",
        "clearspan.evaluation.identity": "i-1",
        "clearspan.guard.action": "warn",
    }


def test_what_is_unknown_is_absent() -> None:
    assert scores.event_attributes(Score(label="ok", name="n")) == {
        "gen_ai.evaluation.name": "n",
        "gen_ai.evaluation.score.label": "ok",
    }


def test_a_failed_evaluation_has_an_error_type_and_no_value() -> None:
    told = scores.event_attributes(Score(error="timeout", name="n"))
    assert told == {"gen_ai.evaluation.name": "n", "error.type": "timeout"}


ABOUT = {
    "gen_ai.evaluation.name": "relevance",
    "clearspan.evaluation.kind": "llm",
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt",
    "clearspan.guard.action": "warn",
}


def test_the_points_of_a_score() -> None:
    told = {point.name: (point.value, point.attributes) for point in scores.points(FULL, Words())}
    assert told == {
        "clearspan.evaluation.results": (
            1,
            {
                **ABOUT,
                "gen_ai.evaluation.score.label": "weak",
                "clearspan.evaluation.passed": False,
            },
        ),
        "clearspan.evaluation.score": (0.25, ABOUT),
        "clearspan.evaluation.duration": (0.5, ABOUT),
        "clearspan.evaluation.cost": (0.001, {**ABOUT, "clearspan.cost.currency": "USD"}),
    }


@pytest.mark.parametrize(
    ("score", "told"),
    [
        (
            Score(error="timeout", name="n"),
            {
                "clearspan.evaluation.errors": {
                    "gen_ai.evaluation.name": "n",
                    "error.type": "timeout",
                }
            },
        ),
        (
            Score(skipped="missing:context", name="n"),
            {
                "clearspan.evaluation.skipped": {
                    "gen_ai.evaluation.name": "n",
                    "clearspan.evaluation.skipped.reason": "missing:context",
                }
            },
        ),
        (
            Score(label="ok", name="n"),
            {
                "clearspan.evaluation.results": {
                    "gen_ai.evaluation.name": "n",
                    "gen_ai.evaluation.score.label": "ok",
                }
            },
        ),
    ],
)
def test_the_points_of_what_is_no_value(score: Score, told: Any) -> None:
    assert {point.name: point.attributes for point in scores.points(score, Words())} == told


def test_no_point_tells_what_a_call_said() -> None:
    quoting = Score(0.5, name="n", explanation="private words", metadata={"quote": "private"})
    assert "private" not in str(list(scores.points(quoting, Words())))


@pytest.mark.parametrize("mode", ["off", "metadata"])
def test_what_a_score_says_stays_only_where_content_does(mode: str) -> None:
    clean = ContentPolicy(mode).score(FULL, plain=False)
    assert (clean.explanation, clean.metadata) == (None, {})
    assert (clean.value, clean.label) == (0.25, "weak")


def test_what_a_score_says_is_cleaned_as_content_is() -> None:
    score = Score(
        1.0,
        explanation="the key is sk-abcdefghij0123456789 and " + "long " * 1_000,
        metadata={"seen": "sk-abcdefghij0123456789", "n": 2},
    )
    clean = ContentPolicy("full").score(score, plain=False)
    assert clean.explanation is not None
    assert "sk-" not in clean.explanation
    assert len(clean.explanation) == 2_048
    assert clean.metadata == {"seen": "[secret]", "n": 2}
    assert ContentPolicy("full").score(Score(1.0), plain=False) == Score(1.0)


def test_what_holds_no_text_by_its_evaluators_word_is_kept_as_it_is() -> None:
    score = Score(1.0, explanation="2 e-mail addresses", metadata={"entities": []})
    assert ContentPolicy("off").score(score, plain=True) is score


SECRET = "sk-abcdefghij0123456789"


@pytest.mark.parametrize("mode", ["off", "metadata"])
def test_without_content_a_label_is_one_word_or_withheld(mode: str) -> None:
    policy = ContentPolicy(mode)
    assert policy.score(Score(label="off_topic"), plain=False).label == "off_topic"
    assert policy.score(Score(label="he said: hello"), plain=False).label == "withheld"
    assert policy.score(Score(label=SECRET), plain=False).label == "withheld"
    assert policy.score(Score(error="KeyError"), plain=False).error == "KeyError"
    assert policy.score(Score(error="no key in hello"), plain=True).error == "withheld"
    assert policy.score(Score(skipped="missing:context"), plain=False).skipped == "missing:context"
    assert policy.score(Score(skipped="hello, world"), plain=False).skipped == "withheld"


def test_labels_and_types_are_scrubbed_and_cut() -> None:
    policy = ContentPolicy("full")
    assert policy.score(Score(label=f"has {SECRET}"), plain=False).label == "has [secret]"
    long = policy.score(Score(error="no such thing " * 100), plain=False).error
    assert long is not None
    assert len(long) == 200


def test_what_an_exception_says_is_cleaned_whoever_raised_it() -> None:
    failed = Score(error="ValueError", explanation=f"cannot read {SECRET}")
    assert ContentPolicy("full").score(failed, plain=True).explanation == "cannot read [secret]"
    assert ContentPolicy("off").score(failed, plain=True).explanation is None


def test_a_target_is_named_as_its_call_is() -> None:
    target = Target(session=f"user {SECRET}", key=SECRET)
    clean = ContentPolicy("full").score(Score(1.0, target=target), plain=True).target
    assert clean == Target(session="user [secret]", key="[secret]")


def told_values(score: Score) -> list[float]:
    return [
        point.value
        for point in scores.points(score, Words())
        if point.name == "clearspan.evaluation.score"
    ]


def test_a_histogram_gets_no_negative_value() -> None:
    assert told_values(Score(-0.5, name="n", range=(-1, 1))) == [0.25]
    assert told_values(Score(1.0, name="n", range=(-1, 1))) == [1.0]
    assert told_values(Score(-0.5, name="n")) == []
    assert told_values(Score(7.5, name="n")) == [7.5]


def test_labels_that_are_texts_are_in_no_metric() -> None:
    words = Words()
    said = [words.of("talkative", f"answer {number}") for number in range(30)]
    assert said == [*(f"answer {number}" for number in range(20)), *["_OTHER"] * 10]
    assert words.of("talkative", "answer 3") == "answer 3"
    assert words.of("terse", "x" * 41) == "_OTHER"
    assert words.of("silent", None) is None
    assert [words.of(f"speaker {number}", "ok") for number in range(300)][-1] == "_OTHER"
