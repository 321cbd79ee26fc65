from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from clearspan import registry
from clearspan.assess.evaluator import Evaluator
from tests.cli.conftest import INTERRUPTIBLE, Command, chat, record


class Length(Evaluator):
    """How long an answer is, of ten characters."""

    direction = "minimize"
    threshold = 0.5

    def evaluate(self, call: Any) -> float:
        return len(call.output_text) / 10


class WrongOptions(Evaluator):
    timeout = 0


class WrongType(Evaluator):
    timeout = "soon"  # type: ignore[assignment]


class NoLibrary(Evaluator):
    """Wants what is not installed."""

    def setup(self) -> None:
        raise ImportError("pip install it")


@pytest.fixture
def rows(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(registry._added, (registry.EVALUATORS, "length"), Length)
    path = place / "rows.jsonl"
    path.write_text('{"id": "a", "output": "ab"}\n{"id": "b", "output": "abcdefgh"}\n')
    (place / "checks_of_mine.py").write_text(
        "def short(call):\n    return len(call.output_text) < 5\n\n\nNUMBER = 3\n"
    )
    (place / "damaged.db").write_bytes(b"SQLite format 3\x00" + b"x" * 5000)
    (place / "rows.csv").write_text("input,output\na,b\n")
    (place / "renamed.jsonl").write_text('{"question": "a", "answer": "b"}\n')
    monkeypatch.setitem(registry._added, (registry.EVALUATORS, "wrong_options"), WrongOptions)
    monkeypatch.setitem(registry._added, (registry.EVALUATORS, "wrong_type"), WrongType)
    (place / "broken_checks.py").write_text("raise RuntimeError('not today')\n")
    return path


def test_a_table_of_what_was_found(call: Command, rows: Path) -> None:
    result = call("evaluate", "rows.jsonl", "length", "checks_of_mine:short")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[:5] for line in lines[1:3]] == [["length", "2", "2", "0.500", "1"], ["short", "2", "2", "0.500", "1"]]  # fmt: skip
    assert "- b length 0.800" in lines
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("gates", "code"),
    [
        (["length=0.5"], 0), (["length=0.6"], 1), (["0.5"], 0), (["0.6"], 1), (["0.6", "length=0.5", "short=0.5"], 0),
    ],
)  # fmt: skip
def test_the_exit_code_is_that_of_the_gates(call: Command, rows: Path, gates: list[str], code: int) -> None:  # fmt: skip
    words = [word for gate in gates for word in ("--fail-under", gate)]
    result = call("evaluate", "rows.jsonl", "length", "checks_of_mine:short", *words)
    assert result.exit_code == code
    missed = "gate length: missed, 0.5 passed, 0.6 had to"
    assert (missed in result.stdout) is (code == 1)
    assert result.stderr == ""  # once is enough
    for more in (["--format", "json"], ["--report", "report"]):
        result = call("evaluate", "rows.jsonl", "length", "checks_of_mine:short", *words, *more)
        assert result.exit_code == code
        assert (missed in result.stderr) is (code == 1)


def test_thresholds_are_those_that_are_given(call: Command, rows: Path) -> None:
    result = call("evaluate", "rows.jsonl", "length", "--threshold", "length=0.9", "--fail-under", "1")  # fmt: skip
    assert result.exit_code == 0


def test_json_and_junit_go_where_they_are_wanted(call: Command, rows: Path, place: Path) -> None:
    told = json.loads(call("evaluate", "rows.jsonl", "length", "--format", "json").stdout)
    assert [row["id"] for row in told["rows"]] == ["a", "b"]
    root = ET.fromstring(call("evaluate", "rows.jsonl", "length", "--format", "junit").stdout)
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    for form in ("json", "junit", "table"):
        result = call("evaluate", "rows.jsonl", "length", "--format", form, "--report", "report")
        assert result.stdout == ""
        text = (place / "report").read_text()
        assert text.startswith({"json": "{", "junit": "<?xml", "table": "evaluator"}[form])
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


def test_going_on_and_beginning_anew(call: Command, rows: Path, place: Path) -> None:
    words = ["evaluate", "rows.jsonl", "length", "--out", "out.jsonl"]
    for _ in range(2):
        assert call(*words).exit_code == 0
    assert len((place / "out.jsonl").read_text().splitlines()) == 2
    assert call(*words, "--fresh", "--limit", "1").exit_code == 0
    assert len((place / "out.jsonl").read_text().splitlines()) == 1


def test_a_store(call: Command, rows: Path, place: Path) -> None:
    record("s.db", lambda: chat("m", "Q", "A"))
    for words in (["--store", "s.db", "length"], ["s.db", "length"], ["s.db", "length", "--since", "1d"]):  # fmt: skip
        told = json.loads(call("evaluate", *words, "--format", "json").stdout)
        assert [row["value"] for row in told["rows"]] == [0.1]
    result = call("evaluate", "--store", "s.db", "length", "--session", "none")
    assert (result.exit_code, "no trace there passes the filters" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.jsonl", "length"], "there is no file 'none.jsonl'"),
        (["rows.jsonl", "lenght"], "did you mean 'length'"),
        (["rows.jsonl"], "name at least one evaluator after the source"),
        (["rows.jsonl", "checks_of_mine:long"], "module 'checks_of_mine' has no 'long'"),
        (["rows.jsonl", "checks_of_mine:NUMBER"], "3 is no evaluator"),
        (["rows.jsonl", "no_such_module:x"], "No module named 'no_such_module'"),
        (["rows.jsonl", "broken_checks:x"], "RuntimeError: not today"),
        (["rows.jsonl", "length", "--fail-under", "lenght=1"], "there is no evaluator lenght here, only length"),
        (["rows.jsonl", "length", "--fail-under", "length=2"], "must be 0 to 1"),
        (["rows.jsonl", "length", "--fail-under", "length=x"], "'x' is no number"),
        (["rows.jsonl", "length", "--threshold", "0.5"], "'0.5' does not say whose: use NAME=0.5"),
        (["rows.jsonl", "length", "--threshold", "lenght=0.5"], "there is no evaluator 'lenght' here, only length"),
        (["rows.jsonl", "length", "--threshold", "length=2"], "evaluator 'length': threshold must be 0 to 1, not 2.0"),
        (["rows.jsonl", "length", "--fail-under", "0,9"], "use a share such as 0.9 for all, or NAME=0.9"),
        (["rows.jsonl", "wrong_options"], "'wrong_options' cannot be had by its name alone (evaluator 'wrong_options': timeout must be more than 0 seconds"),
        (["rows.jsonl", "wrong_type"], "'wrong_type' cannot be had by its name alone ('>' not supported"),
        (["rows.jsonl", "xyzzy"], "no evaluator named 'xyzzy' (`clearspan evaluate --list` shows all)"),
        (["length", "rows.jsonl"], "'rows.jsonl' is a file and no evaluator: the SOURCE stands first"),
        (["--store", "s.db", "rows.jsonl", "length"], "'rows.jsonl' is a file and no evaluator: give either SOURCE or --store"),
        (["--store", "s.db"], "name at least one evaluator;"),
        ([], "`clearspan evaluate --list` shows them"),
        (["rows.jsonl", "length", "--since", "noon"], "'noon' is no time"),
        (["rows.jsonl", "length", "--since", "1d"], "rows have no time"),
        (["rows.jsonl", "length", "--out", "rows.jsonl"], "is the source itself"),
        (["rows.jsonl", "length", "--report", "rows.jsonl/report"], "--report: 'rows.jsonl/report' cannot be written"),
        (["rows.jsonl", "length", "--report", "."], "File '.' is a directory"),
        (["rows.jsonl", "length", "--out", "rows.jsonl/out"], "--out: 'rows.jsonl/out' cannot be written"),
        (["rows.jsonl", "length", "--report", "rows.jsonl"], "--report: 'rows.jsonl' is the source itself"),
        (["rows.jsonl", "length", "--out", "o", "--report", "./o"], "--report: './o' is the file of --out"),
        (["rows.csv", "length"], "JSON lines are expected"),
        (["renamed.jsonl", "length"], "it has the columns question, answer: did you mean input for question, output for answer?"),
        (["--store", "none.db", "length"], "does not exist"),
        (["damaged.db", "length"], "damaged"),
    ],
)  # fmt: skip
def test_wrong_usage(call: Command, rows: Path, words: list[str], said: str) -> None:
    result = call("evaluate", *words, env={"COLUMNS": "200"})
    assert said in result.stderr
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize("text", ["2026-01-31", "2026-01-31T09:00:00Z", "", "1d"])
def test_times_are_understood(call: Command, rows: Path, text: str) -> None:
    record("s.db", lambda: chat("m", "Q", "A"))
    assert call("evaluate", "s.db", "length", "--since", text, "--no-progress").exit_code == 0


def test_ctrl_c_leaves_a_file_to_go_on_from(
    place: Path, follow: Callable[..., Popen[str]], call: Command
) -> None:
    (place / "waiting.py").write_text(
        "import pathlib, time\n\n\n"
        "def judge(call):\n"
        "    while call.output_text == 'b' and not pathlib.Path('go').exists():\n"
        "        time.sleep(0.01)\n"
        "    return True\n"
    )
    (place / "rows.jsonl").write_text('{"output": "a"}\n{"output": "b"}\n')
    words = ("evaluate", "rows.jsonl", "waiting:judge", "--out", "out.jsonl", "--timeout", "100")
    process = follow(*words, before=INTERRUPTIBLE)
    out = place / "out.jsonl"
    deadline = time.monotonic() + 60
    while not (out.exists() and out.read_text()):
        assert time.monotonic() < deadline, process.poll()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; call it again to go on from out.jsonl" in said
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == [1]
    (place / "go").touch()
    assert call(*words).exit_code == 0
    assert len(out.read_text().splitlines()) == 2


def test_nothing_judged_is_no_success(
    call: Command, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._added, (registry.EVALUATORS, "no_library"), NoLibrary)
    result = call("evaluate", "rows.jsonl", "length", "no_library")
    assert result.exit_code == 1
    assert result.stderr == "clearspan: no_library judged nothing: errors: ImportError (2); the first: pip install it\n"  # fmt: skip


def test_what_only_skipped_is_a_warning(
    call: Command, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARSPAN_JUDGE", raising=False)
    result = call("evaluate", "rows.jsonl", "exact_match", "judge_coherence")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "clearspan: exact_match judged nothing: skipped: missing:reference (2)",
        "clearspan: judge_coherence judged nothing: skipped: no_judge (2); name a judge by CLEARSPAN_JUDGE",
    ]
    assert call("evaluate", "rows.jsonl", "exact_match", "--fail-under", "0").exit_code == 1


def test_folders_are_made_before_anything_is_judged(call: Command, rows: Path, place: Path) -> None:
    words = ["evaluate", "rows.jsonl", "length", "--out", "a/b/out.jsonl", "--report", "c/d/report"]
    assert call(*words).exit_code == 0
    assert (place / "a/b/out.jsonl").exists()
    assert (place / "c/d/report").read_text().startswith("evaluator")
    # a report from before is left alone where nothing comes of the evaluation
    assert call("evaluate", "none.jsonl", "length", "--report", "c/d/report").exit_code == 2
    assert (place / "c/d/report").read_text().startswith("evaluator")
    assert call("evaluate", "none.jsonl", "length", "--report", "new").exit_code == 2
    assert not (place / "new").exists()


def test_a_device_is_written_to_and_not_tried(call: Command, rows: Path) -> None:
    assert call("evaluate", "rows.jsonl", "length", "--report", "/dev/null").exit_code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_in_a_line(call: Command, rows: Path) -> None:
    result = call("evaluate", "rows.jsonl", "length", "--report", "/dev/full")
    assert (result.exit_code, "No space left" in result.stderr) == (2, True)


def test_a_list_of_the_evaluators(
    call: Command, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(call: Any) -> bool:
        return True

    monkeypatch.setitem(registry._added, (registry.EVALUATORS, "short"), short)
    monkeypatch.setitem(registry._added, (registry.EVALUATORS, "broken"), 3)
    told = json.loads(call("evaluate", "--list", "--format", "json").stdout)["evaluators"]
    found = {each["name"]: each for each in told}
    assert list(found) == registry.names(registry.EVALUATORS)
    assert found["length"] == {
        "name": "length", "kind": "code", "requires": "output", "tells": "How long an answer is, of ten characters.",
    }  # fmt: skip
    assert (found["judge_relevance"]["kind"], found["judge_relevance"]["requires"]) == ("llm", "input, output")  # fmt: skip
    assert found["toxicity"]["requires"] == "output or input"
    assert found["short"]["kind"] == "code"
    assert found["broken"]["kind"] is None
    assert found["broken"]["tells"].startswith("cannot be loaded: ValueError")
    assert all(each["tells"] for name, each in found.items() if name.startswith("judge_"))
    text = call("evaluate", "--list").stdout
    assert "How long an answer is, of ten characters." in text
