"""The content generator as it stands, a process of its own, against a stand-in for Ollama."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from clearspan.exporters.store import StoredSpan, StoreReader
from clearspan.testing import ModelServer
from clearspan.testing.server import Error, Reply, Request

EXAMPLE = Path(__file__).parents[2] / "examples" / "content_generator.py"
PATIENCE = 120
TIDES = "The tides come and go because the moon pulls at the sea."
ARCHES = "An arch carries a bridge by pushing its load aside into the ground."
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the program to its end, in a folder of its own."""

    def ran(
        *words: str, stdin: int | IO[str] = subprocess.DEVNULL
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(EXAMPLE), *words],
            cwd=tmp_path,
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    return ran


def judging(*, verdict: str = "fully", inline: bool = False) -> Callable[[Request], Reply]:
    """Ollama with a model that writes of tides and arches, and gives verdicts when asked for them."""

    def answer(request: Request) -> Reply:
        body: Any = request.json
        if "format" in body:
            said = {"reasoning": "It is to the point.", "evidence": [], "label": verdict}
            return Reply(json.dumps(said))
        text = TIDES if "tides" in body["messages"][-1]["content"] else ARCHES
        if inline:
            return Reply(f"<think>\nWhat is asked?\n</think>\n\n{text}")
        return Reply(text, reasoning="What is asked?")

    return answer


def stored(place: Path, name: str) -> list[StoredSpan]:
    reader = StoreReader(place / "content.db")
    spans = [span for trace in reader.traces() for span in reader.trace(trace.trace_id)]
    return sorted((span for span in spans if span.name == name), key=lambda span: span.start_ns)


def test_articles_are_scored_by_code_and_judge_rated_and_grouped(run: Run, tmp_path: Path) -> None:
    with ModelServer() as server:
        server.respond(judging())
        done = run("the tides", "arches", "--host", server.origin, "--rating", "4")
    assert done.returncode == 0, done.stderr
    reader = StoreReader(tmp_path / "content.db")
    (session,) = reader.sessions()
    assert (session.traces, session.errors) == (2, 0)
    calls = stored(tmp_path, "chat deepseek-r1")
    assert {call.session for call in calls} == {session.session}
    for name, kind in {"relevance": "code", "judge_relevance": "llm", "user_rating": "human"}.items():  # fmt: skip
        scores = reader.scores(name=name)
        assert {score.kind for score in scores} == {kind}
        assert {score.trace_id for score in scores} == {call.trace_id for call in calls}
        assert all(score.passed for score in scores)
    assert {score.value for score in reader.scores(name="user_rating")} == {0.75}
    assert {score.span_id for score in reader.scores(name="relevance")} == {
        call.span_id for call in calls
    }
    assert TIDES in done.stdout
    assert f"Session {session.session}: 2 articles" in done.stdout
    assert "judge_relevance   1.00  of 2, 100% passed" in done.stdout
    assert "user_rating       0.75  of 2, 100% passed" in done.stdout


def test_thinking_is_printed_and_recorded_apart(run: Run, tmp_path: Path) -> None:
    with ModelServer() as server:
        server.respond(judging())
        quiet = run("the tides", "--host", server.origin)
        shown = run("the tides", "--host", server.origin, "--show-thinking")
        asked = [request.json for request in server.requests]
    assert "What is asked?" not in quiet.stdout
    assert "  | What is asked?" in shown.stdout
    assert asked[0]["think"] is True  # type: ignore[index]  # a body of JSON
    (message,) = json.loads(stored(tmp_path, "chat deepseek-r1")[0].attributes["gen_ai.output.messages"])  # fmt: skip
    assert message["parts"] == [
        {"type": "reasoning", "content": "What is asked?"},
        {"type": "text", "content": TIDES},
    ]


def test_thinking_of_older_servers_is_taken_out_of_the_answer(run: Run, tmp_path: Path) -> None:
    with ModelServer() as server:
        server.respond(judging(inline=True))
        done = run("the tides", "--host", server.origin, "--show-thinking")
    assert done.returncode == 0, done.stderr
    assert f"  | What is asked?\n{TIDES}\n" in done.stdout
    assert "think>" not in done.stdout
    (article,) = stored(tmp_path, "invoke_workflow write_article")
    made = json.loads(article.attributes["clearspan.output"])
    assert (made["text"], made["thinking"]) == (TIDES, "What is asked?")
    (message,) = json.loads(
        stored(tmp_path, "chat deepseek-r1")[0].attributes["gen_ai.output.messages"]
    )
    assert [part["type"] for part in message["parts"]] == ["reasoning", "text"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals here")
def test_whoever_sits_at_the_terminal_is_asked(run: Run, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    try:
        os.write(ours, b"9\n5\n\n")  # what is no rating, a rating, and none
        with ModelServer() as server:
            server.respond(judging())
            done = run("the tides", "arches", "--host", server.origin, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Your rating") == 3
    (rating,) = StoreReader(tmp_path / "content.db").scores(name="user_rating")
    (first, _) = stored(tmp_path, "chat deepseek-r1")
    assert (rating.value, rating.trace_id) == (1.0, first.trace_id)


def test_nobody_is_asked_where_there_is_no_terminal(run: Run, tmp_path: Path) -> None:
    typed = tmp_path / "typed"
    typed.write_text("5\n")
    with ModelServer() as server, typed.open() as lines:
        server.respond(judging())
        done = run("the tides", "--host", server.origin, stdin=lines)
    assert done.returncode == 0, done.stderr
    assert StoreReader(tmp_path / "content.db").scores(name="user_rating") == []


def test_a_judge_elsewhere_is_asked(run: Run, tmp_path: Path) -> None:
    with ModelServer() as server, ModelServer() as other:
        server.respond(judging())
        other.respond(judging(verdict="not"))
        run("the tides", "--host", server.origin, "--judge", f"ollama:{other.origin}#qwen3:4b")
        assert len(server.requests) == 1
    (score,) = StoreReader(tmp_path / "content.db").scores(name="judge_relevance")
    assert (score.value, score.passed) == (0.0, False)
    assert score.metadata["judge_model"] == "qwen3:4b"


def test_a_judge_that_is_away_costs_only_its_own_score(run: Run, tmp_path: Path) -> None:
    with ModelServer() as gone:
        nowhere = f"ollama:{gone.origin}#qwen3:4b"
    with ModelServer() as server:
        server.respond(judging())
        done = run("the tides", "--host", server.origin, "--judge", nowhere)
    assert done.returncode == 0
    assert "judge_relevance could not judge 1: judge_unreachable" in done.stdout
    assert [score.passed for score in StoreReader(tmp_path / "content.db").scores(name="relevance")] == [True]  # fmt: skip


def test_no_server(run: Run) -> None:
    with ModelServer() as gone:
        nowhere = gone.origin
    done = run("the tides", "--host", nowhere)
    assert done.returncode == 1
    assert done.stderr == f"No answer from Ollama at {nowhere}; is `ollama serve` running?\n"


def test_no_model(run: Run) -> None:
    with ModelServer() as server:
        server.respond(Error(404, "model 'deepseek-r1' not found"))
        done = run("the tides", "--host", server.origin)
    assert done.returncode == 1
    assert done.stderr == "Ollama refused: model 'deepseek-r1' not found (try: ollama pull deepseek-r1)\n"  # fmt: skip


def test_what_the_command_line_cannot_mean(run: Run) -> None:
    assert run("--help").returncode == 0
    assert run().returncode == 2
    done = run("the tides", "--judge", "the wise one")
    assert (done.returncode, done.stdout) == (2, "")
    assert "a judge is" in done.stderr
