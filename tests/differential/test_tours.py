"""Other clients, objects, frameworks and processes: a program sees and sends the same with clearspan as without."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from clearspan.testing import ModelServer
from clearspan.testing.server import Answer, Cut, Error, Hang, Raw, Reply, Request
from tests.house.tree import ROOT

MODES = ["early", "late"]
HERE = Path(__file__).parent
TITLES = re.findall(r"^@tour\ndef (\w+)", (HERE / "tours.py").read_text(), re.MULTILINE)
SAID: dict[str, Answer] = {
    "refused": Error(401, "no such key", "invalid_api_key"),
    "limited": Error(429, "slow down", "rate_limit_exceeded", headers={"retry-after": "0"}),
    "broken": Error(500, "out of order"),
    "no-json": Raw(headers={"content-type": "application/json"}, body=b"<html>not JSON</html>"),
    "cut": Cut(Reply("one two three four five"), after=2),
    "silent": Hang(30),
    "slow": Reply("one two three", chunk_delay=30),
}
_EACH_RUN = {"x-request-id", "x-amzn-trace-id", "date"}


def say(request: Request) -> Answer | None:
    """By the request alone, so that every run is answered alike."""
    model = request.json.get("model") if isinstance(request.json, dict) else None
    return (
        SAID.get(str(model), Reply("so it is said"))
        if request.path.endswith(("chat", "completions"))
        else None
    )


class Trip(NamedTuple):
    transcripts: dict[str, Any]
    status: dict[str, Any]
    wire: list[Any]
    stderr: list[str]


def _wired(request: Request) -> list[Any]:
    headers = [(k, v) for k, v in request.headers.items() if k not in _EACH_RUN]
    return [request.method, request.path, dict(request.query), headers, request.body]


class Guide:
    """Runs each mode once, against one server."""

    def __init__(self, server: ModelServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.trips: dict[str, Trip] = {}

    def __call__(self, mode: str) -> Trip:
        if mode not in self.trips:
            self.trips[mode] = self._made(mode)
        return self.trips[mode]

    def _made(self, mode: str) -> Trip:
        self.server.reset()
        self.server.respond(say)
        out = self.folder / f"tour-{mode}.json"
        variables = {
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            "PYTHONHASHSEED": "0",
            "CLEARSPAN_STRICT": "1",
            "NO_COLOR": "1",
            "TERMINAL_WIDTH": "100",
        }
        done = subprocess.run(
            [sys.executable, str(HERE / "tour.py"), mode, self.server.url, str(out)],
            cwd=self.folder, env=variables, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found = json.loads(out.read_text())
        wire = [_wired(request) for request in self.server.requests]
        return Trip(found["transcripts"], found["status"], wire, _printed(done.stderr))


def _printed(text: str) -> list[str]:
    """Lines, in no order: half-made copies of clients complain when the collector meets them."""
    lines = re.sub(r" at 0x[0-9a-f]+", "", text).splitlines()
    return sorted(line for line in lines if "ResourceWarning" not in line)


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Any:
    for library in ("openai", "ollama", "huggingface_hub", "fastapi", "typer"):
        pytest.importorskip(library, reason="the library is not installed")
    with ModelServer() as server:
        yield Guide(server, tmp_path_factory.mktemp("tours"))


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("mode", MODES)
def test_a_program_sees_the_same(mode: str, title: str, guide: Guide) -> None:
    assert guide(mode).transcripts[title] == guide("raw").transcripts[title]


@pytest.mark.parametrize("mode", MODES)
def test_the_servers_see_the_same(mode: str, guide: Guide) -> None:
    raw, made = guide("raw"), guide(mode)
    assert made.wire == raw.wire
    assert len(raw.wire) > 150


@pytest.mark.parametrize("mode", MODES)
def test_nothing_more_is_printed(mode: str, guide: Guide) -> None:
    assert guide(mode).stderr == guide("raw").stderr


@pytest.mark.parametrize("mode", MODES)
def test_the_calls_were_recorded_all_the_same(mode: str, guide: Guide) -> None:
    status = guide(mode).status
    assert (status["open"], status["pending"], status["errors"]) == (0, 0, {})
    assert status["created"] > 100


def test_every_tour_was_made(guide: Guide) -> None:
    assert list(guide("raw").transcripts) == TITLES
    assert guide("raw").status == {}
