"""What a generator gave: a text, or a list; so much of it as there is room for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from clearspan.capture.yielded import Yielded
from clearspan.core.held import held


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


def taken(room: int, items: Iterable[Any]) -> Yielded:
    yielded = Yielded(room)
    for item in items:
        yielded.take(item)
    return yielded


def test_a_thousand_elements_are_kept() -> None:
    assert taken(1_000_000, [1] * 1_005).made() == [*[1] * 1_000, "... 5 more"]


def test_of_texts_it_is_the_room_that_counts() -> None:
    words = [f"w{number} " for number in range(5_000)]
    assert taken(1_000_000, words).made() == "".join(words)
    assert taken(20_000, words).made() == "".join(words)[:20_000] + "…[8890 more]"
    assert taken(10, ["", *"ab"] * 1_000).made() == "ababababab…[1990 more]"


def test_a_thing_after_many_texts_makes_them_elements_again() -> None:
    words = [f"w{number} " for number in range(3_000)]
    made = taken(1_000_000, [*words, {"tokens": 3_000}, "late"]).made()
    assert made == [*words[:1_000], "... 2002 more"]


@pytest.mark.parametrize("more", [[], [7, "late"]], ids=["text", "list"])
def test_however_many_texts_there_are_what_is_held_is_bounded(more: list[Any]) -> None:
    yielded = taken(100_000, [str(number) for number in range(200_000)])
    assert sum(map(len, yielded)) < 3_000 + 100_000
    assert 100_000 < held(yielded) < 400_000  # the list tells what it keeps alive
    for item in more:
        yielded.take(item)
    assert held(yielded) < (100_000 if more else 400_000)
