"""Guards through the settings: by object, by name, by environment; what they did is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

import clearspan
from clearspan import registry
from clearspan.core.rarely import Rarely
from clearspan.exporters.store import StoreReader
from clearspan.runtime import guards
from clearspan.testing import ModelServer, Reply, captured

CARD = "My card is 4111 1111 1111 1111."


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def ask(server: ModelServer, question: str = "Hello", answer: str = "Fine.") -> str:
    server.script(Reply(answer))
    with openai.OpenAI(base_url=server.url, api_key="sk-none", max_retries=0) as client:
        made = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": question}]
        )
    return made.choices[0].message.content or ""


def test_a_guard_stands_while_clearspan_runs(server: ModelServer, tmp_path: Path) -> None:
    guard = clearspan.guards.PII(on_fail="redact", phase="output")
    with clearspan.init(store=tmp_path / "s.db", guards=[guard]):
        assert ask(server, answer=CARD) == "My card is <CREDIT_CARD>."
    assert ask(server, answer=CARD) == CARD


def test_what_a_guard_did_is_told_in_the_calls_span(server: ModelServer) -> None:
    with captured(guards=["pii:block:input"]) as seen:
        with pytest.raises(clearspan.Blocked, match="'pii' blocked the input"):
            ask(server, CARD)
        (score,) = seen.scores
        span = seen.span("chat m")
        (event,) = [each for each in seen.events if each.name == "gen_ai.evaluation.result"]
    assert (score.name, score.passed, score.action) == ("pii", False, "block")
    assert event.attributes["clearspan.guard.action"] == "block"
    assert (event.trace_id, event.span_id) == (span.trace_id, span.span_id)
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "clearspan.Blocked")
    assert server.requests == []


def test_the_environment_names_guards(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setenv("CLEARSPAN_GUARDS", "pii:redact")
    with caplog.at_level(logging.INFO), clearspan.init(store=tmp_path / "s.db"):
        assert ask(server, answer=CARD) == "My card is <CREDIT_CARD>."
    assert "guards change what is sent and answered: pii (redact)" in caplog.text


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ("piii", "no evaluator named 'piii'"),
        ("pii:bloc", "on_fail must be one of"),
        ("pii:block:upwards", "phase must be one of"),
        ("relevance:redact", "needs an evaluator that can say where"),
        (3, "3 is no guard"),
    ],
)
def test_what_cannot_be_is_said_at_init(guard: Any, said: str) -> None:
    with pytest.raises(clearspan.SettingError, match=f"guards: .*{said}"):
        clearspan.init(guards=[guard])


def test_a_broken_plug_in_is_said_at_init(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(group: str, name: str) -> Any:
        raise ImportError("half installed")

    monkeypatch.setattr(registry, "load", broken)
    with pytest.raises(clearspan.SettingError, match="'pii' cannot be used"):
        clearspan.init(guards=["pii"], providers=())


def test_a_guard_works_where_nothing_is_recorded(server: ModelServer) -> None:
    with captured(guards=["pii:redact"], sample_rate=0.0) as seen:
        assert ask(server, answer=CARD) == "My card is <CREDIT_CARD>."
        assert seen.spans == []
    with captured(guards=["pii:redact"]) as seen, clearspan.suppressed():
        assert ask(server, answer=CARD) == "My card is <CREDIT_CARD>."


def results(seen: Any) -> dict[str, int]:
    return {
        point["attributes"]["clearspan.guard.action"]: point["value"]
        for point in seen.metrics["clearspan.evaluation.results"]
    }


def told(seen: Any) -> list[Any]:
    return [each for each in seen.events if each.name == "gen_ai.evaluation.result"]


def test_what_passes_is_counted_and_makes_no_event(server: ModelServer) -> None:
    with captured(guards=["pii:warn"]) as seen:
        ask(server)
        assert told(seen) == []
        assert results(seen) == {"allow": 2}
        ask(server, CARD)
        (event,) = told(seen)
        assert event.attributes["clearspan.guard.action"] == "warn"
        assert results(seen) == {"allow": 3, "warn": 1}


def test_a_guard_that_failed_says_so_although_it_let_the_text_pass(server: ModelServer) -> None:
    broken = clearspan.guards.Guard(lambda call: 1 / 0, "output", deadline=10.0)
    with captured(guards=[broken]) as seen:
        assert ask(server) == "Fine."
        (event,) = told(seen)
    assert event.attributes["clearspan.guard.action"] == "allow"
    assert event.attributes["error.type"] == "ZeroDivisionError"


def test_guards_and_evaluators_of_one_name_are_summed_apart(server: ModelServer, tmp_path: Path) -> None:  # fmt: skip
    store = tmp_path / "s.db"
    guards = [
        clearspan.guards.PII("warn", phase="input", deadline=10.0),
        clearspan.guards.PII("redact", phase="output", deadline=10.0),
    ]
    with clearspan.init(store=store, guards=guards, evaluators=["pii"]) as runtime:
        assert clearspan.status().guards == {"pii": {}}
        ask(server)
        ask(server, CARD, CARD)
        assert clearspan.status().guards == {"pii": {"allow": 2, "warn": 1, "redact": 1}}
        assert runtime.flush()
    reader = StoreReader(store)
    (line,) = reader.score_summary()
    assert (line.name, line.count, line.pass_rate) == ("pii", 2, 0.5)
    (stood,) = reader.guard_summary()
    assert (stood.name, stood.blocked, stood.redacted, stood.warned, stood.errors) == ("pii", 0, 1, 1, 0)  # fmt: skip
    passed = reader.passed([trace.trace_id for trace in reader.traces()])
    assert sorted(passed.values()) == [(0, 1), (1, 1)]


def test_where_there_are_no_guards_none_are_counted(tmp_path: Path) -> None:
    with clearspan.init(store=tmp_path / "s.db", providers=()):
        assert clearspan.status().guards == {}
    assert clearspan.status().guards == {}


def test_what_a_guard_did_is_told_where_the_call_stood(server: ModelServer) -> None:
    @clearspan.model
    def mine() -> str:
        return ask(server, CARD)

    with captured(guards=[clearspan.guards.PII("redact", phase="input", deadline=10.0)]) as seen:
        with clearspan.span("root"), clearspan.suppressed():
            ask(server, CARD)
        mine()
        first, second = told(seen)
        root, model = seen.span("root"), seen.span("chat m")
    assert (first.trace_id, first.span_id) == (root.trace_id, root.span_id)
    assert (second.trace_id, second.span_id) == (model.trace_id, model.span_id)
    assert [each.attributes["gen_ai.request.model"] for each in (first, second)] == ["m", "m"]


def test_where_nothing_is_recorded_it_is_told_of_no_span(server: ModelServer) -> None:
    with captured(guards=[clearspan.guards.PII("redact", phase="input", deadline=10.0)]) as seen:
        with clearspan.suppressed():
            ask(server, CARD)
        (score,) = seen.scores
    assert (score.target, score.action) == (None, "redact")


def test_a_guard_that_cannot_check_is_logged_now_and_then(
    server: ModelServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "_rarely", Rarely())

    def fails(call: clearspan.Invocation) -> bool:
        raise LookupError("private words")

    guard = clearspan.guards.Guard(fails, phase="input")
    with captured(guards=[guard]):
        for _ in range(3):
            assert ask(server) == "Fine."
    said = [record.message for record in caplog.records if "guard 'fails'" in record.message]
    assert said == ["clearspan: guard 'fails' could not check a text (LookupError); it passed"]
