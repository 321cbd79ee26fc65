"""Columns that other tools name otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from clearspan.offline import SourceError, evaluate
from clearspan.offline.columns import renamed
from tests.offline.conftest import Write, brief


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("contexts", "context"), ("expected", "reference"), ("ground_truth", "reference"), ("question", "input"),
        ("prompt", "input"), ("answer", "output"), ("Response", "output"), ("Ground Truth", "reference"),
    ],
)  # fmt: skip
def test_a_column_of_another_name_is_told_once_a_file(write: Write, name: str, meant: str) -> None:
    own = {"output": "x"} if meant == "input" else {"input": "x"}
    report = evaluate(write("rows.jsonl", [{**own, name: "y"}] * 3), brief)
    told = [said for said in report.warnings() if said.startswith("the column")]
    assert told == [
        f"the column {name!r} is taken as metadata, and no {meant} is there: did you mean {meant!r}?"
    ]


def test_what_is_there_is_not_missed() -> None:
    row = {
        "input": "a", "output": "b", "context": "c", "reference": "d", "question": "e", "answer": "f", "contexts": "g",
        "expected": "h", "conversation": "i", "group": "k",
    }  # fmt: skip
    assert evaluate([row], brief).warnings() == []
    spoken = {"messages": [{"role": "user", "content": "a"}], "prompt": "b", "conversation": "7"}
    assert evaluate([{**spoken, "output": "c"}], brief).warnings() == []
    assert len(evaluate([{"output": "c", "conversation": "7"}], brief).warnings()) == 1


def test_a_row_with_nothing_to_judge_names_its_columns(write: Write) -> None:
    path = write("rows.jsonl", [{"question": "a", "answer": "b", "n": 1}])
    with pytest.raises(SourceError, match="the columns question, answer, n: did you mean input for question, output for answer") as found:  # fmt: skip
        evaluate(path, brief)
    assert "rows.jsonl:1: " in str(found.value)
    row = evaluate([{"output": "x"}, {"question": "a"}], brief).rows[1]
    assert row["error"] == "invalid_row"
    assert "did you mean input for question?" in row["explanation"]


def test_of_many_columns_the_first_are_named() -> None:
    assert renamed(f"c{n}" for n in range(99)).endswith("c11")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "input,output\na,b\n"), ("rows.tsv", "input\toutput\na\tb\n"), ("rows.csv", "input\nwords {only}\n"),
        ("rows.txt", "input;output\na;b\n"), ("rows", '"input","output"\n"a","b"\n'),
    ],
)  # fmt: skip
def test_a_table_is_told_as_such(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SourceError, match=r"looks like a table \(CSV\): JSON lines are expected"):
        evaluate(path, brief)


def test_a_row_that_was_cut_off_makes_no_table(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('"a", "output": "b"\n{"output": "x"}\n')
    assert [row["error"] for row in evaluate(path, brief).rows] == ["invalid_row", None]
    path = tmp_path / "rows.jsonl"
    path.write_text("nothing at all\n")
    with pytest.raises(SourceError, match="is no JSON"):
        evaluate(path, brief)
