"""How a text that was cut says so."""

from __future__ import annotations

import pytest

from clearspan.core.marks import cut, length, noted


@pytest.mark.parametrize(("text", "characters"), [("", 0), ("abc", 3), (noted("abc", 5), 8)])
def test_the_length_is_that_of_the_whole(text: str, characters: int) -> None:
    assert length(text) == characters


def test_a_cut_text_says_what_is_missing() -> None:
    assert noted("abc", 5) == "abc…[5 more]"


@pytest.mark.parametrize(
    ("text", "longest", "told"),
    [
        ("abc", 3, "abc"),
        ("abcdef", 2, "ab…[4 more]"),
        (noted("abcdef", 5), 2, "ab…[9 more]"),
        (noted("abcdef", 5), 9, "abcdef…[5 more]"),
        (noted("abcdef", 1), 12, "abcdef…[1 more]"),
    ],
)
def test_what_is_cut_again_has_one_remark(text: str, longest: int, told: str) -> None:
    assert cut(text, longest) == told
    assert length(told) == length(text)
