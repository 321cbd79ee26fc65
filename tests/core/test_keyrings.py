"""Finding any of many keys in a text."""

from __future__ import annotations

import random
from typing import Any

import pytest

from clearspan.core.keyrings import Index

SIGNS = "ab1-_ ]\\^é\n"


def test_none_are_found_nowhere() -> None:
    assert Index(()).found("any text of some length") == set()
    assert "a" not in Index(())


def test_where_there_are_no_keys_no_text_is_looked_through() -> None:
    class Unread:
        """What any search would fail at."""

    text: Any = Unread()
    assert Index(()).found(text) == set()
    with pytest.raises(TypeError):
        Index(("a" * 12,)).found(text)


@pytest.mark.parametrize("seed", range(20))
def test_F70_what_is_found_is_what_stands_there(seed: int) -> None:
    """Keys of the same beginnings, of signs that mean something to patterns, and over each other."""
    chance = random.Random(seed)

    def made(length: int) -> str:
        return "".join(chance.choices(SIGNS[: chance.choice((3, 6, 11))], k=length))

    keys = {made(chance.randint(12, 16)) for _ in range(chance.choice((1, 30, 300)))}
    keys |= {f"{key}{made(2)}" for key in list(keys)[:20]}
    index = Index(keys)
    assert all(key in index for key in keys)
    for _ in range(30):
        some = chance.choices(sorted(keys), k=chance.randint(0, 3))
        text = chance.choice(("", ", ")).join([*some, made(chance.choice((5, 50, 2_000)))])
        assert index.found(text) == {key for key in keys if key in text}
