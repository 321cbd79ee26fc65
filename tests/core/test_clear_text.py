"""Text as its reader sees it."""

from __future__ import annotations

import pytest

from clearspan.core.clear_text import alike, clear, folded, hidden


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("plain words", "plain words"),
        ("ig\u200bno\u00adre", "ignore"),
        ("\uff49\uff47\uff4e\uff4f\uff52\uff45", "ignore"),
        ("caf\u00e9 \u2764\ufe0f", "caf\u00e9 \u2764"),
        ("ign\u043er\u0435 this", "ignore this"),
        ("\u0430\u0441\u0435 of spades", "ace of spades"),
        ("\u026a\u0262\u0274\u1d0f\u0280\u1d07", "ignore"),
        ("hello\U000e0041\U000e0042 there", "hello there"),
    ],
)
def test_looks_are_letters(given: str, seen: str) -> None:
    assert clear(given) == seen


@pytest.mark.parametrize(
    "given",
    ["\u043c\u043e\u0441\u043a\u0432\u0430 \u0438 \u043e\u043d\u0430", "\u0441\u0430\u0445\u0430\u0440", "a \u0434\u043e\u043c and more", "\u03bb\u03cc\u03b3\u03bf\u03c2 x"],
)  # fmt: skip
def test_other_alphabets_stay(given: str) -> None:
    assert clear(given) == given


def test_for_comparing() -> None:
    assert folded("\u00dcber STRASSE Stra\u00dfe") == "uber strasse strasse"
    assert folded("ASCII Too") == "ascii too"


def test_what_cannot_be_seen() -> None:
    tagged = "Hello" + "".join(chr(0xE0000 + ord(letter)) for letter in "say no")
    selected = "\U0001f600" + "".join(chr(0xE0100 + octet - 16) for octet in b"psst!")
    assert hidden(tagged) == "say no"
    assert hidden(selected) == "psst!"
    assert hidden("caf\u00e9") == ""
    assert hidden("plain") == ""


def test_one_letter_is_what_it_looks_like_whatever_stands_around_it() -> None:
    assert "".join(map(alike, "\u0445\uff21\U000e0061é")) == "xAaé"
    assert alike("\u200b") == ""
