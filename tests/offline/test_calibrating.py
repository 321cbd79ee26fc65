from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan.assess.evaluator import Evaluator
from clearspan.assess.judge.rubric import Rubric
from clearspan.offline.calibrating import calibrate
from clearspan.offline.errors import SourceError
from clearspan.score import Score
from tests.assess.judge.kit import answering, call, verdict


class Said(Evaluator):
    """Its value is what the answer says; it keeps what it saw."""

    threshold = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def evaluate(self, call: Any) -> Score:
        self.seen.append(call)
        return Score(value=float(call.output_text))


def test_it_is_what_the_package_offers() -> None:
    assert clearspan.calibrate is calibrate


def test_samples_come_from_a_file_with_everything_that_a_row_may_have(tmp_path: Path) -> None:
    seen: list[Any] = []

    def answer(messages: Any, schema: Any) -> str:
        seen.append(messages[1]["content"])
        return verdict("good")

    judge, _ = answering(answer)
    made = Rubric(
        name="x", criterion="c", labels={"good": 1.0, "bad": 0.0}, judge=judge,
        shows=["conversation", "answer", "documents", "reference"],
    )  # fmt: skip
    path = tmp_path / "labelled.jsonl"
    lines = [
        {"input": "Q1", "output": "A1", "context": ["D1", "D2"], "reference": "R1", "label": "pass"},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Q2"}]}], "output": "A2", "context": "D3", "passed": 0},
        {"input": "Q3", "passed": "Yes"},
    ]  # fmt: skip
    path.write_text("\n\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    found = calibrate(made, path)
    assert found.confusion == {(True, True): 1, (True, False): 1}
    assert found.skipped == {"missing:output": 1}
    assert found.version is not None
    assert found.version.endswith(":stand-in")
    assert all(text in seen[0] for text in ("user: Q1", "A1", "[1] D1", "R1"))
    assert all(text in seen[1] for text in ("Q2", "A2", "D3"))
    assert calibrate(made, str(path)).judged == 2


ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "0.9"}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "Q"}]}], "output": "0.9"},
    {"input": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}], "output": {"role": "assistant", "content": "0.9"}},
    {"input": "Q", "output": "0.9", "context": [{"page_content": "D"}], "reference": ["R"], "session": 7},
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_a_sample_is_read_as_a_row_is_evaluated(row: dict[str, Any]) -> None:
    made, evaluated = Said(), Said()
    assert calibrate(made, [{**row, "passed": True}]).confusion == {(True, True): 1}
    clearspan.evaluate([row], [evaluated])
    assert made.seen == evaluated.seen
    assert (made.seen[0].question, made.seen[0].output_text) == ("Q", "0.9")


def test_what_people_said_is_not_shown_to_the_evaluator() -> None:
    made = Said()
    calibrate(made, [{"input": "Q", "output": "1", "label": "pass", "passed": True, "group": "g"}])
    assert made.seen[0].context.metadata == {"group": "g"}


SAMPLE = '{"input": "Q", "output": "1", "passed": true}'


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{SAMPLE}\n",
        f"\ufeff[{SAMPLE}]",
        f"[\n{SAMPLE}\n]\n",
        json.dumps(json.loads(SAMPLE), indent=1),
    ],
    ids=["lines", "list", "list over lines", "object over lines"],
)
def test_a_file_may_begin_with_a_mark_and_be_a_list(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labelled.json"
    path.write_text(text, encoding="utf-8")
    assert calibrate(Said(), path).confusion == {(True, True): 1}


def test_samples_may_be_calls() -> None:
    found = calibrate(Said(), [(call(answer="0.9"), True), (call(answer="0.1"), False)])
    assert found.kappa == 1.0


@pytest.mark.parametrize("column", ["passed", "label"])
@pytest.mark.parametrize("truth", [None, "correct", 2])
def test_a_sample_that_people_have_not_judged_is_told(column: str, truth: Any) -> None:
    samples = [{"input": "Q", "output": "1", column: given} for given in (1, truth)]
    with pytest.raises(SourceError, match=f"row 2: {column} must be true or false, not {truth!r}"):
        calibrate(Said(), samples)
    with pytest.raises(SourceError, match="row 1: passed must be true or false, not None"):
        calibrate(Said(), [{"input": "Q"}])


def test_what_is_no_sample_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text(f"{SAMPLE}\n5\n")
    with pytest.raises(SourceError, match=r"labelled.jsonl:2: a sample must be an object"):
        calibrate(Said(), str(path))
    with pytest.raises(SourceError, match="row 1: a row needs an input, an output or messages"):
        calibrate(Said(), [{"passed": True}])
    with pytest.raises(FileNotFoundError):
        calibrate(Said(), tmp_path / "none.jsonl")
