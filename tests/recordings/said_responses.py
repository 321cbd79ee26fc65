"""What a raw Responses exchange says, in the facts of ``facts.py``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .facts import Media, Said, ToolCall, ToolResult, arguments_of, join
from .raw import JsonMap, as_list, as_map, as_text, maps
from .said_chat import data_or_address

_TEXTS = ("input_text", "output_text", "text")
_CLIENT_CALLS = ("function_call", "custom_tool_call")
_CLIENT_RESULTS = ("function_call_output", "custom_tool_call_output")
_SERVER_CALLS = (
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "mcp_call",
)


def media_of(part: JsonMap) -> Media | None:
    """A content part as media: image, audio, or file by data, address or id."""
    kind = as_text(part.get("type"))
    modality = {"input_image": "image", "input_audio": "audio", "input_file": ""}.get(kind)
    if modality is None:
        return None
    if part.get("file_id"):
        return Media("file", modality, as_text(part["file_id"]))
    if kind == "input_audio":
        return Media("blob", "audio", as_text(as_map(part.get("input_audio")).get("data")))
    if part.get("file_url"):
        return Media("uri", modality, as_text(part["file_url"]))
    content = as_text(part.get("image_url")) or as_text(part.get("file_data"))
    if kind == "input_file" and not content.startswith("data:"):
        return Media("blob", modality, content)
    return data_or_address(content, modality)


def _message(item: JsonMap, role: str) -> Said:
    content = item.get("content")
    if isinstance(content, str):
        return Said(role, content)
    parts = maps(content)
    return Said(
        role,
        text="".join(as_text(part.get("text")) for part in parts if part.get("type") in _TEXTS),
        refusal="".join(
            as_text(part.get("refusal")) for part in parts if part.get("type") == "refusal"
        ),
        media=tuple(found for found in map(media_of, parts) if found),
    )


def _thought(item: JsonMap) -> str:
    """Summaries, then the full thinking where a server shows it. Encrypted thinking says nothing."""
    pieces = [*maps(item.get("summary")), *maps(item.get("content"))]
    return "".join(as_text(piece.get("text")) for piece in pieces)


def item_said(item: JsonMap) -> Said | None:
    """One item of a request's ``input`` or a response's ``output``; ``None`` for kinds without a fixed reading."""
    kind = as_text(item.get("type"))
    if kind == "message" or (not kind and "role" in item):
        return _message(item, as_text(item.get("role")) or "assistant")
    if kind == "reasoning":
        return Said("assistant", reasoning=(_thought(item),))
    if kind in _CLIENT_CALLS:
        given = item.get("arguments") if kind == "function_call" else item.get("input")
        call = ToolCall(
            as_text(item.get("call_id")),
            as_text(item.get("name")),
            arguments_of("" if given is None else given),
        )
        if kind == "custom_tool_call":
            call = ToolCall(call.identity, call.name, given)
        return Said("assistant", calls=(call,))
    if kind in _CLIENT_RESULTS:
        return Said("tool", results=(ToolResult(as_text(item.get("call_id")), item.get("output")),))
    return None


def provider_runs(items: Iterable[JsonMap]) -> frozenset[str]:
    """The ids of tools that the provider ran on its side."""
    return frozenset(
        as_text(item["id"])
        for item in items
        if item.get("type") in _SERVER_CALLS and item.get("id")
    )


def responses_input(payload: JsonMap) -> list[Said]:
    """What the request says, apart from its instructions."""
    source = payload.get("input")
    if isinstance(source, str):
        return [Said("user", source)] if source else []
    return join(said for said in map(item_said, maps(source)) if said)


def responses_output(output: Sequence[JsonMap], finish: tuple[str, ...]) -> list[Said]:
    """All items of a response as one message: this API answers with one choice."""
    joined = join(said for said in map(item_said, output) if said)
    if not joined:
        return []
    (said,) = joined
    return [Said(**{**vars(said), "finish": finish})]


def finishes(response: JsonMap) -> tuple[str, ...]:
    """Why the response ended, in the convention's words; empty while it still runs."""
    status = response.get("status")
    if status == "completed":
        return ("stop",)
    if status in ("failed", "cancelled"):
        return ("error",)
    if status == "incomplete":
        reason = as_text(as_map(response.get("incomplete_details")).get("reason"))
        return ({"max_output_tokens": "length"}.get(reason, reason) or "error",)
    return ()


# ---- streams --------------------------------------------------------------------------------------------------------

_TERMINAL = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_GROWING = {
    "response.output_text.delta": ("content", "output_text", "text"),
    "response.refusal.delta": ("content", "refusal", "refusal"),
    "response.reasoning_text.delta": ("content", "reasoning_text", "text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_text", "text"),
}


def terminal(events: Iterable[JsonMap]) -> JsonMap:
    """The response that the stream ended with, or an empty one where it was cut short."""
    ended = [event for event in events if event.get("type") in _TERMINAL]
    return as_map(ended[-1].get("response")) if ended else {}


def latest(events: Iterable[JsonMap]) -> JsonMap:
    """The last whole response that any event carries."""
    found = [
        as_map(event["response"]) for event in events if isinstance(event.get("response"), dict)
    ]
    return found[-1] if found else {}


def _place(event: JsonMap, name: str) -> int:
    value = event.get(name)
    return value if isinstance(value, int) else 0


def streamed_output(events: Sequence[JsonMap]) -> list[JsonMap]:
    """The items of the last event; where it has none, those that the events before it built up."""
    whole = maps(terminal(events).get("output"))
    if whole:
        return whole
    items: dict[int, JsonMap] = {}
    for event in events:
        kind, index = as_text(event.get("type")), _place(event, "output_index")
        if kind in ("response.output_item.added", "response.output_item.done"):
            items[index] = dict(as_map(event.get("item")))
        elif kind in _GROWING:
            _grow(items.setdefault(index, {"type": "message"}), event)
        elif kind == "response.function_call_arguments.delta" and index in items:
            items[index]["arguments"] = as_text(items[index].get("arguments")) + as_text(
                event.get("delta")
            )
    return [items[index] for index in sorted(items)]


def _grow(item: JsonMap, event: JsonMap) -> None:
    where, kind, name = _GROWING[as_text(event.get("type"))]
    place = _place(event, "summary_index" if where == "summary" else "content_index")
    parts = [dict(part) for part in maps(as_list(item.get(where)))]
    while len(parts) <= place:
        parts.append({"type": kind})
    parts[place][name] = as_text(parts[place].get(name)) + as_text(event.get("delta"))
    parts[place]["type"] = kind
    item[where] = parts
