"""Texts as they read without escapes, and where every character of that comes from."""

from __future__ import annotations

import json
import random

import pytest

from clearspan.assess.escapes import firm, like_json, readings

SAID = 'line one\nline "two"\t\\ \U0001f600 end'


def test_a_text_without_escapes_reads_as_it_stands() -> None:
    assert readings("plain text") == []
    assert readings("C:\\xylo \\d+") == []  # no escapes of JSON


@pytest.mark.parametrize("ascii_only", [True, False])
def test_what_json_holds_is_read(ascii_only: bool) -> None:
    source = json.dumps(SAID, ensure_ascii=ascii_only)
    text, places = readings(source)[0]
    assert text == f'"{SAID}"'
    assert places[-1] == len(source)
    for at in range(len(text)):
        escape = source[places[at] : places[at + 1]]
        assert json.loads(f'"{escape}"' if escape != '"' else '"\\""') == text[at]


def test_json_within_json_is_read_to_its_end() -> None:
    source = json.dumps({"body": json.dumps({"mail": "x\nal@example.com"})})
    first, second = readings(source)
    assert "x\\nal@" in first.text
    assert "x\nal@" in second.text
    at = second.text.index("al@")
    assert source[second.places[at] :].startswith("al@example.com")


@pytest.mark.parametrize("seed", range(20))
def test_what_is_firm_stays_as_it_was_read(seed: int) -> None:
    dice = random.Random(seed)
    said = "".join(dice.choice(["a", "\n", '"', "\\", "\u00e9", "\U0001f600", "7"]) for _ in range(12))  # fmt: skip
    source = json.dumps(json.dumps(said)) if seed % 2 else json.dumps(said)
    whole = readings(source)
    for end in range(len(source) + 1):
        sure = firm(source[:end])
        assert end - sure <= 14
        for read in whole[:1]:
            assert sure in read.places or "\\ud" in source[:end]


@pytest.mark.parametrize(
    ("source", "sure"),
    [("ab", 2), ("ab\\", 2), ("ab\\u00", 2), ("ab\\\\", 2), ("a\\\\n", 4), ("a\\u0062", 7), ("", 0), ("\\\\u00e", 0)],
)  # fmt: skip
def test_an_escape_that_is_cut_off_is_not_firm(source: str, sure: int) -> None:
    assert firm(source) == sure


def test_what_looks_like_json() -> None:
    assert all(map(like_json, ('{"a"', " {}", "[{", '\n["', "[]")))
    assert not any(map(like_json, ("plain", "[Note] well", "{x}", '"quoted" words', "", "{")))
