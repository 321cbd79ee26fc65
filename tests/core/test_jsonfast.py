"""The encoder: any value gives JSON that any reader of UTF-8 takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.core import jsonfast

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def strict(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise AssertionError(word)

    return json.loads(text.encode("utf-8"), parse_constant=refuse)


def finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value


@given(VALUES)
def test_what_json_can_hold_comes_back(value: Any) -> None:
    assert strict(jsonfast.dumps(value)) == finite(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, True, 1.5]}, '{"a":[1,null,true,1.5]}'),
        ("ä 😀 \u2028", '"ä 😀 \u2028"'),
        ('"\\\n\x01', '"\\"\\\\\\n\\u0001"'),
        ([float("nan"), float("inf"), -float("inf"), 1.0], "[null,null,null,1.0]"),
        ({"k": float("nan"), "n": 1}, '{"k":null,"n":1}'),
        (b"abc", '"<bytes of 3 bytes>"'),
        ({1}, "[1]"),
        (object(), '"<builtins.object>"'),
        ({(1, 2): 3}, '{"[1, 2]":3}'),
        ("\ud83d\ude00", '"😀"'),
        ("a\ud800b", '"a\ufffdb"'),
        ({"\udc00": 1}, '{"\ufffd":1}'),
        (10**5000, '"<int of 16610 bits>"'),
        ([1] * 1500 + [float("nan")], "[" + "1," * 1500 + "null]"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else type(value).__name__,
)
def test_odd_values(value: Any, text: str) -> None:
    assert jsonfast.dumps(value) == text
    strict(text)


def test_circles_end() -> None:
    circle: dict[str, Any] = {"name": "c"}
    circle["self"] = [circle]
    assert strict(jsonfast.dumps(circle))["self"][0]["name"] == "c"


def test_very_deep_values_end() -> None:
    nested: Any = 1
    for _ in range(100_000):
        nested = [nested]
    assert strict(jsonfast.dumps(nested))
    while isinstance(nested, list):  # taken apart here, for the interpreter would do so recursively
        nested = nested[0]


@given(st.text(alphabet=st.characters()))
def test_valid_text_can_be_sent_and_is_else_unchanged(text: str) -> None:
    valid = jsonfast.valid(text)
    valid.encode()
    try:
        text.encode()
    except UnicodeEncodeError:
        assert "\ufffd" in valid or len(valid) < len(text)
    else:
        assert valid == text


@pytest.mark.parametrize(
    ("text", "valid"),
    [("ascii", "ascii"), ("ä", "ä"), ("\ud83d\ude00", "😀"), ("a\udc00", "a\ufffd")],
)
def test_valid(text: str, valid: str) -> None:
    assert jsonfast.valid(text) == valid


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":[1]}', {"a": [1]}),
        (b"[1]", [1]),
        ("12", 12),
        ("not json", "not json"),
        ("", ""),
        ("[" * 100_000, "[" * 100_000),
        ("9" * 5000, "9" * 5000),
        (None, None),
        (5, 5),
        ([1], [1]),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_loads(text: Any, value: Any) -> None:
    assert jsonfast.loads(text) == value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a", "a"),
        (5, 5),
        (None, None),
        (float("nan"), None),
        (["a", "b"], ["a", "b"]),
        ((1, 2), [1, 2]),
        ([1, "a"], '[1,"a"]'),
        ([1, True], "[1,true]"),
        ([[1]], "[[1]]"),
        ({"a": 1}, '{"a":1}'),
        ([], None),
        ({}, None),
        (set(), None),
        (object(), "<builtins.object>"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_an_attribute_can_hold(value: Any, kept: Any) -> None:
    assert jsonfast.attribute(value) == kept


# -- the swift encoder ---------------------------------------------------------------------------------------

NUMBERS = st.integers() | st.floats() | st.sampled_from([2**63, 2**64, -(2**63) - 1, 2**300, -0.0, 1e22])  # fmt: skip
TEXTS = st.text(alphabet=st.characters()) | st.sampled_from(["\ud800", "\ud83d\ude00", "a\udc00b", "\x7f\u2028</"])  # fmt: skip
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS | st.integers(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_what_the_swift_encoder_makes_means_the_same(value: Any) -> None:
    text = jsonfast.encoded(value)
    assert strict(text) == strict(jsonfast.dumps(value))
    assert type(text) is str


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, True, 1.5, "ä 😀 \u2028"]}, '{"a":[1,null,true,1.5,"ä 😀 \u2028"]}'),
        ([float("nan"), float("inf"), -float("inf"), 1.0], "[null,null,null,1.0]"),
        ({1: 2, -3: 4}, '{"1":2,"-3":4}'),
        ({None: 1, True: 2}, '{"null":1,"true":2}'),
        ("\ud83d\ude00", '"😀"'),
        ({"a\ud800": "\udc00"}, '{"a\ufffd":"\ufffd"}'),
        (2**64, "18446744073709551616"),
        (10**5000, '"<int of 16610 bits>"'),
        (object(), '"<builtins.object>"'),
        ((1, 2), "[1,2]"),
        ("", '""'),
        ({}, "{}"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else type(value).__name__,
)
def test_odd_values_by_the_swift_encoder(value: Any, text: str) -> None:
    assert jsonfast.encoded(value) == text
    strict(text)


def test_circles_and_depths_end_by_the_swift_encoder() -> None:
    circle: dict[str, Any] = {"name": "c"}
    circle["self"] = [circle]
    assert jsonfast.encoded(circle) == jsonfast.dumps(circle)
    nested: Any = 1
    for _ in range(100_000):
        nested = [nested]
    assert jsonfast.encoded(nested) == jsonfast.dumps(nested)
    while isinstance(nested, list):  # taken apart here, for the interpreter would do so recursively
        nested = nested[0]


@pytest.fixture
def unloaded() -> Iterator[None]:
    """The swift encoder is not loaded yet, and is loaded anew afterwards."""
    jsonfast._swift.cache_clear()
    yield
    jsonfast._swift.cache_clear()


@pytest.mark.usefixtures("unloaded")
def test_the_swift_encoder_is_loaded_once_and_while_it_cannot_be_there_is_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[str] = []

    def refuse(name: str) -> Any:
        loaded.append(name)
        raise ImportError(name)

    with monkeypatch.context() as patched:
        patched.setattr(jsonfast, "load", refuse)
        assert jsonfast.encoded({"a": [1, float("nan")]}) == '{"a":[1,null]}'
    assert loaded == ["msgspec.json"]
    assert jsonfast.encoded({"a": 1}) == '{"a":1}'
    monkeypatch.setattr(jsonfast, "load", refuse)
    assert jsonfast.encoded({"a": 2}) == '{"a":2}'
    assert loaded == ["msgspec.json"]
