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
