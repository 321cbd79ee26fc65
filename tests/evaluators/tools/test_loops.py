"""Agents that go round in circles."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.assess.outcome import scored
from clearspan.conversation import Conversation
from clearspan.evaluators.tools import ToolLoops
from clearspan.score import Score
from tests.assess.calls import call
from tests.evaluators.tools.test_trajectory import asking, trace


def judged(made: ToolLoops, *names: Any) -> Score:
    return scored(made.evaluate(trace(*names)), made)


def test_the_same_call_again_and_again() -> None:
    score = judged(ToolLoops(), "a", ("b", {"x": 1, "y": 2}), ("b", '{"y": 2, "x": 1}'), "a", "a")
    assert (score.name, score.value, score.label, score.passed) == (
        "tool_loops",
        0.6,
        "loop",
        False,
    )
    assert score.metadata == {"steps": 5, "distinct": 2, "most": 3, "model_calls": 5}


def test_other_arguments_are_another_call() -> None:
    score = judged(ToolLoops(), *(("a", {"page": number}) for number in range(5)))
    assert (score.value, score.label, score.passed) == (0.0, "ok", True)


def test_the_limit_and_the_tools_that_may_repeat() -> None:
    assert judged(ToolLoops(limit=4), "a", "a", "a").label == "ok"
    ignored = judged(ToolLoops(ignore=("a",)), "a", "a", "a")
    assert (ignored.value, ignored.label) == (0.0, "ok")


def test_a_budget_of_steps() -> None:
    assert judged(ToolLoops(budget=2), "a", "b").passed is True
    over = judged(ToolLoops(budget=2), "a", "b", "c")
    assert (over.label, over.passed) == ("over_budget", False)


def test_a_threshold_of_the_share() -> None:
    assert judged(ToolLoops(threshold=0.4), "a", "a").passed is False


def test_a_call_has_its_history() -> None:
    score = ToolLoops(level="call").evaluate(asking("a", "a", "a"))
    assert (score.label, "model_calls" in score.metadata) == ("loop", False)


def test_without_tool_calls_it_is_skipped() -> None:
    assert ToolLoops().evaluate(Conversation("1", "trace", (call(),))).skipped == "no tool calls"


def test_options_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="limit"):
        ToolLoops(limit=1)
    with pytest.raises(ValueError, match="budget"):
        ToolLoops(budget=-1)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12))
def test_the_share_is_below_1_and_0_without_repetition(names: list[str]) -> None:
    value = judged(ToolLoops(), *names).value
    assert value is not None
    assert 0 <= value < 1
    assert (value == 0) == (len(set(names)) == len(names))
