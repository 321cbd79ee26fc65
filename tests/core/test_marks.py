"""How a text that was cut says so."""

from __future__ import annotations

import pytest

from clearspan.core.marks import length, noted


@pytest.mark.parametrize(("text", "characters"), [("", 0), ("abc", 3), (noted("abc", 5), 8)])
def test_the_length_is_that_of_the_whole(text: str, characters: int) -> None:
    assert length(text) == characters


def test_a_cut_text_says_what_is_missing() -> None:
    assert noted("abc", 5) == "abc…[5 more]"
