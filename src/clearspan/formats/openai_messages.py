"""Messages of Chat Completions in the JSON form of the GenAI conventions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from clearspan.core import read
from clearspan.formats import media
from clearspan.formats.openai_common import call_arguments
from clearspan.record import Message, Part

__all__ = [
    "content_parts",
    "known_fields",
    "message",
    "messages",
    "other",
    "reasoning_text",
    "sound_part",
    "tool_call_part",
]

_TEXTS = ("text", "input_text", "output_text")
_SPEAKERS = frozenset(("system", "developer", "user", "assistant"))


def messages(source: Any) -> Iterator[Message]:
    """The messages of a request; only lists and tuples are looked into, an iterator is the client's."""
    for item in read.items(source):
        if type(item) is dict and len(item) == 2 and _is_said(item):
            yield {"role": item["role"], "parts": [{"type": "text", "content": item["content"]}]}
        elif read.fields(item) is not None:
            yield message(item)


def _is_said(item: dict[Any, Any]) -> bool:
    """Whether a message of two fields is what most are: a role that says something."""
    role, said = item.get("role"), item.get("content")
    return type(said) is str and said != "" and type(role) is str and role in _SPEAKERS


def message(source: Any) -> Message:
    """One message: a dictionary, or a model that an earlier call returned."""
    role = read.text(source, "role") or "user"
    made: Message = {"role": "tool" if role == "function" else role, "parts": []}
    made["parts"] = [_tool_response(source)] if made["role"] == "tool" else list(_parts(source))
    name = read.text(source, "name")
    if name:
        made["name"] = name
    return made


def _tool_response(source: Any) -> Part:
    part: Part = {"type": "tool_call_response", "response": read.plain(read.get(source, "content"))}
    call_id = read.text(source, "tool_call_id")
    if call_id:
        part["id"] = call_id
    return part


def _parts(source: Any) -> Iterator[Part]:
    thinking = reasoning_text(source)
    if thinking:
        yield {"type": "reasoning", "content": thinking}
    yield from content_parts(read.get(source, "content"))
    refusal = read.text(source, "refusal")
    if refusal:
        yield {"type": "refusal", "content": refusal}
    audio = read.get(source, "audio")
    if read.text(audio, "data") or read.text(audio, "id"):
        yield sound_part(audio)
    for call in read.items(source, "tool_calls"):
        yield tool_call_part(call)
    if read.text(source, "function_call", "name"):
        yield tool_call_part({"function": read.get(source, "function_call")})


def reasoning_text(source: Any) -> str | None:
    """Thinking in one of the fields that compatible servers use; `reasoning_details` repeats it."""
    plain = read.text(source, "reasoning_content") or read.text(source, "reasoning")
    if plain:
        return plain
    details = read.items(source, "reasoning_details")
    return (
        "".join(read.text(item, "text") or read.text(item, "summary") or "" for item in details)
        or None
    )


def content_parts(content: Any) -> Iterator[Part]:
    """The parts of a `content` field, be it a text or a list."""
    for item in [content] if read.text(content) else read.items(content):
        part = _content_part(item)
        if part is not None:
            yield part


def _content_part(item: Any) -> Part | None:
    plain = read.text(item)
    if plain is not None:
        return {"type": "text", "content": plain}
    kind = read.text(item, "type")
    if kind in _TEXTS:
        text = read.text(item, "text") or read.text(item, "text", "value")
        return {"type": "text", "content": text} if text else None
    if kind == "refusal":
        return {"type": "refusal", "content": read.text(item, "refusal") or ""}
    if kind in ("thinking", "reasoning_text"):
        return {"type": "reasoning", "content": _thinking(item)}
    found = media.part(item)
    if found is None and read.fields(item) is not None:
        found = other(kind or "unknown", item)
    return found


def _thinking(item: Any) -> str:
    """Thinking as a text, or as a list of texts (Mistral)."""
    inner = read.items(item, "thinking")
    pieces = (read.text(piece, "text") for piece in inner)
    return (
        read.text(item, "thinking")
        or read.text(item, "text")
        or "".join(piece or "" for piece in pieces)
    )


def other(kind: str, source: Any) -> Part:
    """A part of a type that the conventions leave open: all that is known of `source`, as `kind`."""
    return cast("Part", {**known_fields(source), "type": kind})


def known_fields(source: Any) -> dict[str, Any]:
    """The fields of `source` that are not `None`, as JSON can hold them."""
    fields = read.fields(source)
    held = dict.items(fields) if fields is not None else ()
    return cast(
        "dict[str, Any]", read.plain({name: value for name, value in held if value is not None})
    )


def tool_call_part(call: Any) -> Part:
    """A function call or a custom one (whose input is free text)."""
    custom = read.get(call, "custom")
    name = read.text(call, "function", "name")
    given = read.get(call, "function", "arguments")
    part: Part = {"type": "tool_call", "name": name or read.text(custom, "name") or ""}
    call_id = read.text(call, "id")
    if call_id:
        part["id"] = call_id
    arguments = call_arguments(given) if name or custom is None else read.text(custom, "input")
    if arguments is not None:
        part["arguments"] = arguments
    return part


def sound_part(audio: Any) -> Part:
    """Sound of an assistant's message: whole, or only named by the id of an earlier answer."""
    content = read.text(audio, "data")
    if not content:
        return {"type": "audio", "id": read.text(audio, "id") or ""}
    part = media.blob(content, "audio")
    transcript = read.text(audio, "transcript")
    return cast("Part", {**part, "transcript": transcript}) if transcript else part
