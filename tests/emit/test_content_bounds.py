"""How much of a value is told at most, whatever it is made of."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from clearspan.emit.content import ContentPolicy

MANY = 50_000


def told(value: Any, limit: int = 10_000_000) -> Any:
    kept = ContentPolicy("full", limit=limit).value(value)
    assert kept.encoded is not None
    assert json.loads(kept.encoded) == kept.value
    return kept.value


def test_F31_no_more_texts_are_cleaned_than_may_be_told() -> None:
    asked: list[str] = []

    def noting(text: str) -> str:
        asked.append(text)
        return text

    value = [["x"] * 1_000] * 100
    policy = ContentPolicy("full", redactors=[noting])
    assert policy.value(value).value is not None
    assert MANY - 1_000 <= len(asked) <= MANY + 1_000


def test_F31_what_is_missing_is_told() -> None:
    assert told(["x"] * (MANY + 5))[-1] == "... 5 more"
    large = told({str(number): "x" for number in range(MANY + 5)})
    assert (large["..."], len(large)) == ("5 more", MANY + 1)


def test_F31_of_many_numbers_few_are_told() -> None:
    assert told([0.5] * 10_000) == [0.5] * 4_096 + ["... 5904 more"]
    matrix = told([[0.25] * 1_536 for _ in range(500)], 131_072)
    assert len(matrix) == 500
    assert matrix[0] == [0.25] * 1_536
    assert matrix[-1] == [0.25] * 4 + ["... 1532 more"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [([1, "a"], [1, "a"]), ([True, 2.5], [True, 2.5]), ([math.nan, 1], [None, 1]), ([], [])],
)
def test_short_rows_are_whole(value: list[Any], expected: list[Any]) -> None:
    assert told(value) == expected
