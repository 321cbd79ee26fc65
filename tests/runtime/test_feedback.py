"""Feedback through the whole of it: from a rating to the event, the metric and the store."""

from __future__ import annotations

import contextvars
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ollama
import openai
import pytest

import clearspan
from clearspan.exporters.store import StoreReader
from clearspan.testing import ModelServer, captured


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    with (
        ModelServer() as server,
        openai.OpenAI(base_url=server.url, api_key="sk-none", max_retries=0) as made,
    ):
        yield made


def ask(client: openai.OpenAI) -> str:
    messages = [{"role": "user", "content": "A word for rain?"}]
    return client.chat.completions.create(model="m", messages=messages).id  # type: ignore[arg-type]


def test_feedback_is_an_event_of_the_call_and_a_metric(client: openai.OpenAI) -> None:
    with captured() as seen:
        ask(client)
        span = seen.span("chat m")
        told = clearspan.feedback(
            "up", trace_id=span.trace_id, span_id=span.span_id, comment="Short.", user="u-1"
        )
        (event,) = [each for each in seen.events if each.name == "gen_ai.evaluation.result"]
        assert [score.name for score in seen.scores] == ["user_rating"]
        (point,) = seen.metrics["clearspan.evaluation.score"]
    assert (told.value, told.label, told.kind) == (1.0, "positive", "human")
    assert (event.trace_id, event.span_id) == (span.trace_id, span.span_id)
    assert event.attributes["gen_ai.evaluation.explanation"] == "Short."
    assert event.attributes["clearspan.evaluation.kind"] == "human"
    assert "u-1" not in str(event.attributes)
    assert point["attributes"]["gen_ai.evaluation.name"] == "user_rating"


def test_without_a_name_it_is_the_call_that_the_program_is_at(client: openai.OpenAI) -> None:
    with captured() as seen:
        with clearspan.span("turn") as _:
            ask(client)
            clearspan.feedback(True)
        answered = ask(client)
        clearspan.feedback(False)
        inside, after = seen.scores
        turn = seen.span("turn")
        last = seen.spans[-1]
    assert inside.target is not None
    assert inside.target.trace is not None
    assert inside.target.trace.span_id == turn.span_id
    assert after.target is not None
    assert after.target.trace is not None
    assert (after.target.trace.span_id, after.target.response_id) == (last.span_id, answered)


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_whose_provider_gives_no_ids_is_rated_without_any(tmp_path: Path, *, stream: bool) -> None:  # fmt: skip
    store = tmp_path / "runs.db"
    messages = [{"role": "user", "content": "A word for rain?"}]

    def run() -> None:
        with ModelServer() as server, clearspan.init(store=store) as runtime:
            client: Any = ollama.Client(host=server.origin)
            answer = client.chat(model="m", messages=messages, stream=stream)
            assert list(answer)
            client._client.close()
            clearspan.feedback("up")
            handed_out = clearspan.current().last_traceparent
            clearspan.feedback(4, scale=(1, 5), name="stars", traceparent=handed_out)
            assert runtime.flush()

    contextvars.Context().run(run)
    reader = StoreReader(store)
    (trace,) = reader.traces()
    (span,) = reader.trace(trace.trace_id)
    scores = reader.scores(trace.trace_id, span.span_id)
    assert [(score.name, score.value) for score in scores] == [("user_rating", 1), ("stars", 0.75)]


def test_where_no_model_was_called_feedback_needs_to_know(client: openai.OpenAI) -> None:
    with captured(), pytest.raises(ValueError, match="needs to know what it is about"):
        contextvars.Context().run(clearspan.feedback, "up")


@pytest.mark.parametrize(
    "lost", [{"response_id": None}, {"response_id": ""}, {"traceparent": None, "key": ""}]
)
def test_an_id_that_was_lost_makes_it_no_other_call(client: openai.OpenAI, lost: Any) -> None:
    with captured() as seen:
        ask(client)
        with pytest.raises(ValueError, match=f"{next(iter(lost))}.* is empty"):
            clearspan.feedback("down", **lost)
        assert seen.scores == []


def test_the_programs_own_init_takes_over_from_what_feedback_started(
    client: openai.OpenAI, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clearspan.feedback("down", key="order-7")
    assert "feedback was given before clearspan.init(); it goes to store" in caplog.text
    with clearspan.init() as runtime:
        ask(client)
        assert runtime.flush()
        assert runtime.status().accounts.stored == 1


def test_a_wrong_argument_is_told_at_once() -> None:
    with captured(), pytest.raises(ValueError, match="value"):
        clearspan.feedback("maybe so", response_id="r-1")


def test_feedback_comes_from_another_process_and_the_last_word_counts(
    client: openai.OpenAI, tmp_path: Path
) -> None:
    store = tmp_path / "runs.db"
    with clearspan.init(store=store):
        answered = ask(client)
    rate = (
        "import clearspan, sys\n"
        "clearspan.init(store=sys.argv[1], providers=())\n"
        "clearspan.feedback(float(sys.argv[3]), response_id=sys.argv[2], user='u-1')\n"
    )
    for value in ("1", "1", "0"):
        subprocess.run([sys.executable, "-c", rate, store, answered, value], check=True, timeout=60)
    (score,) = StoreReader(store).scores(response_id=answered)
    assert (score.name, score.value, score.label) == ("user_rating", 0.0, "negative")


def test_feedback_starts_clearspan_by_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_STORE", str(tmp_path / "own.db"))
    clearspan.feedback("down", key="order-7")
    clearspan.shutdown()
    with sqlite3.connect(tmp_path / "own.db") as connection:
        assert connection.execute("SELECT key, value FROM scores").fetchall() == [("order-7", 0.0)]


def test_where_clearspan_is_disabled_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARSPAN_DISABLED", "1")
    assert clearspan.feedback("up", key="order-7").value == 1.0


@pytest.mark.parametrize("mode", ["off", "metadata"])
def test_a_comment_is_kept_only_where_content_is(mode: str) -> None:
    with captured(content=mode) as seen:
        clearspan.feedback("up", key="k", comment="private words")
        assert "private" not in str([seen.events, seen.scores])


@pytest.mark.parametrize("mode", ["off", "metadata"])
def test_what_is_no_text_is_kept_in_any_mode(mode: str) -> None:
    with captured(content=mode) as seen:
        clearspan.feedback(
            4, scale=(1, 5), key="k", user="u-1", source="annotator", metadata={"page": "private", "n": 1}
        )  # fmt: skip
        clearspan.feedback("fair", scale=("bad", "fair", "good"), key="k", metadata={"user": "private"})  # fmt: skip
        clearspan.feedback("private", scale=("no", "private"), key="k")
        numbers, words, _ = seen.scores
        told = str([seen.events, seen.scores])
    assert set(numbers.metadata) == {"raw", "scale", "source", "user"}
    assert (numbers.metadata["raw"], numbers.metadata["scale"]) == (4, [1, 5])
    assert numbers.metadata["source"] == "annotator"
    assert len(numbers.metadata["user"]) == 32
    assert words.metadata == {"source": "end_user"}
    assert "private" not in told
    assert "fair" not in told
    assert "u-1" not in told


def test_in_an_unrelated_span_it_is_that_span(client: openai.OpenAI) -> None:
    with captured() as seen:
        ask(client)
        with clearspan.span("another"):
            told = clearspan.feedback("down")
        (another,) = [span for span in seen.spans if span.name == "another"]
    assert told.target is not None
    assert told.target.trace is not None
    assert told.target.trace.span_id == another.span_id
    assert told.target.response_id is None
