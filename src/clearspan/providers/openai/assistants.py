"""Runs of the Assistants API: an agent that the provider hosts."""

from __future__ import annotations

from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_common as common
from clearspan.formats.openai_messages import content_parts, messages
from clearspan.formats.openai_usage import usage
from clearspan.provider import Call
from clearspan.record import OTHER, Message

__all__ = ["chunk", "managed", "request", "response"]

_FAILED = ("failed", "cancelled", "expired")
_REASONS = {"max_completion_tokens": "length"}


def request(draft: Draft, call: Call) -> None:
    """A run is created, alone or with its thread, or goes on with the outputs of tools."""
    given = common.arguments(call)
    known = call.args[0] if call.args else None  # the thread or the run, by position
    common.sampling(draft, given)
    draft.set(
        conversation_id=read.text(given, "thread_id") or _thread(known),
        output_type=common.output_type(given.get("response_format")),
    )
    draft.extra(sc.AGENT_ID, read.text(given, "assistant_id"))
    draft.system(read.text(given, "instructions") or "")
    draft.system(read.text(given, "additional_instructions") or "")
    draft.input(messages(read.get(given, "thread", "messages")))
    draft.input(messages(given.get("additional_messages")))
    draft.input(_tool_outputs(given.get("tool_outputs")))
    draft.tools(common.tools(given))


def managed(draft: Draft, call: Call) -> None:
    """A stream helper's request is already made: its events tell of the agent and the thread."""
    del draft, call


def _thread(known: Any) -> str | None:
    name = read.text(known) or ""
    return name if name.startswith("thread_") else None


def _tool_outputs(source: Any) -> list[Message]:
    return [
        {
            "role": "tool",
            "parts": [
                {
                    "type": "tool_call_response",
                    "id": read.text(item, "tool_call_id") or "",
                    "response": read.plain(read.get(item, "output")),
                }
            ],
        }
        for item in read.items(source)
    ]


def response(draft: Draft, run: Any) -> None:
    """The run: mostly queued still, with everything known only after it was polled or streamed."""
    common.identity(draft, run)
    usage(draft, read.get(run, "usage"))
    draft.set(conversation_id=read.text(run, "thread_id"))
    draft.extra(sc.AGENT_ID, read.text(run, "assistant_id"))
    calls = read.items(run, "required_action", "submit_tool_outputs", "tool_calls")
    for place, call in enumerate(calls):
        function = read.get(call, "function")
        draft.tool_call(
            0, place, id=read.text(call, "id"), name=read.text(function, "name"),
            arguments=read.text(function, "arguments"),
        )  # fmt: skip
    draft.finish_reasons = _finish(run, read.text(run, "status"))
    if draft.finish_reasons:
        draft.finish(draft.finish_reasons[0])
    if read.text(run, "status") == "failed":
        common.failure(draft, read.get(run, "last_error"))
        if draft.error is None:
            draft.fail(OTHER)


def _finish(run: Any, status: str | None) -> list[str]:
    if status == "completed":
        return ["stop"]
    if status == "requires_action":
        return ["tool_calls"]
    if status == "incomplete":
        reason = read.text(run, "incomplete_details", "reason") or "error"
        return [_REASONS.get(reason, reason)]
    return ["error"] if status in _FAILED else []


def chunk(draft: Draft, event: Any) -> None:
    """An event of a stream: the run as it goes on, and the pieces of its messages."""
    kind, data = read.text(event, "event") or "", read.get(event, "data")
    if kind == "thread.created":
        draft.set(conversation_id=read.text(data, "id"))
    elif kind == "thread.message.delta":
        for part in content_parts(read.get(data, "delta", "content")):
            _part(draft, part, read.text(data, "id"))
    elif kind.startswith("thread.run.") and not kind.startswith("thread.run.step"):
        response(draft, data)
    elif kind == "error":
        common.failure(draft, data)


def _part(draft: Draft, part: Any, message: str | None) -> None:
    if part["type"] == "text":
        draft.text(part["content"], key=message)
    else:
        draft.part(part)
