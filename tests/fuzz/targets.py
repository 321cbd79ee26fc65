"""What is fuzzed: each takes bytes, and raises when something is not as it must be.

For a program: what it gets with clearspan is what it gets without. For files that others wrote: an answer, or
the error that the documentation names; never another.
"""

from __future__ import annotations

import contextlib
import functools
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import openai

import clearspan
from clearspan.core import fence
from clearspan.exporters.store.errors import AmbiguousTrace, StoreError, TraceNotFound
from clearspan.exporters.store.read import StoreReader
from clearspan.offline.errors import SourceError
from clearspan.testing import ModelServer, Raw, captured
from tests.fuzz.bytes import Source

__all__ = ["TARGETS", "close"]

ASK: Any = [{"role": "user", "content": "Name a river."}]
_STREAM = {"content-type": "text/event-stream"}


@functools.cache
def _place() -> tuple[ModelServer, Any]:
    """One server and client for the whole run: nothing of an example stays with them."""
    server = ModelServer()
    return server, openai.OpenAI(base_url=server.url, api_key="unused", max_retries=0, timeout=20.0)


def close() -> None:
    """End the server and the client, if there are any."""
    if _place.cache_info().currsize:
        server, client = _place()
        client.close()
        server.close()
        _place.cache_clear()


def _seen(call: Callable[[], Any]) -> tuple[list[Any], str]:
    """What a program sees: the elements one by one, and the exception."""
    found: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's, of made-up values
        try:
            for item in call():
                found.append(repr(item))  # noqa: PERF401 -- those before an exception count
        except Exception as error:  # noqa: BLE001 -- which one is what is compared
            return found, f"{type(error).__name__}: {error}"
    return found, ""


def _same(prepare: Callable[[], None], call: Callable[[], Any]) -> None:
    """The call without clearspan and with it: the same for the program, no failure of ours, nothing open."""
    prepare()
    raw = _seen(call)
    prepare()
    fence.reset()
    with captured(count_tokens="off") as recorded:
        seen = _seen(call)
        spans, still_open = len(recorded.spans), recorded.open_calls
    assert seen == raw, (seen, raw)
    assert spans <= 1
    assert still_open == 0, "an operation that nobody ends"
    assert not fence.failures(), dict(fence.failures())


def _streamed(body: bytes, source: Source) -> None:
    server, client = _place()
    pieces = source.pieces(body)

    def prepare() -> None:
        server.reset()
        server.script(Raw(200, _STREAM, pieces))

    def call() -> Iterator[Any]:
        with client.chat.completions.create(model="m", messages=ASK, stream=True) as stream:
            yield from stream

    _same(prepare, call)


def _chunk(number: int, **delta: Any) -> dict[str, Any]:
    return {
        "id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None, "logprobs": None}],
    }  # fmt: skip


_TOOL = {"index": 0, "id": "t-1", "type": "function", "function": {"name": "look", "arguments": '{"a"'}}  # fmt: skip
_CHUNKS: list[dict[str, Any]] = [
    _chunk(0, content="The "), _chunk(1, content="river"), _chunk(2, tool_calls=[_TOOL]), _chunk(3, refusal="no"),
    {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
     "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1}}},
]  # fmt: skip


def _events(chunks: Any) -> bytes:
    some = chunks if isinstance(chunks, list) else [chunks]
    lines = [b"data: " + json.dumps(chunk).encode() for chunk in some]
    return b"\n\n".join([*lines, b"data: [DONE]", b""])


def sse(data: bytes) -> None:
    """A stream's bytes: anything at all, and a sound stream cut through and damaged."""
    source = Source(data)
    body = _events(_CHUNKS)
    if source.below(2):
        at = source.below(len(body))
        body = body[:at] + source.rest() + body[at:]
    _streamed(body, source)


def chunks(data: bytes) -> None:
    """Chunks whose fields are missing, null, of another kind, or come twice."""
    source = Source(data)
    _streamed(_events(source.edited(_CHUNKS)), source)


_ANSWER: dict[str, Any] = {
    "id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "service_tier": "default",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Rhine", "tool_calls": [_TOOL]}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}  # fmt: skip


def answers(data: bytes) -> None:
    """Whole answers, edited likewise."""
    server, client = _place()
    source = Source(data)
    body = json.dumps(source.edited(_ANSWER)).encode()

    def prepare() -> None:
        server.reset()
        server.script(Raw(200, {"content-type": "application/json"}, body))

    _same(prepare, lambda: [client.chat.completions.create(model="m", messages=ASK)])


class _Hostile:
    """An object each of whose methods raises, unless it is asked what it is."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def _refuse(self, *_: Any) -> Any:
        raise RuntimeError("refused")

    __iter__ = __len__ = __bool__ = __eq__ = __str__ = __getitem__ = _refuse
    __hash__ = None  # type: ignore[assignment]  # as of a list

    def __repr__(self) -> str:
        return "<hostile>"


_KWARGS: dict[str, Any] = {
    "model": "m", "messages": ASK, "temperature": 0.5, "top_p": 0.9, "max_tokens": 5, "stop": ["x"], "n": 1, "seed": 7,
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    "response_format": {"type": "json_object"}, "metadata": {"a": "b"}, "user": "u", "extra_headers": {"x-a": "b"},
    "extra_body": {"k": 1}, "stream_options": None, "logit_bias": {"5": 1},
}  # fmt: skip


def kwargs(data: bytes) -> None:
    """Arguments of any kind: the same error, or the same bytes at the server."""
    server, client = _place()
    source = Source(data)
    given = source.edited(_KWARGS)
    if not isinstance(given, Mapping):
        return
    given = {str(key): value for key, value in given.items() if key != "timeout"}
    if source.below(4) == 1 and given:
        given[source.choice(sorted(given))] = _Hostile()
    if source.below(2) == 0:
        given.setdefault("model", "m")
        given.setdefault("messages", ASK)
    bodies: list[Any] = []

    def call() -> list[Any]:
        found = client.chat.completions.create(**given)
        return list(found) if isinstance(found, openai.Stream) else [found]

    def prepare() -> None:
        bodies.append([request.body for request in server.requests])
        server.reset()

    prepare()
    bodies.clear()
    _same(prepare, call)
    prepare()
    assert bodies[1] == bodies[2], bodies


_SPAN: dict[str, Any] = {
    "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "parentSpanId": "", "name": "chat m", "kind": 3,
    "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000001000000000", "status": {"code": 0},
    "attributes": [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}},
        {"key": "gen_ai.input.messages", "value": {"stringValue": '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]'}},
        {"key": "gen_ai.output.messages", "value": {"arrayValue": {"values": [{"kvlistValue": {"values": []}}]}}},
    ],
    "events": [{"name": "e", "timeUnixNano": "1", "attributes": []}],
}  # fmt: skip
_REQUEST: dict[str, Any] = {
    "resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "x"}, "spans": [_SPAN]}]}]
}  # fmt: skip


def otlp_json(data: bytes) -> None:
    """What `clearspan.evaluate` reads: OTLP-JSON, edited as a tree and damaged as bytes."""
    source = Source(data)
    text = json.dumps(source.edited(_REQUEST)).encode()
    if source.below(3) == 0:
        text = source.damaged(text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "traces.jsonl"
        path.write_bytes(text + b"\n" + json.dumps(_REQUEST).encode() + b"\n")
        with contextlib.suppress(SourceError):
            clearspan.evaluate(path, [lambda call: True], progress=False)


@functools.cache
def _sound(kind: str) -> bytes:
    """A sound file of a store or a spool, made once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.db"
        with _started(kind, path) as runtime:
            for number in range(12):
                with clearspan.invocation("chat", provider="acme", model="m") as draft:
                    draft.input(f"question {number}")
                    draft.text("answer " * 50)
            runtime.flush(2.0)
        return path.read_bytes()


def _started(kind: str, path: Path) -> Any:
    common: dict[str, Any] = {"providers": (), "hardware": "off", "exit_signals": False, "count_tokens": "off"}  # fmt: skip
    if kind == "store":
        return clearspan.init(store=path, **common)
    # Nobody listens there: what is written stays in the spool.
    return clearspan.init(
        endpoint="http://127.0.0.1:9", protocol="http/protobuf", spool=path, export_interval=0.01, **common
    )  # fmt: skip


def _file(kind: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.db"
        path.write_bytes(Source(data).damaged(_sound(kind)))
        with contextlib.suppress(clearspan.SettingError), _started(kind, path) as runtime:
            with clearspan.invocation("chat", provider="acme", model="m") as draft:
                draft.text("after the damage")
            runtime.flush(5.0 if kind == "store" else 0.2)
            accounts = runtime.status().accounts
            assert accounts.created == 1
            assert accounts.pending == (
                0 if kind == "store" else 1 - sum(accounts.dropped.values())
            )
        if kind == "store":
            _read(path)


def _read(path: Path) -> None:
    """A reader answers, or says what is wrong with the file."""
    reader = StoreReader(path)
    with contextlib.suppress(StoreError):
        for trace in reader.traces(limit=20):
            # Its index may tell of other traces than its tables do.
            with contextlib.suppress(TraceNotFound, AmbiguousTrace):
                reader.trace(trace.trace_id)


def store(data: bytes) -> None:
    """A store whose bytes were changed: a program starts on it, records, and reads it."""
    _file("store", data)


def store_read(data: bytes) -> None:
    """The same, only read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.db"
        path.write_bytes(Source(data).damaged(_sound("store")))
        _read(path)


def spool(data: bytes) -> None:
    """A spool whose bytes were changed."""
    _file("spool", data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (sse, chunks, answers, kwargs, otlp_json, store, store_read, spool)
}
