"""What a raw Chat Completions exchange (or one of the older Completions form) says, in the facts of ``facts.py``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .facts import Media, Said, ToolCall, ToolResult, arguments_of, role_of
from .raw import JsonMap, as_list, as_map, as_text, first_text, maps

_MESSAGE_FINISH = {"tool_calls": "tool_call", "function_call": "tool_call"}
_SEPARATE_REASONING = ("reasoning_content", "reasoning")


def data_or_address(address: str, modality: str) -> Media:
    """A data URL is a blob of its content; any other address stays an address."""
    if address.startswith("data:"):
        return Media("blob", modality, address.partition(",")[2])
    return Media("uri", modality, address)


def chat_media(part: JsonMap) -> Media | None:
    """A content part of a message as media: image, audio, video, or file by data or id."""
    kind = as_text(part.get("type"))
    if kind in ("image_url", "video_url"):
        source = part.get(kind)
        address = as_text(source) or as_text(as_map(source).get("url"))
        return data_or_address(address, kind.removesuffix("_url"))
    if kind == "input_audio":
        return Media("blob", "audio", as_text(as_map(part.get("input_audio")).get("data")))
    if kind == "file":
        source = as_map(part.get("file"))
        if source.get("file_id"):
            return Media("file", "", as_text(source["file_id"]))
        content = as_text(source.get("file_data"))
        return (
            data_or_address(content, "")
            if content.startswith(("data:", "http"))
            else Media("blob", "", content)
        )
    return None


def _thinking(part: JsonMap) -> str:
    inner = part.get("thinking")
    return as_text(inner) or "".join(as_text(piece.get("text")) for piece in maps(inner))


def content_of(content: object) -> tuple[str, str, str, tuple[Media, ...]]:
    """Text, thinking, refusal and media of a ``content`` field, be it a string or a list of parts."""
    if isinstance(content, str):
        return content, "", "", ()
    parts = [
        as_map(part) if isinstance(part, dict) else {"type": "text", "text": part}
        for part in as_list(content)
    ]
    text = "".join(as_text(part.get("text")) for part in parts if part.get("type") == "text")
    thinking = "".join(_thinking(part) for part in parts if part.get("type") == "thinking")
    refusal = "".join(
        as_text(part.get("refusal")) for part in parts if part.get("type") == "refusal"
    )
    return text, thinking, refusal, tuple(found for found in map(chat_media, parts) if found)


def call_of(source: JsonMap) -> ToolCall:
    """A function call or a custom one. A function's name wins where a server sends both."""
    function, custom = as_map(source.get("function")), as_map(source.get("custom"))
    if not function.get("name") and custom.get("name"):
        return ToolCall(
            as_text(source.get("id")), as_text(custom["name"]), as_text(custom.get("input"))
        )
    arguments = function.get("arguments")
    return ToolCall(
        as_text(source.get("id")),
        as_text(function.get("name")),
        arguments_of("" if arguments is None else arguments),
    )


def calls_of(message: JsonMap) -> tuple[ToolCall, ...]:
    """``tool_calls``, or the ``function_call`` that came before them and had no id; a nameless one is no call."""
    calls = [call_of(source) for source in maps(message.get("tool_calls"))]
    older = as_map(message.get("function_call"))
    if older.get("name"):
        calls.append(call_of({"function": older}))
    return tuple(calls)


def reasoning_of(message: JsonMap, thinking: str) -> tuple[str, ...]:
    """Thinking parts, or the field compatible servers put thinking in.

    ``reasoning_details`` repeats that field; where it stands alone, reading it is good and leaving it out is no error.
    """
    plain = first_text(message.get(name) for name in _SEPARATE_REASONING)
    if plain or thinking:
        return (thinking + (plain or ""),)
    details = "".join(
        as_text(detail.get("text")) or as_text(detail.get("summary"))
        for detail in maps(message.get("reasoning_details"))
    )
    return ("", details) if details else ("",)


def chat_message(message: JsonMap) -> Said:
    """One message of a request or of a choice."""
    role, content = role_of(message), message.get("content")
    if role == "tool":
        identity = as_text(message.get("tool_call_id"))
        return Said(role, results=(ToolResult(identity, "" if content is None else content),))
    text, thinking, refusal, media = content_of(content)
    return Said(
        role=role,
        text=text,
        reasoning=reasoning_of(message, thinking),
        refusal=refusal + as_text(message.get("refusal")),
        calls=calls_of(message),
        media=media + audio_of(message),
    )


def audio_of(message: JsonMap) -> tuple[Media, ...]:
    """The sound the model answered with; a reference to an earlier one (an id alone) shows nothing."""
    data = as_text(as_map(message.get("audio")).get("data"))
    return (Media("blob", "audio", data),) if data else ()


def chat_input(payload: JsonMap) -> list[Said]:
    """The messages of a request, system ones included: this form has no other channel for them."""
    return [chat_message(message) for message in maps(payload.get("messages"))]


def prompt_input(payload: JsonMap) -> list[Said]:
    """The prompt of the older form as what a user said; several prompts as one. Token ids say nothing."""
    prompt = payload.get("prompt")
    text = prompt if isinstance(prompt, str) else "".join(map(as_text, as_list(prompt)))
    return [Said("user", text)] if text else []


def finish_of(choice: JsonMap) -> str:
    """Why a choice ended, as the server says; one that it does not say is an error by the convention."""
    return as_text(choice.get("finish_reason")) or "error"


def message_finish(reason: str) -> str:
    """The same in the convention's words, as messages carry it."""
    return _MESSAGE_FINISH.get(reason, reason)


def chat_output(choices: Iterable[JsonMap]) -> list[Said]:
    """One message for each choice. Choices of the older form are bare text."""
    said: list[Said] = []
    for choice in choices:
        message = as_map(choice.get("message")) or {"content": choice.get("text")}
        found = chat_message({**message, "role": as_text(message.get("role")) or "assistant"})
        said.append(Said(**{**vars(found), "finish": (message_finish(finish_of(choice)),)}))
    return said


# ---- streams --------------------------------------------------------------------------------------------------------


@dataclass
class _Choice:
    """A choice growing out of its deltas."""

    texts: dict[str, str] = field(default_factory=dict)
    thinking: str = ""
    details: str = ""
    audio: str = ""
    transcript: str = ""
    calls: list[JsonMap] = field(default_factory=list)
    slots: dict[object, JsonMap] = field(default_factory=dict)
    older: JsonMap = field(default_factory=dict)
    role: str = ""
    finish: str = ""

    def add(self, name: str, piece: object) -> None:
        if isinstance(piece, str):
            self.texts[name] = self.texts.get(name, "") + piece


def _grow(function: JsonMap, delta: JsonMap) -> None:
    function["name"] = as_text(function.get("name")) or as_text(delta.get("name"))
    function["arguments"] = as_text(function.get("arguments")) + as_text(delta.get("arguments"))


def _call_slot(choice: _Choice, delta: JsonMap) -> JsonMap:
    """The call that a piece belongs to: by its index; a new id at a taken index begins another call."""
    identity = as_text(delta.get("id"))
    index = delta.get("index")
    key: object = index if isinstance(index, int) else (identity or "last")
    held = choice.slots.get(key)
    if held is None and key == "last" and choice.calls:
        held = choice.calls[-1]
    if held is None or (identity and held["id"] and identity != held["id"]):
        held = {"id": identity, "function": {}, "custom": {}}
        choice.calls.append(held)
    held["id"] = held["id"] or identity
    choice.slots[key] = held
    return held


def _take(choice: _Choice, source: JsonMap) -> None:
    delta = as_map(source.get("delta"))
    choice.role = choice.role or as_text(delta.get("role"))
    text, thinking, refusal, _ = content_of(delta.get("content"))
    choice.add("content", text if "content" in delta else as_text(source.get("text")))
    choice.add("refusal", refusal + as_text(delta.get("refusal")))
    for name in _SEPARATE_REASONING:
        choice.add(name, delta.get(name))
    choice.thinking += thinking
    choice.details += "".join(
        as_text(detail.get("text")) for detail in maps(delta.get("reasoning_details"))
    )
    audio = as_map(delta.get("audio"))
    choice.audio += as_text(audio.get("data"))
    for piece in maps(delta.get("tool_calls")):
        held = _call_slot(choice, piece)
        _grow(as_map(held["function"]), as_map(piece.get("function")))
        custom = as_map(piece.get("custom"))
        _grow(
            as_map(held["custom"]), {"name": custom.get("name"), "arguments": custom.get("input")}
        )
    _grow(choice.older, as_map(delta.get("function_call")))
    choice.finish = as_text(source.get("finish_reason")) or choice.finish


def merged(chunks: Iterable[JsonMap]) -> list[JsonMap]:
    """The choices of a stream as the plain form would have sent them, in the order of their index."""
    growing: dict[int, _Choice] = {}
    for chunk in chunks:
        for source in maps(chunk.get("choices")):
            index = source.get("index")
            _take(growing.setdefault(index if isinstance(index, int) else 0, _Choice()), source)
    return [_whole(index, growing[index]) for index in sorted(growing)]


def _whole(index: int, choice: _Choice) -> JsonMap:
    calls: list[object] = []
    for call in choice.calls:
        custom = as_map(call["custom"])
        whole = {"name": custom.get("name"), "input": custom.get("arguments")}
        calls.append({"id": call["id"], "function": call["function"], "custom": whole})
    content: object = choice.texts.get("content", "")
    if choice.thinking:
        content = [
            {"type": "thinking", "thinking": choice.thinking},
            {"type": "text", "text": content},
        ]
    message: JsonMap = {
        **choice.texts,
        "role": choice.role,
        "content": content,
        "tool_calls": calls,
        "function_call": choice.older,
        "audio": {"data": choice.audio},
        "reasoning_details": [{"text": choice.details}],
    }
    return {"index": index, "message": message, "finish_reason": choice.finish}
