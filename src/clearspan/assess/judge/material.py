"""The texts of a call that a judge may see, by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from clearspan.assess.evaluator import Subject
from clearspan.conversation import Conversation
from clearspan.record import Invocation, Operation

__all__ = ["TEXTS", "calls_of", "models", "numbered", "texts"]

_LONGEST = (
    2_000  # of one step among many; how much a judge sees at all is bounded where it is asked
)
_TOOL = Operation.EXECUTE_TOOL


def texts(call: Subject, names: Iterable[str]) -> dict[str, str]:
    """Those of `names` that the call has, in that order."""
    found = {name: TEXTS[name](call) for name in names}
    return {name: text for name, text in found.items() if text}


def models(call: Subject) -> frozenset[str]:
    """The models that gave the answers, in small letters."""
    said = (name for each in calls_of(call) for name in (each.model, each.response_model) if name)
    return frozenset(name.casefold() for name in said)


def calls_of(call: Subject) -> tuple[Invocation, ...]:
    """A conversation's calls; a call by itself."""
    return call.calls if isinstance(call, Conversation) else (call,)


def numbered(listed: Iterable[str]) -> str:
    """Several texts as one, each with its number."""
    found = list(listed)
    if len(found) == 1:
        return found[0]
    return "\n".join(f"[{number}] {text}" for number, text in enumerate(found, 1))


def _answer(call: Subject) -> str:
    return call.output_text or _written(getattr(call, "output_value", None), None)


def _question(call: Subject) -> str:
    return call.question or _written(getattr(call, "input_value", None), None)


def _conversation(call: Subject) -> str:
    """All messages that are no system prompt, each with its role."""
    messages = [message for each in calls_of(call)[:1] for message in each.input]
    lines = [(message.get("role", "?"), _said(message.get("parts", ()))) for message in messages]
    return "\n".join(f"{role}: {text}" for role, text in lines if text and role != "system")


def _system(call: Subject) -> str:
    return "\n".join(
        str(part.get("content", ""))
        for each in calls_of(call)[:1]
        for part in each.system
        if part.get("type") == "text"
    )


def _tools(call: Subject) -> str:
    """The tools that could have been used, each once: name and, where kept, what it is for."""
    listed = (tool for each in calls_of(call) for tool in each.tools)
    told = (f"{tool.get('name', '?')}: {_written(tool.get('description'))}" for tool in listed)
    return "\n".join(dict.fromkeys(line.removesuffix(": ") for line in told))


def _steps(call: Subject) -> str:
    """What was done, in order: which tools models asked for, what ran, what came of it."""
    lines = [line for each in calls_of(call) for line in _step(each)]
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def _step(call: Invocation) -> list[str]:
    if call.operation == _TOOL:
        ended = f" failed: {call.error.type}" if call.error is not None else ""
        result = _written(call.output_value)
        return [f"tool {call.name or '?'} was given {_written(call.input_value)}{ended or ' and answered ' + result}"]  # fmt: skip
    asked = [
        f"asked for tool {part.get('name', '?')} with {_written(part.get('arguments'))}"
        for message in call.output
        for part in message.get("parts", ())
        if part.get("type") == "tool_call"
    ]
    text = call.output_text.strip()
    return [*([f"said: {text[:_LONGEST]}"] if text else []), *asked]


def _untrusted(call: Subject) -> str:
    """What others wrote: documents, results of tools; where there are none, what the user said."""
    results = [
        _written(part.get("response", part.get("content")), None)
        for each in calls_of(call)
        for message in each.input
        for part in message.get("parts", ())
        if part.get("type") == "tool_call_response"
    ]
    return numbered([*call.documents, *filter(None, results)] or [call.input_text])


def _said(parts: Iterable[Mapping[str, Any]]) -> str:
    return " ".join(
        _written(part.get("content", part.get("response", part.get("arguments")))) for part in parts
    ).strip()


def _written(value: Any, longest: int | None = _LONGEST) -> str:
    """A value as text, its first characters."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value[:longest]
    return json.dumps(value, ensure_ascii=False, default=str)[:longest]


TEXTS: Mapping[str, Callable[[Subject], str]] = {
    "question": _question,
    "answer": _answer,
    "documents": lambda call: numbered(call.documents) if call.documents else "",
    "reference": lambda call: numbered(call.references) if call.references else "",
    "conversation": _conversation,
    "system": _system,
    "tools": _tools,
    "steps": _steps,
    "untrusted": _untrusted,
}
"""What a rubric may show its judge."""
