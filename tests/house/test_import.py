"""`import clearspan` costs next to nothing and touches nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import TypedDict

import pytest

import clearspan

# Runs in an interpreter of its own. The API comes first: most hosts have it, and what it does at
# import is not ours.
PROBE = """
import json, os, sys, atexit, signal
import opentelemetry.trace, opentelemetry.metrics, opentelemetry._logs

events = []
def watch(name, args):
    if name == "open":
        path, mode, flags = args
        write = (mode or "r").strip("bt") != "r" or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        code = str(path).endswith((".py", ".pyc", ".so", ".pyd"))
        if write or not code:
            events.append(f"{name} {path!r} {mode!r}")
    elif name.startswith(("socket.", "subprocess.", "os.fork", "os.posix_spawn", "signal.")) or name == "_thread.start_new_thread":
        events.append(f"{name} {args!r}")

before, exits = set(sys.modules), atexit._ncallbacks()
handlers = {each: signal.getsignal(each) for each in signal.valid_signals()}
sys.addaudithook(watch)
import clearspan
watching, events = events, []
print(json.dumps({
    "modules": sorted(set(sys.modules) - before),
    "loaded": sorted(sys.modules),
    "events": watching,
    "exits": atexit._ncallbacks() - exits,
    "signals": handlers == {each: signal.getsignal(each) for each in signal.valid_signals()},
}))
"""

HEAVY = (
    "click",
    "httpx",
    "httpx2",
    "huggingface_hub",
    "ollama",
    "openai",
    "opentelemetry.exporter",
    "opentelemetry.sdk",
    "requests",
    "rich",
    "sqlite3",
    "torch",
    "transformers",
)


class Seen(TypedDict):
    modules: list[str]
    loaded: list[str]
    events: list[str]
    exits: int
    signals: bool


@cache
def seen() -> Seen:
    # Without coverage's start-up hook: it would load modules and open files itself.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROBE],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("heavy", HEAVY)
def test_nothing_heavy_is_loaded(heavy: str) -> None:
    loaded = seen()["loaded"]
    assert [name for name in loaded if name == heavy or name.startswith(f"{heavy}.")] == []


def test_only_our_own_and_the_standard_library_is_loaded() -> None:
    foreign = {
        top
        for top in (name.split(".")[0] for name in seen()["modules"])
        if top not in sys.stdlib_module_names and not top.startswith("_")
    }
    assert foreign <= {"clearspan"}


def test_few_modules_are_loaded() -> None:
    ours = [name for name in seen()["modules"] if name.split(".")[0] == "clearspan"]
    assert len(ours) <= 6, ours
    assert len(seen()["modules"]) <= 20, seen()["modules"]


def test_no_file_socket_thread_or_process_is_touched() -> None:
    assert seen()["events"] == []


def test_no_exit_or_signal_handler_is_installed() -> None:
    assert seen()["exits"] == 0
    assert seen()["signals"]


def test_every_public_name_is_there_when_asked_for() -> None:
    assert [name for name in clearspan.__all__ if not hasattr(clearspan, name)] == []
    assert set(clearspan.__all__) <= set(dir(clearspan))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        clearspan.no_such_name  # noqa: B018  # type: ignore[attr-defined]


PROMISED = (
    "Invocation",
    "agent",
    "carry",
    "context",
    "current",
    "embedding",
    "flush",
    "init",
    "instrument",
    "invocation",
    "model",
    "observe",
    "retrieval",
    "shutdown",
    "span",
    "status",
    "suppressed",
    "task",
    "tool",
    "uninstrument",
    "workflow",
)


@pytest.mark.parametrize("name", PROMISED)
def test_the_promised_names_are_public(name: str) -> None:
    assert name in clearspan.__all__
