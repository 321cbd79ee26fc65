"""The texts of an inference client's calls, for guards; and answers in their form that no model made."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from clearspan.core import read
from clearspan.formats.speech import choices, deltas, inside, named, put, walk
from clearspan.provider import Call, Slot, Speech

__all__ = ["CHAT", "GENERATION", "told", "writing"]

_MEDIA = ("image", "audio")
_FINISH = "content_filter"
_TOKENS = ("tokens", "top_tokens", "prefill", "best_of_sequences")


def _kind(name: str) -> Any:
    return getattr(sys.modules["huggingface_hub"], name)  # whose call it is


def _structured(call: Call) -> bool:
    """Whether the answer is to be JSON, which a text is none of."""
    return (read.text(call.kwargs, "response_format", "type") or "").startswith("json")


def _chat(call: Call, text: str, answer: Any) -> Any:
    if _structured(call):
        return None
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": _FINISH}
    body = _body(call, choice, answer, usage=True)
    return _kind("ChatCompletionOutput").parse_obj_as_instance(body)


def _chat_pieces(call: Call, text: str, seen: Sequence[Any]) -> list[Any] | None:
    if _structured(call):
        return None
    made = list(seen[-1:])
    said = {"role": "assistant", "content": text}
    for delta, reason in ((said, None), ({"role": "assistant"}, _FINISH)):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        body = _body(call, choice, made[-1] if made else None, usage=False)
        made.append(_kind("ChatCompletionStreamOutput").parse_obj_as_instance(body))
    return made[-2:]


def _body(call: Call, choice: dict[str, Any], like: Any, *, usage: bool) -> dict[str, Any]:
    spent = read.get(like, "usage") if usage else None
    return {
        "id": read.text(like, "id") or f"chatcmpl-clearspan{uuid.uuid4().hex}",
        "created": read.count(like, "created") or int(time.time()),
        "model": read.text(like, "model") or read.text(call.kwargs, "model") or "",
        "system_fingerprint": read.text(like, "system_fingerprint") or "",
        "choices": [choice],
        "usage": None if spent is None else read.plain(spent),
    }


def _generated(answer: Any) -> Iterator[Slot]:
    """A bare text, or one with details."""
    if text := read.text(answer):
        yield Slot(text, role="assistant")
    elif text := read.text(answer, "generated_text"):
        yield Slot(text, ("generated_text",), role="assistant")


def _token(item: Any) -> Iterator[Slot]:
    """A piece of text, or a token; the last one has the whole text besides."""
    if text := read.text(item):
        yield Slot(text, (), ("text",), "assistant")
    elif text := read.text(item, "token", "text"):
        yield Slot(text, ("token", "text"), ("text",), "assistant")
    if whole := read.text(item, "generated_text"):
        yield Slot(whole, ("generated_text",), ("text",), "assistant", whole=True)


def _put(answer: Any, path: tuple[str | int, ...], text: str) -> Any:
    """Details hold the text once more, token by token."""
    for details in inside(answer, "details"):
        for name in _TOKENS:
            if read.items(details, name):
                details[name] = []
    return put(answer, path, text)


def _generation(call: Call, text: str, answer: Any) -> Any:
    if call.kwargs.get("details") is not True:
        return text
    made = read.count(answer, "details", "generated_tokens")
    details: dict[str, Any] = {
        "finish_reason": _FINISH,
        "generated_tokens": made,
        "prefill": [],
        "tokens": [],
    }
    return _kind("TextGenerationOutput").parse_obj_as_instance(
        {"generated_text": text, "details": details}
    )


def _generation_pieces(call: Call, text: str, seen: Sequence[Any]) -> Iterator[Any]:
    if call.kwargs.get("details") is not True:
        yield text
        return
    token = {"id": 0, "logprob": 0.0, "special": False, "text": text}
    index = (read.count(seen[-1], "index") or 0) + 1 if seen else 0
    yield _kind("TextGenerationStreamOutput").parse_obj_as_instance(
        {"index": index, "token": token, "generated_text": None, "details": None}
    )


def told(*names: str) -> Speech:
    """Of a task whose answer is no text."""

    def nothing(answer: Any) -> Iterable[Slot]:
        del answer
        return ()

    words = named(*(name for name in names if name not in (*_MEDIA, "table")))

    def asked(kwargs: Mapping[str, Any]) -> Iterator[Slot]:
        yield from words(kwargs)
        if "table" in names:  # every cell of it, and what its columns are called
            for text, path in walk(kwargs.get("table"), ("table",), deep=True):
                yield Slot(text, path)

    return Speech(asked, put, nothing)


def writing(field: str, *names: str) -> Speech:
    """Of a task whose answer is a text in this field."""

    def answered(answer: Any) -> Iterator[Slot]:
        if text := read.text(answer, field):
            yield Slot(text, (field,), role="assistant")

    def reply(call: Call, text: str, answer: Any) -> Any:
        return type(answer).parse_obj_as_instance({field: text}) if answer is not None else None

    return Speech(named(*names), put, answered, reply=reply)


CHAT = Speech(named("messages"), put, choices, deltas, _chat, _chat_pieces, once=("messages",))
GENERATION = Speech(named("prompt"), _put, _generated, _token, _generation, _generation_pieces)
