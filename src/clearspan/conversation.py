"""Conversation: the calls of one trace, or of all traces of a session, together. Inert data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clearspan.record import CallContext, Invocation, Operation, TraceRef
from clearspan.score import Level

__all__ = ["Conversation"]

_MODEL = (Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What an evaluator of level `trace` or `session` sees: every call, in the order of their start.

    `id` is the trace's id or the session's name. `dropped` is how many calls are not here, because more came than
    are kept, or because an earlier part was judged already.
    """

    id: str
    level: Level
    calls: tuple[Invocation, ...]
    dropped: int = 0

    @property
    def root(self) -> Invocation | None:
        """The call without a parent among these; the first, where several have none."""
        known = {call.trace.span_id for call in self.calls if call.trace is not None}
        for call in self.calls:
            if call.trace is None or call.trace.parent_id not in known:
                return call
        return None

    @property
    def trace(self) -> TraceRef | None:
        """Where its score belongs: the root of a trace, the last call of a session."""
        if self.level == "session":
            return self.calls[-1].trace if self.calls else None
        return self.root.trace if self.root is not None else None

    @property
    def model_calls(self) -> tuple[Invocation, ...]:
        """The calls that asked a model for an answer."""
        return tuple(
            call for call in self.calls if call.operation in _MODEL and not call.inference_calls
        )

    @property
    def context(self) -> CallContext:
        """What the application said about the first call."""
        return self.calls[0].context if self.calls else CallContext()

    @property
    def question(self) -> str:
        """What was asked first."""
        return next((call.question for call in self.model_calls if call.question), "")

    @property
    def input_text(self) -> str:
        """All that was asked, one question a line."""
        return "\n".join(call.question for call in self.model_calls if call.question)

    @property
    def output_text(self) -> str:
        """The last answer that is not empty."""
        return next((call.output_text for call in self.model_calls[::-1] if call.output_text), "")

    @property
    def documents(self) -> tuple[str, ...]:
        """The texts that the answers were to rest on, each once."""
        return tuple(dict.fromkeys(text for call in self.calls for text in call.documents))

    @property
    def references(self) -> tuple[str, ...]:
        """The answers that would have been right, each once."""
        return tuple(dict.fromkeys(text for call in self.calls for text in call.references))

    @property
    def tool_calls(self) -> tuple[Mapping[str, Any], ...]:
        """The tool calls that models asked for, in order: parts of type `tool_call`."""
        return tuple(
            part
            for call in self.model_calls
            for message in call.output
            for part in message.get("parts", ())
            if part.get("type") == "tool_call"
        )
