"""Each promise names tests that are there, and of which each is shown to fail without what it rests on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mutate.guards import guards

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "promises.md"
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+\w(?:::\w+)?)`", PAGE.read_text(encoding="utf-8"))))
UNPROVEN = {"tests/coexist": "needs an environment for each of the other instrumentations", "tests/mutate": "does the proving"}  # fmt: skip
FALLING = {guard.test.partition("[")[0] for guard in guards()}


@pytest.mark.parametrize("named", NAMED)
def test_what_keeps_a_promise_is_there(named: str) -> None:
    path, _, test = named.partition("::")
    assert (ROOT / path).exists()
    if test:
        assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("named", sorted(set(NAMED) - UNPROVEN.keys()))
def test_what_keeps_a_promise_falls_without_its_guard(named: str) -> None:
    """Of a folder or a file one of its tests; which lines each guard is, `tests/mutate` lists."""
    assert any(test == named or test.startswith((f"{named}::", f"{named}/")) for test in FALLING)


def test_what_is_not_proven_is_named_for_a_reason() -> None:
    assert UNPROVEN.keys() <= set(NAMED)
