"""What people say, as scores, and which call they mean."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from clearspan.assess.feedback import (
    feedback_score,
    identity,
    parse_traceparent,
    pseudonym,
    target_of,
)
from clearspan.record import TraceRef
from clearspan.score import Score, Target

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
CALL = Target(response_id="r-1")


@pytest.mark.parametrize(
    ("value", "scale", "normal", "label"),
    [
        ("up", None, 1, "positive"),
        ("thumbs_up", None, 1, "positive"),
        ("Thumbs-Up", None, 1, "positive"),
        ("👍🏽", None, 1, "positive"),
        (":+1:", None, 1, "positive"),
        ("down", None, 0, "negative"),
        ("  THUMBS  down ", None, 0, "negative"),
        ("👎", None, 0, "negative"),
        ("-1", None, 0, "negative"),
        ("neutral", None, 0.5, "neutral"),
        (True, None, 1, "positive"),
        (False, None, 0, "negative"),
        (1, None, 1, "positive"),
        (0.25, None, 0.25, "negative"),
        (Fraction(1, 2), None, 0.5, "neutral"),
        (4, (1, 5), 0.75, "positive"),
        (3, [1, 5], 0.5, "neutral"),
        (2, (6, 1), 0.8, "positive"),
        (-1, (-1, 1), 0, "negative"),
        (0.15, (0, 0.3), 0.5, "neutral"),
        (True, (1, 5), 1, "positive"),
        ("ok", ("bad", "ok", "good"), 0.5, "neutral"),
        ("good", ["bad", "good"], 1, "positive"),
    ],
)
def test_whatever_is_given_becomes_a_share(
    value: object, scale: Any, normal: float, label: str
) -> None:
    score = feedback_score(value, scale=scale)
    assert (score.value, score.label) == (pytest.approx(normal), label)
    assert score.passed is {"positive": True, "negative": False, "neutral": None}[label]
    assert (score.name, score.kind, score.direction) == ("user_rating", "human", "maximize")
    assert (score.range, score.explanation, score.identity) == ((0.0, 1.0), None, None)
    assert score.metadata["source"] == "end_user"
    assert score.metadata["raw"] == value
    assert score.metadata.get("scale") == (None if scale is None else list(scale))
    json.dumps(dict(score.metadata))


class bool_:  # numpy's bool is none of Python's
    def __bool__(self) -> bool:
        return True


def test_a_bool_of_numpys_is_one() -> None:
    score = feedback_score(bool_())
    assert (score.value, score.metadata["raw"]) == (1.0, True)


@pytest.mark.parametrize(
    ("value", "options", "named"),
    [
        (7, {}, "value"),
        (-0.1, {}, "value"),
        (float("nan"), {}, "value"),
        ("meh", {}, "value"),
        ("", {}, "value"),
        (None, {}, "value"),
        ([1], {}, "value"),
        (Decimal(1), {}, "value"),
        (6, {"scale": (1, 5)}, "value"),
        ("4", {"scale": (1, 5)}, "value"),
        ("fair", {"scale": ("bad", "good")}, "value"),
        (1, {"scale": ("bad", "good")}, "value"),
        (1, {"scale": (1, 1)}, "scale"),
        (1, {"scale": (1,)}, "scale"),
        (1, {"scale": (1, 2, 3)}, "scale"),
        (1, {"scale": (0, float("inf"))}, "scale"),
        (1, {"scale": (0, "x")}, "scale"),
        (1, {"scale": ([1], [2])}, "scale"),
        (1, {"scale": "15"}, "scale"),
        (1, {"scale": 5}, "scale"),
        ("a", {"scale": ("a", "b", "a")}, "scale"),
        (1, {"name": ""}, "name"),
        (1, {"name": 5}, "name"),
        (1, {"name": "x" * 101}, "name"),
        (1, {"comment": 5}, "comment"),
        (1, {"comment": "x" * 10_001}, "comment"),
        (1, {"user": ""}, "user"),
        (1, {"user": 5}, "user"),
        (1, {"source": "somebody"}, "source"),
        (1, {"metadata": [1]}, "metadata"),
        (1, {"metadata": {1: 2}}, "metadata"),
    ],
)
def test_a_wrong_argument_is_told_by_its_name(
    value: object, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=f"^clearspan: feedback: {named} "):
        feedback_score(value, **options)


def test_what_was_said_in_words_is_the_explanation() -> None:
    assert feedback_score("up", comment=" Well done.\n").explanation == "Well done."
    assert feedback_score("up", comment="  ").explanation is None


def test_what_else_is_told_is_kept() -> None:
    score = feedback_score(
        "down", name="tone", source="annotator", metadata={"page": "faq"}, target=CALL
    )
    assert (score.name, score.target) == ("tone", CALL)
    assert score.metadata == {"source": "annotator", "page": "faq", "raw": "down"}


def test_a_user_is_a_pseudonym_and_never_as_it_is() -> None:
    score = feedback_score("up", user="ann@example.com", secret="k", comment="Fine.", target=CALL)
    assert "ann" not in repr(score)
    assert score.metadata["user"] == pseudonym("ann@example.com", "k")
    assert (
        feedback_score("up", user="ann@example.com").metadata["user"]
        == (hashlib.sha256(b"ann@example.com").hexdigest()[:32])
    )


def test_a_pseudonym_is_of_the_user_and_the_secret() -> None:
    assert pseudonym("ann", "k") == pseudonym(" ann ", b"k")
    made = {pseudonym("ann"), pseudonym("ann", "k"), pseudonym("ann", "l"), pseudonym("bob", "k")}
    assert len(made) == 4
    assert all(len(each) == 32 and set(each) <= set("0123456789abcdef") for each in made)
    assert len(pseudonym("\ud800", "\ud800")) == 32


def test_a_score_can_be_given_as_it_is() -> None:
    signal = Score(value=0.2, label="negative", name="edited", metadata={"source": "implicit"})
    given = feedback_score(signal, comment="Too long.", user="ann", target=CALL)
    assert (given.value, given.label, given.name, given.kind) == (
        0.2,
        "negative",
        "edited",
        "human",
    )
    assert given.explanation == "Too long."
    assert given.metadata == {"source": "implicit", "user": pseudonym("ann")}
    assert given.identity == identity(CALL, "edited", pseudonym("ann"), "implicit")
    assert feedback_score(Score(value=1, target=CALL), name="mine").name == "mine"
    assert feedback_score(Score(value=1, explanation="Why.", target=CALL)).explanation == "Why."
    assert feedback_score(Score(value=1, target=CALL)).target == CALL
    assert feedback_score(Score(skipped="no_reaction"), target=CALL).skipped == "no_reaction"


def test_the_same_feedback_twice_is_one() -> None:
    said = feedback_score("up", user="ann", target=CALL)
    again = feedback_score("down", user="ann", comment="No!", target=CALL)
    assert said.identity == again.identity == identity(CALL, "user_rating", pseudonym("ann"))
    assert said.identity is not None
    assert len(said.identity) == 32


def test_other_feedback_is_another() -> None:
    made = [
        feedback_score("up", target=CALL),
        feedback_score("up", target=CALL, user="ann"),
        feedback_score("up", target=CALL, user="bob"),
        feedback_score("up", target=CALL, source="annotator"),
        feedback_score("up", target=CALL, name="tone"),
        *(
            feedback_score("up", target=target)
            for target in (
                Target(response_id="r-2"),
                Target(key="r-1"),
                Target(session="r-1"),
                Target(trace=TraceRef(TRACE, SPAN)),
                Target(trace=TraceRef(TRACE, "0" * 16)),
            )
        ),
    ]
    assert len({score.identity for score in made}) == len(made)


def test_of_a_target_the_surest_part_counts() -> None:
    trace = TraceRef(TRACE, SPAN, sampled=False)
    assert identity(Target(trace, "r-1", "s-1", "k-1"), "n") == identity(CALL, "n")
    assert identity(Target(trace, None, "s-1", "k-1"), "n") == identity(
        Target(TraceRef(TRACE, SPAN, "parent")), "n"
    )
    assert identity(Target(session="s-1", key="k-1"), "n") == identity(Target(key="k-1"), "n")
    with pytest.raises(ValueError, match="without a target"):
        identity(Target(), "n")


def test_parts_cannot_run_into_each_other() -> None:
    assert identity(Target(key="a"), "bc") != identity(Target(key="ab"), "c")


def test_a_target_is_all_that_is_given() -> None:
    target = target_of(
        response_id=" r-1 ", traceparent=PARENT, session="s-1", key="k-1", current=Target(key="x")
    )
    assert target == Target(TraceRef(TRACE, SPAN), "r-1", "s-1", "k-1")
    assert target_of(trace_id=TRACE, span_id=SPAN).trace == TraceRef(TRACE, SPAN)
    assert target_of(trace_id=int(TRACE, 16), span_id=int(SPAN, 16)).trace == TraceRef(TRACE, SPAN)
    assert target_of(trace_id=f" {TRACE.upper()} ").trace == TraceRef(TRACE, "0" * 16)
    assert target_of(trace_id=TRACE, span_id=SPAN, traceparent=PARENT).trace == TraceRef(
        TRACE, SPAN
    )


def test_without_any_it_is_where_the_program_is() -> None:
    here = Target(TraceRef(TRACE, SPAN), "r-7")
    assert target_of(current=here) is here
    assert target_of(response_id="", key=" ", current=here) is here
    for current in (None, Target()):
        with pytest.raises(ValueError, match="what it is about"):
            target_of(current=current)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"response_id": 5}, "response_id"),
        ({"response_id": "r" * 257}, "response_id"),
        ({"key": b"k"}, "key"),
        ({"session": ["s"]}, "session"),
        ({"trace_id": "abc"}, "trace_id"),
        ({"trace_id": "g" * 32}, "trace_id"),
        ({"trace_id": "0" * 32}, "trace_id"),
        ({"trace_id": -1}, "trace_id"),
        ({"trace_id": True}, "trace_id"),
        ({"trace_id": 2**128}, "trace_id"),
        ({"trace_id": 1.5}, "trace_id"),
        ({"span_id": SPAN}, "span_id"),
        ({"trace_id": TRACE, "span_id": SPAN[1:]}, "span_id"),
        ({"trace_id": "1" * 32, "traceparent": PARENT}, "trace_id"),
        ({"trace_id": TRACE, "span_id": "1" * 16, "traceparent": PARENT}, "span_id"),
        ({"traceparent": TRACE}, "traceparent"),
    ],
)
def test_an_id_that_is_none_is_told_by_its_name(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^clearspan: feedback: {named} "):
        target_of(**given)


def test_a_traceparent_is_read() -> None:
    assert parse_traceparent(f"  {PARENT}\n") == TraceRef(TRACE, SPAN)
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-00") == TraceRef(TRACE, SPAN, sampled=False)
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-fe").sampled is False
    # A later version may say more, behind what is known.
    assert parse_traceparent(f"cc-{TRACE}-{SPAN}-03-more-of-it") == TraceRef(TRACE, SPAN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        PARENT.upper(),
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        None,
        b"00",
    ],
)
def test_what_is_no_traceparent_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r"^clearspan: feedback: traceparent "):
        parse_traceparent(text)
