"""The tools that were called, against those that should have been."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given, strategies as st

from clearspan.assess.outcome import scored
from clearspan.conversation import Conversation
from clearspan.evaluators.tools import Trajectory
from clearspan.record import Invocation
from clearspan.score import Score
from tests.assess.calls import call

MODES: tuple[Literal["exact", "in_order", "any_order", "subset"], ...] = ("exact", "in_order", "any_order", "subset")  # fmt: skip


def asking(*names: Any) -> Invocation:
    asked = [(each, {}) if isinstance(each, str) else each for each in names]
    parts: Any = [
        {"type": "tool_call", "name": name, "arguments": given} for name, given in asked
    ] or [{"type": "text", "content": "Done."}]
    return replace(call(), output=({"role": "assistant", "parts": parts},))


def trace(*names: Any) -> Conversation:
    return Conversation("1", "trace", tuple(asking(name) for name in names) or (asking(),))


def judged(made: Trajectory, *names: Any) -> Score:
    return scored(made.evaluate(trace(*names)), made)


# expected abc, taken ...: the values by hand, for exact, in_order, any_order, subset
TABLE = [
    ("abc", (1.0, 1.0, 1.0, 1.0)),
    ("axbc", (6 / 7, 1.0, 1.0, 3 / 4)),
    ("acb", (2 / 3, 2 / 3, 1.0, 1.0)),
    ("ab", (4 / 5, 2 / 3, 2 / 3, 1.0)),
    ("aab", (2 / 3, 2 / 3, 2 / 3, 2 / 3)),
    ("xyz", (0.0, 0.0, 0.0, 0.0)),
    ("", (0.0, 0.0, 0.0, 1.0)),
]


@pytest.mark.parametrize(("taken", "values"), TABLE)
def test_by_hand(taken: str, values: tuple[float, ...]) -> None:
    scores = [judged(Trajectory(list("abc"), match=mode), *taken) for mode in MODES]
    assert [score.value for score in scores] == pytest.approx(values)
    assert [score.passed for score in scores] == [value == 1 for value in values]


def test_precision_recall_and_what_differs() -> None:
    score = judged(Trajectory(["a", "b"]), "a", "x", "x")
    assert (score.name, score.label) == ("trajectory", "mismatch")
    assert score.metadata == {"precision": 1 / 3, "recall": 0.5, "expected": 2, "taken": 3}
    assert score.explanation == "missing b, not expected x"
    other = judged(Trajectory(["a", "b"]), "b", "a")
    assert other.explanation == "in another order, or with other arguments"


def test_arguments_count_where_they_are_asked_for() -> None:
    expected: Any = [("a", {"x": 1}), {"name": "b"}]
    taken = [("a", {"x": 1, "y": 2}), ("b", {"z": 3})]
    assert judged(Trajectory(expected, arguments=True), *taken).value == 1.0
    wrong = [("a", '{"x": 2}'), ("b", "no object")]
    assert judged(Trajectory(expected, arguments=True), *wrong).value == 0.5
    assert judged(Trajectory(expected), *wrong).value == 1.0


def test_each_call_is_one_of_those_expected() -> None:
    """A greedy choice would give the call with arguments away to the name alone."""
    made = Trajectory(["a", ("a", {"x": 1})], match="any_order", arguments=True)
    assert judged(made, ("a", {"x": 1}), ("a", {})).value == 1.0


def test_expectations_may_depend_on_what_is_judged() -> None:
    made = Trajectory(lambda subject: ["a"] if isinstance(subject, Conversation) else None)
    assert judged(made, "a").value == 1.0
    assert made.evaluate(asking("a")).skipped == "nothing is expected of this one"


def test_no_tools_may_be_what_is_expected() -> None:
    made = Trajectory([], match="exact")
    assert judged(made).value == 1.0
    assert judged(made, "a").value == 0.0


def test_a_call_is_judged_by_its_messages() -> None:
    made = Trajectory(["a", "b"], match="exact", level="call")
    history = replace(asking("b"), input=asking("a").output)
    assert made.evaluate(history).value == 1.0
    assert made.operations is not None


def test_without_answers_there_is_nothing_to_say() -> None:
    made = Trajectory(["a"])
    assert made.evaluate(Conversation("1", "trace", (call(answer=""),))).skipped == "the record shows no answers"  # fmt: skip
    assert made.evaluate(replace(call(), output=())).skipped == "the record shows no answers"


def test_tools_that_ran_count_where_no_answer_shows_any() -> None:
    ran = replace(call(answer=""), operation="execute_tool", name="a", input_value={"x": 1})
    score = Trajectory([("a", {"x": 1})], arguments=True).evaluate(Conversation("1", "trace", (ran,)))  # fmt: skip
    assert score.value == 1.0


def test_options_that_cannot_be() -> None:
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        (None, {}, "expected"), ("a", {}, "sequence"), ([3], {}, "no tool call"),
        ([{"tool": "a"}], {}, "no tool call"), (["a"], {"match": "some"}, "match"),
        (["a"], {"level": "tree"}, "level"),
    ]  # fmt: skip
    for expected, options, match in wrong:
        with pytest.raises(ValueError, match=match):
            Trajectory(expected, **options)


NAMES = st.lists(st.sampled_from("abcd"), max_size=8)


@given(NAMES, NAMES)
def test_laws(expected: list[str], taken: list[str]) -> None:
    values = {mode: judged(Trajectory(expected, match=mode), *taken).value for mode in MODES}
    assert all(value is not None and 0 <= value <= 1 for value in values.values())
    assert (values["exact"] == 1) == (expected == taken)
    assert values["in_order"] <= values["any_order"]  # type: ignore[operator]
    shuffled = random.Random(3).sample(taken, len(taken))
    for mode in ("any_order", "subset"):
        assert judged(Trajectory(expected, match=mode), *shuffled).value == values[mode]  # type: ignore[arg-type]
