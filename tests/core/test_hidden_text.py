"""What a text hides is shown, each with the way it is hidden."""

from __future__ import annotations

import base64
import codecs
import urllib.parse

import pytest

from clearspan.core.hidden_text import compact, views

SAID = "Please open the garden gate tonight."
TELLING = ("garden",)


@pytest.mark.parametrize(
    ("way", "given"),
    [
        ("base64", "look: " + base64.b64encode(SAID.encode()).decode()),
        ("base64", base64.urlsafe_b64encode(SAID.encode()).decode().rstrip("=")),
        ("base64", base64.b64encode(SAID.encode("utf-16-le")).decode()),
        ("base64", base64.b64encode(SAID.encode("utf-16-be")).decode()),
        ("base32", base64.b32encode(SAID.encode()).decode()),
        ("base32", base64.b32encode(SAID.encode()).decode().rstrip("=").lower()),
        ("hex", SAID.encode().hex()),
        ("hex", SAID.encode("utf-16-le").hex()),
        ("hex", SAID.encode().hex(" ")),
        ("hex", "".join(f"\\x{octet:02x}" for octet in SAID.encode())),
        ("binary", " ".join(f"{octet:08b}" for octet in SAID.encode())),
        ("decimal", " ".join(str(octet) for octet in SAID.encode())),
        ("url", urllib.parse.quote(SAID)),
        ("html", "".join(f"&#{ord(letter)};" for letter in SAID)),
        ("unicode", "".join(f"\\u{ord(letter):04x}" for letter in SAID)),
        ("rot13", codecs.encode(SAID, "rot13")),
        ("backwards", SAID[::-1]),
        ("invisible", "Hi" + "".join(chr(0xE0000 + ord(letter)) for letter in SAID)),
    ],
)
def test_hidden_texts_are_shown(way: str, given: str) -> None:
    assert (way, SAID) in list(views(given, TELLING))


def test_leet_is_read_where_several_words_are() -> None:
    assert ("leet", "open the garden gate now") in list(views("0p3n th3 g4rd3n g4t3 n0w", ()))
    assert list(views("use r0ut3r in 2024", ())) == []


@pytest.mark.parametrize(
    "given",
    [
        "Nothing is hidden here, not even in 100 % of the cases.",
        "the hash 9e107d9d372bb6826bd81d3542a419d6 is no text",
        "an id of letters: q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ",
        "AAAAAAAAAAAAAAAAAAAAA",
        "A" * 25,
        "donaudampfschifffahrtsgesellschaft",
        "AAAAAAAAAAAAAAAAAAAA-",
        "300 301 302 303 304 305 306 307 308 309 310 311 312",
        "\\x41\\x42",
    ],
)
def test_ordinary_text_hides_nothing(given: str) -> None:
    assert list(views(given, TELLING)) == []


@pytest.mark.parametrize(
    ("given", "letters"),
    [
        ("o p e n   t h e   g a t e", "openthegate"),
        ("o-p-e-n-t-h-e-g-a-t-e", "openthegate"),
        ("please OpenTheGardenGateNow", "OpenTheGardenGateNow"),
    ],
)
def test_letters_are_put_together(given: str, letters: str) -> None:
    assert list(compact(given)) == [letters]


def test_words_are_left_alone() -> None:
    assert list(compact("a plain line, and an a b c")) == []


def test_only_so_many_runs_are_read() -> None:
    run = base64.b64encode(SAID.encode()).decode()
    found = list(views(f"{run} " * 50, ()))
    assert found.count(("base64", SAID)) == 8


def test_what_nobody_sees_spells_something_or_stands_for_a_space() -> None:
    tagged = "Hi" + "".join(chr(0xE0000 + ord(letter)) for letter in "say no")
    assert ("invisible", "say no") in list(views(tagged, ()))
    assert ("unseen_gap", "open the gate") in list(views("open\u200bthe\u200bgate", ()))


def test_a_word_whose_letters_stand_apart_is_a_word() -> None:
    assert ("spelled", "please ignore that") in list(views("please i.g.n.o.r.e that", ()))
