"""What the tests of the ollama provider share."""

from __future__ import annotations

import inspect
import json
from typing import Any

import httpx
import ollama

ASKED: list[Any] = [{"role": "user", "content": "Where is Rome?"}]
CHAT: dict[str, Any] = {"model": "llama3.2", "messages": ASKED}
THINKS: dict[str, Any] = {"think": True} if "think" in inspect.signature(ollama.Client.chat).parameters else {}  # fmt: skip
"""What asks a model to think, in the versions of the client that know of thinking."""
DONE: dict[str, Any] = {
    "done": True,
    "done_reason": "stop",
    "total_duration": 5_000_000_000,
    "load_duration": 1_000_000_000,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 500_000_000,
    "eval_count": 30,
    "eval_duration": 3_000_000_000,
}
HEAD: dict[str, Any] = {"model": "llama3.2:latest", "created_at": "2026-01-01T00:00:00Z"}


def answering(*bodies: Any, asynchronous: bool, status: int = 200) -> Any:
    """A client whose server always says this: one body, or the lines of a stream."""

    def handle(request: httpx.Request) -> httpx.Response:
        del request
        return httpx.Response(status, content="\n".join(map(json.dumps, bodies)))

    kind = ollama.AsyncClient if asynchronous else ollama.Client
    return kind(host="http://gpu.example.org:8000", transport=httpx.MockTransport(handle))


def sent(side: Any, client: Any, method: str, **given: Any) -> Any:
    """What a method answers, read to its end where it is a stream."""
    answer = side.do(getattr(client, method)(**given))
    return side.take(answer) if given.get("stream") else answer


def only(seen: Any) -> Any:
    """The one span, all calls having ended."""
    assert seen.open_calls == 0
    (span,) = seen.spans
    return span


def told(span: Any, name: str) -> Any:
    """A message attribute as the list that it is."""
    return json.loads(span.attributes[f"gen_ai.{name}"])


def parts(span: Any) -> Any:
    """The parts of the answer."""
    return told(span, "output.messages")[0]["parts"]
