"""The wire form of an Ollama server: chat, completions, embeddings and decisions, in lines of JSON.

Times are made up from the numbers of tokens, so that the same request has the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from clearspan.testing._answers import Error, Reply
from clearspan.testing._ollama_data import ROUTES as DATA, counted
from clearspan.testing._openai_say import (
    Question,
    arguments,
    choices_of,
    finish_reason,
    logprobs_of,
    model_of,
    output_tokens,
    own_reply,
    text_pieces,
    token_logprob,
    usage_of,
)
from clearspan.testing._reading import (
    Obj,
    decode,
    flag,
    integer,
    obj,
    pieces,
    prompt_tokens,
)
from clearspan.testing._wire import Call, Endpoint, Event, Plain, Route, Stream, WireForm, dump

_LINES = "application/x-ndjson"


@dataclass(frozen=True)
class _Line(Event):
    """One line of a stream."""

    def encode(self) -> bytes:
        """The line as it goes over the wire."""
        return f"{dump(self.data)}\n".encode()


@dataclass(frozen=True)
class _Said:
    """What one line or body says."""

    text: str = ""
    thinking: str = ""
    tools: tuple[Obj, ...] = ()
    logprobs: tuple[Obj, ...] = ()


def _chat_fields(said: _Said) -> Obj:
    message: Obj = {"role": "assistant", "content": said.text}
    if said.thinking:
        message["thinking"] = said.thinking
    if said.tools:
        message["tool_calls"] = list(said.tools)
    return {"message": message}


def _text_fields(said: _Said) -> Obj:
    thinking: Obj = {"thinking": said.thinking} if said.thinking else {}
    return {"response": said.text, **thinking}


def _answer(call: Call, reply: Reply, prompt: object) -> Reply:
    limit = obj(call.body.get("options")).get("num_predict")
    wanted = Question(
        prompt=prompt,
        limit=None if limit is None or integer(limit, 0) < 0 else integer(limit, 0),
        shape=_shape(call.body.get("format")),
    )
    return choices_of(reply, wanted)[0]


def _shape(form: object) -> Obj | None:
    if form == "json":
        return {"type": "json_object"}
    return {"type": "json_schema", "schema": form} if obj(form) else None


def _head(call: Call, reply: Reply) -> Obj:
    made = datetime.fromtimestamp(call.state.now(), timezone.utc).isoformat()
    return {"model": model_of(call, reply), "created_at": made.replace("+00:00", "Z")}


def _end(reply: Reply, choice: Reply, prompt: object) -> Obj:
    """The fields of the last line: why it ends, and what it took."""
    reason = finish_reason(choice)
    known = usage_of(reply, counted(prompt_tokens(prompt), output_tokens([choice])))
    return {
        "done": True,
        "done_reason": "stop" if reason == "tool_calls" else reason,
        **(known or {}),
    }


def _said(call: Call, choice: Reply) -> Iterator[_Said]:
    """What is said, piece by piece."""
    for piece in pieces(choice.reasoning or "", None):
        yield _Said(thinking=piece)
    known = _logprobs(call, choice)
    for index, piece in enumerate(text_pieces(choice)):
        yield _Said(text=piece, logprobs=known[index : index + 1])
    for tool in choice.tool_calls:
        given = obj(decode(arguments(tool).encode()))
        yield _Said(tools=({"function": {"name": tool.name, "arguments": given}},))


def _logprobs(call: Call, choice: Reply) -> tuple[Obj, ...]:
    known = logprobs_of(choice, wanted=flag(call.body.get("logprobs"))) or []
    top = integer(call.body.get("top_logprobs"), 0)
    return tuple(token_logprob(*entry, top) for entry in known)


def _whole(call: Call, choice: Reply) -> _Said:
    said = list(_said(call, choice))
    return _Said(
        choice.text or "",
        choice.reasoning or "",
        tuple(tool for item in said for tool in item.tools),
        tuple(entry for item in said for entry in item.logprobs),
    )


def _generating(field: str, kind: str) -> Endpoint:
    """An endpoint whose prompt is in `field` and whose answers have the form of `kind`."""
    form = _chat_fields if kind == "chat" else _text_fields

    def body(call: Call, reply: Reply, said: _Said, end: Mapping[str, object]) -> Obj:
        logprobs: Obj = {"logprobs": list(said.logprobs)} if said.logprobs else {}
        return {**_head(call, reply), **form(said), **logprobs, **end, **reply.extra}

    def plain(call: Call, reply: Reply) -> object:
        prompt = call.body.get(field)
        choice = _answer(call, reply, prompt)
        return body(call, reply, _whole(call, choice), _end(reply, choice, prompt))

    def stream(call: Call, reply: Reply) -> Iterator[Event]:
        prompt = call.body.get(field)
        choice = _answer(call, reply, prompt)
        pause = reply.first_delay
        for said in _said(call, choice):
            yield _Line(body(call, reply, said, {"done": False}), pause=pause)
            pause = reply.chunk_delay
        yield _Line(body(call, reply, _Said(), _end(reply, choice, prompt)))

    return _endpoint(plain, stream)


def _endpoint(plain: Plain, stream: Stream) -> Endpoint:
    return Endpoint(own_reply, plain, stream, _failure, required=("model",))


def _failure(call: Call, message: str, code: str | None, kind: str) -> Event:
    """An error as it interrupts a stream: a text and nothing else."""
    del call, code, kind
    return _Line({"error": message})


def _error_body(error: Error) -> object:
    return {"error": error.message}


def _headers(call: Call) -> Mapping[str, str]:
    """Of its own, a server of this kind adds none."""
    del call
    return {}


OLLAMA = WireForm(
    name="ollama",
    prefixes=(r"/",),
    routes=(
        Route("POST", "api/chat", _generating("messages", "chat")),
        Route("POST", "api/generate", _generating("prompt", "text")),
        *DATA,
    ),
    error=_error_body,
    headers=_headers,
    stream_type=_LINES,
)
