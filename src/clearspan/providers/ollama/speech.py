"""The texts of chats, completions and embeddings of an Ollama client, for guards; and answers that no model made."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clearspan.core import read
from clearspan.formats.speech import put, requested, walk
from clearspan.provider import Call, Slot, Speech

__all__ = ["SPEECH"]

_ASKED = ("messages", "prompt", "suffix", "input")
_ANSWERED = ("message", "response", "thinking")


def _asked(kwargs: Mapping[str, Any]) -> Iterator[Slot]:
    body = kwargs.get("json")
    if text := read.text(body, "system"):
        yield Slot(text, ("json", "system"), role="system")
    for name in _ASKED:
        yield from requested(read.get(body, name), ("json", name))


def _answered(answer: Any) -> Iterator[Slot]:
    """An answer, or an element of a stream: both look alike. Tool calls come whole."""
    for name in _ANSWERED:
        for text, path in walk(read.get(answer, name), (name,), wanted=True):
            yield Slot(text, path, path, "assistant", whole="tool_calls" in path)
    if read.get(answer, "done") is True:
        for name in _ANSWERED:
            yield Slot("", channel=(name,), last=True)


def _reply(call: Call, text: str, answer: Any) -> Any:
    kind = call.kwargs.get("cls")
    fields = getattr(kind, "model_fields", {})
    if "message" in fields:
        said: dict[str, Any] = {"message": {"role": "assistant", "content": text}}
    elif "response" in fields:
        said = {"response": text}
    else:
        return None  # vectors say nothing
    if read.get(call.kwargs.get("json"), "format"):
        return None  # nor is a text the JSON that was asked for
    head = {
        "model": read.text(answer, "model") or read.text(call.kwargs.get("json"), "model"),
        "created_at": read.text(answer, "created_at") or _now(),
        "done": True,
        "done_reason": "content_filter",
    }
    spent = {name: read.count(answer, name) for name in ("prompt_eval_count", "eval_count")}
    return kind(**head, **said, **spent)  # type: ignore[misc]  # one of the client's own classes


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def _pieces(call: Call, text: str, seen: Sequence[Any]) -> list[Any] | None:
    made = _reply(call, text, seen[-1] if seen else None)
    return None if made is None else [made]


SPEECH = Speech(_asked, put, _answered, _answered, _reply, _pieces)
