"""What `clearspan doctor` tells of evaluators: who ran, who did not, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest

import clearspan
from clearspan import guards, registry
from clearspan.cli.evaluators import Stood, fared, stood
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
    assert "short: not set here; 1 judged, 100% passed" in said
    assert "needs: not set here; 0 judged, 1 skipped (missing:context)" in said
    assert "fails: not set here; 0 judged, 1 ZeroDivisionError" in said


def test_those_that_are_set_here_are_told_before_anything_ran(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(registry.EVALUATORS, "brief", short)
    monkeypatch.setenv("CLEARSPAN_EVALUATORS", "brief")
    told = found(call)
    assert (told["short"]["state"], told["short"]["judged"]) == ("set", 0)
    assert "short: 0 judged" in call("doctor", "--no-send").stdout


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
    assert "not set here; 2 errors" in said


def test_without_a_store_only_the_guards_that_are_set_are_known(tmp_path: Path) -> None:
    assert stood(["pii"], StoreReader(tmp_path / "none.db")) == [Stood("pii", "set")]
