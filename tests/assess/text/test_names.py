from __future__ import annotations

import pytest

from clearspan.assess.text.names import akin, initials, names, relatives


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("They met Ada Lovelace in London.", ["Ada", "Lovelace", "London"]),
        ("Paris is large.", ["Paris"]),
        ("Interestingly, it rained. Considering that, we left.", []),
        ("However, Berlin won.", ["Berlin"]),
        ("Photographers met. They saw photographers.", []),
        ("Walking Kermit home", ["Walking", "Kermit"]),
        ("J.B. Ewing left.", ["J.B.", "Ewing"]),
        ("Mr Smith came on Monday", ["Smith"]),
        ("The Good Time", []),
        ("EVERYTHING HERE STANDS IN CAPITALS TODAY", []),
        ("NASA", ["NASA"]),
        ("no names here", []),
    ],
)
def test_names_are_told_by_their_capitals(text: str, found: list[str]) -> None:
    assert [name.text for name in names(text)] == found


def test_a_name_knows_its_place() -> None:
    text = "so O'Brien said"
    (name,) = names(text)
    assert text[name.start : name.end] == "O'Brien"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("peru", "peru", True),
        ("brazil", "brazilian", True),
        ("china", "chinese", True),
        ("poland", "polish", True),
        ("miller", "millers", True),
        ("marina", "marble", False),
        ("lima", "lisbon", False),
    ],
)
def test_forms_of_a_name(one: str, other: str, same: bool) -> None:
    assert akin(one, other) is same


def test_peoples_whose_names_are_unlike_their_countrys() -> None:
    assert "dutch" in relatives("netherlands")
    assert relatives("paris") == frozenset()


def test_initials() -> None:
    assert initials(["motor", "", "vehicles"]) == "mv"
