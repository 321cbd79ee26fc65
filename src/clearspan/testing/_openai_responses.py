"""The responses endpoints of the OpenAI wire form: create, retrieve, cancel, compact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clearspan.testing._answers import Answer, Json, Reply, Sse
from clearspan.testing._openai_say import (
    Question,
    argument_pieces,
    arguments,
    choices_of,
    finish_reason,
    logprobs_of,
    missing,
    model_of,
    named_failure,
    output_tokens,
    own_reply,
    reasoning_tokens,
    schema_shape,
    service_tier,
    text_pieces,
    token_logprob,
    usage_of,
)
from clearspan.testing._reading import (
    Obj,
    array,
    flag,
    integer,
    obj,
    pieces,
    prompt_tokens,
    string,
    texts,
)
from clearspan.testing._wire import Call, Endpoint, Event, Route, dump

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_LOGPROBS = "message.output_text.logprobs"

# What the answer repeats from the request, with the value it has when the request is silent.
_REPEATED: Mapping[str, object] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


# What an item of each kind lacks when it is only begun.
_EMPTY: Mapping[str, Obj] = {
    "reasoning": {"summary": []},
    "message": {"content": []},
    "function_call": {"arguments": ""},
}


@dataclass(frozen=True)
class _Answered:
    """A finished response, and the reply it came from for the pieces and delays of its stream."""

    body: Obj
    choice: Reply
    timing: Reply


def _answer(call: Call, reply: Reply) -> _Answered:
    limit = call.body.get("max_output_tokens")
    question = Question(
        prompt=call.body.get("input"),
        limit=None if limit is None else integer(limit, 0),
        shape=schema_shape(obj(call.body.get("text")).get("format"), None),
    )
    choice = choices_of(reply, question)[0]
    reason = finish_reason(choice)
    status = "failed" if reason == "failed" else "completed"
    repeated = {key: call.body.get(key, value) for key, value in _REPEATED.items()}
    failure = {"code": "server_error", "message": "The stand-in server was told to fail."}
    body: Obj = {
        "id": call.state.new_id("resp_"),
        "object": "response",
        "created_at": call.state.now(),
        "status": "incomplete" if reason in _INCOMPLETE else status,
        "background": flag(call.body.get("background")),
        "completed_at": call.state.now() if status == "completed" else None,
        "error": failure if status == "failed" else None,
        "incomplete_details": {"reason": _INCOMPLETE[reason]} if reason in _INCOMPLETE else None,
        "model": model_of(call, reply),
        "output": _items(call, choice),
        "service_tier": service_tier(call),
        **repeated,
        "usage": usage_of(reply, _counted(call, choice)),
        **reply.extra,
    }
    answered = _Answered(body, choice, reply)
    if call.body.get("store") is not False:
        call.state.keep(string(body["id"]), answered)
    return answered


def _counted(call: Call, choice: Reply) -> Obj:
    asked = prompt_tokens(call.body.get("instructions"), call.body.get("input"))
    said = output_tokens([choice])
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": reasoning_tokens([choice])},
        "total_tokens": asked + said,
    }


def _items(call: Call, choice: Reply) -> list[Obj]:
    items: list[Obj] = []
    if choice.reasoning is not None:
        summary = [{"type": "summary_text", "text": choice.reasoning}]
        items.append({"id": call.state.new_id("rs_"), "type": "reasoning", "summary": summary})
    parts = _parts(call, choice)
    if parts:
        message = {"id": call.state.new_id("msg_"), "type": "message", "status": "completed"}
        items.append({**message, "role": "assistant", "content": parts})
    for tool in choice.tool_calls:
        called = {"id": call.state.new_id("fc_"), "type": "function_call", "status": "completed"}
        asked = {"call_id": tool.id or call.state.new_id("call_"), "name": tool.name}
        items.append({**called, **asked, "arguments": arguments(tool)})
    return items


def _parts(call: Call, choice: Reply) -> list[Obj]:
    parts: list[Obj] = []
    if choice.text is not None:
        known = logprobs_of(choice, wanted=_LOGPROBS in array(call.body.get("include")))
        top = integer(call.body.get("top_logprobs"), 0)
        logprobs = [token_logprob(*entry, top) for entry in known or ()]
        text: Obj = {"type": "output_text", "text": choice.text, "annotations": []}
        parts.append({**text, "logprobs": logprobs})
    if choice.refusal is not None:
        parts.append({"type": "refusal", "refusal": choice.refusal})
    return parts


def _plain(call: Call, reply: Reply) -> object:
    answered = _answer(call, reply)
    return _early(answered, "queued") if answered.body["background"] else answered.body


def _early(answered: _Answered, status: str) -> Obj:
    """The response as it looks before anything was generated."""
    unknown = dict.fromkeys(("completed_at", "error", "incomplete_details", "usage"))
    return {**answered.body, **unknown, "status": status, "output": []}


def _stream(call: Call, reply: Reply) -> Iterator[Event]:
    return _events(_answer(call, reply))


def _events(answered: _Answered) -> Iterator[Event]:
    """The whole stream of a response, numbered."""
    delay = answered.timing.first_delay
    for number, fields in enumerate(_steps(answered)):
        kind = string(fields["type"])
        content = kind.endswith(".delta")
        pause = delay if content else 0.0
        delay = answered.timing.chunk_delay if content else delay
        yield Event({**fields, "sequence_number": number}, name=kind, pause=pause)


def _steps(answered: _Answered) -> Iterator[Obj]:
    first = "queued" if answered.body["background"] else "in_progress"
    yield {"type": "response.created", "response": _early(answered, first)}
    if first == "queued":
        yield {"type": "response.queued", "response": _early(answered, first)}
    yield {"type": "response.in_progress", "response": _early(answered, "in_progress")}
    for index, item in enumerate(map(obj, array(answered.body["output"]))):
        opened = {**item, **_EMPTY.get(string(item["type"]), {})}
        if "status" in item:
            opened["status"] = "in_progress"
        yield {"type": "response.output_item.added", "output_index": index, "item": opened}
        yield from _inside(item, {"item_id": item.get("id"), "output_index": index}, answered)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": f"response.{answered.body['status']}", "response": answered.body}


def _inside(item: Obj, at: Obj, answered: _Answered) -> Iterator[Obj]:
    """What happens between the start and the end of an item; nothing for kinds not known here."""
    if item["type"] == "reasoning":
        yield from _reasoning(item, at)
    elif item["type"] == "message":
        yield from _content(item, at, answered.choice)
    elif item["type"] == "function_call":
        yield from _called(item, at)


def _reasoning(item: Obj, at: Obj) -> Iterator[Obj]:
    kind = "response.reasoning_summary"
    for index, part in enumerate(map(obj, array(item["summary"]))):
        here = {**at, "summary_index": index}
        yield {"type": f"{kind}_part.added", **here, "part": {**part, "text": ""}}
        for piece in pieces(string(part["text"]), None):
            yield {"type": f"{kind}_text.delta", **here, "delta": piece}
        yield {"type": f"{kind}_text.done", **here, "text": part["text"]}
        yield {"type": f"{kind}_part.done", **here, "part": part}


def _content(item: Obj, at: Obj, choice: Reply) -> Iterator[Obj]:
    for index, part in enumerate(map(obj, array(item["content"]))):
        here = {**at, "content_index": index}
        refused = part["type"] == "refusal"
        empty: Obj = {"refusal": ""} if refused else {"text": "", "logprobs": []}
        yield {"type": "response.content_part.added", **here, "part": {**part, **empty}}
        yield from _refused(part, here) if refused else _said(part, here, text_pieces(choice))
        yield {"type": "response.content_part.done", **here, "part": part}


def _said(part: Obj, here: Obj, parts: Sequence[str]) -> Iterator[Obj]:
    known = array(part["logprobs"])
    for index, piece in enumerate(parts):
        delta = {**here, "delta": piece, "logprobs": known[index : index + 1]}
        yield {"type": "response.output_text.delta", **delta}
    done = {**here, "text": part["text"], "logprobs": known}
    yield {"type": "response.output_text.done", **done}


def _refused(part: Obj, here: Obj) -> Iterator[Obj]:
    for piece in pieces(string(part["refusal"]), None):
        yield {"type": "response.refusal.delta", **here, "delta": piece}
    yield {"type": "response.refusal.done", **here, "refusal": part["refusal"]}


def _called(item: Obj, at: Obj) -> Iterator[Obj]:
    kind = "response.function_call_arguments"
    for piece in argument_pieces(string(item["arguments"])):
        yield {"type": f"{kind}.delta", **at, "delta": piece}
    yield {"type": f"{kind}.done", **at, "arguments": item["arguments"], "name": item["name"]}


def _retrieve(call: Call) -> Answer:
    answered = call.state.kept(call.params["id"])
    if not isinstance(answered, _Answered):
        return missing(call, "response")
    if not call.streaming:
        return Json(answered.body)
    after = integer(call.request.query.get("starting_after"), -1)
    lines: list[str] = []
    for number, event in enumerate(_events(answered)):
        if number > after:
            lines += [f"event: {event.name}", f"data: {dump(event.data)}", ""]
    return Sse(lines, delay=answered.timing.chunk_delay)


def _cancel(call: Call) -> Answer:
    answered = call.state.kept(call.params["id"])
    if not isinstance(answered, _Answered):
        return missing(call, "response")
    body = _early(answered, "cancelled")
    call.state.keep(call.params["id"], _Answered(body, Reply(""), answered.timing))
    return Json(body)


def _compact(call: Call) -> Answer:
    said = call.body.get("input")
    summary = " ".join(texts(said))
    item = {"id": call.state.new_id("cmp_"), "type": "compaction", "encrypted_content": summary}
    body: Obj = {
        "id": call.state.new_id("resp_"),
        "object": "response.compaction",
        "created_at": call.state.now(),
        "output": [item],
        "usage": _counted(call, Reply(summary)),
    }
    return Json(body)


ROUTES = (
    Route("POST", "responses", Endpoint(own_reply, _plain, _stream, named_failure, ("model",))),
    Route("POST", "responses/compact", Endpoint(_compact, required=("model",))),
    Route("GET", "responses/{id}", Endpoint(_retrieve)),
    Route("POST", "responses/{id}/cancel", Endpoint(_cancel)),
)
