"""Recorded exchanges of Ollama's own API: the call that makes one again, and what its span must say.

The reading is of the raw JSON alone, as ``reading.py`` does it for the APIs of OpenAI's form.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ollama

from .exchange import Exchange, folder
from .facts import Media, Said
from .raw import JsonMap, as_count, as_list, as_map, as_number, as_text, maps, parsed
from .reading import Reading
from .said_chat import chat_message
from .values import OneOf

METHODS = {
    "/api/chat": "chat",
    "/api/generate": "generate",
    "/api/embed": "embed",
    "/api/embeddings": "embeddings",
}
_OPERATIONS = {"chat": "chat", "generate": "text_completion"}
_NUMBERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "num_predict": "max_tokens",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
_DURATIONS = {
    "load_duration": "load",
    "prompt_eval_duration": "prefill",
    "eval_duration": "decode",
    "total_duration": "total",
}


def find() -> list[Path]:
    """The files of Ollama's own wire form, in a stable order."""
    return sorted(folder().glob("*/ollama-*.json"))


def filled(payload: JsonMap) -> JsonMap:
    """The fields that say something: older clients sent the empty ones as well."""
    return {key: value for key, value in payload.items() if value not in (None, "", [], {}, False)}


@dataclass(frozen=True)
class OllamaCall:
    """A method of the client and its arguments."""

    method: str
    host: str
    arguments: dict[str, Any]


def plan(exchange: Exchange) -> OllamaCall | None:
    """The call that makes the recorded request; ``None`` where no model is asked."""
    parts = urlsplit(exchange.url)
    method = METHODS.get(parts.path)
    if method is None:
        return None
    host = f"{parts.scheme}://{parts.netloc}"
    return OllamaCall(method, host, dict(filled(exchange.payload)))


def unknown_to_client(exchange: Exchange, call: OllamaCall) -> str:
    """The field of this exchange that the installed client is too old for: it would refuse or drop it."""
    taken = inspect.signature(getattr(ollama.Client, call.method)).parameters
    for name in call.arguments:
        if name not in taken:
            return name
    if isinstance(call.arguments.get("format"), dict) and "dict" not in str(taken["format"]):
        return "format (a schema)"
    if b'"thinking"' in exchange.content and "thinking" not in ollama.Message.model_fields:
        return "thinking"
    return ""


# ---- the reading ----------------------------------------------------------------------------------------------------


def _asked(payload: JsonMap) -> dict[str, object]:
    options = as_map(payload.get("options"))
    facts: dict[str, object] = {
        f"gen_ai.request.{target}": as_number(options[source])
        for source, target in _NUMBERS.items()
        if options.get(source) is not None
    }
    stop = options.get("stop")
    if stop:
        facts["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if payload.get("format"):
        facts["gen_ai.output.type"] = "json"
    think = payload.get("think")
    if think is not None:
        level = str(think).lower() if isinstance(think, bool) else think
        facts["gen_ai.request.reasoning.level"] = level
    if payload.get("stream") is True:
        facts["gen_ai.request.stream"] = True
    return facts


def _message(source: JsonMap) -> Said:
    said = chat_message({key: value for key, value in source.items() if key != "thinking"})
    # This client knows no ids of calls: it drops those that newer servers send.
    calls = tuple(replace(call, identity="") for call in said.calls)
    media = tuple(Media("blob", "image", as_text(image)) for image in as_list(source.get("images")))
    thinking = as_text(source.get("thinking"))
    return replace(said, calls=calls, media=media, reasoning=(thinking,))


def _inputs(method: str, payload: JsonMap) -> list[Said] | None:
    if method == "chat":
        return [_message(message) for message in maps(payload.get("messages"))]
    if method == "generate":
        return [_message({"role": "user", "content": payload.get("prompt"), **payload})]
    return None


def _merged(bodies: Sequence[JsonMap]) -> JsonMap:
    """The message that a stream's lines give together."""
    pieces = [
        as_map(body.get("message")) or {"content": body.get("response"), **body} for body in bodies
    ]
    return {
        "role": "assistant",
        "content": "".join(as_text(piece.get("content")) for piece in pieces),
        "thinking": "".join(as_text(piece.get("thinking")) for piece in pieces),
        "tool_calls": [call for piece in pieces for call in as_list(piece.get("tool_calls"))],
    }


def _answered(reading: Reading, method: str, bodies: Sequence[JsonMap]) -> None:
    last = bodies[-1] if bodies else {}
    facts = reading.attributes
    if model := as_text(last.get("model")):
        facts["gen_ai.response.model"] = model
    for source, target in (("prompt_eval_count", "input"), ("eval_count", "output")):
        if (count := as_count(last.get(source))) is not None:
            facts[f"gen_ai.usage.{target}_tokens"] = count
    for source, phase in _DURATIONS.items():
        if (took := as_count(last.get(source))) is not None:
            facts[f"clearspan.phase.{phase}"] = took / 1e9
    made, took = as_count(last.get("eval_count")), as_count(last.get("eval_duration"))
    if made and took:
        facts["clearspan.decode.rate"] = made / (took / 1e9)
    if method in _OPERATIONS:
        reason = as_text(last.get("done_reason"))
        finish = () if not reason else (reason,)
        reading.outputs = [replace(_message(_merged(bodies)), finish=finish)]
        if reason:
            facts["gen_ai.response.finish_reasons"] = [reason]
        return
    vectors = as_list(last.get("embeddings")) or [last.get("embedding")]
    if size := len(as_list(vectors[0])):
        facts["gen_ai.embeddings.dimension.count"] = size


def read(exchange: Exchange, call: OllamaCall) -> Reading:
    """What the span of this exchange must say."""
    payload, parts = exchange.payload, urlsplit(exchange.url)
    operation = _OPERATIONS.get(call.method, "embeddings")
    model = as_text(payload.get("model"))
    reading = Reading(
        f"{operation} {model}",
        {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": "ollama",
            "gen_ai.request.model": model,
            "server.address": parts.hostname,
            "server.port": parts.port or {"http": 80, "https": 443}.get(parts.scheme),
            **_asked(payload),
        },
        inputs=_inputs(call.method, payload),
    )
    reading.instructions = as_text(payload.get("system")) or None
    reading.tools = [
        (as_text(tool.get("type")), OneOf(as_text(as_map(tool.get("function")).get("name"))))
        for tool in maps(payload.get("tools"))
    ]
    lines = [line for line in exchange.content.decode().splitlines() if line]
    bodies = [as_map(parsed(line)[1]) for line in (lines if exchange.streams else ["".join(lines)])]
    if exchange.status >= 400:
        reading.failed = True
        reading.attributes["error.type"] = str(exchange.status)
        reading.outputs = []
        return reading
    if exchange.streams:
        reading.attributes["gen_ai.response.time_to_first_chunk"] = OneOf.anything()
    if any(body.get("error") for body in bodies):
        reading.failed = True
        reading.attributes["error.type"] = "ollama._types.ResponseError"
        reading.attributes["gen_ai.response.finish_reasons"] = OneOf.anything()
        reading.outputs = None
        if model := as_text(bodies[0].get("model")):
            reading.attributes["gen_ai.response.model"] = model
        return reading
    _answered(reading, call.method, bodies)
    return reading


def wire(source: bytes | JsonMap) -> JsonMap:
    """What is sent, as far as it says something, the messages included."""
    body = filled(as_map(json.loads(source)) if isinstance(source, bytes) else source)
    if "messages" in body:
        body["messages"] = [filled(message) for message in maps(body["messages"])]
    return body
