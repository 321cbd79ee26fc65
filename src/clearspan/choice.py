"""One answer of a model while it is being put together from whole objects or from pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from clearspan.core import jsonfast
from clearspan.record import Message, Part

__all__ = ["Choice", "messages_of"]

_THINKING, _THOUGHT = "<think>", "</think>"


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
            self.parts[(kind, key)] = {"type": kind, "content": _Pieces([text])}
        else:
            part["content"].append(text)

    def tool(self, key: object, call_id: str | None, name: str | None, arguments: Any) -> None:
        """A tool call, or a piece of one."""
        part = self.parts.setdefault(
            ("tool_call", key), {"type": "tool_call", "arguments": _Pieces()}
        )
        if call_id:
            part["id"] = call_id
        if name:
            part["name"] = name
        if arguments is not None:
            part["arguments"].append(arguments)

    def sound(self, data: str | None, transcript: str | None) -> None:
        """A piece of speech (base64), and of what is said in it."""
        blank = {"type": "blob", "modality": "audio", "content": _Pieces()}
        part = self.parts.setdefault(("blob", "audio"), blank)
        if data:
            part["content"].append(data)
        if transcript:
            part.setdefault("transcript", _Pieces()).append(transcript)

    def think_apart(self) -> None:
        """Make thinking that stands in front of the answer in a tag, as deepseek-r1 writes it, a part of its own."""
        said = self.parts.get(("text", None))
        text = "".join(said["content"]).lstrip() if said is not None else ""
        if said is None or not text.startswith(_THINKING):
            return
        thought, _, rest = text.removeprefix(_THINKING).partition(_THOUGHT)
        later = {key: part for key, part in self.parts.items() if key != ("text", None)}
        self.parts = {}
        if thought.strip():
            self.piece("reasoning", thought.strip(), "tag")
        if rest.strip():
            self.piece("text", rest.lstrip(), None)
        self.parts.update(later)

    def sealed(self, finish: str | None) -> Message:
        """The message that came of it; tool arguments are parsed where they are an object."""
        message: Message = {
            "role": self.role,
            "parts": [_joined(part) for part in self.parts.values()],
        }
        if finish is not None:
            message["finish_reason"] = finish
        return message


class _Pieces(list[Any]):
    """What came in pieces and is not joined yet; a list that a vendor sent is another thing."""


def _joined(part: dict[str, Any]) -> Part:
    joined = dict(part)
    for name in ("content", "transcript"):
        if isinstance(joined.get(name), _Pieces):
            joined[name] = "".join(joined[name])
    if isinstance(joined.get("arguments"), _Pieces):
        made = _arguments(joined.pop("arguments"))
        if made is not None:
            joined["arguments"] = made
    return joined  # type: ignore[return-value]  # a part by construction


def _arguments(pieces: list[Any]) -> Any:
    """Arguments as an object where they are one; pieces that are no text replace nothing but none."""
    texts = [piece for piece in pieces if isinstance(piece, str)]
    if not texts:
        return pieces[-1] if pieces else None
    joined = "".join(texts)
    parsed = jsonfast.loads(joined)
    return parsed if isinstance(parsed, dict) else joined


def messages_of(given: Any) -> Iterator[Message]:
    """What was given as one message or several, in the conventions' form; the rest is left out."""
    several: Any = [given] if isinstance(given, (str, Mapping)) else given
    for one in several if isinstance(several, Iterable) else ():
        if (message := _message(one)) is not None:
            yield message


def _message(given: Any) -> Message | None:
    """A message, from the conventions' form or the one that most vendors use."""
    if isinstance(given, str):
        return {"role": "user", "parts": [{"type": "text", "content": given}]}
    if not isinstance(given, Mapping):
        return None
    content = given.get("content")
    if "parts" not in given and isinstance(content, str):
        rest = {name: value for name, value in given.items() if name != "content"}
        return cast("Message", {**rest, "parts": [{"type": "text", "content": content}]})
    return cast("Message", given)
