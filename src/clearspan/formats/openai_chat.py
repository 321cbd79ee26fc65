"""OpenAI's Chat Completions, as many vendors' clients speak it: readers for call, answer and chunk.

Every reader takes dictionaries and pydantic models alike, whole or broken.
"""

from __future__ import annotations

from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_common as common, openai_messages as told, token_scores
from clearspan.formats.openai_times import times
from clearspan.formats.openai_usage import usage
from clearspan.provider import Call

__all__ = ["chunk", "request", "response", "weigh"]


def request(draft: Draft, call: Call) -> None:
    """Parameters, messages and tools of a call."""
    given = common.arguments(call)
    common.sampling(draft, given)
    if "modalities" in given or "response_format" in given:
        spoken = "audio" in map(read.text, read.items(given, "modalities"))
        wanted = given.get("response_format")
        draft.set(output_type="speech" if spoken else common.output_type(wanted))
    if common.is_openai(draft):
        draft.extra(sc.OPENAI_API_TYPE, "chat_completions")
    draft.input(told.messages(given.get("messages")))
    if "tools" in given or "functions" in given:
        draft.tools(common.tools(given))


def response(draft: Draft, body: Any) -> None:
    """A whole answer."""
    given = _fields(body)
    common.identity(draft, given)
    usage(draft, dict.get(given, "usage"))
    times(draft, dict.get(given, "time_info"))
    taken: set[int] = set()
    for position, choice in enumerate(read.items(given, "choices")):
        found = _fields(choice)
        told_index = read.count(dict.get(found, "index"))
        # Some servers say 0 of every choice.
        index = position if told_index is None or told_index in taken else told_index
        taken.add(index)
        _answer(draft, dict.get(found, "message"), index)
        _end(draft, found, index)
    common.failure(draft, dict.get(given, "error"))


def _fields(value: Any) -> dict[str, Any]:
    found = read.fields(value)
    return {} if found is None else found


def weigh(body: Any) -> int | None:
    """About how many bytes an answer, or a chunk, that only says something keeps alive; `None` of any other."""
    answer = read.declared(body)
    choices = None if answer is None else answer.get("choices")
    if answer is None or type(choices) is not list or len(choices) > _FEW:
        return None
    size = frame = 0
    for name, value in answer.items():
        if type(value) is str:
            size += _size(value)
        elif name not in _TOLD and value is not None and type(value) is not int:
            return None
    for choice in choices:
        held = read.declared(choice)
        if held is None or held.get("logprobs") is not None:
            return None
        whole = held.get("message")
        frame = frame if whole is None else _FRAME  # a chunk's is counted by whoever keeps many
        message = read.declared(held.get("delta") if whole is None else whole)
        if message is None:
            return None
        for value in message.values():
            if type(value) is str:
                size += _size(value)
            elif value is not None and not _is_empty(value):
                return None
    return size + frame


def _is_empty(value: Any) -> bool:
    """Whether it is a list with nothing in it, as OpenAI sends of what an answer does not have."""
    return type(value) is list and not value


_FEW = 8
_TOLD = ("choices", "usage")
_SPOKEN = ("role", "content")
_FRAME = 1_024
_size = str.__sizeof__


def chunk(draft: Draft, item: Any) -> None:
    """One chunk of a streamed answer."""
    common.identity(draft, item)
    usage(draft, read.get(item, "usage"))
    times(draft, read.get(item, "time_info"))
    usage(draft, read.get(item, "x_groq", "usage"))
    for choice in read.items(item, "choices"):
        index = read.count(choice, "index") or 0
        _delta(draft, read.get(choice, "delta"), index)
        _end(draft, choice, index)


def _end(draft: Draft, choice: Any, index: int) -> None:
    held = _fields(choice)
    draft.finish(read.text(dict.get(held, "finish_reason")), index)
    logprobs = dict.get(held, "logprobs")
    if logprobs is None:
        return
    tokens = [*read.items(logprobs, "content"), *read.items(logprobs, "refusal")]
    if tokens:
        draft.logprobs(token_scores.rows(tokens), index)


def _answer(draft: Draft, message: Any, index: int) -> None:
    if _only_says(draft, message, index):
        return
    _speech(draft, message, index)
    for position, call in enumerate(read.items(message, "tool_calls")):
        _call(draft, call, index, position)
    _function_call(draft, message, index)
    _sound(draft, message, index)


def _delta(draft: Draft, delta: Any, index: int) -> None:
    if _only_says(draft, delta, index):
        return
    _speech(draft, delta, index)
    for call in read.items(delta, "tool_calls"):
        _call(draft, call, index, _slot(draft, call, index))
    _function_call(draft, delta, index)
    _sound(draft, delta, index)


def _only_says(draft: Draft, message: Any, index: int) -> bool:
    """The short way for a message with a role and a text and nothing else, as most are; answers whether it was one."""
    fields = read.fields(message)
    text = None if fields is None else dict.get(fields, "content")
    if fields is None or type(text) is not str:
        return False
    for name, value in dict.items(fields):
        if value is not None and name not in _SPOKEN and not _is_empty(value):
            return False
    choice = draft.choice(index)
    choice.role = read.text(dict.get(fields, "role")) or choice.role
    draft.text(text, index)
    return True


def _speech(draft: Draft, message: Any, index: int) -> None:
    choice = draft.choice(index)
    choice.role = read.text(message, "role") or choice.role
    draft.reasoning(told.reasoning_text(message), index)
    content = read.get(message, "content")
    text = read.text(content)
    if text is not None:
        draft.text(text, index)
    else:
        for part in told.content_parts(content):
            _part(draft, part, index)
    draft.refusal(read.text(message, "refusal"), index)
    for part in told.content_parts(read.get(message, "images")):
        draft.part(part, index)


def _part(draft: Draft, part: Any, index: int) -> None:
    pieces = {"text": draft.text, "reasoning": draft.reasoning, "refusal": draft.refusal}.get(
        part["type"]
    )
    if pieces is not None and "content" in part:
        pieces(part["content"], index)
    else:
        draft.part(part, index)


def _call(draft: Draft, call: Any, index: int, key: object) -> None:
    custom = read.get(call, "custom")
    name = read.text(call, "function", "name")
    given = read.get(call, "function", "arguments")
    if custom is not None and not name:
        name, given = read.text(custom, "name"), read.get(custom, "input")
    given = None if given is None else read.plain(given)
    draft.tool_call(index, key, id=read.text(call, "id"), name=name, arguments=given)


def _function_call(draft: Draft, message: Any, index: int) -> None:
    """The form before tool calls; some servers send an empty one with every message."""
    source = read.get(message, "function_call")
    name, arguments = read.text(source, "name"), read.text(source, "arguments")
    if name or arguments:
        draft.tool_call(index, "function_call", name=name, arguments=arguments)


def _sound(draft: Draft, message: Any, index: int) -> None:
    audio = read.get(message, "audio")
    if audio is not None:
        draft.audio(read.text(audio, "data"), read.text(audio, "transcript"), index)


def _slot(draft: Draft, call: Any, index: int) -> object:
    """Which tool call a piece belongs to.

    Its `index` says so; servers that send none tell by a new id. A new id at an index that is
    taken begins another call, since some servers number every call 0.
    """
    parts = draft.choice(index).parts
    begun = [key for kind, key in parts if kind == "tool_call"]
    call_id, number = read.text(call, "id"), read.count(call, "index")
    if number is None:
        base: object = call_id or (begun[-1] if begun else 0)
        return base
    same = [key for key in begun if key == number or (isinstance(key, tuple) and key[0] == number)]
    if not same:
        return number
    held = parts[("tool_call", same[-1])].get("id")
    return (number, call_id) if call_id and held and held != call_id else same[-1]
