"""What `clearspan doctor` tells of evaluators: who ran, who did not, and why."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import openai
import pytest

import clearspan
from clearspan import guards, registry
from clearspan.cli.evaluators import Stood, fared, stood
from clearspan.cli.judging import judging
from clearspan.exporters.store import StoreReader
from clearspan.guards import Guard
from clearspan.testing import ModelServer, Reply
from tests.cli.conftest import Command


def short(call: clearspan.Invocation) -> bool:
    return len(call.output_text) < 10


needs = clearspan.evaluator(name="needs", requires={"context"})(lambda call: True)
fails = clearspan.evaluator(name="fails")(lambda call: 1 / 0)


def ask(*answers: str) -> None:
    for answer in answers:
        with clearspan.invocation("chat", provider="acme", model="m") as draft:
            draft.input("Which one?")
            draft.text(answer)


def judged(store: Path, *answers: str) -> None:
    with clearspan.init(store=store, providers=(), evaluators=[short, needs, fails]) as runtime:
        ask(*answers)
        assert runtime.flush()


def found(call: Command, *words: str, code: int = 0) -> dict[str, Any]:
    result = call("doctor", "--json", "--no-send", *words)
    assert result.exit_code == code, result.output
    report = json.loads(result.stdout)
    return {each["name"]: each for each in report["evaluators"]} | {"problems": report["problems"]}


def test_the_store_tells_of_all_that_ran_in_whatever_process(call: Command, place: Path) -> None:
    store = place / ".clearspan" / "clearspan.db"
    judged(store, "This one.", "The other one, I should say.")
    judged(store, "Both.")
    told = found(call)
    assert told["short"]["judged"] == 3
    assert told["short"]["pass_rate"] == pytest.approx(2 / 3)
    assert told["needs"]["skipped"] == {"missing:context": 3}
    assert told["fails"]["errors"] == {"ZeroDivisionError": 3}
    assert told["short"]["state"] == "seen"


def test_people_read_it_in_words(call: Command, place: Path) -> None:
    judged(place / ".clearspan" / "clearspan.db", "This one.")
    said = call("doctor", "--no-send").stdout
    assert "short: in the store; 1 judged, 100% passed" in said
    assert "needs: in the store; 0 judged, 1 skipped (missing:context)" in said
    assert "!  fails: in the store; 0 judged, 1 ZeroDivisionError" in said
    assert "·  short:" in said
    assert "the evaluator 'fails' could not judge 1 calls: ZeroDivisionError" in said
    assert "!  all is well but for evaluators marked with !" in said


def test_those_that_are_set_here_are_told_before_anything_ran(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(registry.EVALUATORS, "brief", short)
    monkeypatch.setenv("CLEARSPAN_EVALUATORS", "brief")
    told = found(call)
    assert (told["brief"]["state"], told["brief"]["judged"]) == ("set", 0)
    assert "brief: 0 judged" in call("doctor", "--no-send").stdout


def test_one_that_cannot_be_used_is_a_problem(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = registry.load

    def broken(group: str, name: str) -> Any:
        if name == "broken":
            raise ImportError("half installed")
        return load(group, name)

    monkeypatch.setattr(registry, "load", broken)
    monkeypatch.setenv("CLEARSPAN_EVALUATORS", "broken")
    told = found(call, code=1)
    assert told["broken"]["state"] == "broken"
    assert told["problems"] == [
        "the evaluator 'broken' cannot be used: ImportError: half installed"
    ]
    assert "broken: ImportError: half installed; 0 judged" in call("doctor", "--no-send").stdout


def test_an_unknown_name_is_a_problem(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_EVALUATORS", "toxcity")
    told = found(call, code=1)
    assert "did you mean 'toxicity'" in told["problems"][0]


def test_without_a_store_only_what_is_set_is_known(tmp_path: Path) -> None:
    assert fared([], StoreReader(tmp_path / "none.db")) == []
    (tmp_path / "bad.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    assert fared((), StoreReader(tmp_path / "bad.db")) == []


def guarded(store: Path, *guards: Any) -> None:
    with clearspan.init(store=store, providers=["openai"], guards=guards) as runtime:
        with ModelServer() as server:
            server.script(*[Reply("My card is 4111 1111 1111 1111.")] * 2)
            with openai.OpenAI(base_url=server.url, api_key="sk-none", max_retries=0) as client:
                for _ in range(2):
                    client.chat.completions.create(
                        model="m", messages=[{"role": "user", "content": "Hi"}]
                    )
        assert runtime.flush()


def test_guards_are_told_apart_from_evaluators(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place / ".clearspan" / "clearspan.db"
    broken = Guard(lambda call: 1 / 0, "output", deadline=10.0)
    guarded(store, guards.PII("redact", phase="output", deadline=10.0), broken)
    report = json.loads(call("doctor", "--json", "--no-send").stdout)
    assert report["evaluators"] == []
    assert report["guards"] == [
        {"name": broken.name, "state": "seen", "actions": {"errors": 2}},
        {"name": "pii", "state": "seen", "actions": {"redacted": 2}},
    ]
    assert "guards" not in report["status"]
    monkeypatch.setenv("CLEARSPAN_GUARDS", "pii:redact, secrets:block")
    said = call("doctor", "--no-send").stdout
    assert "pii: 2 redacted" in said
    assert "secrets: has not stepped in" in said
    assert "in the store; 2 errors" in said


def test_without_a_store_only_the_guards_that_are_set_are_known(tmp_path: Path) -> None:
    assert stood(["pii"], StoreReader(tmp_path / "none.db")) == [Stood("pii", "set")]


def test_an_evaluator_that_had_errors_has_no_tick_though_it_is_set(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(place / ".clearspan" / "clearspan.db", "This one.")
    registry.add(registry.EVALUATORS, "fails", fails)
    monkeypatch.setenv("CLEARSPAN_EVALUATORS", "fails")
    assert "!  fails: 0 judged, 1 ZeroDivisionError" in call("doctor", "--no-send").stdout


def test_it_says_that_there_is_no_judge(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARSPAN_JUDGE", raising=False)
    store = place / ".clearspan" / "clearspan.db"
    with clearspan.init(store=store, providers=(), evaluators=["judge_relevance"]) as runtime:
        ask("This one.")
        assert runtime.flush()
    report = json.loads(call("doctor", "--json", "--no-send").stdout)
    assert report["judge"]["state"] == "unset"
    said = call("doctor", "--no-send").stdout
    assert "·  judge: CLEARSPAN_JUDGE is not set" in said
    assert "!  judge_relevance: in the store; 0 judged, 1 skipped (no_judge)" in said


def test_a_judge_is_told_by_its_address_without_secrets() -> None:
    environ = {"CLEARSPAN_JUDGE_API_KEY": "sk-secret"}
    found = judging("https://ann:pw@judge.example/v1#m-1", environ, ask=False, timeout=1)
    assert found.state == "set"
    assert found.note == "m-1 at https://judge.example, with CLEARSPAN_JUDGE_API_KEY"
    found = judging("http://[::1]:8000/v1", {}, ask=False, timeout=1)
    assert found.note.startswith("a model that is not named at http://[::1]:8000, CLEARSPAN_JUDGE_API_KEY is not set")  # fmt: skip
    assert judging(lambda messages: "", {}, ask=True, timeout=1).note == "an object of the type function"  # fmt: skip


def test_a_judge_that_nobody_answers_for_is_seen(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("CLEARSPAN_JUDGE", f"http://127.0.0.1:{port}/v1#m")
        assert json.loads(call("doctor", "--json").stdout)["judge"]["state"] == "answers"
        assert json.loads(call("doctor", "--json", "--no-send").stdout)["judge"]["state"] == "set"
        assert "its port answers" in " ".join(call("doctor").stdout.split())
    result = call("doctor")
    assert result.exit_code == 0
    assert "!  judge: m at" in result.stdout
    assert "the judge cannot be reached" in result.stdout
    assert json.loads(call("doctor", "--json").stdout)["judge"]["state"] == "silent"


def test_the_port_of_a_judge_is_that_of_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []

    def refuse(place: Any, timeout: float) -> None:
        tried.append((*place, timeout))
        raise OSError("no route")

    monkeypatch.setattr(socket, "create_connection", refuse)
    for scheme in ("http", "https"):
        found = judging(f"{scheme}://judge.example/v1#m", {}, ask=True, timeout=60)
        assert found.note.endswith("it cannot be reached: no route")
    assert tried == [("judge.example", 80, 3.0), ("judge.example", 443, 3.0)]
