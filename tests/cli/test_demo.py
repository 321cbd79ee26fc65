from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from clearspan.cli import local_model
from clearspan.testing import ModelServer
from clearspan.testing.server import Error, Reply, Request
from tests.cli.conftest import Command, Process, traces

# With torch and transformers there, one more trace is shown: tests/cli/test_demo_local.py.
LOCAL = local_model.installed()


def spans(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        span
        for trace in document["traces"]
        if "draft locally" not in trace["spans"][0]["name"]
        for span in trace["spans"]
    ]


def demo(call: Command, *words: str) -> dict[str, Any]:
    """A run of the demo, as its JSON tells it."""
    result = call("demo", "--json", *words)
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_it_shows_the_traces_and_what_to_type_next(start: Process, place: Path) -> None:
    done = start("demo")
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout
    assert shown.count("\ntrace ") == 3 + LOCAL
    for line in (
        r"invoke_workflow answer +█+",
        r"├─ retrieval handbook ",
        r"│  └─ embeddings text-embedding-3-small ",
        r"└─ invoke_agent help desk ",
        r"   ├─ chat gpt-4o-mini .* \d+→\d+ +\$0\.0+\d+  tool_calls",
        r"   ├─ execute_tool opening_hours ",
        r"   └─ chat gpt-4o-mini .* \$0\.0+\d+  stop · first .* tok/s",
        r"├─ ✗ chat a-model-that-does-not-exist .* model_not_found",
        r"└─ chat gpt-4o-mini .* stop · 1 retry",
    ):
        assert re.search(f"^{line}", shown, re.MULTILINE), f"{line}\n{shown}"
    assert "stand-in server" in shown
    assert shown.count("prices are the demo's own") == 1
    for words in ("clearspan show ", "clearspan tail ", "clearspan run app.py "):
        assert words in shown
    assert max(map(len, shown.splitlines())) <= 120
    assert (place / ".clearspan" / "clearspan.db").is_file()


def test_what_it_says_to_type_next_works(call: Command, place: Path) -> None:
    shown = call("demo", "--store", "demo.db").stdout
    words = re.search(r"^  clearspan (show [0-9a-f]{8} .*?)  ", shown, re.MULTILINE)
    assert words is not None
    result = call(*words[1].split())
    assert result.exit_code == 0
    assert "Can I bring my bicycle for a repair on Saturday?" in result.stdout


def test_with_a_store_of_its_own_the_hints_keep_their_column(
    call: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = call("demo", "--store", "my demo.db").stdout
    *_, hints = shown.partition("What to type next:\n\n")
    begins = [re.search(r"  (all|one|spans|record) ", line) for line in hints.splitlines()]
    assert len({found.start() for found in begins if found}) == 1
    assert sum(found is not None for found in begins) == 4
    assert max(map(len, hints.splitlines())) <= 80
    assert hints.count(' --store "my demo.db"') == 4


@pytest.mark.parametrize("width", [160, 80, 60, 40])
def test_closing_lines_are_wrapped_at_words(
    call: Command, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = call("demo", "--store", "a.db").stdout
    *_, closing = shown.partition("\nAs it happened: ")
    said = " ".join(closing.split())
    assert "The answers came from a stand-in server on this machine, not from a model." in said
    assert "record a program of yours, unchanged" in said
    assert "\n  clearspan show --store a.db" in closing
    for line in closing.splitlines():
        # What is to be copied stays whole.
        assert len(line) <= width or line.startswith("  clearspan ") or local_model.REMEDY in line
        assert line == line.rstrip()


@pytest.mark.parametrize(("width", "fancy"), [(160, True), (80, False)])
def test_bars_are_explained_only_where_there_are_some(
    call: Command, monkeypatch: pytest.MonkeyPatch, width: int, *, fancy: bool
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = call("demo").stdout
    assert ("░" in shown) is ("In the bars, the lighter part" in shown) is fancy


def test_prices_of_others_are_not_called_the_demo_s(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARSPAN_PRICING", "off")
    assert "prices" not in call("demo").stdout
    (place / "mine.json").write_text('{"models": {"gpt*": {"input": 1, "output": 2}}}')
    monkeypatch.setenv("CLEARSPAN_PRICING", "mine.json")
    shown = call("demo").stdout
    assert "$" in shown
    assert "prices" not in shown


def test_without_any_priced_call_nothing_is_said_of_prices(call: Command) -> None:
    shown = call("demo", "--model", "house-7b", "--embedding-model", "house-e").stdout
    assert "prices" not in shown


def test_the_program_does_what_the_demo_promises(call: Command) -> None:
    document = demo(call)
    found = spans(document)
    assert {span["session"] for span in found} == {document["session"]}
    operations = {span["operation"] for span in found}
    assert operations == {
        "chat",
        "embeddings",
        "retrieval",
        "execute_tool",
        "invoke_agent",
        "invoke_workflow",
    }
    facts = [span["attributes"] for span in found]
    assert sum(each.get("gen_ai.request.stream") is True for each in facts) == 1
    assert sum(each.get("clearspan.request.retry_count", 0) for each in facts) == 1
    assert [each["error.type"] for each in facts if "error.type" in each] == ["model_not_found"]
    [tool] = [each for each in facts if each.get("gen_ai.operation.name") == "execute_tool"]
    assert tool["gen_ai.tool.call.result"] == "10:00 to 16:00"
    answers = [span for span in found if span["operation"] == "chat" and span["status"] != "error"]
    assert len(answers) == 5
    assert all(span["input_tokens"] and span["output_tokens"] for span in answers)


def test_the_retrieval_finds_what_the_answer_needs(call: Command) -> None:
    [search] = [span for span in spans(demo(call)) if span["operation"] == "retrieval"]
    passages = json.loads(search["attributes"]["gen_ai.retrieval.documents"])
    assert passages[0]["content"].startswith("A repair of a bicycle")


def test_every_run_is_a_session_of_its_own(call: Command) -> None:
    first, second = demo(call), demo(call)
    assert first["session"] != second["session"]
    assert len(first["traces"]) == len(second["traces"]) == 3 + LOCAL
    assert len(traces(call)) == 2 * (3 + LOCAL)


def test_settings_of_the_environment_hold(call: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARSPAN_CONTENT", "off")
    monkeypatch.setenv("CLEARSPAN_STORE", "elsewhere.db")
    assert all("gen_ai.input.messages" not in span["attributes"] for span in spans(demo(call)))
    assert Path("elsewhere.db").is_file()


def test_without_the_client_it_says_how_to_get_it(
    call: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clearspan.cli.demo.importlib.util.find_spec", lambda name: None)
    result = call("demo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        result.stderr
        == "clearspan: the demo needs the openai package: python -m pip install 'clearspan[demo]'\n"
    )


@pytest.mark.skipif(LOCAL, reason="torch and transformers are installed")
def test_without_torch_it_says_how_to_see_a_local_model(call: Command) -> None:
    shown = call("demo").stdout
    assert shown.count(local_model.REMEDY) == 1
    assert "random weights" not in shown


@pytest.mark.parametrize("fault", ["raise OSError('libtorch_cpu.so: no such file')", "x = 1"])
def test_a_local_model_that_cannot_be_made_is_left_out(
    start: Process, place: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    for name in ("torch", "transformers"):
        (place / "broken" / name).mkdir(parents=True)
        (place / "broken" / name / "__init__.py").write_text(fault)
    monkeypatch.setenv("PYTHONPATH", str(place / "broken"), prepend=os.pathsep)
    done = start("demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\ntrace ") == 3
    assert "the model in this process was left out: " in done.stdout
    assert local_model.REMEDY not in done.stdout


def test_switched_off_it_says_so(start: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARSPAN_DISABLED", "1")
    result = start("demo")
    assert result.returncode == 1
    assert "CLEARSPAN_DISABLED" in result.stderr


def test_a_store_that_cannot_be_written_is_one_line(call: Command, place: Path) -> None:
    result = call("demo", "--store", "no/such/folder/s.db")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "folder" in result.stderr


def test_live_needs_to_know_whom_to_ask(call: Command) -> None:
    result = call("demo", "--live")
    assert result.exit_code == 2
    assert "OPENAI_API_KEY" in result.stderr
    assert "OPENAI_BASE_URL" in result.stderr


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server of the user's own, named by the environment."""
    with ModelServer() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield running


def test_live_asks_that_server_for_that_model(call: Command, server: ModelServer) -> None:
    found = spans(
        demo(call, "--live", "--model", "own-model", "--embedding-model", "own-embedding")
    )
    asked = {span["request_model"] for span in found if span["request_model"]}
    assert asked == {"own-model", "own-embedding", "a-model-that-does-not-exist"}
    assert len(server.requests) == sum(
        span["kind"] == "client" and span["operation"] != "retrieval" for span in found
    )


def test_live_takes_key_and_model_from_the_environment(
    call: Command, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    monkeypatch.setenv("OPENAI_MODEL", "named-model")
    assert "named-model" in {span["request_model"] for span in spans(demo(call, "--live"))}
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer a-key"}


def test_live_output_does_not_speak_of_a_stand_in(call: Command, server: ModelServer) -> None:
    shown = call("demo", "--live").stdout
    assert "stand-in" not in shown
    assert "the demo's own" not in shown


def bare(request: Request) -> Error | None:
    """A server without embeddings and tools."""
    if request.path.endswith("/embeddings"):
        return Error(404, "no embeddings here")
    asks = isinstance(request.json, dict) and request.json.get("tools")
    return Error(400, "tools are not supported") if asks else None


def test_a_server_without_embeddings_and_tools_is_survived(
    call: Command, server: ModelServer
) -> None:
    server.respond(bare)
    found = spans(demo(call, "--live"))
    failed = {
        (span["operation"], span["error_type"]) for span in found if span["status"] == "error"
    }
    assert {operation for operation, _ in failed} == {"embeddings", "chat"}
    assert "execute_tool" not in {span["operation"] for span in found}
    shown = call("demo", "--live").stdout
    assert "the handbook was searched by words" in shown
    assert "the model was asked without one" in shown


def test_a_model_may_answer_without_the_tool_or_ask_for_nonsense(
    call: Command, server: ModelServer
) -> None:
    from clearspan.testing.server import ToolCall

    for arguments in ("not json", "[1]", '{"when": 3}', '{"day": "sunday"}'):
        server.respond(Reply(tool_calls=[ToolCall("opening_hours", arguments)]))
        results = [
            span["attributes"]["gen_ai.tool.call.result"]
            for span in spans(demo(call, "--live"))
            if span["operation"] == "execute_tool"
        ]
        assert results == ["closed" if "sunday" in arguments else "9:00 to 18:00"]


def test_a_server_that_refuses_everything_is_a_failed_demo(
    call: Command, server: ModelServer
) -> None:
    server.respond(Error(401, "wrong key", headers={"x-should-retry": "false"}))
    result = call("demo", "--live")
    assert result.exit_code == 1
    assert result.stdout.count("✗ chat") == 6
    assert result.stderr.startswith("clearspan: no call of 'gpt-4o-mini' succeeded")
