"""How much a value keeps alive, by what can be seen of it without running anything of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from pydantic import BaseModel

from clearspan.core.held import held

BIG = "x" * 1_000_000


@dataclasses.dataclass
class Document:
    text: str


class Model(BaseModel):
    text: str


class Text(str):
    __slots__ = ()


class Blob(bytes):
    __slots__ = ()


class Numbered(BaseModel):
    created: int
    data: list[str]


class Texts(dict[str, str]):
    pass


@pytest.mark.parametrize(
    "value",
    [
        BIG, BIG.encode(), bytearray(BIG.encode()), [BIG], (BIG,), {"a": {"b": [BIG]}}, Document(BIG),
        Model(text=BIG), Text(BIG), [Text(BIG)], Blob(BIG.encode()), {"a": Blob(BIG.encode())}, Texts(a=BIG), [Document(BIG), None, True, 1, 0.5], [{}, [], BIG],
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_texts_and_bytes_are_found_wherever_they_are(value: Any) -> None:
    assert 1_000_000 <= held(value) < 1_010_000


def test_characters_weigh_what_they_take() -> None:
    assert held("\N{GRINNING FACE}" * 1_000) > 4_000


def test_long_lists_weigh_as_the_elements_do_that_stand_for_them() -> None:
    assert 9_000_000 < held(["x" * 1_000] * 9_000) < 11_000_000


def test_rows_of_numbers_weigh_something() -> None:
    assert held([[0.5] * 1_000 for _ in range(1_000)]) == pytest.approx(32_000_000, rel=0.1)
    assert held([1] * 1_000) == 32_000


@pytest.mark.parametrize(
    "value",
    [
        {"score": 0.9, "text": BIG},
        [1, BIG],
        (0.5, BIG),
        [*range(100), BIG],
        Numbered(created=1, data=[BIG]),
        {"index": 0, "message": {"content": BIG}},
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_number_in_front_speaks_for_nothing_behind_it(value: Any) -> None:
    assert 1_000_000 <= held(value) < 1_010_000


def test_it_ends_whatever_holds_what() -> None:
    circle: list[Any] = [BIG]
    circle += [circle, circle]
    assert held(circle) >= 1_000_000
    assert held([[[BIG] * 300] * 300] * 300) > 0


def test_very_many_containers_weigh_as_those_do_that_stand_for_them() -> None:
    rows = [[["x" * 1_000] for _ in range(100)] for _ in range(200)]
    assert 15_000_000 < held(rows) < 25_000_000


def test_what_cannot_be_looked_into_weighs_nothing() -> None:
    assert held(object()) == held(None) == held(5) == 0


def test_a_text_of_a_class_of_its_own_weighs_what_it_is_among_many_others() -> None:
    others: list[Any] = [{"n": n} for n in range(500)]
    assert held([*others, Text("x" * 100_000)]) > held(others) + 50_000
