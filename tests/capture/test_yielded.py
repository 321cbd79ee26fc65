"""What a generator gave: a text, or a list; so much of it as there is room for."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.capture.yielded import Yielded


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ([], ""),
        (["a", "b"], "ab"),
        (["abc", "defghijklm", "no"], "abcdefghij…[5 more]"),
        (["abc", "defghijklm", 5], ["abc", "... 2 more"]),
        ([1, "abc"], [1, "abc"]),
        ([1, "abcdefghijk", "l", 2], [1, "... 3 more"]),
        ([["x" * 100], 1], ["... 2 more"]),
        (["a" * 10, ""], "a" * 10),
    ],
)
def test_what_is_made_of_it(given: list[Any], made: Any) -> None:
    yielded = Yielded(10)
    for item in given:
        yielded.take(item)
    assert yielded.made() == made


@pytest.mark.parametrize(("item", "made"), [(1, [*[1] * 1_000, "... 5 more"]), ("a", "a" * 1_000 + "…[5 more]")])  # fmt: skip
def test_a_thousand_elements_are_kept(item: Any, made: Any) -> None:
    yielded = Yielded(1_000_000)
    for _ in range(1_005):
        yielded.take(item)
    assert yielded.made() == made
