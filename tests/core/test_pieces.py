"""What is kept of texts that come in pieces, of which there may be no end."""

from __future__ import annotations

import pytest

from clearspan.core.pieces import Pieces, Room


def test_pieces_are_joined_however_many_there_are() -> None:
    room, pieces = Room(100_000), Pieces()
    for number in range(5_000):
        pieces.add(f"{number} ", room)
    assert pieces.text() == "".join(f"{number} " for number in range(5_000))
    assert room.taken == pieces.kept == len(pieces.text())
    assert room.cut == 0


def test_a_text_is_cut_at_its_length_and_tells_how_much_is_missing() -> None:
    room, pieces = Room(10), Pieces()
    for _ in range(4):
        pieces.add("abcd", room)
    assert pieces.text() == "abcdabcdab…[6 more]"
    assert (pieces.kept, room.taken, room.cut) == (10, 10, 1)


def test_a_text_that_ends_at_its_length_is_whole() -> None:
    room, pieces = Room(4), Pieces()
    pieces.add("abcd", room)
    assert (pieces.text(), room.cut) == ("abcd", 0)
    pieces.add("e", room)
    assert pieces.text() == "abcd…[1 more]"


def test_what_finds_too_little_room_goes_as_a_whole() -> None:
    """A short beginning might end in half a secret, where nobody looks for the end of a text."""
    room = Room(10)
    for _ in range(4):
        Pieces().add("x" * 9, room)
    late = Pieces()
    late.add("abc", room)
    late.add("defgh", room)
    assert late.text() == "…[8 more]"
    assert room.left == 4


def test_things_of_other_kinds_take_room_too() -> None:
    room = Room(1_000)
    assert room.whole(["x" * 3_000])
    assert not room.whole(["x" * 3_000])
    assert room.cut == 1


def test_there_is_an_end_to_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearspan.core.pieces._PARTS", 2)
    room = Room(10)
    assert [room.begin() for _ in range(3)] == [True, True, False]
    assert room.cut == 1
