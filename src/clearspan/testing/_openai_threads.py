"""Assistants, threads and runs of the OpenAI wire form (the retired ``/threads`` endpoints)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from clearspan.testing._answers import Answer, Json, Reply, ToolCall
from clearspan.testing._openai_say import (
    Question,
    argument_pieces,
    arguments,
    choices_of,
    finish_reason,
    missing,
    model_of,
    named_failure,
    output_tokens,
    own_reply,
    text_pieces,
    usage_of,
)
from clearspan.testing._reading import Obj, array, obj, prompt_tokens, string, texts
from clearspan.testing._wire import Call, Endpoint, Event, Route

# Polling helpers of the client wait for as long as this header says.
_POLL = {"openai-poll-after-ms": "1"}


@dataclass(frozen=True)
class _Ran:
    """A finished run, what it wrote or asked for, and the reply it came from."""

    run: Obj
    message: Obj
    calls: list[Obj]
    choice: Reply
    timing: Reply
    opening: Event | None = None


def _message(call: Call, thread: str, role: str, text: str) -> Obj:
    return {
        "id": call.state.new_id("msg_"),
        "object": "thread.message",
        "created_at": call.state.now(),
        "thread_id": thread,
        "role": role,
        "status": "completed",
        "content": [{"type": "text", "text": {"value": text, "annotations": []}}],
        "assistant_id": None,
        "run_id": None,
        "attachments": [],
        "metadata": {},
    }


def _messages(call: Call, thread: str) -> list[object]:
    return array(call.state.kept(f"{thread}/messages"))


def _remember(call: Call, thread: str, message: Obj) -> None:
    call.state.keep(f"{thread}/messages", [*_messages(call, thread), message])


def _new_thread(call: Call, wanted: Obj) -> Obj:
    thread: Obj = {
        "id": call.state.new_id("thread_"),
        "object": "thread",
        "created_at": call.state.now(),
        "metadata": wanted.get("metadata") or {},
        "tool_resources": wanted.get("tool_resources") or {},
    }
    name = string(thread["id"])
    call.state.keep(name, thread)
    for message in map(obj, array(wanted.get("messages"))):
        _add(call, name, message)
    return thread


def _add(call: Call, thread: str, wanted: Obj) -> Obj:
    text = " ".join(texts(wanted.get("content")))
    message = _message(call, thread, string(wanted.get("role"), "user"), text)
    _remember(call, thread, message)
    return message


def _create_thread(call: Call) -> Answer:
    return Json(_new_thread(call, call.body))


def _add_message(call: Call) -> Answer:
    thread = call.params["thread"]
    if call.state.kept(thread) is None:
        return missing(call, "thread")
    return Json(_add(call, thread, call.body))


def _list_messages(call: Call) -> Answer:
    found = list(reversed(_messages(call, call.params["thread"])))
    return Json({"object": "list", "data": found, "has_more": False})


def _create_assistant(call: Call) -> Answer:
    plain: Obj = {"name": None, "description": None, "instructions": None, "tools": []}
    head: Obj = {"id": call.state.new_id("asst_"), "object": "assistant"}
    return Json({**plain, "metadata": {}, **call.body, **head, "created_at": call.state.now()})


def _start(call: Call, reply: Reply) -> _Ran:
    """Run a thread that is named in the path, or is made first."""
    opening = None
    thread = call.params.get("thread")
    if thread is None:
        made = _new_thread(call, obj(call.body.get("thread")))
        thread, opening = string(made["id"]), Event(made, name="thread.created")
    for message in map(obj, array(call.body.get("additional_messages"))):
        _add(call, thread, message)
    base = _base(call, reply, thread)
    return replace(_run(call, reply, base, _messages(call, thread)), opening=opening)


def _resume(call: Call, reply: Reply) -> _Ran:
    """Go on with a run that had asked for tools."""
    outputs: list[object] = [
        {"role": "tool", "content": obj(output).get("output")}
        for output in array(call.body.get("tool_outputs"))
    ]
    before = call.state.kept(call.params["run"])
    base = before.run if isinstance(before, _Ran) else _base(call, reply, call.params["thread"])
    return _run(call, reply, base, outputs)


def _run(call: Call, reply: Reply, base: Obj, prompt: list[object]) -> _Ran:
    choice = choices_of(reply, Question(prompt))[0]
    name, thread = string(base["id"]), string(base["thread_id"])
    message = _message(call, thread, "assistant", choice.text or "")
    message |= {"assistant_id": base["assistant_id"], "run_id": name}
    calls = [_function_call(call, tool) for tool in choice.tool_calls]
    asked, said = prompt_tokens(call.body.get("instructions"), prompt), output_tokens([choice])
    counted = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
    run = {**base, **_end(call, choice, calls), **reply.extra}
    run["usage"] = None if calls else usage_of(reply, counted)
    ran = _Ran(run, message, calls, choice, reply)
    call.state.keep(name, ran)
    if not calls:
        _remember(call, thread, message)
    return ran


def _function_call(call: Call, tool: ToolCall) -> Obj:
    function = {"name": tool.name, "arguments": arguments(tool)}
    return {"id": tool.id or call.state.new_id("call_"), "type": "function", "function": function}


def _base(call: Call, reply: Reply, thread: str) -> Obj:
    now = call.state.now()
    return {
        "id": call.state.new_id("run_"),
        "object": "thread.run",
        "created_at": now,
        "started_at": now,
        "expires_at": None,
        "cancelled_at": None,
        "thread_id": thread,
        "assistant_id": string(call.body.get("assistant_id"), "asst_stand_in"),
        "model": model_of(call, reply),
        "instructions": string(call.body.get("instructions")),
        "tools": array(call.body.get("tools")),
        "metadata": call.body.get("metadata") or {},
        "parallel_tool_calls": True,
        "tool_choice": call.body.get("tool_choice") or "auto",
        "truncation_strategy": {"type": "auto", "last_messages": None},
    }


def _end(call: Call, choice: Reply, calls: list[Obj]) -> Obj:
    reason = finish_reason(choice)
    status = {"length": "incomplete", "failed": "failed"}.get(reason, "completed")
    now = call.state.now()
    fault = {"code": "server_error", "message": "The stand-in server was told to fail."}
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
    reasons = {"reason": "max_completion_tokens"}
    return {
        "status": "requires_action" if calls else status,
        "required_action": action if calls else None,
        "completed_at": now if status == "completed" and not calls else None,
        "failed_at": now if status == "failed" else None,
        "last_error": fault if status == "failed" else None,
        "incomplete_details": reasons if status == "incomplete" else None,
    }


def _early(ran: _Ran, status: str) -> Obj:
    unknown = dict.fromkeys(("usage", "required_action", "completed_at", "failed_at", "last_error"))
    return {**ran.run, **unknown, "incomplete_details": None, "status": status}


def _run_plain(call: Call, reply: Reply) -> object:
    return _early(_start(call, reply), "queued")


def _resume_plain(call: Call, reply: Reply) -> object:
    return _early(_resume(call, reply), "queued")


def _run_stream(call: Call, reply: Reply) -> Iterator[Event]:
    return _events(call, _start(call, reply))


def _resume_stream(call: Call, reply: Reply) -> Iterator[Event]:
    return _events(call, _resume(call, reply))


def _events(call: Call, ran: _Ran) -> Iterator[Event]:
    if ran.opening is not None:
        yield ran.opening
    for status in ("created", "queued", "in_progress"):
        state = "queued" if status == "created" else status
        yield Event(_early(ran, state), name=f"thread.run.{status}")
    step = _step(call, ran)
    for status in ("created", "in_progress"):
        yield Event(step, name=f"thread.run.step.{status}")
    yield from _tool_events(step, ran) if ran.calls else _text_events(ran)
    if not ran.calls:
        done = {**step, "status": "completed", "completed_at": ran.run["completed_at"]}
        yield Event({**done, "usage": ran.run["usage"]}, name="thread.run.step.completed")
    yield Event(ran.run, name=f"thread.run.{ran.run['status']}")
    yield Event("[DONE]", name="done")


def _step(call: Call, ran: _Ran) -> Obj:
    kind = "tool_calls" if ran.calls else "message_creation"
    details: object = [] if ran.calls else {"message_id": ran.message["id"]}
    unknown = ("cancelled_at", "completed_at", "expired_at", "failed_at", "last_error", "usage")
    return {
        "id": call.state.new_id("step_"),
        "object": "thread.run.step",
        "created_at": call.state.now(),
        "run_id": ran.run["id"],
        "thread_id": ran.run["thread_id"],
        "assistant_id": ran.run["assistant_id"],
        "type": kind,
        "status": "in_progress",
        "step_details": {"type": kind, kind: details},
        "metadata": {},
        **dict.fromkeys(unknown),
    }


def _paused(ran: _Ran, number: int) -> float:
    return ran.timing.chunk_delay if number else ran.timing.first_delay


def _text_events(ran: _Ran) -> Iterator[Event]:
    empty: Obj = {**ran.message, "status": "in_progress", "content": []}
    for status in ("created", "in_progress"):
        yield Event(empty, name=f"thread.message.{status}")
    for number, piece in enumerate(text_pieces(ran.choice)):
        part: Obj = {"index": 0, "type": "text", "text": {"value": piece, "annotations": []}}
        delta: Obj = {"id": ran.message["id"], "object": "thread.message.delta"}
        data = {**delta, "delta": {"content": [part]}}
        yield Event(data, name="thread.message.delta", pause=_paused(ran, number))
    yield Event(ran.message, name="thread.message.completed")


def _tool_events(step: Obj, ran: _Ran) -> Iterator[Event]:
    changes: list[Obj] = []
    for index, (called, tool) in enumerate(zip(ran.calls, ran.choice.tool_calls, strict=True)):
        function = {"name": tool.name, "arguments": "", "output": None}
        changes.append({"index": index, **called, "function": function})
        for piece in argument_pieces(arguments(tool)):
            change: Obj = {"index": index, "type": "function", "function": {"arguments": piece}}
            changes.append(change)
    head: Obj = {"id": step["id"], "object": "thread.run.step.delta"}
    for number, change in enumerate(changes):
        delta = {"step_details": {"type": "tool_calls", "tool_calls": [change]}}
        pause = _paused(ran, number)
        yield Event({**head, "delta": delta}, name="thread.run.step.delta", pause=pause)


def _get_run(call: Call) -> Answer:
    ran = call.state.kept(call.params["run"])
    return Json(ran.run, headers=_POLL) if isinstance(ran, _Ran) else missing(call, "run")


def _get_thread(call: Call) -> Answer:
    thread = call.state.kept(call.params["thread"])
    return missing(call, "thread") if thread is None else Json(thread)


_RUN = Endpoint(own_reply, _run_plain, _run_stream, named_failure, required=("assistant_id",))
_SUBMIT = Endpoint(own_reply, _resume_plain, _resume_stream, named_failure)
ROUTES = (
    Route("POST", "assistants", Endpoint(_create_assistant, required=("model",))),
    Route("POST", "threads", Endpoint(_create_thread)),
    Route("GET", "threads/{thread}", Endpoint(_get_thread)),
    Route("POST", "threads/runs", _RUN),
    Route("POST", "threads/{thread}/messages", Endpoint(_add_message)),
    Route("GET", "threads/{thread}/messages", Endpoint(_list_messages)),
    Route("POST", "threads/{thread}/runs", _RUN),
    Route("GET", "threads/{thread}/runs/{run}", Endpoint(_get_run)),
    Route("POST", "threads/{thread}/runs/{run}/submit_tool_outputs", _SUBMIT),
)
