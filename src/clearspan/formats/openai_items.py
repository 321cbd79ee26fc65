"""Items of the Responses API: what is sent as `input` and what comes back as `output`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clearspan.core import read
from clearspan.formats import media
from clearspan.formats.openai_common import call_arguments
from clearspan.formats.openai_messages import content_parts, known_fields, other
from clearspan.record import Message, Part

__all__ = ["item_parts", "messages"]

_OUTPUTS = ("function_call_output", "custom_tool_call_output")
# Where the items of tools that run elsewhere keep what came out of them.
_RESULTS = ("output", "outputs", "results", "result", "error")
_PLUMBING = ("id", "call_id", "type", *_RESULTS)


def messages(source: Any) -> Iterator[Message]:
    """The messages of a request's `input`: a text, or a list of items."""
    text = read.text(source)
    if text:
        yield {"role": "user", "parts": [{"type": "text", "content": text}]}
    for item in read.items(source):
        if read.fields(item) is not None:
            parts = list(item_parts(item))
            if parts:
                yield {"role": _role(item), "parts": parts}


def _role(item: Any) -> str:
    kind = read.text(item, "type") or "message"
    role = read.text(item, "role")
    if role:
        return role
    return (
        "tool"
        if kind in _OUTPUTS or kind.endswith("_output") or kind == "mcp_approval_response"
        else "assistant"
    )


def item_parts(item: Any) -> Iterator[Part]:
    """The parts that an item stands for, in their order."""
    kind = read.text(item, "type") or "message"
    if kind == "message":
        yield from content_parts(read.get(item, "content"))
    elif kind == "reasoning":
        yield from _reasoning(item)
    elif kind in ("function_call", "custom_tool_call"):
        yield _call(item, kind)
    elif kind in _OUTPUTS:
        yield _with_id(
            {"type": "tool_call_response", "response": read.plain(read.get(item, "output"))}, item
        )
    elif kind.startswith("compaction"):
        yield _with_id({"type": "compaction"}, item)
    elif kind.endswith("_output"):
        yield _with_id(_server("server_tool_call_response", item, kind), item)
    elif kind.endswith("_call") or kind == "program":
        yield from _server_call(item, kind)
    else:
        yield other(kind, item)


def _reasoning(item: Any) -> Iterator[Part]:
    """Summaries, then the thinking itself where a server shows it; encrypted thinking says nothing."""
    for piece in [*read.items(item, "summary"), *read.items(item, "content")]:
        text = read.text(piece, "text")
        if text:
            yield {"type": "reasoning", "content": text}


def _call(item: Any, kind: str) -> Part:
    part: Part = {"type": "tool_call", "name": read.text(item, "name") or ""}
    given = read.get(item, "arguments")
    arguments = call_arguments(given) if kind == "function_call" else read.text(item, "input")
    if arguments is not None:
        part["arguments"] = arguments
    return _with_id(part, item)


def _with_id(part: Any, item: Any) -> Part:
    known = read.text(item, "call_id") or read.text(item, "id")
    if known:
        part["id"] = known
    return part  # type: ignore[no-any-return]  # a part by construction


def _server_call(item: Any, kind: str) -> Iterator[Part]:
    """A tool that the provider runs (or a computer it steers): the call, and what came of it."""
    call = _server("server_tool_call", item, kind)
    call["name"] = read.text(item, "name") or kind.removesuffix("_call")
    yield _with_id(call, item)
    results = {name: _result(item, name) for name in _RESULTS if read.get(item, name) is not None}
    if results:
        part = {
            "type": "server_tool_call_response",
            "server_tool_call_response": {"type": kind, **results},
        }
        yield _with_id(part, item)


def _server(part_type: str, item: Any, kind: str) -> dict[str, Any]:
    hidden = _PLUMBING if part_type == "server_tool_call" else _PLUMBING[:3]
    kept = {name: value for name, value in known_fields(item).items() if name not in hidden}
    return {"type": part_type, part_type: {"type": kind, **kept}}


def _result(item: Any, name: str) -> Any:
    picture = read.text(item, name) if read.text(item, "type") == "image_generation_call" else None
    if picture is not None and name == "result":
        return media.blob(picture, "image", f"image/{read.text(item, 'output_format') or 'png'}")
    return read.plain(read.get(item, name))
