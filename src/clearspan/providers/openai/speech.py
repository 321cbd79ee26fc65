"""The texts of chats, completions and the rest, for guards; and answers in their form that no model made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from clearspan.core import jsonfast, read
from clearspan.core.unseen import UNSEEN
from clearspan.formats.openai_common import is_class
from clearspan.formats.speech import choices, deltas, named, put, told
from clearspan.provider import Call, Slot, Speech, Tap
from clearspan.providers.openai.canned import is_raw, of, streamed
from clearspan.providers.openai.passing import relay
from clearspan.providers.openai.streams import body

__all__ = ["CHAT", "COMPLETION", "TRANSCRIPT", "attach", "put_whole", "spoken", "whole"]

_FINISH = "content_filter"


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
    tap.closing(held["response"], "aclose" if hasattr(result, "__aiter__") else "close")
    return True


def _chat(call: Call, text: str, answer: Any) -> Any:
    if is_raw(call):
        return None  # the program reads the bytes of a response that there is not
    from openai.types import chat

    wanted = is_class(call.kwargs.get("response_format"))
    kind: Any = chat.ParsedChatCompletion if wanted else chat.ChatCompletion
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


def _chat_pieces(call: Call, text: str, seen: Sequence[Any]) -> Iterator[Any]:
    last = seen[-1] if seen else None
    said = {"role": "assistant", "content": text} if last is None else {"content": text}
    for delta, reason in ((said, None), ({}, _FINISH)):
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        body = {"object": "chat.completion.chunk", "choices": [choice]}
        yield of(_chat_chunk(), call, last, body, "chatcmpl", usage=False)


def _completion_kind() -> Any:
    from openai.types import Completion

    return Completion


def _completion(call: Call, text: str, answer: Any) -> Any:
    if is_raw(call):
        return None
    choice = {"index": 0, "text": text, "finish_reason": _FINISH, "logprobs": None}
    return of(
        _completion_kind(), call, answer, {"object": "text_completion", "choices": [choice]}, "cmpl"
    )


def _completion_pieces(call: Call, text: str, seen: Sequence[Any]) -> Iterator[Any]:
    yield _completion(call, text, seen[-1] if seen else None)


def _nothing(answer: Any) -> Iterable[Slot]:
    """Vectors, pictures and sound have no text."""
    del answer
    return ()


def _transcribed(answer: Any) -> Iterable[Slot]:
    text = read.text(answer)  # some formats are answered as a bare text
    return [Slot(text, role="assistant")] if text else told(answer)


CHAT = Speech(
    named("messages", "prediction"), put_whole, whole(choices), deltas, _chat, _chat_pieces, streamed(_chat_pieces, _chat_chunk), attach,
    once=("messages",),
)  # fmt: skip
COMPLETION = Speech(
    named("prompt", "suffix"), put_whole, whole(choices), deltas, _completion, _completion_pieces,
    streamed(_completion_pieces, _completion_kind), attach, once=("prompt",),
)  # fmt: skip
TRANSCRIPT = Speech(named("prompt"), put_whole, whole(_transcribed))


def spoken(name: str) -> Speech:
    """Of a call whose answer is no text: what is asked stands in this argument."""
    return Speech(named(name), put, _nothing, once=(name,))
