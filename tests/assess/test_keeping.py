from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from clearspan.assess.bench import Bench
from clearspan.assess.evaluator import Evaluator
from clearspan.assess.keeping import Keeping
from tests.assess.calls import call

WAIT = 10.0


class Counting(Evaluator):
    """How many calls it has seen, in all its life."""

    range = None
    seen = 0

    def evaluate(self, call: Any) -> int:
        self.seen += 1
        return self.seen

    def state(self) -> Mapping[str, Any]:
        return {"seen": self.seen}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.seen = state["seen"]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def lived(folder: Path, made: Evaluator, calls: int) -> list[float | None]:
    """A life of an evaluator on a bench."""
    values: list[float | None] = []
    bench = Bench(
        [made],
        lambda score, by: values.append(score.value),
        max_bytes=1_000_000,
        keeping=Keeping(folder),
    )
    for _ in range(calls):
        bench.take(call())
    assert bench.close(WAIT)
    return values


def test_it_goes_on_from_what_it_had_learned(tmp_path: Path) -> None:
    assert lived(tmp_path / "state", Counting(), 2) == [1, 2]
    assert lived(tmp_path / "state", Counting(), 1) == [3]


def test_another_version_begins_anew(tmp_path: Path) -> None:
    lived(tmp_path, Counting(), 2)
    newer = Counting()
    newer.version = "2"
    assert lived(tmp_path, newer, 1) == [1]


def test_one_that_has_nothing_to_keep_leaves_no_file(tmp_path: Path) -> None:
    class Plain(Evaluator):
        def evaluate(self, call: Any) -> bool:
            return True

    lived(tmp_path, Plain(), 1)
    assert list(tmp_path.iterdir()) == []


def test_states_are_kept_from_time_to_time(tmp_path: Path) -> None:
    clock, made = Clock(), Counting(name="by/name")
    keeping = Keeping(tmp_path, clock)
    path = tmp_path / "by_name.json"
    keeping.save(made)
    assert not path.exists()
    made.seen, clock.now = 4, 31.0
    keeping.save(made)
    assert json.loads(path.read_text())["state"] == {"seen": 4}
    made.seen = 5
    keeping.save(made)
    assert json.loads(path.read_text())["state"] == {"seen": 4}
    keeping.save(made, now=True)
    assert json.loads(path.read_text())["state"] == {"seen": 5}
    assert [each.name for each in tmp_path.iterdir()] == ["by_name.json"]


def test_a_broken_file_costs_the_state_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    (tmp_path / "counting.json").write_text("{half")
    assert lived(tmp_path, Counting(), 1) == [1]


def test_a_folder_that_cannot_be_written_costs_the_state_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    (tmp_path / "file").write_text("no folder")
    assert lived(tmp_path / "file", Counting(), 1) == [1]
