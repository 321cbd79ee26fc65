"""Patterns of others: found, refused, given up."""

from __future__ import annotations

import pytest

from clearspan.assess.patterns import Pattern


def test_search_and_full() -> None:
    made = Pattern(r"\d+")
    assert made.search("in 1999")
    assert not made.full("in 1999")
    assert made.full("1999")


def test_what_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        Pattern("(")


def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearspan.assess.patterns.SECONDS", 0.1)
    made = Pattern(r"(a|aa)+$")
    for tried in (made.search, made.full):
        with pytest.raises(TimeoutError):
            tried("a" * 80 + "b")
