"""Messages of Ollama's chat in the JSON form of the GenAI conventions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clearspan.core import read
from clearspan.formats import media
from clearspan.record import Message, Part

__all__ = ["images", "message", "messages"]


def messages(source: list[Any]) -> Iterator[Message]:
    """The messages of a request."""
    for item in source:
        if read.fields(item) is not None:
            role = read.text(item, "role") or "user"
            yield message(role, [_tool_response(item)] if role == "tool" else list(_parts(item)))


def message(role: str, parts: list[Part]) -> Message:
    """A message of these parts."""
    return {"role": role, "parts": parts}


def _tool_response(source: Any) -> Part:
    """What a tool answered; calls have no ids, so the tool's name is what it is known by."""
    part: Part = {"type": "tool_call_response", "response": read.plain(read.get(source, "content"))}
    name = read.text(source, "tool_name")
    if name:
        part["name"] = name
    return part


def _parts(source: Any) -> Iterator[Part]:
    for kind, name in (("reasoning", "thinking"), ("text", "content")):
        text = read.text(source, name)
        if text:
            yield {"type": kind, "content": text}
    yield from images(source)
    for call in read.items(source, "tool_calls"):
        yield _tool_call(read.get(call, "function"))


def images(source: Any) -> Iterator[Part]:
    """The pictures of a message, as the base64 text that goes over the wire."""
    for image in read.items(source, "images"):
        # In an answer the client puts each into an object of its own.
        content = read.text(image) or read.text(image, "value")
        if content:
            yield media.blob(content, "image")


def _tool_call(function: Any) -> Part:
    part: Part = {"type": "tool_call", "name": read.text(function, "name") or ""}
    given = read.get(function, "arguments")
    if given is not None:
        part["arguments"] = read.plain(given)
    return part
