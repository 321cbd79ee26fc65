"""The texts of the Responses API for guards: items, and events of which the later repeat the earlier."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from clearspan.core import read
from clearspan.formats.speech import named, told, walk
from clearspan.provider import Call, Slot, Speech
from clearspan.providers.openai.canned import is_raw, made, streamed
from clearspan.providers.openai.speech import attach, put_whole, whole

__all__ = ["RESPONSE", "STORED"]

_KEYS = frozenset({
    "text", "refusal", "arguments", "input", "output", "code", "transcript", "summary", "logs", "content",
})  # fmt: skip
_SOUND = "response.audio.delta"
_PARTS = ("part", "item")
_WHERE = ("output_index", "content_index", "summary_index")


def _asked(kwargs: Mapping[str, Any]) -> Iterator[Slot]:
    yield from named("input", system=("instructions",))(kwargs)
    for text, path in walk(read.get(kwargs, "prompt", "variables"), ("prompt", "variables")):
        yield Slot(text, path)
    for name, value in dict.items(read.fields(read.get(kwargs, "prompt", "variables")) or {}):
        if name not in _KEYS and (said := read.text(value)):
            yield Slot(said, ("prompt", "variables", name))


def _answered(answer: Any, path: tuple[str | int, ...] = ()) -> Iterable[Slot]:
    return told(read.get(answer, "output"), (*path, "output"), _KEYS)


def _chunk(item: Any) -> Iterator[Slot]:
    """Deltas go on with a text; the events that follow hold it whole, as often as they like."""
    kind = read.text(item, "type") or ""
    place = tuple(read.count(item, name) for name in _WHERE)
    channel = (place[0], *place[1:], kind.rpartition(".")[0])
    delta = read.text(item, "delta")
    if kind.endswith(".delta") and kind != _SOUND:
        if delta:
            yield Slot(delta, ("delta",), channel, "assistant")
        return
    for name in sorted(_KEYS):
        if text := read.text(item, name):
            yield Slot(text, (name,), channel, "assistant", whole=True)
    for name in _PARTS:
        yield from told(read.get(item, name), (name,), _KEYS, channel=("in", *channel))
    yield from _answered(read.get(item, "response"), ("response",))
    if kind == "response.output_item.done":
        yield Slot("", channel=channel, last=True)


def _body(call: Call, text: str, answer: Any) -> dict[str, Any]:
    spent = read.get(answer, "usage")
    return {
        "id": read.text(answer, "id") or "resp_clearspan",
        "object": "response",
        "created_at": read.number(answer, "created_at") or time.time(),
        "model": read.text(answer, "model") or read.text(call.kwargs, "model") or "",
        "output": [_message(text)],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "status": "incomplete",
        "incomplete_details": {"reason": "content_filter"},
        "usage": None if spent is None else read.plain(spent),
    }


def _message(text: str | None) -> dict[str, Any]:
    return {
        "id": "msg_clearspan",
        "type": "message",
        "role": "assistant",
        "status": "in_progress" if text is None else "completed",
        "content": [] if text is None else [_part(text)],
    }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _event() -> Any:
    from openai.types.responses import ResponseStreamEvent

    return ResponseStreamEvent


def _reply(call: Call, text: str, answer: Any) -> Any:
    if is_raw(call):
        return None  # as for chats
    from openai.types.responses import Response

    return made(type(answer) if answer is not None else Response, _body(call, text, answer))


def _pieces(call: Call, text: str, seen: Sequence[Any]) -> Iterator[Any]:
    """All events of one more item, and the response's last; its first where nothing went before."""
    from openai.types import responses

    index, number, body = 0, -1, _body(call, text, None)
    if seen:
        index = (read.count(seen[-1], "output_index") or 0) + 1
        number = read.count(seen[-1], "sequence_number") or 0
        body = {**_body(call, text, read.get(seen[0], "response")), "usage": None}
    place = {"output_index": index, "content_index": 0, "item_id": "msg_clearspan"}
    item = {"output_index": index}
    events: list[tuple[str, Any, dict[str, Any]]] = [
        ("output_item.added", responses.ResponseOutputItemAddedEvent, {**item, "item": _message(None)}),
        ("content_part.added", responses.ResponseContentPartAddedEvent, {**place, "part": _part("")}),
        ("output_text.delta", responses.ResponseTextDeltaEvent, {**place, "delta": text, "logprobs": []}),
        ("output_text.done", responses.ResponseTextDoneEvent, {**place, "text": text, "logprobs": []}),
        ("content_part.done", responses.ResponseContentPartDoneEvent, {**place, "part": _part(text)}),
        ("output_item.done", responses.ResponseOutputItemDoneEvent, {**item, "item": _message(text)}),
        ("incomplete", responses.ResponseIncompleteEvent, {"response": body}),
    ]  # fmt: skip
    if not seen:
        begun = {**body, "output": [], "status": "in_progress", "incomplete_details": None}
        events.insert(0, ("created", responses.ResponseCreatedEvent, {"response": begun}))
    for at, (name, kind, fields) in enumerate(events, number + 1):
        yield made(kind, {"type": f"response.{name}", "sequence_number": at, **fields})


RESPONSE = Speech(
    _asked,
    put_whole,
    whole(_answered),
    _chunk,
    _reply,
    _pieces,
    streamed(_pieces, _event),
    attach,
    once=("input",),
)
STORED = Speech(named(), put_whole, whole(_answered), _chunk, _reply, _pieces, None, attach)
