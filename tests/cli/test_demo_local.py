"""The demo where torch and transformers are installed: a model in the process is shown too."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from clearspan.cli.local_model import NAME, REMEDY
from tests.cli.conftest import Command, Process

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("openai", reason="openai is not installed")


def test_it_shows_a_tree_of_a_pipeline_and_its_model(start: Process) -> None:
    done = start("demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\ntrace ") == 4
    tree = done.stdout[done.stdout.index("invoke_workflow draft locally") :]
    assert re.search(rf"^└─ \S+ {NAME} ", tree, re.MULTILINE)
    assert re.search(rf"^   └─ chat {NAME} .* \d+→\d+ .* tok/s", tree, re.MULTILINE)
    assert "left out" not in done.stdout
    assert REMEDY not in done.stdout


def test_the_model_is_recorded_with_its_phases(call: Command) -> None:
    document = json.loads(call("demo", "--json").stdout)
    (trace,) = [
        found for found in document["traces"] if found["spans"][0]["name"].endswith("draft locally")
    ]
    _, pipeline, generated = trace["spans"]
    assert generated["parent_id"] == pipeline["span_id"]
    facts = generated["attributes"]
    assert (generated["provider"], generated["model"]) == ("hugging_face", NAME)
    assert generated["output_tokens"] == 12
    assert facts["clearspan.phase.prefill"] > 0
    assert facts["clearspan.phase.decode"] > 0
    assert json.loads(facts["gen_ai.input.messages"])[0]["role"] == "user"


def test_nothing_is_downloaded(
    start: Process, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is asked of another machine fails at once, and the demo does not mind."""
    (place / "site").mkdir()
    (place / "site" / "sitecustomize.py").write_text(
        "import socket\n"
        "def local(self, address, connect=socket.socket.connect):\n"
        "    if self.family != socket.AF_UNIX and address[0] != '127.0.0.1':\n"
        "        print('asked for', address)\n"
        "        raise OSError('no network here')\n"
        "    return connect(self, address)\n"
        "socket.socket.connect = local\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(place / "site"), prepend=os.pathsep)
    monkeypatch.setenv("HF_HOME", str(place / "hub"))
    done = start("demo")
    assert done.returncode == 0
    assert "asked for" not in done.stdout
    assert NAME in done.stdout


def test_a_server_of_one_s_own_is_asked_alone(
    call: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert NAME not in call("demo", "--live").stdout
