"""Chat completions and text completions of the OpenAI wire form."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clearspan.testing._answers import Reply, ToolCall
from clearspan.testing._openai_say import (
    Question,
    argument_pieces,
    arguments,
    choices_of,
    finish_reason,
    in_turns,
    listed,
    logprobs_of,
    model_of,
    output_tokens,
    own_reply,
    reasoning_tokens,
    schema_shape,
    service_tier,
    text_pieces,
    token_logprob,
    unnamed_failure,
    usage_of,
)
from clearspan.testing._reading import Obj, array, flag, integer, obj, pieces, prompt_tokens
from clearspan.testing._wire import DONE, Call, Endpoint, Event, Route

FINGERPRINT = "fp_stand_in"
_AUDIO_PIECES = 3


@dataclass(frozen=True)
class _Delta:
    """One step of one choice in a chat stream."""

    change: Obj
    content: bool = True
    """Whether it carries what the model says, so that the scripted delays count."""
    logprobs: object = None
    finish: str | None = None

    def step(self, index: int) -> _Step:
        """The step in the choice of that index."""
        choice = {"index": index, "delta": self.change, "logprobs": self.logprobs}
        return _Step({**choice, "finish_reason": self.finish}, self.content)


@dataclass(frozen=True)
class _Step:
    """The one choice of a chunk."""

    choice: Obj
    content: bool


def _question(call: Call) -> Question:
    body = call.body
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    return Question(
        prompt=body.get("messages"),
        count=integer(body.get("n"), 1),
        limit=None if limit is None else integer(limit, 0),
        shape=schema_shape(body.get("response_format"), "json_schema"),
        spoken="audio" in array(body.get("modalities")),
    )


def _head(call: Call, reply: Reply, prefix: str, kind: str) -> Obj:
    return {
        "id": call.state.new_id(prefix),
        "object": kind,
        "created": call.state.now(),
        "model": model_of(call, reply),
    }


def _counted(prompt: object, choices: Sequence[Reply]) -> Obj:
    asked, said = prompt_tokens(prompt), output_tokens(choices)
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning_tokens(choices),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _chat_plain(call: Call, reply: Reply) -> object:
    choices = choices_of(reply, _question(call))
    body = _head(call, reply, "chatcmpl-", "chat.completion")
    body["choices"] = [_choice(call, choice, index) for index, choice in enumerate(choices)]
    usage = usage_of(reply, _counted(call.body.get("messages"), choices))
    if usage is not None:
        body["usage"] = usage
    tail = {"service_tier": service_tier(call), "system_fingerprint": FINGERPRINT}
    return {**body, **tail, **reply.extra}


def _choice(call: Call, choice: Reply, index: int) -> Obj:
    message: Obj = {"role": "assistant", "content": choice.text, "refusal": choice.refusal}
    message["annotations"] = []
    if choice.reasoning is not None:
        message["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        message["tool_calls"] = [
            {"id": called, "type": "function", "function": _function(tool)}
            for called, tool in _identified(call, choice)
        ]
    if choice.audio is not None:
        message["content"] = None
        message["audio"] = {
            "id": call.state.new_id("audio_"),
            "data": base64.b64encode(choice.audio).decode(),
            "expires_at": call.state.now() + 3600,
            "transcript": choice.text or "",
        }
    return {
        "index": index,
        "message": message,
        "logprobs": _logprobs(call, choice),
        "finish_reason": finish_reason(choice),
    }


def _function(tool: ToolCall) -> Obj:
    return {"name": tool.name, "arguments": arguments(tool)}


def _identified(call: Call, choice: Reply) -> list[tuple[str, ToolCall]]:
    return [(tool.id or call.state.new_id("call_"), tool) for tool in choice.tool_calls]


def _logprobs(call: Call, choice: Reply) -> Obj | None:
    known = logprobs_of(choice, wanted=flag(call.body.get("logprobs")))
    if known is None:
        return None
    top = integer(call.body.get("top_logprobs"), 0)
    return {"content": [token_logprob(*entry, top) for entry in known], "refusal": None}


def _chat_stream(call: Call, reply: Reply) -> Iterator[Event]:
    choices = choices_of(reply, _question(call))
    head = _head(call, reply, "chatcmpl-", "chat.completion.chunk")
    head |= {"service_tier": service_tier(call), "system_fingerprint": FINGERPRINT}
    steps = [
        [delta.step(index) for delta in _deltas(call, choice)]
        for index, choice in enumerate(choices)
    ]
    usage = usage_of(reply, _counted(call.body.get("messages"), choices))
    return _chunks(call, reply, head, steps, usage)


def _chunks(
    call: Call,
    reply: Reply,
    head: Mapping[str, object],
    steps: Sequence[Sequence[_Step]],
    usage: Mapping[str, object] | None,
) -> Iterator[Event]:
    """The chunks of all choices in turns, then the usage if it was asked for, then the end."""
    counted = flag(obj(call.body.get("stream_options")).get("include_usage"))
    unused: Obj = {"usage": None} if counted else {}
    delay = reply.first_delay
    for step in in_turns(steps):
        pause = delay if step.content else 0.0
        delay = reply.chunk_delay if step.content else delay
        yield Event({**head, "choices": [step.choice], **unused, **reply.extra}, pause=pause)
    if counted and usage is not None:
        yield Event({**head, "choices": [], "usage": usage, **reply.extra})
    yield DONE


def _deltas(call: Call, choice: Reply) -> Iterator[_Delta]:
    # As the real service does: the first chunk names the role and says nothing yet.
    opening = None if choice.tool_calls or choice.audio is not None else ""
    yield _Delta({"role": "assistant", "content": opening, "refusal": None}, content=False)
    for piece in pieces(choice.reasoning or "", None):
        yield _Delta({"reasoning_content": piece})
    if choice.audio is not None:
        yield from _audio_deltas(call, choice)
    else:
        yield from _text_deltas(call, choice)
    for piece in pieces(choice.refusal or "", None):
        yield _Delta({"refusal": piece})
    yield from _tool_deltas(call, choice)
    yield _Delta({}, content=False, finish=finish_reason(choice))


def _text_deltas(call: Call, choice: Reply) -> Iterator[_Delta]:
    known = array((_logprobs(call, choice) or {}).get("content"))
    for index, piece in enumerate(text_pieces(choice)):
        entry = known[index : index + 1]
        logprobs = {"content": entry, "refusal": None} if entry else None
        yield _Delta({"content": piece}, logprobs=logprobs)


def _audio_deltas(call: Call, choice: Reply) -> Iterator[_Delta]:
    called = call.state.new_id("audio_")
    yield _Delta({"audio": {"id": called}}, content=False)
    for piece in text_pieces(choice):
        yield _Delta({"audio": {"transcript": piece}})
    data = choice.audio or b""
    # Base64 of pieces joins to base64 of the whole where their lengths divide by three.
    size = max(3, -(-len(data) // _AUDIO_PIECES // 3) * 3)
    for start in range(0, len(data), size):
        encoded = base64.b64encode(data[start : start + size]).decode()
        yield _Delta({"audio": {"data": encoded}})
    yield _Delta({"audio": {"expires_at": call.state.now() + 3600}}, content=False)


def _tool_deltas(call: Call, choice: Reply) -> Iterator[_Delta]:
    threads: list[list[_Delta]] = []
    for index, (called, tool) in enumerate(_identified(call, choice)):
        opening: Obj = {"index": index, "id": called, "type": "function"}
        opening["function"] = {"name": tool.name, "arguments": ""}
        threads.append([_Delta({"tool_calls": [opening]})])
        for piece in argument_pieces(arguments(tool)):
            change = {"index": index, "function": {"arguments": piece}}
            threads[-1].append(_Delta({"tool_calls": [change]}))
    if choice.interleave:
        yield from in_turns(threads)
    else:
        yield from (delta for thread in threads for delta in thread)


def _prompts(call: Call) -> list[object]:
    prompt = call.body.get("prompt")
    # A list of numbers is one prompt that is already tokenised.
    if any(isinstance(item, int) for item in array(prompt)):
        return [prompt]
    return list(listed(prompt))


def _text_choices(call: Call, reply: Reply) -> list[Reply]:
    limit = call.body.get("max_tokens")
    choices: list[Reply] = []
    for prompt in _prompts(call):
        wanted = Question(
            prompt=prompt,
            count=integer(call.body.get("n"), 1),
            limit=None if limit is None else integer(limit, 0),
        )
        choices += choices_of(reply, wanted)
    return choices


def _text_logprobs(call: Call, choice: Reply) -> Obj | None:
    top = call.body.get("logprobs")
    known = logprobs_of(choice, wanted=top is not None)
    if known is None:
        return None
    offsets = [0]
    for piece, _ in known:
        offsets.append(offsets[-1] + len(piece))
    return {
        "tokens": [piece for piece, _ in known],
        "token_logprobs": [value for _, value in known],
        "top_logprobs": [{piece: value} for piece, value in known],
        "text_offset": offsets[:-1],
    }


def _text_plain(call: Call, reply: Reply) -> object:
    choices = _text_choices(call, reply)
    body = _head(call, reply, "cmpl-", "text_completion")
    body["system_fingerprint"] = FINGERPRINT
    body["choices"] = [
        {
            "index": index,
            "text": choice.text or "",
            "logprobs": _text_logprobs(call, choice),
            "finish_reason": finish_reason(choice),
        }
        for index, choice in enumerate(choices)
    ]
    usage = usage_of(reply, _counted(call.body.get("prompt"), choices))
    if usage is not None:
        body["usage"] = usage
    return {**body, **reply.extra}


def _text_stream(call: Call, reply: Reply) -> Iterator[Event]:
    choices = _text_choices(call, reply)
    head = _head(call, reply, "cmpl-", "text_completion")
    head["system_fingerprint"] = FINGERPRINT
    steps = [_text_steps(choice, index) for index, choice in enumerate(choices)]
    usage = usage_of(reply, _counted(call.body.get("prompt"), choices))
    return _chunks(call, reply, head, steps, usage)


def _text_steps(choice: Reply, index: int) -> list[_Step]:
    head: Obj = {"index": index, "logprobs": None, "finish_reason": None}
    steps = [_Step({**head, "text": piece}, content=True) for piece in text_pieces(choice)]
    end = {**head, "text": "", "finish_reason": finish_reason(choice)}
    return [*steps, _Step(end, content=False)]


_CHAT = Endpoint(
    own_reply, _chat_plain, _chat_stream, unnamed_failure, required=("messages", "model")
)
_COMPLETIONS = Endpoint(own_reply, _text_plain, _text_stream, unnamed_failure, required=("model",))
ROUTES = (
    Route("POST", "chat/completions", _CHAT),
    Route("POST", "completions", _COMPLETIONS),
)
