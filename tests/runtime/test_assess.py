"""Evaluators through the whole of it: from a real client's call to scores, events, metrics and the status."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

import clearspan
from clearspan import registry
from clearspan.testing import ModelServer, Reply, captured


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]


def ask(server: ModelServer, text: str = "Paris.", **more: Any) -> str:
    server.script(Reply(text))
    with openai.OpenAI(base_url=server.url, api_key="sk-none", max_retries=0) as client:
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, **more)
    return answer.choices[0].message.content or ""


@clearspan.evaluator(threshold=0.5)
def short(call: clearspan.Invocation) -> float:
    return 1.0 if len(call.output_text) < 10 else 0.0


def test_a_call_is_judged_in_its_own_span(server: ModelServer) -> None:
    with captured(evaluators=[short]) as seen:
        ask(server)
        (score,) = seen.scores
        span = seen.span("chat gpt-4o-mini")
        (event,) = [each for each in seen.events if each.name == "gen_ai.evaluation.result"]
    assert (score.name, score.value, score.passed) == ("short", 1.0, True)
    assert (event.trace_id, event.span_id) == (span.trace_id, span.span_id)
    assert event.attributes["gen_ai.evaluation.name"] == "short"
    assert event.attributes["gen_ai.evaluation.score.value"] == 1.0
    assert event.attributes["gen_ai.response.id"] == span.attributes["gen_ai.response.id"]
    assert event.severity == "INFO"


def test_scores_are_told_as_metrics_skipped_ones_too(server: ModelServer) -> None:
    needs = clearspan.evaluator(name="needs", requires={"reference"})(lambda call: True)
    fails = clearspan.evaluator(name="fails")(lambda call: 1 / 0)
    with captured(evaluators=[short, needs, fails]) as seen:
        ask(server)
        metrics = seen.metrics
    (value,) = metrics["clearspan.evaluation.score"]
    assert (value["sum"], value["attributes"]["gen_ai.evaluation.name"]) == (1.0, "short")
    (skipped,) = metrics["clearspan.evaluation.skipped"]
    assert skipped["attributes"]["clearspan.evaluation.skipped.reason"] == "missing:reference"
    (failed,) = metrics["clearspan.evaluation.errors"]
    assert failed["attributes"]["error.type"] == "ZeroDivisionError"


def test_who_ran_and_who_did_not_and_why_is_in_the_status(
    server: ModelServer, tmp_path: Path
) -> None:
    needs = clearspan.evaluator(name="needs", requires={"context"})(lambda call: True)
    with clearspan.init(store=tmp_path / "s.db", evaluators=[short, needs]) as runtime:
        ask(server)
        assert runtime.flush()
        status = {each.name: each for each in clearspan.status().evaluators}
    assert (status["short"].judged, status["short"].passed, status["short"].state) == (
        1,
        1,
        "ready",
    )
    assert status["needs"].skipped == {"missing:context": 1}


def test_what_was_judged_is_in_the_store_when_the_program_ends(
    server: ModelServer, tmp_path: Path
) -> None:
    store = tmp_path / "s.db"
    with clearspan.init(store=store, evaluators=[short]):
        ask(server)
    with sqlite3.connect(store) as connection:
        (told,) = connection.execute(
            "SELECT attributes FROM events WHERE name = 'gen_ai.evaluation.result'"
        ).fetchall()
    assert '"short"' in told[0]


def test_an_evaluator_sees_what_telemetry_may_keep(server: ModelServer) -> None:
    seen_texts: dict[str, str] = {}
    secret = "sk-abcdefghij0123456789"
    veiled = clearspan.evaluator(name="veiled")(
        lambda call: seen_texts.update(veiled=call.output_text)
    )
    raw = clearspan.evaluator(name="raw", raw=True)(
        lambda call: seen_texts.update(raw=call.output_text)
    )
    with captured(evaluators=[veiled, raw]) as seen:
        ask(server, f"The key is {secret}")
        assert seen.spans
        assert secret not in str(seen.spans)
    assert seen_texts == {"veiled": "The key is [secret]", "raw": f"The key is {secret}"}


@pytest.mark.parametrize("mode", ["off", "metadata"])
@pytest.mark.parametrize("stream", [False, True])
def test_without_content_a_raw_evaluator_judges_and_nothing_is_told(
    server: ModelServer, mode: str, *, stream: bool
) -> None:
    @clearspan.evaluator(raw=True)
    def mentions(call: clearspan.Invocation) -> dict[str, Any]:
        return {"score": float("Paris" in call.output_text and "capital" in call.input_text)}

    with captured(evaluators=[mentions, short], content=mode, content_target="both") as seen:
        server.script(Reply("Paris."))
        with openai.OpenAI(base_url=server.url, api_key="sk-none") as client:
            answer: Any = client.chat.completions.create(
                model="m", messages=QUESTION, stream=stream, logprobs=True
            )
            if stream:
                list(answer)
        told = {score.name: (score.value, score.skipped) for score in seen.scores}
        assert "Paris" not in str([seen.spans, seen.events, seen.metrics, seen.invocations])
        assert "capital" not in str([seen.spans, seen.events, seen.invocations])
    assert told == {"mentions": (1.0, None), "short": (None, "missing:output")}


def test_calls_that_are_not_sampled_are_not_judged(server: ModelServer) -> None:
    asked: list[Any] = []
    with captured(evaluators=[asked.append], sample_rate=0.0) as seen:
        ask(server)
        assert seen.scores == []
    assert asked == []


def test_what_an_evaluator_asks_a_model_is_no_call_of_the_program(server: ModelServer) -> None:
    def judge(call: clearspan.Invocation) -> str:
        return ask(server, "fine")

    with captured(evaluators=[judge]) as seen:
        ask(server)
        assert [score.label for score in seen.scores] == ["fine"]
        assert len(seen.spans) == 1


def test_evaluators_run_neither_on_the_callers_thread_nor_in_its_loop(server: ModelServer) -> None:
    threads: set[int] = set()

    async def later(call: clearspan.Invocation) -> bool:
        threads.add(threading.get_ident())
        return True

    with captured(evaluators=[later]) as seen:
        ask(server)
        assert seen.scores
    assert threading.get_ident() not in threads


def test_a_trace_is_judged_when_its_root_step_ends(server: ModelServer) -> None:
    @clearspan.evaluator(level="trace")
    def calls(whole: clearspan.Conversation) -> float:
        return len(whole.model_calls)

    @clearspan.workflow
    def pipeline() -> None:
        ask(server)
        ask(server)

    with captured(evaluators=[calls]) as seen:
        pipeline()
        (score,) = seen.scores
        root = seen.span("invoke_workflow pipeline")
    assert score.value == 2
    assert score.target is not None
    assert score.target.trace is not None
    assert score.target.trace.span_id == root.span_id


def test_a_session_is_judged_when_it_is_ended(server: ModelServer, tmp_path: Path) -> None:
    sizes: list[int] = []

    @clearspan.evaluator(level="session")
    def size(whole: clearspan.Conversation) -> None:
        sizes.append(len(whole.calls))

    with clearspan.init(store=tmp_path / "s.db", evaluators=[size]) as runtime:
        for _ in range(2):
            with clearspan.context(session="s-1"):
                ask(server)
        assert runtime.flush()
        assert sizes == []
        clearspan.end_session("s-1")
        assert runtime.flush()
        assert sizes == [2]
    clearspan.end_session("nobody listens")


def test_ending_a_session_without_evaluators_does_nothing(tmp_path: Path) -> None:
    with clearspan.init(store=tmp_path / "s.db"):
        clearspan.end_session("s-1")
        assert clearspan.status().evaluators == ()
    with clearspan.init(disabled=True):
        clearspan.end_session("s-1")


# -- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evaluators", "said"),
    [
        (["no_such_thing"], "no evaluator named 'no_such_thing'"),
        ([3], "3 is no evaluator"),
        ([short, short], "two are named 'short'"),
    ],
)
def test_what_cannot_be_is_said_at_init(evaluators: list[Any], said: str) -> None:
    with pytest.raises(clearspan.SettingError, match=said):
        clearspan.init(evaluators=evaluators)


def test_the_environment_names_evaluators(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(registry.EVALUATORS, "brief", short)
    monkeypatch.setenv("CLEARSPAN_EVALUATORS", "brief")
    with clearspan.init(store=tmp_path / "s.db") as runtime:
        ask(server)
        assert runtime.flush()
        assert [each.name for each in runtime.status().evaluators] == ["brief"]


class Broken:
    def __init__(self) -> None:
        raise ImportError("half installed")


def test_a_broken_plug_in_is_seen_and_harms_nobody(
    server: ModelServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = registry.load

    def broken(group: str, name: str) -> Any:
        return Broken() if name == "broken" else load(group, name)

    monkeypatch.setattr(registry, "load", broken)
    with caplog.at_level(logging.WARNING), captured(evaluators=["broken", short]) as seen:
        assert ask(server) == "Paris."
        told = {score.name: score.skipped for score in seen.scores}
        status = {each.name: each for each in seen.evaluators}
    assert told == {"broken": "broken", "short": None}
    assert (status["broken"].state, status["broken"].note) == (
        "broken",
        "ImportError: half installed",
    )
    assert "evaluator 'broken' cannot be used" in caplog.text


def test_a_program_with_a_hanging_evaluator_ends_in_time_with_its_spans(
    server: ModelServer, tmp_path: Path
) -> None:
    program = tmp_path / "app.py"
    program.write_text(
        textwrap.dedent(f"""
        import time, openai, clearspan
        def hangs(call):
            time.sleep(60)
        clearspan.init(store={str(tmp_path / "s.db")!r}, evaluators=[hangs])
        client = openai.OpenAI(base_url={server.url!r}, api_key="sk-none")
        print(client.chat.completions.create(model="m", messages={QUESTION!r}).id)
        """)
    )
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("chatcmpl")
    with sqlite3.connect(tmp_path / "s.db") as connection:
        assert connection.execute("SELECT count(*) FROM spans").fetchone() == (1,)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_workers_judge_every_call_of_theirs(server: ModelServer, tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text(
        textwrap.dedent(f"""
        import os, openai, clearspan
        clearspan.init(store={str(tmp_path / "s.db")!r}, evaluators=[lambda call: True])
        client = openai.OpenAI(base_url={server.url!r}, api_key="sk-none")
        def ask():
            client.chat.completions.create(model="m", messages={QUESTION!r})
        ask()
        children = []
        for _ in range(2):
            child = os.fork()
            if child == 0:
                client = openai.OpenAI(base_url={server.url!r}, api_key="sk-none")
                for _ in range(3):
                    ask()
                clearspan.shutdown(10)
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        clearspan.shutdown(10)
        """)
    )
    subprocess.run([sys.executable, str(program)], timeout=60, check=True)
    with sqlite3.connect(tmp_path / "s.db") as connection:
        (calls,) = connection.execute("SELECT count(*) FROM spans").fetchone()
        (judged,) = connection.execute(
            "SELECT count(*) FROM events WHERE name = 'gen_ai.evaluation.result'"
        ).fetchone()
    assert (calls, judged) == (7, 7)


def test_interrupted_it_still_ends(server: ModelServer, tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text(
        textwrap.dedent(f"""
        import time, openai, clearspan
        clearspan.init(store={str(tmp_path / "s.db")!r}, evaluators=[lambda call: time.sleep(60)])
        client = openai.OpenAI(base_url={server.url!r}, api_key="sk-none")
        client.chat.completions.create(model="m", messages={QUESTION!r})
        print("asked", flush=True)
        time.sleep(60)
        """)
    )
    running = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "asked\n"
    running.send_signal(signal.SIGINT)
    assert running.wait(60) != 0
    running.stdout.close()


class Counting(clearspan.Evaluator):
    range = None
    seen = 0

    def evaluate(self, call: clearspan.Invocation) -> float:
        self.seen += 1
        return self.seen

    def state(self) -> dict[str, int]:
        return {"seen": self.seen}

    def load_state(self, state: Any) -> None:
        self.seen = state["seen"]


@pytest.mark.parametrize("own", [False, True], ids=["beside the store", "own folder"])
def test_what_evaluators_learn_is_kept(server: ModelServer, tmp_path: Path, *, own: bool) -> None:
    folder = tmp_path / "mine" if own else None
    for _ in range(2):
        with clearspan.init(
            store=tmp_path / "s.db", evaluators=[Counting()], evaluator_state=folder
        ):
            ask(server)
    kept = (tmp_path / "mine" if own else tmp_path / "evaluators") / "counting.json"
    assert '"seen": 2' in kept.read_text()


def test_a_name_that_needs_options_says_so() -> None:
    with pytest.raises(clearspan.SettingError, match="cannot be had by its name alone"):
        clearspan.init(evaluators=["matches_regex"])


def test_an_evaluator_that_breaks_while_it_is_made_is_seen(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unwilling(clearspan.Evaluator):
        def __init__(self) -> None:
            raise OSError("no weights")

    monkeypatch.setattr(registry, "load", lambda group, name: Unwilling)
    with captured(evaluators=["unwilling"], providers=()) as seen:
        assert [each.note for each in seen.evaluators] == ["OSError: no weights"]


def test_a_package_of_anybodys_brings_evaluators(tmp_path: Path) -> None:
    site = tmp_path / "site"
    about = site / "acme_checks-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-checks\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[clearspan.evaluators]\nacme_polite = acme_checks:polite\nacme_broken = acme_missing:x\n"
    )
    (site / "acme_checks.py").write_text(
        "def polite(call):\n    return 'please' in call.input_text\n"
    )
    program = textwrap.dedent("""
        import clearspan
        with clearspan.init(store="s.db", providers=(), evaluators=["acme_polite", "acme_broken"]) as run:
            with clearspan.invocation("chat", provider="acme", model="m") as draft:
                draft.input("please")
                draft.text("yes")
            assert run.flush()
            for each in run.status().evaluators:
                print(each.name, each.state, each.passed, each.skipped, each.note)
        """)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "acme_polite ready 1 {} None",
        "acme_broken broken 0 {'broken': 1} ModuleNotFoundError: No module named 'acme_missing'",
    ]


@pytest.mark.parametrize("raw", [False, True])
def test_what_an_answer_was_to_rest_on_and_to_be_may_be_said(
    server: ModelServer, *, raw: bool
) -> None:
    told: list[tuple[str, ...]] = []

    @clearspan.evaluator(requires={"context", "reference"}, raw=raw)
    def looks(call: clearspan.Invocation) -> bool:
        told.extend((call.documents, call.references))
        return True

    secret = "sk-abcdefghij0123456789"
    with captured(evaluators=[looks]) as seen:
        with clearspan.context(documents=[f"It is {secret}."], references=["Paris"]):
            ask(server)
        assert [score.passed for score in seen.scores] == [True]
        assert secret not in str(seen.spans)
    assert told == [(f"It is {secret}." if raw else "It is [secret].",), ("Paris",)]


@pytest.mark.parametrize("mode", ["off", "metadata"])
def test_documents_are_content(server: ModelServer, mode: str) -> None:
    looks = clearspan.evaluator(name="looks", requires={"context"})(lambda call: True)
    with captured(evaluators=[looks], content=mode) as seen:
        with clearspan.context(documents=["It is so."]):
            ask(server)
        assert [score.skipped for score in seen.scores] == ["missing:context"]
        assert "It is so." not in str(seen.invocations)


def test_a_slow_evaluator_does_not_keep_calls_from_going_out(
    server: ModelServer, tmp_path: Path
) -> None:
    gate = threading.Event()

    @clearspan.evaluator(timeout=60)
    def hangs(call: clearspan.Invocation) -> None:
        gate.wait(60)

    with clearspan.init(store=tmp_path / "s.db", evaluators=[hangs]) as runtime:
        ask(server)
        assert not runtime.flush(1.0)
        with sqlite3.connect(tmp_path / "s.db") as connection:
            assert connection.execute("SELECT count(*) FROM spans").fetchone() == (1,)
        gate.set()
