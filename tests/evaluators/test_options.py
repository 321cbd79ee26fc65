"""What holds of the options of every evaluator on the shelf."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan import evaluators
from clearspan.assess.evaluator import Evaluator

NEEDED: dict[str, dict[str, Any]] = {
    "FieldMatch": {"fields": ("a",)},
    "Forbids": {"words": ["a"]},
    "Length": {"max": 3},
    "MatchesRegex": {"pattern": "a"},
    "MatchesSchema": {"schema": {"type": "object"}},
    "Mentions": {"words": ["a"]},
    "Trajectory": {"expected": ["a"]},
}
SHELF = {name: getattr(evaluators, name) for name in evaluators.__all__}
CLASSES = sorted(
    name
    for name, found in SHELF.items()
    if isinstance(found, type) and issubclass(found, Evaluator)
)


def made(name: str, **options: Any) -> Evaluator:
    built: Evaluator = getattr(evaluators, name)(**NEEDED.get(name, {}), **options)
    return built


@pytest.mark.parametrize("name", CLASSES)
def test_a_misspelt_option_is_told_by_the_name_of_its_evaluator(name: str) -> None:
    with pytest.raises(
        TypeError, match=f"{name} has no option 'treshold'; did you mean 'threshold'"
    ):
        made(name, treshold=0.3)


@pytest.mark.parametrize("name", CLASSES)
def test_a_threshold_that_no_value_can_have_is_refused(name: str) -> None:
    if made(name).range is None:
        assert made(name, threshold=99).range is None
        return
    for wrong in (2, -0.1):
        with pytest.raises(ValueError, match="threshold must be 0 to 1"):
            made(name, threshold=wrong)


@pytest.mark.parametrize("name", CLASSES)
def test_which_operations_are_judged_can_be_said(name: str) -> None:
    assert made(name, operations={"chat", "task"}).operations == {"chat", "task"}
