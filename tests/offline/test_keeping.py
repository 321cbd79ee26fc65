from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clearspan.assess.evaluator import Evaluator, Subject, seated
from clearspan.conversation import Conversation
from clearspan.offline.errors import SourceError
from clearspan.offline.keeping import Keeping, key_of
from clearspan.record import CallContext, Confidence, Invocation, Timing, TraceRef
from clearspan.score import Score, Target
from tests.offline.conftest import brief

CALL = Invocation("chat", Timing(0, 0), documents=("D",))
BRIEF = seated(brief)
TARGET = Target()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "out.jsonl"


def keep(path: Path, *scores: Score, resume: bool = True) -> None:
    keeping = Keeping(path, resume=resume)
    for number, score in enumerate(scores):
        keeping.write(str(number), f"k{number}", score)
    keeping.close()


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def known(path: Path, id_: str, key: str) -> Score | None:
    keeping = Keeping(path, resume=True)
    keeping.close()
    return keeping.known(id_, key, BRIEF, TARGET)


def test_a_result_is_there_as_soon_as_it_is_written(path: Path) -> None:
    keeping = Keeping(path, resume=True)
    target = Target(trace=TraceRef("t", "s"))
    keeping.write("a", "k", Score(name="n", value=0.5, metadata={"m": (1,)}, version="2", target=target))  # fmt: skip
    (row,) = read(path)
    assert row == {
        "id": "a", "name": "n", "value": 0.5, "label": None, "passed": None, "error": None, "skipped": None,
        "explanation": None, "metadata": {"m": [1]}, "version": "2", "trace_id": "t", "span_id": "s", "key": "k",
    }  # fmt: skip
    keeping.close()


def test_judgements_are_known_again_errors_and_skips_are_not(path: Path) -> None:
    keep(path, Score(name="brief", value=1.0, passed=True, explanation="e", metadata={"m": 1}), Score(error="x"), Score(skipped="y"))  # fmt: skip
    found = known(path, "0", "k0")
    assert found is not None
    assert (found.value, found.passed, found.explanation, found.metadata) == (1.0, True, "e", {"m": 1})  # fmt: skip
    assert (found.name, found.version, found.target) == ("brief", "1", TARGET)
    assert known(path, "another row of the same content", "k0") is not None
    assert known(path, "1", "k1") is None
    assert known(path, "2", "k2") is None
    assert known(path, "0", "other") is None


def test_what_is_there_is_not_written_twice_but_what_has_changed_is(path: Path) -> None:
    keep(path, Score(error="x"), Score(value=1.0))
    keep(path, Score(error="x"), Score(value=1.0))
    assert len(read(path)) == 2
    keep(path, Score(value=0.5))
    assert [row["value"] for row in read(path)] == [None, 1.0, 0.5]
    assert getattr(known(path, "0", "k0"), "value", None) == 0.5


def test_half_a_line_at_the_end_is_taken_away(path: Path) -> None:
    keep(path, Score(value=1.0), Score(value=2.0))
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert known(path, "0", "k0") is not None
    assert known(path, "1", "k1") is None
    keep(path, Score(value=1.0), Score(value=2.0))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("left", [3, 20, -1])
def test_a_file_that_is_half_a_line_only(path: Path, left: int) -> None:
    keep(path, Score(value=1.0))
    path.write_bytes(path.read_bytes()[:left])
    keep(path, Score(value=1.0))
    assert len(read(path)) == 1


def test_blank_lines_do_no_harm(path: Path) -> None:
    keep(path, Score(value=1.0))
    path.write_bytes(path.read_bytes() + b"\n")
    assert known(path, "0", "k0") is not None


def test_beginning_anew_empties_the_file(path: Path) -> None:
    keep(path, Score(value=1.0))
    keep(path, resume=False)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("text", ['{"input": "?"}\n', "[1]\n", "text\n", "half", '{"id":"no result"}'])  # fmt: skip
@pytest.mark.parametrize("resume", [True, False])
def test_other_peoples_files_are_left_alone(path: Path, text: str, resume: bool) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(SourceError, match="holds no results of an evaluation"):
        Keeping(path, resume=resume)
    assert path.read_text() == text


def test_without_a_file_nothing_is_kept() -> None:
    keeping = Keeping(None, resume=True)
    keeping.write("a", "k", Score(value=1.0))
    assert keeping.known("a", "k", BRIEF, TARGET) is None
    assert keeping.content_of(CALL) == ""
    keeping.close()


class Risk(Evaluator):
    """Stands for one that has been changed."""

    def evaluate(self, call: Any) -> float:
        return 0.0


def test_a_key_is_that_of_the_evaluator_and_the_content(path: Path) -> None:
    keeping = Keeping(path, resume=True)
    content = keeping.content_of
    assert content(CALL) == content(Invocation("chat", Timing(7, 9), documents=("D",)))
    others: list[Subject] = [
        Invocation("chat", Timing(0, 0), documents=("E",)),
        Invocation("chat", Timing(0, 0), documents=("D",), context=CallContext(metadata={"a": "b"})),
        Invocation("chat", Timing(0, 0), documents=("D",), confidence=Confidence(3, -0.5)),
        Conversation("t", "trace", (CALL,)),
    ]  # fmt: skip
    assert len({content(CALL), *(content(other) for other in others)}) == 5
    newer = Risk()
    newer.version = "2"
    keys = {key_of(made, "c") for made in (Risk(), Risk(threshold=0.5), Risk(name="other"), newer)}
    assert len(keys) == 4
    keeping.close()
