"""A program sees and sends the same with clearspan as without: values, errors, chunks, bytes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clearspan.testing import ModelServer
from clearspan.testing.server import (
    Answer,
    Cut,
    Error,
    Json,
    Raw,
    Reply,
    Request,
    Sse,
    StreamError,
    ToolCall,
)
from tests.house.tree import ROOT
from tests.runtime.support import SOURCE

PLAYER = Path(__file__).with_name("player.py")
MODES = ["early", "late", "off", "unsampled", "own", "run"]
NAMES = re.findall(
    r"^@scenario\ndef (\w+)", PLAYER.with_name("scenarios.py").read_text(), re.MULTILINE
)
CASES = [f"{kind} {name}" for kind in ("sync", "async") for name in NAMES]

_STRUCTURED = json.dumps({"text": "because", "sure": True})
_ODD: list[Any] = [
    {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "odd", "choices": []},
    {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "odd", "choices": [{"index": 0, "delta": {}}]},
    {"id": "c-1", "choices": [{"index": 0, "delta": None}]},
    {"id": "c-1", "choices": [{"index": 0, "delta": {"content": None, "tool_calls": [{"index": 0, "function": {"arguments": None}}]}}]},
    {"id": "c-1", "choices": [{"delta": {"content": "x", "surprise": {"a": [1]}}}], "unknown": 3},
    {"id": None, "choices": None, "usage": None},
    "data: [DONE]", "",
]  # fmt: skip
SAID: dict[str, Answer] = {
    "tools": Reply(tool_calls=[ToolCall("weather", {"city": "Paris"}, "call-1"), ToolCall("weather", {"city": "Rome"}, "call-2")], interleave=True),
    "structured": Reply(_STRUCTURED),
    "reasoning": Reply("because", reasoning="let me think"),
    "odd": Sse(_ODD),
    "empty": Sse(["data: [DONE]", ""]),
    "refused": Error(401, "no such key", "invalid_api_key"),
    "missing": Error(404, "no such model", "model_not_found"),
    "limited": Error(429, "slow down", "rate_limit_exceeded", headers={"retry-after": "0"}),
    "broken": Error(500, "out of order", headers={"retry-after-ms": "1"}),
    "no-json": Raw(headers={"content-type": "application/json"}, body=b"<html>not JSON</html>"),
    "teapot": Json({"surprise": True}, status=418),
    "cut": Cut(Reply("one two three four five"), after=3),
    "failing": StreamError(Reply("one two three"), after=2),
    "garbled": Sse(["data: {not json", ""]),
    "slow": Reply("late", first_delay=3.0),
}  # fmt: skip


def say(request: Request) -> Answer | None:
    """What is answered depends on the request alone, so that every run is answered alike."""
    model = request.json.get("model") if isinstance(request.json, dict) else None
    if model == "retried":
        again = request.headers.get("x-stainless-retry-count") == "1"
        return Reply("at last") if again else Error(503, "not yet", headers={"retry-after-ms": "1"})
    return SAID.get(str(model))


@dataclass(frozen=True)
class Run:
    """What one run of all the scenarios saw, and what the server saw of it."""

    transcripts: dict[str, Any]
    status: dict[str, Any]
    wire: dict[str, list[Any]]


def wired(requests: list[Request]) -> dict[str, list[Any]]:
    """The requests by scenario, without what differs between any two runs."""
    found: dict[str, list[Any]] = {}
    for request in requests:
        headers = dict(request.headers)
        case = headers.get("x-scenario", "module level")
        body = request.body
        boundary = re.search(r"boundary=([\w-]+)", headers.get("content-type", ""))
        if boundary is not None:
            body = body.replace(boundary.group(1).encode(), b"boundary")
            headers["content-type"] = "multipart"
        found.setdefault(case, []).append(
            [
                request.method,
                request.path,
                dict(request.query),
                headers,
                body.decode(errors="backslashreplace"),
            ]
        )
    return found


class Player:
    """Runs the player once for each mode, against one server."""

    def __init__(self, server: ModelServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.runs: dict[str, Run] = {}

    def __call__(self, mode: str) -> Run:
        if mode not in self.runs:
            self.runs[mode] = self._play(mode)
        return self.runs[mode]

    def _play(self, mode: str) -> Run:
        self.server.reset()
        self.server.respond(say)
        out = self.folder / f"{mode}.json"
        started = [sys.executable]
        if mode == "run":
            started += ["-c", "from clearspan.cli import main; main()", "run"]
        command = [*started, str(PLAYER), mode, self.server.url, str(out)]
        variables = {
            **os.environ,
            "PYTHONPATH": f"{SOURCE}{os.pathsep}{ROOT}",
            "CLEARSPAN_STRICT": "1",
        }
        result = subprocess.run(
            command, cwd=self.folder, env=variables, capture_output=True, text=True, timeout=300
        )
        assert result.returncode == 0, result.stderr
        found = json.loads(out.read_text())
        return Run(found["transcripts"], found["status"], wired(self.server.requests))


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("openai", reason="the client library is not installed")
    with ModelServer() as server:
        yield Player(server, tmp_path_factory.mktemp("differential"))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("mode", MODES)
def test_a_program_sees_and_sends_the_same(mode: str, case: str, play: Player) -> None:
    raw, made = play("raw"), play(mode)
    assert made.transcripts[case] == raw.transcripts[case]
    assert made.wire.get(case) == raw.wire.get(case)


@pytest.mark.parametrize("mode", MODES)
def test_the_calls_were_recorded_all_the_same(mode: str, play: Player) -> None:
    raw, made = play("raw"), play(mode)
    assert made.wire["module level"] == raw.wire["module level"]
    assert raw.status == {}
    assert made.status["created"] > 100
    assert (made.status["open"], made.status["errors"]) == (0, {})
    assert made.status["pending"] == 0
    assert set(made.status["dropped"]) <= {"unsampled"}


def test_every_run_made_every_call(play: Player) -> None:
    raw = play("raw")
    assert sorted(raw.transcripts) == sorted(CASES)
    without = {
        "sync objects",
        "async objects",
        "sync module_level_client",
        "async module_level_client",
    }
    assert set(raw.wire) == (set(CASES) - without) | {"module level"}
