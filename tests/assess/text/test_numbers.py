from __future__ import annotations

import pytest

from clearspan.assess.text.numbers import numbers, roman


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,000 and 1000", [1000, 1000]),
        ("1.5 million people, 3bn, 5k, 2 dozen", [1.5e6, 3e9, 5000, 24]),
        ("twenty-one, ninety nine", [21, 99]),
        ("three hundred and five", [305]),
        ("two hundred thousand forty", [200_040]),
        ("one hundred and", [100]),
        ("two dozen", [24]),
        ("two three", [2, 3]),
        ("two. Three", [2, 3]),
        ("the 3rd and the twenty-first", [3, 21]),
        ("1914-18", [1914, 18]),
        ("-5 and \u22127.5", [-5, -7.5]),
        ("one of them", []),
        ("thousands of words", []),
        ("v1.2.3, x9", []),
        ("", []),
    ],
)
def test_numbers_are_read_however_they_are_written(text: str, values: list[float]) -> None:
    assert [number.value for number in numbers(text)] == values


def test_a_number_knows_its_place_and_kind() -> None:
    text = "In the 1990s 45 % and twenty percent of 3 cats"
    found = numbers(text)
    assert [text[number.start : number.end] for number in found] == ["1990s", "45", "twenty", "3"]
    assert [number.decade for number in found] == [True, False, False, False]
    assert [number.spelled for number in found] == [False, False, True, False]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("XXXI", 31),
        ("IV", 4),
        ("XC", 90),
        ("CCCXCIX", 399),
        ("MIX", None),
        ("", None),
        ("ii", None),
    ],
)
def test_roman_numerals(word: str, value: int | None) -> None:
    assert roman(word) == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 500 000 people", [1_500_000]),
        ("1\u00a0500 people", [1500]),
        ("rooms 12 500", [12, 500]),
        ("1.500.000 and 1.500,50 and 1500,50", [1_500_000, 1500.5, 1500.5]),
        ("1e6, 2.5e-3", [1e6, 0.0025]),
        ("a dozen, half a dozen, dozens", [12]),
        ("1/2 and 3/4", [0.5, 0.75]),
        ("24/7, 9/11, 02/09/1945", [24, 7, 9, 11, 2, 9, 1945]),
    ],
)
def test_other_ways_to_write_a_number(text: str, values: list[float]) -> None:
    assert [number.value for number in numbers(text)] == values


def test_words_without_end_make_no_number_without_end() -> None:
    assert all(0 < number.value < 1e40 for number in numbers("two " + "hundred " * 500))
    assert all(0 < number.value < 1e40 for number in numbers("dozen " * 500))
