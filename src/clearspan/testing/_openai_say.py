"""What a `Reply` comes down to on every generating OpenAI endpoint: choices, pieces, numbers."""

from __future__ import annotations

import io
import wave
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from clearspan.testing._answers import Error, Reply, ToolCall
from clearspan.testing._reading import Obj, echo, limited, obj, pieces, texts, words
from clearspan.testing._schema import smallest
from clearspan.testing._wire import Call, Event, dump

_Item = TypeVar("_Item")

_ARGUMENT_PIECE = 8
_REQUESTS = 10_000
_TOKENS = 2_000_000


@dataclass(frozen=True)
class Question:
    """What a generating endpoint reads from its request."""

    prompt: object
    count: int = 1
    limit: int | None = None
    """The most tokens that the server's own text may have."""
    shape: Obj | None = None
    """``type`` and, for ``json_schema``, ``schema`` of the text that is wanted."""
    spoken: bool = False


def choices_of(reply: Reply, question: Question) -> list[Reply]:
    """The choices of an answer; where the script leaves them open, the server's own text."""
    given = list(reply.choices) or [reply] * max(question.count, 1)
    return [_filled(choice, question, index) for index, choice in enumerate(given)]


def _filled(choice: Reply, question: Question, index: int) -> Reply:
    if not choice.silent:
        return choice
    text = _own_text(question, index)
    if question.shape is None:
        text, cut = limited(text, question.limit)
        choice = replace(choice, finish_reason=choice.finish_reason or ("length" if cut else None))
    return replace(choice, text=text, audio=silence(words(text)) if question.spoken else None)


def _own_text(question: Question, index: int) -> str:
    said = echo(question.prompt) + (f" (choice {index + 1})" if index else "")
    if question.shape is None:
        return said
    if question.shape.get("type") == "json_schema":
        return dump(smallest(question.shape.get("schema")))
    return dump({"echo": said})


def finish_reason(choice: Reply) -> str:
    """Why the choice ends, as chat completions name it."""
    return choice.finish_reason or ("tool_calls" if choice.tool_calls else "stop")


def arguments(call: ToolCall) -> str:
    """The arguments of a call as the JSON text that goes over the wire."""
    return call.arguments if isinstance(call.arguments, str) else dump(call.arguments)


def argument_pieces(text: str) -> list[str]:
    """The arguments of a call as a stream sends them."""
    return [text[at : at + _ARGUMENT_PIECE] for at in range(0, len(text), _ARGUMENT_PIECE)]


def text_pieces(choice: Reply) -> list[str]:
    """The text as a stream sends it."""
    return pieces(choice.text or "", choice.chunks)


def reasoning_tokens(choices: Sequence[Reply]) -> int:
    """Words thought."""
    return sum(words(choice.reasoning or "") for choice in choices)


def output_tokens(choices: Sequence[Reply]) -> int:
    """Words thought, said, refused and handed to tools."""
    spoken = sum(words(f"{choice.text or ''} {choice.refusal or ''}") for choice in choices)
    called = sum(
        words(f"{call.name} {arguments(call)}") for choice in choices for call in choice.tool_calls
    )
    return reasoning_tokens(choices) + spoken + called


def logprob(piece: str) -> float:
    """A made-up log probability that is always the same for the same text."""
    return -round(0.001 + zlib.crc32(piece.encode()) % 2000 / 1000, 3)


def logprobs_of(choice: Reply, *, wanted: bool) -> list[tuple[str, float]] | None:
    """The pieces of the text with their log probabilities, if they are scripted or wanted."""
    parts = text_pieces(choice)
    if choice.logprobs is not None:
        return list(zip(parts, choice.logprobs, strict=False))
    return [(part, logprob(part)) for part in parts] if wanted else None


def token_logprob(piece: str, value: float, top: int) -> Obj:
    """One entry of a ``logprobs`` list with so many alternatives."""
    ranked = [
        _token(piece if rank == 0 else f"{piece}~{rank}", value - rank) for rank in range(top)
    ]
    return {**_token(piece, value), "top_logprobs": ranked}


def _token(piece: str, value: float) -> Obj:
    return {"token": piece, "logprob": value, "bytes": list(piece.encode())}


def in_turns(sequences: Sequence[Sequence[_Item]]) -> Iterator[_Item]:
    """One item of each sequence after the other, until all are empty."""
    for at in range(max(map(len, sequences), default=0)):
        yield from (sequence[at] for sequence in sequences if at < len(sequence))


def silence(tenths: int) -> bytes:
    """A valid WAV file of so many tenths of a second without a sound."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 800 * tenths)
    return buffer.getvalue()


def usage_of(reply: Reply, counted: Mapping[str, object]) -> Mapping[str, object] | None:
    """The usage to send: scripted, counted, or none."""
    if reply.usage is False:
        return None
    return counted if reply.usage is None else reply.usage


def model_of(call: Call, reply: Reply | None = None) -> str:
    """The model that answers: scripted, asked for, or named by the deployment."""
    asked = call.body.get("model") or call.params.get("deployment") or "stand-in"
    return (reply.model if reply else None) or str(asked)


def service_tier(call: Call) -> str:
    """The tier asked for; ``default`` for ``auto``."""
    asked = call.body.get("service_tier")
    return asked if isinstance(asked, str) and asked != "auto" else "default"


def schema_shape(form: object, inner: str | None) -> Obj | None:
    """A ``response_format`` or ``text.format``, if it wants JSON."""
    shape = obj(form)
    if shape.get("type") == "json_schema":
        place = obj(shape.get(inner)) if inner else shape
        return {"type": "json_schema", "schema": place.get("schema")}
    return shape if shape.get("type") == "json_object" else None


def listed(value: object) -> Iterator[object]:
    """A list's items; anything else by itself."""
    yield from cast("list[object]", value) if isinstance(value, list) else [value]


def headers_of(call: Call) -> Mapping[str, str]:
    """The headers that OpenAI puts on every answer; limits shrink with the requests so far."""
    asked = sum(words(text) for text in texts(list(call.body.values())))
    return {
        "x-request-id": f"req_{call.number:08d}",
        "openai-processing-ms": str(5 + call.number % 10),
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": str(_REQUESTS),
        "x-ratelimit-limit-tokens": str(_TOKENS),
        "x-ratelimit-remaining-requests": str(max(_REQUESTS - call.number, 0)),
        "x-ratelimit-remaining-tokens": str(max(_TOKENS - asked, 0)),
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-reset-tokens": "1ms",
    }


def unnamed_failure(call: Call, message: str, code: str | None, kind: str) -> Event:
    """An error as it interrupts a stream of bare ``data:`` lines."""
    del call
    return Event({"error": {"message": message, "type": kind, "param": None, "code": code}})


def named_failure(call: Call, message: str, code: str | None, kind: str) -> Event:
    """An error as it interrupts a stream of named events."""
    event = unnamed_failure(call, message, code, kind)
    return Event({"type": "error", **obj(event.data)}, name="error")


def own_reply(call: Call) -> Reply:
    """The unscripted answer of every endpoint that generates text."""
    del call
    return Reply()


def missing(call: Call, what: str) -> Error:
    """The answer to a request for something this server has not made."""
    known = ", ".join(map(repr, call.params.values()))
    return Error(404, f"No {what} found with id {known}.", "not_found", "invalid_request_error")
