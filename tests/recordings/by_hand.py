"""Exchanges written by hand, for the tests of the reading itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .exchange import Exchange
from .facts import Said
from .reading import Reading

CHAT = "https://api.openai.com/v1/chat/completions"


def made(
    payload: object,
    *,
    body: object = None,
    stream: Sequence[object] = (),
    endpoint: str = "chat",
    url: str = CHAT,
    status: int = 200,
) -> Exchange:
    """An exchange as the recordings keep one. Items of ``stream`` are sent as events, strings as they stand."""
    response: dict[str, object] = {
        "status": status,
        "headers": {"content-type": "application/json"},
        "body": body,
    }
    if stream:
        lines = [
            item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
            for item in stream
        ]
        joined = [line for item in lines for line in (f"data: {item}", "")]
        response = {
            "status": status,
            "headers": {"content-type": "text/event-stream"},
            "sse_lines": [*joined, ""],
        }
    request = {"method": "POST", "url": url, "json": payload}
    return Exchange(
        Path("made/by-hand.json"), {"endpoint": endpoint, "request": request, "response": response}
    )


def delta(index: int = 0, finish: str | None = None, **fields: object) -> dict[str, object]:
    choice = {"index": index, "delta": fields, "finish_reason": finish}
    return {"id": "c1", "model": "m-1", "object": "chat.completion.chunk", "choices": [choice]}


def said(reading: Reading) -> list[Said]:
    assert reading.outputs is not None
    return reading.outputs
