"""Every recorded exchange of Ollama's own API through the real client, as for OpenAI's in ``test_replay.py``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import ollama
import pytest

import clearspan.testing

from .compare import differences, report
from .exchange import Exchange, folder, load
from .ollama_exchange import OllamaCall, find, plan, read, unknown_to_client, wire
from .replay import pieces
from .values import ABSENT

_FOUND = find()
_ABSENT = pytest.param(
    None, id="none", marks=pytest.mark.skip(reason=f"no recordings in {folder()}")
)
OURS = (
    *(f"clearspan.phase.{name}" for name in ("load", "prefill", "decode", "total")),
    "clearspan.decode.rate",
)


class Outcome:
    """What the caller sees, and what went over the wire."""

    def __init__(self) -> None:
        self.wires: list[bytes] = []
        self.objects: list[Any] = []
        self.kind = ""

    def seen(self) -> Any:
        return self.kind, [_plain(item) for item in self.objects], self.wires


def _plain(value: Any) -> Any:
    if isinstance(value, Exception):
        return type(value), str(value), vars(value)
    return type(value), value.model_dump()


def _answer(exchange: Exchange, content: Any) -> httpx.Response:
    return httpx.Response(exchange.status, headers=exchange.headers, content=content)


def run_sync(exchange: Exchange, call: OllamaCall) -> Outcome:
    outcome = Outcome()

    def reply(request: httpx.Request) -> httpx.Response:
        outcome.wires.append(request.content)
        return _answer(exchange, pieces(exchange.content))

    client = ollama.Client(host=call.host, transport=httpx.MockTransport(reply))
    try:
        result = getattr(client, call.method)(**call.arguments)
        outcome.kind = type(result).__name__
        outcome.objects = [] if exchange.streams else [result]
        for item in result if exchange.streams else ():
            outcome.objects.append(item)
    except Exception as error:  # noqa: BLE001 -- whatever the client raises is the result
        outcome.objects.append(error)
    return outcome


async def run_async(exchange: Exchange, call: OllamaCall) -> Outcome:
    outcome = Outcome()

    async def torn() -> AsyncIterator[bytes]:
        for piece in pieces(exchange.content):
            yield piece

    async def reply(request: httpx.Request) -> httpx.Response:
        outcome.wires.append(request.content)
        return _answer(exchange, torn())

    client = ollama.AsyncClient(host=call.host, transport=httpx.MockTransport(reply))
    try:
        result = await getattr(client, call.method)(**call.arguments)
        outcome.kind = type(result).__name__
        outcome.objects = [] if exchange.streams else [result]
        if exchange.streams:
            async for item in result:
                outcome.objects.append(item)
    except Exception as error:  # noqa: BLE001 -- whatever the client raises is the result
        outcome.objects.append(error)
    return outcome


def _both(exchange: Exchange, call: OllamaCall) -> list[Outcome]:
    return [run_sync(exchange, call), asyncio.run(run_async(exchange, call))]


def _check(exchange: Exchange) -> None:
    call = plan(exchange)
    if call is None:
        pytest.skip("not a request that a model works on")
    if beyond := unknown_to_client(exchange, call):
        pytest.skip(f"the installed client does not know {beyond}")
    raw = _both(exchange, call)
    for outcome in raw:
        assert [wire(body) for body in outcome.wires] == [wire(exchange.payload)]
    with clearspan.testing.captured(count_tokens="off") as seen:
        instrumented = _both(exchange, call)
    assert [item.seen() for item in instrumented] == [item.seen() for item in raw]
    reading = read(exchange, call)
    found = [differences(reading, span) for span in seen.spans]
    assert found == [[], []], "\n".join(map(report, found))
    for span in seen.spans:
        told = {name: span.attributes.get(name, ABSENT) for name in OURS}
        wanted = {name: reading.attributes.get(name, ABSENT) for name in OURS}
        assert told == {
            name: value if value is ABSENT else pytest.approx(value)
            for name, value in wanted.items()
        }


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in _FOUND] or [_ABSENT],
)
def test_caller_and_span(path: Path) -> None:
    _check(load(path))


# ---- by hand: forms of which there is no recording ------------------------------------------------------------------

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi", "images": ["aGk="]}]}
END = {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 2}
TIMES = {"load_duration": 5, "prompt_eval_duration": 7, "eval_duration": 11, "total_duration": 30}
TOOL = {"function": {"name": "look", "arguments": {"where": "here", "deep": [1, {"a": None}]}}}


def line(**message: Any) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", **message}, "done": False}


def exchange(path: str, payload: dict[str, Any], *bodies: Any, status: int = 200) -> Exchange:
    response: dict[str, Any] = {"status": status, "headers": {"content-type": "application/json"}}
    if payload.get("stream"):
        response["ndjson_lines"] = [json.dumps(body) for body in bodies]
    else:
        response["body"] = bodies[0]
    request = {"method": "POST", "url": f"http://models.example:8080{path}", "json": payload}
    return Exchange(Path("by-hand"), {"request": request, "response": response})


BY_HAND = {
    "thinking and tools in a stream": exchange(
        "/api/chat",
        {**CHAT, "stream": True, "think": "high", "options": {"num_predict": 9, "top_k": 4, "stop": ["x"]}},
        line(content="", thinking="hm"), line(content="", tool_calls=[TOOL]),
        line(content="é", tool_calls=[TOOL]), {**line(content="!"), **END, **TIMES},
    ),
    "no counts and no reason": exchange(
        "/api/chat", CHAT, {**line(content="yes"), "done": True}
    ),
    "instructions": exchange(
        "/api/generate", {"model": "m", "prompt": "p", "system": "s", "format": "json"},
        {"model": "m", "response": "{}", **END, **TIMES},
    ),
    "a schema": exchange(
        "/api/generate", {"model": "m", "prompt": "p", "system": "s", "format": {"type": "object"}},
        {"model": "m", "response": "{}", "thinking": "t", **END, **TIMES},
    ),
    "an error in the middle": exchange(
        "/api/chat", {**CHAT, "stream": True}, line(content="a"), {"error": "out of memory"}
    ),
    "vectors": exchange(
        "/api/embed", {"model": "m", "input": ["a", "b"]},
        {"model": "m", "embeddings": [[0.5, 1.5], [1.0, 2.0]], "prompt_eval_count": 4, "load_duration": 6},
    ),
    "a server that is not well": exchange("/api/generate", {"model": "m", "prompt": "p"}, {"error": "no"}, status=503),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_forms_of_which_there_is_no_recording(name: str) -> None:
    _check(BY_HAND[name])


def test_a_difference_is_noticed() -> None:
    told = BY_HAND["instructions"]
    call = plan(told)
    assert call is not None
    with clearspan.testing.captured(count_tokens="off") as seen:
        run_sync(told, call)
    reading = read(told, call)
    reading.attributes["gen_ai.usage.output_tokens"] = 3
    reading.instructions = None
    assert [fact for fact, _, _ in differences(reading, seen.spans[0])] == [
        "gen_ai.usage.output_tokens", "gen_ai.system_instructions",
    ]  # fmt: skip
