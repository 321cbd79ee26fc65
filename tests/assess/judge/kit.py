"""What the tests of judges have in common: calls, verdicts, and judges that need no server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from clearspan.assess.judge.client import Judge
from clearspan.conversation import Conversation
from clearspan.record import Invocation, Message, Timing

Messages = list[dict[str, str]]


def said(role: str, text: str) -> Message:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def call(
    question: str = "How high is the tower?",
    answer: str = "It is 87 metres high.",
    *,
    documents: Sequence[str] = (),
    references: Sequence[str] = (),
    **more: Any,
) -> Invocation:
    return Invocation(
        operation="chat",
        timing=Timing(0, 0),
        **{
            "input": (said("user", question),) if question else (),
            "output": (said("assistant", answer),) if answer else (),
            "documents": tuple(documents),
            "references": tuple(references),
            **more,
        },
    )


def trace(*calls: Invocation) -> Conversation:
    return Conversation("1", "trace", calls)


def verdict(label: str = "good", reasoning: str = "Because.", **more: Any) -> str:
    return json.dumps({"reasoning": reasoning, "evidence": [], "label": label, **more})


def answering(*answers: Any, **options: Any) -> tuple[Judge, list[Messages]]:
    """A judge that answers so, one after the other and the last for ever; and what it was asked."""
    asked: list[Messages] = []

    def answer(messages: Messages, schema: dict[str, Any]) -> Any:
        asked.append(messages)
        given = answers[min(len(asked), len(answers)) - 1]
        return given(messages, schema) if callable(given) else given

    return Judge(answer, model="stand-in", **options), asked


class Clock:
    """A clock that goes when it is told to, or when somebody sleeps."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


Answer = Callable[[Messages, dict[str, Any]], Any]
