"""What guards did, in a store: told apart from what evaluators and people say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from clearspan.exporters.store import GuardSummary, ScoreSummary, StoreReader
from tests.exporters.test_store_scores import BEFORE, Shop, trace_id


def test_guards_are_summed_apart(tmp_path: Path) -> None:
    shop: Any = Shop(tmp_path / "x.db")
    about, other = shop.call("r-1", **{"session.id": "s-1"}), shop.call("r-2")
    shop.score("pii", about, at=1, value=0.0, passed=True)
    for at, action in enumerate(("block", "redact", "redact", "warn"), 2):
        shop.score("pii", about, at=at, value=1.0, passed=False, action=action)
    shop.score("pii", about, at=6, error="timeout", action="allow")
    shop.score("pii", at=7, passed=False, response="r-1", action="warn")
    shop.score("secrets", other, at=8, error="timeout", action="block")
    reader = shop.reader
    assert reader.score_summary() == [ScoreSummary("pii", 1, 0.0, 1.0, 0, 0)]
    assert reader.guard_summary() == [
        GuardSummary("pii", 1, 2, 2, 1),
        GuardSummary("secrets", 1, 0, 0, 1),
    ]
    assert reader.guard_summary(trace_id(about)) == [GuardSummary("pii", 1, 2, 2, 1)]
    assert [each.name for each in reader.guard_summary(session="s-1")] == ["pii"]
    assert [each.name for each in reader.guard_summary(name="secrets")] == ["secrets"]
    assert [each.warned for each in reader.guard_summary(name="pii", since=7)] == [1]
    wanted = [trace_id(about), trace_id(other)]
    assert reader.passed(wanted) == {wanted[0]: (1, 1)}


def test_a_store_of_an_older_version_knows_of_none(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.executescript(BEFORE.read_text(encoding="utf-8"))
    assert StoreReader(tmp_path / "old.db").guard_summary() == []
