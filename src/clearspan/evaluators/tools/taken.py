"""The tool calls of a call, trace or session, in their order, as names and arguments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from clearspan.assess.evaluator import Subject
from clearspan.record import Invocation, Message, Operation

__all__ = ["Step", "has_answers", "parsed", "steps"]


class Step(NamedTuple):
    """A tool that was called, or that should be. `arguments` is `None` where nobody said."""

    name: str
    arguments: Any = None

    @property
    def key(self) -> str:
        """The same for the same call, whatever the order of its arguments."""
        return f"{self.name} {json.dumps(self.arguments, sort_keys=True, default=str)}"


def steps(subject: Subject) -> list[Step]:
    """The tool calls that the model asked for; where no record shows any, the tools that ran.

    A call has those of its messages, asked and answered; in a trace or session each is counted where it was answered.
    """
    if isinstance(subject, Invocation):
        return list(_asked([*subject.input, *subject.output]))
    asked = [step for call in subject.model_calls for step in _asked(call.output)]
    ran = (call for call in subject.calls if call.operation == Operation.EXECUTE_TOOL)
    return asked or [Step(call.name or "", call.input_value) for call in ran]


def has_answers(subject: Subject) -> bool:
    """Whether any record shows what a model answered, so that no tool call means that there was none."""
    if isinstance(subject, Invocation):
        return bool(subject.output)
    return any(call.output for call in subject.model_calls)


def _asked(messages: Iterable[Message]) -> Iterator[Step]:
    for message in messages:
        for part in message.get("parts", ()):
            if part.get("type") == "tool_call":
                yield Step(part.get("name", ""), parsed(part.get("arguments")))


def parsed(arguments: Any) -> Any:
    """Arguments as an object where they are one; no arguments are an empty one."""
    if arguments is None or arguments == "":
        return {}
    if isinstance(arguments, str):
        try:
            made = json.loads(arguments)
        except (ValueError, RecursionError):
            return arguments
        return made if isinstance(made, Mapping) else arguments
    return arguments
