"""Answers that are remembered where what was asked is short."""

from __future__ import annotations

import pytest

from clearspan.core.remembering import short


@pytest.mark.parametrize(
    ("given", "asked"), [("a" * 8_192, 1), ("a" * 8_193, 3), (None, 1), ("", 1)]
)
def test_F61_only_what_is_short_is_kept(given: str | None, asked: int) -> None:
    calls: list[str | None] = []

    @short(2)
    def size(text: str | None, more: int) -> int:
        calls.append(text)
        return len(text or "") + more

    assert [size(given, 1) for _ in range(3)] == [len(given or "") + 1] * 3
    assert len(calls) == asked


def test_what_is_asked_may_be_measured_in_a_way_of_its_own() -> None:
    calls: list[tuple[str, ...]] = []

    @short(2, of=lambda texts: sum(map(len, texts)))
    def first(texts: tuple[str, ...]) -> str:
        calls.append(texts)
        return texts[0]

    for texts in (("a",), ("a",), ("a", "b" * 9_000), ("a", "b" * 9_000)):
        assert first(texts) == "a"
    assert len(calls) == 3
