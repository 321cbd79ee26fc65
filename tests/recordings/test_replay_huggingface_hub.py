"""Recorded exchanges of Chat Completions and of Hugging Face's tasks through the real ``huggingface_hub`` clients.

The recorded answer is served on loopback, whatever HTTP library the installed version speaks through; so the address is
the only fact that differs from the recording.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import huggingface_hub
import pytest

import clearspan.testing

from .compare import differences, report
from .exchange import Exchange, folder, load
from .raw import JsonMap, as_map
from .reading import Reading, read

_EVERY = 5  # a sample: all of them take a minute
TASKS = {"fill-mask": "fill_mask", "question-answering": "question_answering"}


def find() -> list[Path]:
    """Hugging Face's own recordings, and some of every other vendor's chats, which have the same form."""
    chats = sorted(set(folder().glob("*/chat-*.json")) - set(folder().glob("huggingface/*.json")))
    return [*sorted(folder().glob("huggingface/*.json")), *chats[::_EVERY]]


_FOUND = find()
_ABSENT = pytest.param(
    None, id="none", marks=pytest.mark.skip(reason=f"no recordings in {folder()}")
)


@contextmanager
def served(exchange: Exchange) -> Iterator[tuple[str, list[JsonMap]]]:
    """The recorded answer to every request, and what was asked."""
    asked: list[JsonMap] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked.append(as_map(json.loads(body)))
            self.send_response(exchange.status)
            kind = exchange.headers.get("content-type", "application/json")
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(exchange.content)))
            self.end_headers()
            self.wfile.write(exchange.content)

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _chat(client: Any, payload: JsonMap) -> Any:
    known = inspect.signature(client.chat_completion).parameters
    direct = {name: value for name, value in payload.items() if name in known}
    extra = {name: value for name, value in payload.items() if name not in known}
    return client.chat_completion(**direct, **({"extra_body": extra} if extra else {}))


def _call(client: Any, exchange: Exchange) -> Any:
    task = urlsplit(exchange.url).path.split("/")[2:3]
    if task and task[0] in TASKS:
        given = exchange.payload["inputs"]
        arguments = {"text": given} if isinstance(given, str) else {"context": "", **as_map(given)}
        return getattr(client, TASKS[task[0]])(**arguments)
    return _chat(client, exchange.payload)


def _seen(value: Any) -> Any:
    if isinstance(value, Exception):
        return type(value), getattr(getattr(value, "response", None), "status_code", None)
    return type(value), value


def run_sync(exchange: Exchange, url: str) -> list[Any]:
    client = huggingface_hub.InferenceClient(base_url=url, api_key="unused")
    try:
        result = _call(client, exchange)
        found = list(result) if exchange.streams else [result]
    except Exception as error:  # noqa: BLE001 -- whatever the client raises is the result
        found = [error]
    return [_seen(item) for item in found]


async def run_async(exchange: Exchange, url: str) -> list[Any]:
    found: list[Any] = []
    async with huggingface_hub.AsyncInferenceClient(base_url=url, api_key="unused") as client:
        try:
            result = await _call(client, exchange)
            found = [item async for item in result] if exchange.streams else [result]
        except Exception as error:  # noqa: BLE001 -- whatever the client raises is the result
            found = [error]
    return [_seen(item) for item in found]


def _both(exchange: Exchange, url: str) -> list[Any]:
    return [run_sync(exchange, url), asyncio.run(run_async(exchange, url))]


def _task(exchange: Exchange) -> Reading:
    task = TASKS[urlsplit(exchange.url).path.split("/")[2]]
    reading = Reading(task, {"gen_ai.operation.name": task}, inputs=[], outputs=[])
    if exchange.status >= 400:
        reading.failed = True
        reading.attributes["error.type"] = str(exchange.status)
    return reading


def _expected(exchange: Exchange, url: str) -> Reading:
    task = exchange.endpoint == "hf-inference" and "/pipeline/" in exchange.url
    chat = Exchange(exchange.path, {**exchange.record, "endpoint": "chat"})
    reading = _task(exchange) if task else read(chat)
    if reading.failed and exchange.status < 400:
        # What went wrong in the middle of a stream is an exception without a code.
        reading.attributes["error.type"] = "huggingface_hub.errors.UnknownError"
    reading.attributes |= {
        "gen_ai.provider.name": "hugging_face",
        "server.address": "127.0.0.1",
        "server.port": urlsplit(url).port,
    }
    reading.attributes = {
        name: value for name, value in reading.attributes.items() if not name.startswith("openai.")
    }
    return reading


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in _FOUND] or [_ABSENT],
)
def test_caller_and_span(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    exchange = load(path)
    with served(exchange) as (url, asked):
        raw = _both(exchange, url)
        with clearspan.testing.captured(count_tokens="off") as seen:
            instrumented = _both(exchange, url)
    assert instrumented == raw
    if not asked:
        pytest.skip("the client refuses to send this")
    assert asked[: len(asked) // 2] == asked[len(asked) // 2 :]
    reading = _expected(exchange, url)
    found = [differences(reading, span) for span in seen.spans]
    assert found == [[], []], "\n".join(map(report, found))
