from __future__ import annotations

import pytest

from clearspan.assess.text.common import is_common, rarity


@pytest.mark.parametrize(
    "word",
    ["people", "works", "worked", "working", "making", "tries", "tried", "usually", "places"],
)
def test_a_form_of_a_common_word_is_common(word: str) -> None:
    assert is_common(word)


@pytest.mark.parametrize("word", ["zeppelin", "zeppelins", "ring", "s", ""])
def test_any_other_word_is_not(word: str) -> None:
    assert not is_common(word)


def test_what_is_common_tells_less() -> None:
    assert rarity("the") < rarity("people") < rarity("zeppelin") == 1.0
