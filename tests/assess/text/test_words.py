from __future__ import annotations

import pytest

from clearspan.assess.text.common import rarity
from clearspan.assess.text.words import folded, normalized, stem, tokens


def test_folding_takes_off_case_and_accents() -> None:
    assert folded("S\u00f8ren ZO\u00cb Stra\u00dfe") == "soren zoe strasse"


def test_tokens_have_no_possessive() -> None:
    assert tokens("Ada\u2019s well-known O'Brien, 3rd!") == [
        "ada",
        "well",
        "known",
        "o'brien",
        "3rd",
    ]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The  Cat's \u201chat\u201d!", "cats hat"),
        ("A", "a"),
        ("the.", "the"),
        ("", ""),
    ],
)
def test_an_answer_is_normalised_as_squad_does(text: str, plain: str) -> None:
    assert normalized(text) == plain


def test_compounds_are_one_word_or_two() -> None:
    assert normalized("self-made") == "selfmade"
    assert normalized("self-made", split_dashes=True) == "self made"


@pytest.mark.parametrize(
    "forms",
    [
        ("station", "stations"),
        ("walk", "walks", "walked", "walking"),
        ("stop", "stopped", "stopping"),
        ("city", "cities"),
        ("glass",),
        ("is",),
    ],
)
def test_forms_of_a_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


def test_common_words_tell_little() -> None:
    assert rarity("the") < rarity("people") < rarity("overall") < rarity("photosynthesis") == 1.0


def test_scripts_without_spaces_are_pairs_of_signs() -> None:
    assert tokens("機械学習 and 2 more") == ["機械", "械学", "学習", "and", "2", "more"]
    assert tokens("猫、犬") == ["猫", "犬"]
    assert tokens("Café") == ["cafe"]
