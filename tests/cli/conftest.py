"""Commands as tests call them, and a store with known traces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import clearspan
from clearspan.cli import main

Command = Callable[..., Result]
Process = Callable[..., "subprocess.CompletedProcess[str]"]
PROGRAM = (sys.executable, "-m", "clearspan")
# Where SIGINT is ignored, as in the background of a shell, every child would ignore it too.
_RESTORING = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
INTERRUPTIBLE = (sys.executable, "-c", _RESTORING, *PROGRAM[1:])
# So that a command that never ends fails its test and not the suite.
PATIENCE = 120


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


@pytest.fixture
def call(place: Path) -> Command:
    """Call a command in this process."""

    def called(*words: str, **options: Any) -> Result:
        return CliRunner().invoke(main, words, **options)

    return called


@pytest.fixture
def start(place: Path) -> Process:
    """Run a command as a process of its own, to its end."""

    def started(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *words],
            **{
                "capture_output": True,
                "text": True,
                "timeout": PATIENCE,
                "env": _environment(),
                **options,
            },
        )

    return started


@pytest.fixture
def follow(place: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command and go on; what still runs at the end is ended."""
    running: list[subprocess.Popen[str]] = []

    def started(
        *words: str, before: tuple[str, ...] = PROGRAM, **options: Any
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*before, *words],
            **{
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "text": True,
                "env": _environment(),
                **options,
            },
        )
        running.append(process)
        return process

    yield started
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _environment() -> dict[str, str]:
    """What `os.environ` says: libraries such as readline set COLUMNS behind its back."""
    return dict(os.environ)


def record(path: Path | str, work: Callable[[], object], **settings: Any) -> None:
    """Do `work` with clearspan storing to `path`."""
    with clearspan.init(store=path, **{"providers": (), **settings}) as runtime:
        work()
        assert runtime.flush(PATIENCE)


def shop() -> None:
    """A session of two traces: an answer with a tool, and a call that fails."""
    with clearspan.context(session="s-1", user="u-1"):
        with clearspan.span("answer", kind="workflow") as step:
            step.set(input="question", output="reply")
            chat("m-large", "When?", "At ten.", provider="acme", tokens=(1200, 34))
            with clearspan.span("clock", kind="tool") as tool:
                tool.set(input={"zone": "UTC"}, output="10:00")
        try:
            with clearspan.span("broken", kind="workflow"):
                failing()
        except ConnectionError:
            return


def failing() -> None:
    with clearspan.invocation("chat", provider="other", model="m-small") as draft:
        draft.input("Hello?")
        raise ConnectionError("nobody is there")


def chat(
    model: str,
    asked: str,
    said: str,
    *,
    provider: str = "acme",
    tokens: tuple[int, int] = (3, 4),
) -> None:
    """A model call with everything that is shown of one."""
    with clearspan.invocation("chat", provider=provider, model=model) as draft:
        draft.system("Be brief.")
        draft.input(asked)
        draft.reasoning("hm")
        draft.text(said)
        draft.tool_call(id="c-1", name="clock", arguments='{"zone":"UTC"}')
        draft.finish("stop")
        draft.usage(input=tokens[0], output=tokens[1])


@pytest.fixture
def store(place: Path) -> Path:
    """The usual store, with the traces of `shop`."""
    record(".clearspan/clearspan.db", shop, service_name="shop")
    return place / ".clearspan" / "clearspan.db"


def traces(call: Command, *words: str) -> list[dict[str, Any]]:
    """The list of traces as JSON gives it."""
    result = call("show", "--json", *words)
    assert result.exit_code in (0, 1), result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["traces"]
    return found


def names(call: Command, *words: str) -> list[str]:
    """The names in the list of traces, newest first."""
    return [trace["name"] for trace in traces(call, *words)]
