"""The texts of the Responses API for guards: items, and events of which the later repeat the earlier."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clearspan.core import read
from clearspan.formats.speech import KEYS, named, told, walk
from clearspan.provider import Call, Slot, Speech
from clearspan.providers.openai.canned import fresh, is_raw, made, streamed, structured
from clearspan.providers.openai.fitting import fitting
from clearspan.providers.openai.speech import attach, put_whole, whole

__all__ = ["COMPACTED", "PARSED", "RESPONSE", "STORED"]

# What tools of the provider's own are told, and what they answer.
_TOOLS = frozenset({
    "stdout", "stderr", "commands", "command", "env", "diff", "query", "queries", "pattern", "url", "attributes",
    "logs", "revised_prompt",
})  # fmt: skip
_KEYS = _TOOLS | {
    "text", "refusal", "arguments", "input", "output", "code", "transcript", "summary", "content",
}  # fmt: skip
_SOUND = "response.audio.delta"
_BEGINS = "response.output_item.added"
_PARTS = ("part", "item", "annotation")
_WHERE = ("output_index", "content_index", "summary_index")


def _asked(kwargs: Mapping[str, Any]) -> Iterator[Slot]:
    yield from named("input", system=("instructions",), keys=KEYS | _TOOLS)(kwargs)
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
        for said, path in walk(read.fields(read.get(item, "delta")), ("delta",), _KEYS):
            yield Slot(said, path, (*channel, *path), "assistant")
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
        "id": read.text(answer, "id") or fresh("resp_"),
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


def _message(text: str | None, known: str | None = None) -> dict[str, Any]:
    return {
        "id": known or fresh("msg_"),
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
    from openai.types.responses import Response

    return _said(Response, call, text, answer)


def _parsed(call: Call, text: str, answer: Any) -> Any:
    from openai.types.responses import ParsedResponse

    return _said(ParsedResponse, call, text, answer)


def _said(kind: Any, call: Call, text: str, answer: Any) -> Any:
    if is_raw(call) or structured(call):
        return None  # as for chats
    return made(kind if answer is None else type(answer), _body(call, text, answer), answer)


def _pieces(call: Call, text: str, seen: Sequence[Any]) -> Iterable[Any] | None:
    """All events of one more item, and the response's last; its first where nothing went before.

    An item that is still going on is ended, and the response is complete: the client's helper finds fault with any other.
    """
    if structured(call):
        return None
    from openai.types import responses

    whole = _body(call, text, read.get(seen[0], "response") if seen else None)
    body: dict[str, Any] = {
        **whole,
        "usage": None,
        "status": "completed",
        "incomplete_details": None,
    }
    message = read.text(body["output"][0], "id")
    index = max((read.count(each, "output_index") or 0 for each in seen if _placed(each)), default=-1) + 1  # fmt: skip
    place = {"output_index": index, "content_index": 0, "item_id": message}
    item = {"output_index": index}
    begun = {**body, "output": [], "status": "in_progress"}
    events: list[tuple[str, Any, dict[str, Any]]] = [
        *([] if seen else [("created", responses.ResponseCreatedEvent, {"response": begun})]),
        *(("output_item.done", responses.ResponseOutputItemDoneEvent, fields) for fields in _open(seen)),
        ("output_item.added", responses.ResponseOutputItemAddedEvent, {**item, "item": _message(None, message)}),
        ("content_part.added", responses.ResponseContentPartAddedEvent, {**place, "part": _part("")}),
        ("output_text.delta", responses.ResponseTextDeltaEvent, {**place, "delta": text, "logprobs": []}),
        ("output_text.done", responses.ResponseTextDoneEvent, {**place, "text": text, "logprobs": []}),
        ("content_part.done", responses.ResponseContentPartDoneEvent, {**place, "part": _part(text)}),
        ("output_item.done", responses.ResponseOutputItemDoneEvent, {**item, "item": _message(text, message)}),
        ("completed", responses.ResponseCompletedEvent, {"response": body}),
    ]  # fmt: skip
    number = (read.count(seen[-1], "sequence_number") or 0) + 1 if seen else 0
    return [
        made(kind, {"type": f"response.{name}", "sequence_number": at, **fields})
        for at, (name, kind, fields) in enumerate(events, number)
    ]


def _placed(event: Any) -> bool:
    return read.count(event, "output_index") is not None


def _open(seen: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The item that has begun and not ended, ended, with nothing in it but what it began with."""
    last = [each for each in seen if read.get(each, "item") is not None][-1:]
    for each in last if read.text(last[0] if last else None, "type") == _BEGINS else ():
        held: Any = read.plain(read.get(each, "item"))
        left = {"status": "incomplete"} if "status" in held else {}
        yield {"output_index": read.count(each, "output_index") or 0, "item": {**held, **left}}


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
    puts=fitting(put_whole),
)
PARSED = replace(RESPONSE, reply=_parsed)
COMPACTED = replace(RESPONSE, reply=None)
STORED = Speech(named(), put_whole, whole(_answered), _chunk, _reply, _pieces, None, attach)
