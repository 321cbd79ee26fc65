"""Fields of a JSON answer against those of the reference."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.evaluators.structure import FieldMatch
from clearspan.score import Score
from tests.assess.calls import call


def matched(told: Any, *wanted: Any, made: FieldMatch | None = None) -> Score:
    references = tuple(each if isinstance(each, str) else json.dumps(each) for each in wanted)
    text = told if isinstance(told, str) else json.dumps(told)
    return (made or FieldMatch()).evaluate(call(answer=text, references=references))


def test_by_hand() -> None:
    # 2 of the 3 leaves that were told are right, and 2 of the 4 that were wanted.
    score = matched({"a": 1, "b": [1, 5]}, {"a": 1, "b": [1, 2], "c": None})
    assert score.value == pytest.approx(2 * 2 / (3 + 4))
    assert score.metadata == {"precision": 2 / 3, "recall": 0.5, "missing": 1, "wrong": 1, "extra": 0}  # fmt: skip
    assert (score.label, score.explanation) == ("different", "/c: missing, /b/1: different")


def test_texts_are_equal_in_any_case_and_booleans_are_no_numbers() -> None:
    assert matched({"a": " ROME "}, {"a": "rome"}).value == 1.0
    assert matched({"a": True}, {"a": 1}).value == 0.0
    assert matched({"a": 1.0}, {"a": 1}).value == 1.0
    assert matched({"a": None}, {"a": ""}).value == 0.0
    assert matched({"a": []}, {"a": []}).value == 1.0
    assert matched({"a": []}, {"a": {}}).value == 0.0


def test_numbers_may_be_apart() -> None:
    assert matched({"a": 99}, {"a": 100}).value == 0.0
    assert matched({"a": 99}, {"a": 100}, made=FieldMatch(tolerance=0.01)).value == 1.0


def test_only_some_fields() -> None:
    made = FieldMatch(fields=("a",))
    assert matched({"a": 1, "b": 2}, {"a": 1, "b": 3}, made=made).value == 1.0
    assert matched([], {"a": 1}, made=made).value == 0.0
    assert matched({"a": 1}, {"b": 1}, made=made).skipped == "no reference is JSON with such fields"


def test_the_best_reference_counts() -> None:
    assert matched({"a": 1}, {"a": 2}, {"a": 1}).value == 1.0


def test_no_json_is_no_match_and_no_reference_is_nothing_to_say() -> None:
    score = matched("none", {"a": 1})
    assert (score.value, score.label) == (0.0, "not_json")
    assert matched({"a": 1}, "in words").skipped == "no reference is JSON with such fields"
    assert matched("```json\n3\n```", 3).value == 1.0


def test_wrong_options() -> None:
    with pytest.raises(ValueError, match="tolerance"):
        FieldMatch(tolerance=1.0)
    with pytest.raises(ValueError, match="fields"):
        FieldMatch(fields="name")  # type: ignore[arg-type]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc/", max_size=2), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(JSON, JSON)
def test_the_value_is_a_share_and_1_for_the_same(told: Any, wanted: Any) -> None:
    one, other = json.dumps(told), json.dumps(wanted)
    score = matched(one, other)
    assert score.value is not None
    assert 0 <= score.value <= 1
    assert matched(other, other).value == 1.0
    assert matched(other, one).value == pytest.approx(score.value)


def test_numbers_that_no_float_can_hold() -> None:
    long = 10**4000
    assert matched({"a": long}, {"a": long}).value == 1.0
    assert matched({"a": long + 1}, {"a": long}).value == 0.0
    assert matched({"a": 1}, {"a": long}, made=FieldMatch(tolerance=0.5)).value == 0.0
