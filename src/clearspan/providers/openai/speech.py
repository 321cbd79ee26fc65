"""The texts of chats, completions and the rest, for guards; and answers in their form that no model made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clearspan.core import jsonfast, read
from clearspan.core.unseen import UNSEEN
from clearspan.formats.speech import choices, deltas, named, put, told, walk
from clearspan.provider import Call, Slot, Speech, Tap
from clearspan.providers.openai.canned import is_raw, of, streamed, structured
from clearspan.providers.openai.fitting import fitting
from clearspan.providers.openai.passing import awaited, relay
from clearspan.providers.openai.raw import body

__all__ = [
    "CHAT", "COMPLETION", "IMAGE", "JUDGED", "PARSED", "TRANSCRIPT", "attach", "put_whole", "spoken", "whole",
]  # fmt: skip

_FINISH = "content_filter"
_END = "stop"  # of a stream: the client's helpers raise an error of their own at the other


def attach(result: Any, tap: Tap) -> bool:
    """Let the elements of a stream go by; also of one inside a raw response, which the program parses."""
    held = getattr(result, "__dict__", None)
    if not isinstance(held, dict):
        return False
    if "http_response" in held and held.get("_stream"):
        result = result.parse()  # the client keeps it and gives the same one to the program
        held = vars(result)
    if "_iterator" not in held or "response" not in held:
        return False
    relay(result, tap)
    tap.closing(held["response"], "aclose" if awaited(result) else "close")
    return True


def _chat(call: Call, text: str, answer: Any) -> Any:
    from openai.types.chat import ChatCompletion

    return _said(ChatCompletion, call, text, answer)


def _parsed(call: Call, text: str, answer: Any) -> Any:
    from openai.types.chat import ParsedChatCompletion

    return _said(ParsedChatCompletion, call, text, answer)


def _said(kind: Any, call: Call, text: str, answer: Any) -> Any:
    if is_raw(call) or structured(call):
        return None  # the program reads the bytes of a response that there is not, or JSON
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": _FINISH, "logprobs": None}
    body = {"object": "chat.completion", "choices": [choice]}
    return of(kind if answer is None else type(answer), call, answer, body, "chatcmpl")


def whole(reader: Callable[[Any], Iterable[Slot]]) -> Callable[[Any], Iterable[Slot]]:
    """Reads an answer, or the body of one that the program wants unparsed; one not yet there cannot be seen."""

    def read_whole(answer: Any) -> Iterable[Slot]:
        inner = body(answer)
        unread = inner is None and answer is not None
        return [Slot(UNSEEN, role="assistant")] if unread else reader(inner)

    return read_whole


def put_whole(answer: Any, path: tuple[str | int, ...], text: str) -> Any:
    """`put`, for the body of such an answer as well: the program finds it in any form that it asks for."""
    inner = body(answer)
    if inner is answer:
        return put(answer, path, text)
    changed = put(inner, path, text)
    said = changed if type(changed) is str else jsonfast.dumps(changed)
    response = vars(answer)["http_response"]
    vars(response)["_content"] = said.encode()
    if "content-length" in response.headers:
        response.headers["content-length"] = str(len(said.encode()))
    return answer


def _chat_chunk() -> Any:
    from openai.types.chat import ChatCompletionChunk

    return ChatCompletionChunk


def _chat_pieces(call: Call, text: str, seen: Sequence[Any]) -> Iterable[Any] | None:
    """`None` where a helper would read it together with what went before as JSON."""
    if structured(call) or (seen and any(map(_strict, read.items(call.kwargs.get("tools"))))):
        return None
    last = seen[-1] if seen else None
    said = {"role": "assistant", "content": text} if last is None else {"content": text}
    made: list[Any] = []
    for delta, reason in ((said, None), ({}, _END)):
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        body = {"object": "chat.completion.chunk", "choices": [choice]}
        made.append(of(_chat_chunk(), call, made[0] if made else last, body, "chatcmpl", usage=False))  # fmt: skip
    return made


def _strict(tool: Any) -> bool:
    return read.get(tool, "function", "strict") is True


def _completion_kind() -> Any:
    from openai.types import Completion

    return Completion


def _completion(call: Call, text: str, answer: Any, reason: str = _FINISH) -> Any:
    if is_raw(call):
        return None
    choice = {"index": 0, "text": text, "finish_reason": reason, "logprobs": None}
    return of(
        _completion_kind(), call, answer, {"object": "text_completion", "choices": [choice]}, "cmpl"
    )


def _completion_pieces(call: Call, text: str, seen: Sequence[Any]) -> Iterator[Any]:
    yield _completion(call, text, seen[-1] if seen else None, _END)


def _transcribed(answer: Any) -> Iterable[Slot]:
    text = read.text(answer)  # some formats are answered as a bare text
    return [Slot(text, role="assistant")] if text else told(answer)


def _pictured(answer: Any) -> Iterator[Slot]:
    """What the model made of a prompt, which it tells with each picture."""
    for at, picture in enumerate(read.items(answer, "data")):
        if text := read.text(picture, "revised_prompt"):
            yield Slot(text, ("data", at, "revised_prompt"), role="assistant")


def _nothing(answer: Any) -> Iterable[Slot]:
    """Vectors, sound and judgements have no text."""
    del answer
    return ()


def _judged(kwargs: Mapping[str, Any]) -> Iterator[Slot]:
    """What is to be judged, and the questions about it."""
    yield from named("input")(kwargs)
    for text, path in walk(kwargs.get("questions"), ("questions",), deep=True):
        yield Slot(text, path)


CHAT = Speech(
    named("messages", "prediction"), put_whole, whole(choices), deltas, _chat, _chat_pieces, streamed(_chat_pieces, _chat_chunk), attach,
    once=("messages",), puts=fitting(put_whole),
)  # fmt: skip
PARSED = replace(CHAT, reply=_parsed)
COMPLETION = Speech(
    named("prompt", "suffix"), put_whole, whole(choices), deltas, _completion, _completion_pieces,
    streamed(_completion_pieces, _completion_kind), attach, once=("prompt",),
)  # fmt: skip
TRANSCRIPT = Speech(named("prompt"), put_whole, whole(_transcribed))
IMAGE = Speech(named("prompt"), put_whole, whole(_pictured))
JUDGED = Speech(_judged, put, _nothing, once=("input",))


def spoken(name: str) -> Speech:
    """Of a call whose answer is no text: what is asked stands in this argument."""
    return Speech(named(name), put, _nothing, once=(name,))
