"""One answer of a model while it is being put together from whole objects or from pieces."""

from __future__ import annotations

from typing import Any

from clearspan.core import jsonfast
from clearspan.record import Message, Part

__all__ = ["Choice"]


class Choice:
    """One answer of the model while it is being put together; parts stay in order of appearance."""

    __slots__ = ("finish", "parts", "role")

    def __init__(self) -> None:
        self.role = "assistant"
        self.finish: str | None = None
        self.parts: dict[Any, dict[str, Any]] = {}

    def piece(self, kind: str, text: str, key: object) -> None:
        """A piece of text; pieces of one kind and key are one part."""
        part = self.parts.get((kind, key))
        if part is None:
            self.parts[(kind, key)] = {"type": kind, "content": [text]}
        else:
            part["content"].append(text)

    def tool(self, key: object, call_id: str | None, name: str | None, arguments: Any) -> None:
        """A tool call, or a piece of one."""
        part = self.parts.setdefault(("tool_call", key), {"type": "tool_call", "arguments": []})
        if call_id:
            part["id"] = call_id
        if name:
            part["name"] = name
        if arguments is not None:
            part["arguments"].append(arguments)

    def sealed(self, finish: str | None) -> Message:
        """The message that came of it; tool arguments are parsed where they are an object."""
        message: Message = {
            "role": self.role,
            "parts": [_joined(part) for part in self.parts.values()],
        }
        if finish is not None:
            message["finish_reason"] = finish
        return message


def _joined(part: dict[str, Any]) -> Part:
    for name in ("content", "transcript"):
        if isinstance(part.get(name), list):
            part = {**part, name: "".join(part[name])}
    if part["type"] == "tool_call":
        part = {**part, "arguments": _arguments(part["arguments"])}
        if part["arguments"] is None:
            del part["arguments"]
    return part  # type: ignore[return-value]  # a part by construction


def _arguments(pieces: list[Any]) -> Any:
    if not pieces:
        return None
    if not all(isinstance(piece, str) for piece in pieces):
        return pieces[-1]
    joined = "".join(pieces)
    parsed = jsonfast.loads(joined)
    return parsed if isinstance(parsed, dict) else joined
