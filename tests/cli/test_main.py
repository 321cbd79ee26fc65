from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE, PROGRAM, Command, Process

COMMANDS = ("demo", "run", "show", "tail", "evaluate", "doctor")
LOADED = """
import json, sys
from clearspan.cli import main
main(["--help"], standalone_mode=False)
json.dump(sorted(sys.modules), sys.stderr)
"""


def test_help_names_every_command_and_no_other(call: Command) -> None:
    result = call("--help")
    assert result.exit_code == 0
    section = result.stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in section.splitlines()] == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(call: Command, command: str) -> None:
    result = call(command, "--help")
    assert result.exit_code == 0
    assert f"  clearspan {command}" in result.stdout.partition("Examples:")[2]
    assert max(map(len, result.stdout.splitlines())) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_the_short_help_is_the_one_of_the_list(call: Command, command: str) -> None:
    import click

    from clearspan.cli import main

    found = main.get_command(click.Context(main), command)
    assert found is not None
    assert found.short_help is not None
    assert found.short_help in call("--help").stdout


def test_help_loads_no_command_and_nothing_heavy(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    loaded = set(json.loads(done.stderr))
    heavy = {"rich", "opentelemetry", "openai"} | {f"clearspan.cli.{name}" for name in COMMANDS}
    assert loaded & heavy == set()


def test_the_version_is_that_of_the_distribution(call: Command) -> None:
    assert call("--version").stdout.strip() == f"clearspan {version('clearspan')}"


def test_python_m_clearspan_is_the_same_command(start: Process) -> None:
    done = start("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "clearspan")


def test_an_unknown_command_is_wrong_usage(call: Command) -> None:
    result = call("evaluate")
    assert result.exit_code == 2
    assert "evaluate" in result.stderr


def test_a_reader_that_has_left_is_no_error_to_speak_of(store: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        done = subprocess.run(
            [*PROGRAM, "show", "--json"],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
        )
    assert done.stderr == ""
    assert done.returncode != 0


def test_a_terminal_that_cannot_show_a_character_shows_another(place: Path, start: Process) -> None:
    from tests.cli.conftest import chat, record

    record("s.db", lambda: chat("m", "Grüße aus 東京", "✓"))
    for words in ([], ["--json"], ["last", "--content"]):
        done = start(
            "show", "--store", "s.db", *words, env={**os.environ, "PYTHONIOENCODING": "ascii"}
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.isascii()
