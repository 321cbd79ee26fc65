"""The pytest plugin: the fixture `llm`, as a user's own tests see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import clearspan
from clearspan.record import Cost, Invocation, Timing
from clearspan.testing.plugin import Calls
from tests.runtime.support import environment

TESTS = """
import clearspan
import pytest


def ask(model="m", fail=False):
    with clearspan.invocation("chat", provider="acme", model=model) as draft:
        draft.usage(input=3, output=4)
        draft.response_model = model + "-1" if model == "m" else None
        if fail:
            raise LookupError("out")


@clearspan.tool
def look():
    ask()


def test_calls(llm):
    look()
    ask("other")
    assert [call.model for call in llm.calls] == ["m", "other"]
    assert (llm.input_tokens, llm.output_tokens, llm.total_tokens) == (6, 8, 14)
    assert llm.models == {"m-1", "other"}
    assert llm.errors == []
    assert [span.name for span in llm.spans] == ["chat m", "execute_tool look", "chat other"]
    assert llm.events == []


def test_errors(llm):
    with pytest.raises(LookupError):
        ask(fail=True)
    assert llm.errors == ["LookupError"]


def test_each_test_has_its_own(llm):
    assert llm.calls == []
    assert llm.total_tokens == 0


def test_a_program_that_starts_clearspan_itself(llm):
    clearspan.init()
    ask()
    assert len(llm.calls) == 1
    clearspan.shutdown()


@pytest.mark.clearspan(pricing={"models": {"m*": {"input": 1000, "output": 2000}}})
def test_cost(llm):
    ask()
    assert llm.cost == pytest.approx(0.003 + 0.008)


def test_no_calls_cost_nothing(llm):
    assert llm.cost == 0


def test_a_cost_that_nobody_knows(llm):
    ask()
    with pytest.raises(LookupError, match="no price is known of m-1"):
        llm.cost


def test_too_much(llm):
    ask()
    assert llm.total_tokens < 5
"""


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_app.py").write_text(TESTS)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_fixture_is_there_and_counts(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert "7 passed" in result.stdout, result.stdout
    assert "1 failed" in result.stdout
    assert "assert 7 < 5" in result.stdout
    assert not (tmp_path / ".clearspan").exists()


def test_the_fixture_says_what_it_is(tmp_path: Path) -> None:
    result = run(tmp_path, "--fixtures")
    line = next(line for line in result.stdout.splitlines() if line.startswith("llm"))
    assert line
    assert "llm.total_tokens" in result.stdout


def test_the_plugin_costs_a_test_run_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_light.py").write_text(
        "import sys\n"
        "def test_light():\n"
        "    assert 'opentelemetry.sdk' not in sys.modules\n"
        "    assert 'openai' not in sys.modules\n"
    )
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_light.py", "-p", "no:cacheprovider", "-p", "no:logfire"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "1 passed" in result.stdout, result.stdout


@pytest.mark.clearspan(content="off")
def test_settings_for_one_test(llm: Calls) -> None:
    with clearspan.invocation("chat", provider="acme", model="m") as draft:
        draft.input("a question")
    assert llm.calls[0].input == ()


def test_currencies_are_not_added_up() -> None:
    records = [
        Invocation("chat", Timing(0, 1), cost=Cost(1.0, currency=currency))
        for currency in ("EUR", "USD")
    ]
    seen = SimpleNamespace(calls=records, open_model_calls=0)  # all that it reads
    calls = Calls(seen)  # type: ignore[arg-type]
    with pytest.raises(LookupError, match="EUR, USD"):
        _ = calls.cost


PRICED = pytest.mark.clearspan(
    pricing={"only": True, "models": {"m": {"input": 1000, "output": 0}}}
)


@PRICED
def test_calls_that_nobody_bills_need_no_price(llm: Calls) -> None:
    ask("chat", "m", input=1)
    ask("create_batch", "gpt-4o")
    ask("fetch_response", "gpt-4o", input=7, output=7)
    ask("moderation", "omni-moderation-latest")
    with clearspan.invocation("chat", provider="openai", model="gpt-4o") as draft:
        draft.fail("rate_limit_exceeded")
    assert len(llm.calls) == 5
    assert llm.cost == pytest.approx(0.001)


@PRICED
def test_a_failed_call_that_has_used_tokens_needs_a_price(llm: Calls) -> None:
    ask("chat", "m", input=1)
    with clearspan.invocation("chat", provider="openai", model="gpt-4o") as draft:
        draft.usage(input=5, output=1)
        draft.fail("server_error")
    with pytest.raises(LookupError, match="no price is known of gpt-4o"):
        _ = llm.cost


@PRICED
def test_a_call_whose_tokens_nobody_knows_has_no_price(llm: Calls) -> None:
    ask("chat", "m")
    with pytest.raises(LookupError, match="no price is known of m;"):
        _ = llm.cost


@PRICED
def test_estimates_are_in_the_sums(llm: Calls) -> None:
    ask("chat", "m", input=2, output=1, source="estimated")
    assert llm.total_tokens == 3
    assert llm.cost == pytest.approx(0.002)
    assert llm.calls[0].cost is not None
    assert llm.calls[0].cost.estimated


def ask(operation: str, model: str, **counts: int | str) -> None:
    with clearspan.invocation(operation, provider="openai", model=model) as draft:
        draft.usage(**counts)


def test_the_fixture_here(llm: Calls) -> None:
    with clearspan.invocation("chat", provider="acme", model="m") as draft:
        draft.usage(input=1)
    with clearspan.invocation("chat", provider="acme", model="n") as draft:
        draft.fail("overloaded")
    assert [call.model for call in llm.calls] == ["m", "n"]
    assert (llm.input_tokens, llm.output_tokens, llm.total_tokens) == (1, 0, 1)
    assert (llm.models, llm.errors) == ({"m", "n"}, ["overloaded"])
    assert len(llm.spans) == 2
    assert llm.events == []


@PRICED
def test_a_call_that_goes_on_has_no_cost_yet(llm: Calls) -> None:
    with clearspan.span("around"):
        assert llm.cost == 0
        with clearspan.invocation("chat", model="m") as draft:
            draft.usage(input=1)
            with pytest.raises(LookupError, match="1 of the calls have not ended"):
                _ = llm.cost
        assert llm.cost > 0


def is_short(call: Invocation) -> bool:
    return len(call.output_text) < 10


@pytest.mark.clearspan(evaluators=[is_short], providers=())
def test_scores_are_there_for_assertions(llm: Calls) -> None:
    with clearspan.invocation("chat", provider="acme", model="m") as draft:
        draft.text("Yes.")
    assert [(score.name, score.passed) for score in llm.scores] == [("is_short", True)]
