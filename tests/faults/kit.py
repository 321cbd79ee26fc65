"""What the tests of known faults share: clients of every provider, programs of their own, patience.

A `Line` is one way to ask one client library for an answer, alike for all of them: whole or as a stream,
synchronous or not. `LINES` are those of the libraries that are installed here.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clearspan.testing import ModelServer

__all__ = [
    "ASKED", "LINES", "PIECES", "ROOT", "TEXT", "Line", "collected", "environment", "eventually", "line", "lines",
    "of_the_test", "ran", "started",
]  # fmt: skip

ROOT = Path(__file__).parents[2]
PIECES = ("The ", "answer ", "is ", "forty-two", ".")
TEXT = "".join(PIECES)
ASKED = "What is the answer?"
PATIENCE = 30.0
"""Seconds after which something that should have happened long ago is taken for lost."""

_MODEL = "acme/model-7b"


@dataclass(frozen=True)
class Line:
    """One way to ask a client. `ask` answers with the result, the stream, or an awaitable of it."""

    name: str
    library: str
    make: Callable[[ModelServer, bool], Any]
    """A client for that server; the flag asks for the asynchronous one. It does not retry."""
    ask: Callable[..., Any]
    """`ask(client, text, stream=False)`."""
    said: Callable[[Any], str]
    """The text of a whole answer."""
    delta: Callable[[Any], str]
    """The text of one element of a stream."""

    def __str__(self) -> str:
        return self.name

    def release(self, client: Any) -> Any:
        """Close what the client holds open; asynchronous ones answer with an awaitable."""
        if self.library == "ollama":
            inner = client._client
            return inner.aclose() if hasattr(inner, "aclose") else inner.close()
        close = getattr(client, "close", None)
        return close() if close is not None else None

    def leave(self, stream: Any) -> Any:
        """Close a stream before its end."""
        close = stream.aclose if hasattr(stream, "aclose") else stream.close
        return close()


def _openai(server: ModelServer, asynchronous: bool) -> Any:
    import openai

    kind = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return kind(base_url=server.url, api_key="sk-unused", max_retries=0)


def _ollama(server: ModelServer, asynchronous: bool) -> Any:
    import ollama

    return (ollama.AsyncClient if asynchronous else ollama.Client)(host=server.origin)


def _hub(server: ModelServer, asynchronous: bool) -> Any:
    import huggingface_hub
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True  # newer ones ask the Hub who is calling, once
    kind: Any = (
        huggingface_hub.AsyncInferenceClient if asynchronous else huggingface_hub.InferenceClient
    )
    return kind(model=f"{server.origin}/models/{_MODEL}", token="none")


def _messages(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def _chat(client: Any, text: str, stream: bool = False, **more: Any) -> Any:
    given = {"stream": True} if stream else {}
    return client.chat.completions.create(model="m", messages=_messages(text), **given, **more)


def _completion(client: Any, text: str, stream: bool = False, **more: Any) -> Any:
    given = {"stream": True} if stream else {}
    return client.completions.create(model="m", prompt=text, **given, **more)


def _response(client: Any, text: str, stream: bool = False, **more: Any) -> Any:
    given = {"stream": True} if stream else {}
    return client.responses.create(model="m", input=text, **given, **more)


def _ollama_chat(client: Any, text: str, stream: bool = False, **more: Any) -> Any:
    return client.chat(model="m", messages=_messages(text), stream=stream, **more)


def _ollama_generate(client: Any, text: str, stream: bool = False, **more: Any) -> Any:
    return client.generate(model="m", prompt=text, stream=stream, **more)


def _hub_chat(client: Any, text: str, stream: bool = False, **more: Any) -> Any:
    return client.chat_completion(_messages(text), stream=stream, **more)


def _hub_generation(client: Any, text: str, stream: bool = False, **more: Any) -> Any:
    return client.text_generation(text, stream=stream, **more)


def _choice(chunk: Any) -> str:
    return "".join(choice.delta.content or "" for choice in chunk.choices)


def _event(event: Any) -> str:
    return str(event.delta) if event.type == "response.output_text.delta" else ""


_ALL = (
    Line("openai-chat", "openai", _openai, _chat, lambda a: a.choices[0].message.content, _choice),
    Line(
        "openai-completions", "openai", _openai, _completion, lambda a: a.choices[0].text,
        lambda c: "".join(choice.text for choice in c.choices),
    ),
    Line("openai-responses", "openai", _openai, _response, lambda a: a.output_text, _event),
    Line(
        "ollama-chat", "ollama", _ollama, _ollama_chat, lambda a: a.message.content,
        lambda c: c.message.content or "",
    ),
    Line(
        "ollama-generate", "ollama", _ollama, _ollama_generate, lambda a: a.response, lambda c: c.response or "",
    ),
    Line(
        "hub-chat", "huggingface_hub", _hub, _hub_chat, lambda a: a.choices[0].message.content, _choice,
    ),
    Line("hub-generation", "huggingface_hub", _hub, _hub_generation, str, str),
)  # fmt: skip
LINES = tuple(item for item in _ALL if importlib.util.find_spec(item.library) is not None)


def lines(*names: str) -> tuple[Line, ...]:
    """Those of these names, or of these libraries, that are here."""
    return tuple(item for item in LINES if item.name in names or item.library in names)


def line(name: str) -> Line:
    """The one of that name. Raises `StopIteration` where its library is not installed."""
    return next(item for item in LINES if item.name == name)


def environment(**variables: str) -> dict[str, str]:
    """What a process of a test gets: this tree's code and no strictness, so that it is as users run it."""
    kept = {name: value for name, value in os.environ.items() if name != "CLEARSPAN_STRICT"}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        **variables,
    }


def ran(
    code: str, *arguments: str, folder: Path | None = None, timeout: float = 120, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A Python process that ran `code` to its end, whatever that was."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment(**variables), cwd=folder, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip


@contextlib.contextmanager
def started(code: str, *arguments: str, folder: Path | None = None, **variables: str) -> Any:
    """A Python process that runs `code`, with pipes; it is gone when the block is left."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, *arguments],
        env=environment(**variables), cwd=folder, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def eventually(true: Callable[[], Any], timeout: float = PATIENCE) -> bool:
    """Whether `true()` comes true in time; it is asked again and again."""
    deadline = time.monotonic() + timeout
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def collected(over: Callable[[], Any]) -> bool:
    """Whether `over()` comes true while the collector takes what nobody holds."""

    def turn() -> Any:
        gc.collect()
        return over()

    return eventually(turn)


_EXPORTING = ("opentelemetry.exporter.otlp", "urllib3")


def of_the_test(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What was logged, but for what an exporter says late that another test left in the middle of a request."""
    return [record for record in caplog.records if not record.name.startswith(_EXPORTING)]
