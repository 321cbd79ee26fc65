"""What was asked and answered, wherever a program of the GenAI conventions has written it.

Today's conventions put messages into attributes of the span, or into those of a details event. Before, there was an
event for each message, and other libraries number their messages into attributes of their own
(`gen_ai.prompt.0.content`). All of it comes out as the attributes of today.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from clearspan import semconv as sc
from clearspan.core import jsonfast
from clearspan.offline.rows import parts_form

__all__ = ["Event", "attributes"]

Event = tuple[str, Mapping[str, Any]]
"""An event of a span, or a log record about it: its name, its attributes (with the body's fields)."""

_NUMBERED = re.compile(r"gen_ai\.(prompt|completion)\.(\d+)\.(.+)", re.DOTALL)
_CALL = re.compile(r"tool_calls\.(\d+)\.(\w+)")
_ASKING = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CONTENT = (sc.INPUT_MESSAGES, sc.OUTPUT_MESSAGES, sc.SYSTEM_INSTRUCTIONS, sc.TOOL_DEFINITIONS)
# The whole prompt, the whole answer as JSON or text, in events or attributes.
_BLOBS = (("gen_ai.prompt", sc.INPUT_MESSAGES, "user"), ("gen_ai.completion", sc.OUTPUT_MESSAGES, "assistant"))  # fmt: skip
_OPERATIONS = {"chat": "chat", "completion": "text_completion", "embedding": "embeddings", "rerank": "retrieval"}  # fmt: skip


def attributes(given: Mapping[str, Any], events: Iterable[Event]) -> dict[str, Any] | None:
    """The attributes of a span by today's conventions; `None` when it is no span of these at all.

    What the span says itself goes before what its events say, and the newer form before the older.
    """
    found = dict(given)
    operation = found.get(sc.OPERATION_NAME) or _operation(found)
    if operation is None:
        return None
    found[sc.OPERATION_NAME] = operation
    told = list(events)
    for name, said in told:
        if name == sc.EVENT_DETAILS:
            for wanted in _CONTENT:
                if said.get(wanted) is not None:
                    found.setdefault(wanted, said[wanted])
    for older in (_single(told), _numbered(found), _blobs(found, told)):
        for name, messages in older.items():
            if messages:
                found.setdefault(name, messages)
    for name in (sc.INPUT_MESSAGES, sc.OUTPUT_MESSAGES):
        if name in found:
            found[name] = _sound(found[name])
    if isinstance(system := found.get(sc.SYSTEM_INSTRUCTIONS), str):
        parts = jsonfast.loads(system)
        found[sc.SYSTEM_INSTRUCTIONS] = parts if isinstance(parts, list) else [{"type": "text", "content": system}]  # fmt: skip
    return found


def _operation(given: Mapping[str, Any]) -> str | None:
    """What was done, of a span that does not say so by today's name."""
    kind = given.get("llm.request.type")
    if isinstance(kind, str) and kind in _OPERATIONS:
        return _OPERATIONS[kind]
    asked = any(name.startswith(("gen_ai.prompt", "gen_ai.completion", "gen_ai.input.messages")) for name in given)  # fmt: skip
    return "chat" if asked or "gen_ai.system" in given else None


def _sound(given: Any) -> Any:
    """Messages in the form with parts; what is none stays what it was."""
    found = jsonfast.loads(given)
    if not isinstance(found, list):
        return given
    held = cast("list[object]", found)
    if not all(isinstance(item, Mapping) for item in held):
        return given
    return [parts_form(cast("Mapping[str, Any]", item)) for item in held]


def _single(events: Iterable[Event]) -> dict[str, list[Any]]:
    """Messages that were told one an event."""
    asked: list[Any] = []
    answered: list[tuple[int, Any]] = []
    for name, said in events:
        if name in _ASKING:
            asked.append({"role": _ASKING[name], **_fields(said)})
        elif name == "gen_ai.choice":
            index = said.get("index")
            answered.append((index if isinstance(index, int) else len(answered), _choice(said)))
    answers = [message for _, message in sorted(answered, key=lambda each: each[0])]
    return {sc.INPUT_MESSAGES: asked, sc.OUTPUT_MESSAGES: answers}


def _choice(said: Mapping[str, Any]) -> dict[str, Any]:
    message = jsonfast.loads(said.get("message"))
    inner = cast("Mapping[str, Any]", message) if isinstance(message, Mapping) else {"content": message}  # fmt: skip
    if message is None:
        inner = said
    made = {"role": "assistant", **_fields(inner)}
    if isinstance(said.get("finish_reason"), str):
        made["finish_reason"] = said["finish_reason"]
    return made


def _fields(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a message; those that are JSON text in an event are values again."""
    found = {name: said[name] for name in ("role", "content", "name") if said.get(name) is not None}
    for name in ("tool_calls", "content"):
        value = jsonfast.loads(said.get(name))
        if isinstance(value, list):
            found[name] = value
    call_id = said.get("tool_call_id", said.get("id"))
    return {**found, "tool_call_id": call_id} if call_id is not None else found


def _blobs(given: Mapping[str, Any], events: Iterable[Event]) -> dict[str, list[Any]]:
    """A whole prompt or answer under one name, in the span's attributes or an event's."""
    found: dict[str, list[Any]] = {}
    for said in (given, *(said for _, said in events)):
        for old, new, role in _BLOBS:
            if isinstance(text := said.get(old), str) and text:
                value = jsonfast.loads(text)
                messages = cast("list[object]", value) if isinstance(value, list) else []
                sound = messages and all(isinstance(item, dict) for item in messages)
                found.setdefault(new, messages if sound else [{"role": role, "content": text}])
    return found


def _numbered(given: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Messages that are spread over attributes with numbers in their names."""
    found: dict[str, dict[int, dict[str, Any]]] = {"prompt": {}, "completion": {}}
    for name, value in given.items():
        if match := _NUMBERED.fullmatch(name):
            found[match[1]].setdefault(int(match[2]), {})[match[3]] = value
    asked, answered = found["prompt"], found["completion"]
    return {
        sc.INPUT_MESSAGES: [_spread("user", asked[at]) for at in sorted(asked)],
        sc.OUTPUT_MESSAGES: [_spread("assistant", answered[at]) for at in sorted(answered)],
    }


def _spread(role: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """One message of fields such as `content` and `tool_calls.0.name`."""
    message: dict[str, Any] = {"role": role}
    calls: dict[int, dict[str, Any]] = {}
    for name, value in fields.items():
        if call := _CALL.fullmatch(name):
            calls.setdefault(int(call[1]), {})[call[2]] = value
        else:
            content = jsonfast.loads(value) if name == "content" else value
            message[name] = cast("list[object]", content) if isinstance(content, list) else value
    if calls:
        message["tool_calls"] = [{"id": calls[at].get("id"), "function": calls[at]} for at in sorted(calls)]  # fmt: skip
    return message
