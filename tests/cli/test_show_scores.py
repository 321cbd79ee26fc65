"""Scores in the list of traces, below the spans of one, in JSON, and as they arrive."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace as api

import clearspan
from clearspan import semconv as sc
from clearspan.cli.scores import placed
from clearspan.exporters.store import Store, StoredSpan, StoreLogExporter, StoreReader
from tests.cli.conftest import PATIENCE, Command, record, traces
from tests.exporters.kit import logger

Follow = Callable[..., "subprocess.Popen[str]"]
LATE = 2**62


def judge(path: Path, name: str, span: StoredSpan | None = None, **given: Any) -> None:
    """Store an evaluation event, about `span` or about what is given."""
    about = api.INVALID_SPAN
    if span is not None:
        ids = int(span.trace_id, 16), int(span.span_id, 16)
        about = api.NonRecordingSpan(api.SpanContext(*ids, is_remote=False))
    store = Store(path)
    attributes = {sc.EVALUATION_NAME: name, **{LONG.get(key, key): each for key, each in given.items()}}  # fmt: skip
    logger(StoreLogExporter(store)).emit(
        event_name=sc.EVENT_EVALUATION,
        context=api.set_span_in_context(about),
        attributes=attributes,
        timestamp=LATE,
    )
    store.close()


LONG = {
    "value": sc.EVALUATION_VALUE,
    "label": sc.EVALUATION_LABEL,
    "passed": sc.EVALUATION_PASSED,
    "kind": sc.EVALUATION_KIND,
    "why": sc.EVALUATION_EXPLANATION,
    "skipped": sc.EVALUATION_SKIPPED,
    "response": sc.RESPONSE_ID,
    "session": sc.SESSION_ID,
    "key": sc.EVALUATION_KEY,
}


def asked() -> None:
    """An agent that repeats the id of the answer it got, and what came of it."""
    with (
        clearspan.context(session="s-1"),
        clearspan.span("helper", kind="workflow") as step,
    ):
        step.set(**{sc.RESPONSE_ID: "r-1"})
        with clearspan.invocation("chat", model="m", provider="acme") as draft:
            draft.text("Yes.")
            draft.response_id = "r-1"


@pytest.fixture
def scored(place: Path) -> Path:
    """The usual store with one trace, and scores of its call, of its response and of the trace."""
    path = place / ".clearspan" / "clearspan.db"
    record(path, asked)
    reader = StoreReader(path)
    spans = {span.name: span for span in reader.trace(reader.traces()[0].trace_id)}
    call = spans["chat m"]
    judge(path, "relevance", call, value=0.82, passed=True, kind="code")
    judge(path, "faithfulness", call, value=0.31, passed=False, kind="llm", why="The moon\nis not cheese.")  # fmt: skip
    judge(path, "user_rating", response="r-1", value=1.0, label="positive", passed=True, kind="human")  # fmt: skip
    judge(path, "plan", spans["invoke_workflow helper"], label="good")
    judge(path, "elsewhere", response="r-9", value=0.5)
    return path


def test_a_trace_has_its_scores_below_its_spans(call: Command, scored: Path) -> None:
    heading, *lines = call("show", "last").stdout.splitlines()
    assert "2 of 3 scores passed" in heading
    assert lines[1] == "  plan good"
    assert lines[3].strip() == (
        "✓ relevance 0.82 · ✗ faithfulness 0.31 (judge) · ✓ user_rating 1 positive (human)"
    )
    assert len(lines) == 4


def test_why_is_told_with_the_content(call: Command, scored: Path) -> None:
    assert "cheese" not in call("show", "last").stdout
    below = call("show", "last", "--content").stdout.splitlines()[-3:]
    assert below == ["scores", "  faithfulness  The moon", "                is not cheese."]


def test_the_list_has_the_share_that_passed(call: Command, scored: Path) -> None:
    record(scored, lambda: clearspan.span("plain").__enter__().__exit__(None, None, None))
    heading, plain, first = call("show").stdout.splitlines()
    assert heading.split()[-1] == "passed"
    assert re.search(r" 2/3$", first)
    assert not re.search(r"\d/\d", plain)


def test_json_has_the_scores(call: Command, scored: Path) -> None:
    assert traces(call)[0]["scores"] == {"passed": 2, "of": 3}
    document = json.loads(call("show", "last", "--json").stdout)
    scores = document["scores"]
    assert [score["name"] for score in scores] == ["relevance", "faithfulness", "user_rating", "plan"]  # fmt: skip
    assert (scores[0]["value"], scores[0]["passed"], scores[0]["kind"]) == (0.82, True, "code")
    assert scores[1]["explanation"] == "The moon\nis not cheese."
    assert (scores[2]["response_id"], scores[2]["span_id"]) == ("r-1", None)
    assert "id" not in scores[0]


def test_where_nothing_was_judged_nothing_is_said(call: Command, store: Path) -> None:
    assert "scores" not in call("show", "last").stdout
    assert "scores" not in call("show", "last", "--content").stdout
    assert traces(call)[0]["scores"] is None
    assert json.loads(call("show", "last", "--json").stdout)["scores"] == []


@pytest.mark.parametrize("width", [200, 80, 60, 40, 24])
def test_no_line_is_wider_than_the_terminal(
    call: Command, scored: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for words in (["show"], ["show", "last"], ["show", "last", "--content"]):
        shown = call(*words).stdout
        assert max(map(len, shown.splitlines())) <= width, words
    assert "0.82" in call("show", "last").stdout.split()


def test_a_score_of_a_span_that_is_not_stored_stands_at_the_root(scored: Path) -> None:
    reader = StoreReader(scored)
    spans = reader.trace(reader.traces()[0].trace_id)
    scores = reader.scores()
    # Without the call, its scores are at what is left; the response is the agent's then.
    assert {name: len(each) for name, each in placed(spans[:1], scores).items()} == {
        spans[0].span_id: 5
    }
    circle = [spans[1]]
    object.__setattr__(circle[0], "parent_id", circle[0].span_id)
    assert set(placed(circle, scores)) == {circle[0].span_id}
    assert placed([], scores) == {"": scores}


def rest(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def ended(process: subprocess.Popen[str], path: Path) -> str:
    """What else it says until a span is stored, after which it ends by itself."""
    record(path, asked)
    out, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
    return out


def test_scores_are_told_as_they_arrive(follow: Follow, scored: Path) -> None:
    process = follow("tail", "--limit", "1")
    assert process.stderr is not None
    process.stderr.readline()
    reader = StoreReader(scored)
    *_, call = reader.trace(reader.traces()[0].trace_id)
    judge(scored, "toxicity", call, value=0.9, passed=False, session="s-1")
    judge(scored, "user_rating", response="r-1", label="good", kind="human", key="ticket\x1b7")
    judge(scored, "recall", call, skipped="missing:context")
    first, second, third = rest(process, 3)
    of = call.trace_id[:8], call.span_id[:8]
    stamp = r"\d\d:\d\d:\d\d\.\d{3}"
    assert re.fullmatch(
        rf"{stamp}  {of[0]} {{11}}score  ✗ toxicity 0\.90  span {of[1]}  session s-1", first
    )
    assert re.fullmatch(
        rf"{stamp} {{21}}score  user_rating good \(human\)  response r-1  key ticket 7", second
    )
    assert third.endswith(f"score  skipped recall  because missing:context  span {of[1]}")
    ended(process, scored)


def test_a_score_as_json_is_told_from_a_span(follow: Follow, scored: Path) -> None:
    process = follow("tail", "--json", "--limit", "1")
    assert process.stderr is not None
    process.stderr.readline()
    judge(scored, "toxicity", value=0.9, response="r-1")
    (line,) = rest(process, 1)
    score = json.loads(line)["score"]
    assert (score["name"], score["value"], score["response_id"]) == ("toxicity", 0.9, "r-1")
    assert process.poll() is None  # only spans count
    assert json.loads(ended(process, scored))["span_id"]


def test_scores_of_a_store_that_takes_the_place_of_another_are_told(
    follow: Follow, scored: Path
) -> None:
    process = follow("tail", "--limit", "1")
    assert process.stderr is not None
    process.stderr.readline()
    for file in sorted(scored.parent.glob("clearspan.db*")):  # the database before its side files
        file.unlink()
    judge(scored, "anew", value=1.0, key="k")
    assert rest(process, 1)[0].endswith("score  anew 1  key k")
    ended(process, scored)
