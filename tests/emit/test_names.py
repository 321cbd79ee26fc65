"""Names, ids, codes and pieces: what is no whole text, and may hold one all the same."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.core import fence, known, marks
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
    assert names.joined([KEY[:9], KEY[9:], None], ()) == [KEY, None]
    assert names.joined(["a ", KEY[:9], KEY[9:], 1, "x", "y"], ()) == [f"a {KEY}", 1, "x", "y"]
    for apart in (["a", "b"], ["b", MAIL], [KEY], "text", ["x"] * 10_001, [1, 2]):
        assert names.joined(apart, ()) is apart or names.joined(apart, ()) == apart


@pytest.mark.parametrize(
    "pieces",
    [
        ["Write to ann", ".smith@exa", "mple.com", {"usage": 3}],
        ["card 4111 1111", " 1111 1111", {"usage": 3}],
    ],
)
def test_pieces_that_together_are_what_redactors_take_out(pieces: list[Any]) -> None:
    text = "".join(pieces[:-1])
    assert names.joined(pieces, redact.resolve((), "redacted")) == [text, pieces[-1]]
    assert names.joined(pieces, ()) == pieces


def test_pieces_are_asked_about_only_where_something_is_in_the_whole() -> None:
    asked: list[str] = []

    def own(text: str) -> str:
        asked.append(text)
        return text.replace("canary", "bird")

    assert names.joined(["a", "b", 1], [own]) == ["a", "b", 1]
    assert asked == ["ab"]
    assert names.joined(["a canary", " b", 1], [own]) == ["a canary", " b", 1]
    assert asked == ["ab", "a canary b", "a canary", " b"]
    assert names.joined(["can", "ary", 1], [own]) == ["canary", 1]


def test_pieces_that_hold_nothing_are_not_looked_through_again(scrubbed: list[int]) -> None:
    pieces = ["answer ", "by ", "answer", 1]
    assert names.joined(pieces, ()) == pieces
    assert scrubbed == []
    assert names.joined(pieces, redact.resolve((), "redacted")) == pieces
    assert scrubbed == [len("answer by answer")]


def test_pieces_of_a_key_that_becomes_known_are_found_then() -> None:
    pieces = ["house-", "key-of-", "nobody", 1]
    assert names.joined(pieces, ()) == pieces
    known.note_key("house-key-of-nobody")
    assert names.joined(pieces, ()) == ["house-key-of-nobody", 1]


def test_pieces_whose_redactor_fails_are_one_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT")
    broken = redact.resolve([lambda text: 1 // 0], "full")  # type: ignore[list-item]
    assert names.joined(["a", "b", 1], broken) == ["ab", 1]
    assert fence.failures() == {"redact": 3}


def test_of_a_long_name_only_the_beginning_is_looked_through(scrubbed: list[int]) -> None:
    name = "hello, world " * 80_000
    assert names.begun(name, 1_024) == f"{name[:1_024]}…[{len(name) - 1_024} more]"
    assert names.clean(name, (), 1_024) == name[:1_024]
    assert scrubbed == [1_024 + 4_096] * 2


def test_a_name_that_begins_says_how_much_is_missing() -> None:
    assert names.begun("gpt-4o", 100) == "gpt-4o"
    assert names.begun("x" * 105, 100) == "x" * 100 + "…[5 more]"
    assert names.begun(f"{'x ' * 40}{KEY} y", 84) == "x " * 40 + "[sec…[6 more]"
    assert names.begun(5, 100) == "5"  # type: ignore[arg-type]
    long = names.begun(f"a {KEY} " + "x" * 9_000, 100)
    assert long.startswith("a [secret] xxx")
    assert marks.length(long) == len(f"a {KEY} ") + 9_000


@pytest.mark.parametrize("padding", [70, 90, 99, 100])
def test_a_secret_at_the_end_of_a_name_is_seen(padding: int) -> None:
    name = " ".join(["x" * padding, KEY, "y" * 9_000])
    for told in (names.begun(name, 100), names.clean(name, (), 100)):
        assert told.startswith("x" * 70)
        assert KEY[:4] not in told


def test_the_end_of_a_name_that_was_cut_is_no_half_of_a_secret() -> None:
    token = "eyJ" + "a1" * 3_000 + ".eyJ" + "b2" * 3_000  # cut before its second part
    name = f"sk-{'k1' * 1_000} sk-{'k2' * 500} {token}"
    for told in (names.begun(name, 1_024), names.clean(name, (), 1_024)):
        assert "eyJ" not in told
        assert "a1a1" not in told


def test_names_that_came_out_alike_stay_apart() -> None:
    taken: dict[str, int] = {}
    for _ in range(3):
        taken[names.apart("[email]", taken)] = len(taken)
    assert taken == {"[email]": 0, "[email]1": 1, "[email]2": 2}
    assert names.apart("x", taken) == "x"
    assert names.apart("[email]", [*taken, "[email]4"]) == "[email]8"


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


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o-2024-08-06",
        "m\ud800",
        "\ud83d\ude00",
        f"a {KEY}",
        f"{KEY} a",
        "pwd=a1b2c3",
        "x" * 100,
        "x" * 101,
        f"{'x' * 67} {KEY}",
        f"{'x' * 68} {KEY}",
        f"{'x ' * 45}{KEY}",
        MAIL,
        "",
    ],
)
def test_a_name_that_is_short_enough_comes_out_as_any_other(name: str) -> None:
    def same(text: str) -> str:
        return text

    long_way = names.clean(name, [same], 100)
    assert names.clean(name, (), 100) == long_way
    assert KEY[:4] not in long_way
    assert len(long_way) <= 100
    long_way.encode()


def test_what_stands_for_a_secret_may_be_longer_and_the_name_is_not() -> None:
    assert names.clean("pwd=a1b2c3", (), 10) == "pwd=[secre"
