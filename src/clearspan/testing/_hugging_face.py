"""The wire form of Hugging Face: text-generation-inference, its chat, and the tasks of `_hugging_face_tasks`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from clearspan.testing._answers import Error, Reply
from clearspan.testing._hugging_face_tasks import ROUTES as TASKS
from clearspan.testing._openai_chat import ROUTES as CHAT
from clearspan.testing._openai_say import (
    Question,
    choices_of,
    finish_reason,
    logprob,
    own_reply,
    text_pieces,
)
from clearspan.testing._reading import Obj, flag, integer, obj, prompt_tokens, string, words
from clearspan.testing._wire import Call, Endpoint, Event, Route, WireForm

_REASONS = {"stop": "eos_token"}


def _answer(call: Call, reply: Reply) -> Reply:
    limit = _parameters(call).get("max_new_tokens")
    prompt = call.body.get("inputs")
    wanted = Question(prompt=prompt, limit=None if limit is None else integer(limit, 0))
    return choices_of(reply, wanted)[0]


def _parameters(call: Call) -> Obj:
    return obj(call.body.get("parameters"))


def _token(piece: str, known: float | None, at: int) -> Obj:
    chance = logprob(piece) if known is None else known
    return {"id": at, "text": piece, "logprob": chance, "special": False}


def _tokens(choice: Reply) -> list[Obj]:
    known = list(choice.logprobs or ())
    return [
        _token(piece, known[at] if at < len(known) else None, at + 1)
        for at, piece in enumerate(text_pieces(choice))
    ]


def _end(choice: Reply) -> Obj:
    reason = finish_reason(choice)
    return {
        "finish_reason": _REASONS.get(reason, reason),
        "generated_tokens": words(choice.text or ""),
        "seed": None,
    }


def _text(call: Call, choice: Reply) -> str:
    said = choice.text or ""
    full = flag(_parameters(call).get("return_full_text"))
    return string(call.body.get("inputs")) + said if full else said


def _whole(call: Call, reply: Reply) -> object:
    choice = _answer(call, reply)
    made: Obj = {"generated_text": _text(call, choice)}
    asked = _parameters(call)
    if flag(asked.get("details")):
        read = string(call.body.get("inputs")).split()
        prefill = read if flag(asked.get("decoder_input_details")) else []
        made["details"] = {
            **_end(choice),
            "prefill": [_token(word, None, at) for at, word in enumerate(prefill)],
            "tokens": _tokens(choice),
        }
    return [{**made, **reply.extra}]


def _stream(call: Call, reply: Reply) -> Iterator[Event]:
    choice = _answer(call, reply)
    tokens = _tokens(choice) or [_token("", None, 1)]
    pause = reply.first_delay
    for at, token in enumerate(tokens, 1):
        body: Obj = {"index": at, "token": token, "generated_text": None, "details": None}
        if at == len(tokens):
            counted = {"input_length": _asked(call)}
            body |= {"generated_text": _text(call, choice), "details": {**_end(choice), **counted}}
        yield Event({**body, **reply.extra}, pause=pause)
        pause = reply.chunk_delay


def _asked(call: Call) -> int:
    return prompt_tokens(call.body.get("inputs", call.body.get("messages")))


def _failure(call: Call, message: str, code: str | None, kind: str) -> Event:
    del call
    return Event({"error": message, "error_type": code or kind})


def _error_body(error: Error) -> object:
    kind = error.type or error.code
    return {"error": error.message, **({"error_type": kind} if kind else {})}


def _headers(call: Call) -> Mapping[str, str]:
    del call
    return {"x-compute-type": "cpu"}


def _counted(call: Call) -> Reply:
    """Its own answer; of a whole one text-generation-inference tells in the headers what it counted."""
    reply = own_reply(call)
    if call.streaming:
        return reply
    made = words(_answer(call, reply).text or "")
    told = {"x-prompt-tokens": str(_asked(call)), "x-generated-tokens": str(made)}
    return replace(reply, headers=told)


_GENERATE = Endpoint(_counted, _whole, _stream, _failure, required=("inputs",))
_MODELS = r"(?:/hf-inference)?/models/(?:[^/]+/(?!pipeline/|v1/))?(?P<deployment>[^/]+)"

HUGGING_FACE = WireForm(
    name="hugging_face",
    # A server for one model at its root, or many of them under their names.
    prefixes=(r"", rf"{_MODELS}", rf"{_MODELS}/v1/"),
    routes=(
        Route("POST", "/generate", _GENERATE),
        Route("POST", "/pipeline/text-generation", _GENERATE),
        Route("POST", "/?", _GENERATE),
        *TASKS,
        *CHAT,
    ),
    error=_error_body,
    headers=_headers,
)
