"""Names, ids, codes and pieces: what is no whole text, and may hold one all the same."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.emit import names, redact, vocabulary
from clearspan.emit.outline import outline

KEY = "sk-proj-aB3dE6gH9jK2mN5pQ8sT1vW4"
MAIL = "ann@example.org"


@pytest.mark.parametrize(
    "word",
    ["rate_limit_exceeded", "DeploymentNotFound", "429", "user", "tool_call", "IOError", "max_tokens", "SAFETY",
     "input_text", "invalid_api_key", "image"],
)  # fmt: skip
def test_words_of_apis(word: str) -> None:
    assert vocabulary.is_known(word)


@pytest.mark.parametrize("word", ["", "canary", "the user", "2024", "...", "é", MAIL, "user" * 40])
def test_other_words(word: str) -> None:
    assert not vocabulary.is_known(word)


def test_names_are_cleaned_and_those_of_apis_stay() -> None:
    built_in = redact.resolve((), "redacted")
    own = redact.resolve([lambda text: text.replace("canary", "bird")], "full")
    assert names.clean(f"gpt-{KEY}", (), 100) == "gpt-[secret]"
    assert names.clean("m " * 200 + KEY, (), 1000) == "m " * 200 + "[secret]"
    assert names.clean(MAIL, built_in, 100) == "[email]"
    assert names.clean("gpt-4o-2024-08-06", built_in, 100) == "gpt-4o-2024-08-06"
    assert names.clean("canary", own, 100) == "bird"
    assert names.clean("user", redact.resolve([lambda text: "gone"], "full"), 100) == "user"
    assert names.clean("abcdef", (), 3) == "abc"


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        ("acme_out_of_juice", ["why?"], True),
        ("acme_out_of_juice", None, False),
        ("rate_limit_exceeded", None, True),
        ("Canary", ["canary"], False),
        ("canary", ["where is my CANARY now"], False),
        ("bad:canary", ["canary"], False),
        ("hi_there", ["hi"], True),
        ("two words", [], False),
    ],
)
def test_codes_that_the_request_did_not_say(code: str, said: Any, told: bool) -> None:
    assert names.is_code(code, lambda: said) is told


def test_pieces_that_together_are_what_must_not_be_kept() -> None:
    assert names.joined([KEY[:9], KEY[9:], None]) == [KEY, None]
    assert names.joined(["a ", KEY[:9], KEY[9:], 1, "x", "y"]) == [f"a {KEY}", 1, "x", "y"]
    for apart in (["a", "b"], ["b", MAIL], [KEY], "text", ["x"] * 10_001, [1, 2]):
        assert names.joined(apart) is apart or names.joined(apart) == apart


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("x", True), (7, True), (["x"], True), ({"v": "x"}, True), (b"x", True), ({"type": "own"}, True),
        (None, False), (True, False), ("", False), ([], False), ({"type": "string"}, False),
    ],
)  # fmt: skip
def test_values_under_the_name_of_a_secret(value: Any, secret: bool) -> None:
    assert names.may_be_secret(value) is secret


def test_an_outline_names_forms_of_known_words_only() -> None:
    told = outline({"role": "canary", "finish_reason": "stop", "parts": [
        {"type": "canary", "mime_type": "canary"}, {"type": "blob", "mime_type": "image/png", "modality": 7}]})  # fmt: skip
    assert told == {"role": "_OTHER", "finish_reason": "stop", "parts": [
        {"type": "_OTHER", "mime_type": "_OTHER"},
        {"type": "blob", "mime_type": "image/png", "modality": "_OTHER"}]}  # fmt: skip
