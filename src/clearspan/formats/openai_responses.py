"""OpenAI's Responses API: readers for the call, the response and the events of a stream.

A response is one choice: its items become the parts of one assistant message, in order. Parts are
keyed by `(output_index, place)`, so that the deltas of a stream and the finished items meet.
"""

from __future__ import annotations

from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_common as common, token_scores
from clearspan.formats.openai_items import item_parts, messages
from clearspan.formats.openai_usage import usage
from clearspan.provider import Call
from clearspan.record import OTHER, Operation

__all__ = ["chunk", "compacted", "fetch", "request", "response", "weigh"]

_ENDED = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_REASONS = {"max_output_tokens": "length"}
_FAILED = ("failed", "cancelled")
_size = str.__sizeof__


def request(draft: Draft, call: Call) -> None:
    """Parameters, instructions, input and tools of a call."""
    given = common.arguments(call)
    common.sampling(draft, given)
    conversation = read.text(given, "conversation") or read.text(given, "conversation", "id")
    wanted = given.get("text_format")
    draft.set(
        previous_response_id=read.text(given, "previous_response_id"),
        conversation_id=conversation,
        output_type=common.output_type(
            wanted if common.is_class(wanted) else read.get(given, "text", "format")
        ),
    )
    draft.extra(sc.PROMPT_NAME, read.text(given, "prompt", "id"))
    draft.extra(sc.PROMPT_VERSION, read.text(given, "prompt", "version"))
    _api_type(draft)
    draft.system(read.text(given, "instructions") or "")
    draft.input(messages(given.get("input")))
    draft.tools(common.tools(given))


def fetch(draft: Draft, call: Call) -> None:
    """A stored response is read again: nothing is generated."""
    given = common.arguments(call)
    known = call.args[0] if call.args else given.get("response_id")
    draft.response_id = read.text(known)
    cursor = given.get("starting_after")
    draft.set(stream_cursor=str(cursor) if type(cursor) in (int, str) else None)
    _api_type(draft)


def _api_type(draft: Draft) -> None:
    if common.is_openai(draft):
        draft.extra(sc.OPENAI_API_TYPE, "responses")


def response(draft: Draft, body: Any) -> None:
    """A whole response: what `create` returns, and what the last event of a stream holds."""
    if read.fields(body) is None:
        return
    _identity(draft, body)
    for place, item in enumerate(read.items(body, "output")):
        _item(draft, item, place)
    status = read.text(body, "status")
    reason = _finish(body, status)
    draft.finish(reason)
    # Still running in the background, or in words of some other server's: nobody knows the reason.
    draft.finish_reasons = [reason] if reason else []
    error = read.get(body, "error")
    common.failure(draft, error)
    if status == "failed" and draft.error is None:
        draft.fail(OTHER)


def _identity(draft: Draft, body: Any) -> None:
    common.identity(draft, body)
    draft.set(
        conversation_id=read.text(body, "conversation", "id") or read.text(body, "conversation")
    )
    if draft.operation == Operation.FETCH_RESPONSE:
        draft.extra(sc.RESPONSE_STATUS, read.text(body, "status"))
    else:
        usage(draft, read.get(body, "usage"))


def _finish(body: Any, status: str | None) -> str | None:
    if status == "completed":
        return "stop"
    if status in _FAILED:
        return "error"
    if status == "incomplete":
        reason = read.text(body, "incomplete_details", "reason") or "error"
        return _REASONS.get(reason, reason)
    return None


def compacted(draft: Draft, body: Any) -> None:
    """The answer of `compact`: a conversation made shorter by a model."""
    response(draft, body)
    if read.items(body, "output"):
        draft.finish("compaction")
        draft.finish_reasons = ["compaction"]


def _item(draft: Draft, item: Any, index: int) -> None:
    for place, part in enumerate(item_parts(item)):
        _part(draft, part, (index, place))
    for piece in read.items(item, "content"):
        tokens = read.items(piece, "logprobs")
        if tokens:
            draft.logprobs(token_scores.rows(tokens))


def _part(draft: Draft, part: Any, key: tuple[int, object]) -> None:
    kind = part["type"]
    pieces = {"text": draft.text, "reasoning": draft.reasoning, "refusal": draft.refusal}.get(kind)
    # Some server's own items may be called like parts of ours, and hold something else.
    if pieces is not None and type(part.get("content")) is str:
        pieces(part["content"], key=key)
    elif kind == "tool_call":
        draft.tool_call(
            0, key, id=part.get("id"), name=part.get("name"), arguments=part.get("arguments")
        )
    else:
        if kind == "compaction":
            draft.extra(sc.CONVERSATION_COMPACTED, True)
        draft.part(part, key=key)


def chunk(draft: Draft, event: Any) -> None:
    """One event of a stream. Deltas accumulate; a finished item, or response, replaces them."""
    kind = read.text(event, "type") or ""
    reader = _EVENTS.get(kind)
    if reader is not None:
        reader(draft, event, read.count(event, "output_index") or 0)
    elif kind == "error":
        error = read.get(event, "error") or {
            name: read.get(event, name) for name in ("code", "message")
        }
        common.failure(draft, error)
    elif kind.startswith("response.") and read.get(event, "response") is not None:
        body = read.get(event, "response")
        if kind in _ENDED:
            if read.items(body, "output"):
                draft.forget_output()
            response(draft, body)
        else:
            _identity(draft, body)


def weigh(body: Any) -> int | None:
    """About how many bytes an event that only says something keeps alive; `None` of any other, and of whole answers."""
    event = read.declared(body)
    if event is None:
        return None
    size = 0
    for value in event.values():
        if type(value) is str:
            size += _size(value)
        elif (
            value is not None and type(value) is not int and not (type(value) is list and not value)
        ):
            return None
    return size


def _text(draft: Draft, event: Any, index: int) -> None:
    draft.text(read.text(event, "delta"), key=(index, read.count(event, "content_index") or 0))


def _refusal(draft: Draft, event: Any, index: int) -> None:
    draft.refusal(read.text(event, "delta"), key=(index, read.count(event, "content_index") or 0))


def _summary(draft: Draft, event: Any, index: int) -> None:
    draft.reasoning(read.text(event, "delta"), key=(index, read.count(event, "summary_index") or 0))


def _thinking(draft: Draft, event: Any, index: int) -> None:
    draft.reasoning(
        read.text(event, "delta"),
        key=(index, ("thinking", read.count(event, "content_index") or 0)),
    )


def _arguments(draft: Draft, event: Any, index: int) -> None:
    draft.tool_call(0, (index, 0), arguments=read.text(event, "delta"))


def _sound(draft: Draft, event: Any, index: int) -> None:
    del index
    draft.audio(data=read.text(event, "delta"))


def _transcript(draft: Draft, event: Any, index: int) -> None:
    del index
    draft.audio(transcript=read.text(event, "delta"))


def _added(draft: Draft, event: Any, index: int) -> None:
    item = read.get(event, "item")
    if read.text(item, "type") in ("function_call", "custom_tool_call"):
        known = read.text(item, "call_id") or read.text(item, "id")
        draft.tool_call(0, (index, 0), id=known, name=read.text(item, "name"))


def _done(draft: Draft, event: Any, index: int) -> None:
    answer = draft.choice(0)
    for kind, key in list(answer.parts):
        if isinstance(key, tuple) and key[0] == index:
            answer.drop((kind, key))
    _item(draft, read.get(event, "item"), index)


_EVENTS = {
    "response.output_text.delta": _text,
    "response.refusal.delta": _refusal,
    "response.reasoning_summary_text.delta": _summary,
    "response.reasoning_text.delta": _thinking,
    "response.function_call_arguments.delta": _arguments,
    "response.custom_tool_call_input.delta": _arguments,
    "response.audio.delta": _sound,
    "response.audio.transcript.delta": _transcript,
    "response.output_item.added": _added,
    "response.output_item.done": _done,
}
