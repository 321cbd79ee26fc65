"""Calls to be judged."""

from __future__ import annotations

from typing import Any

from clearspan.record import CallContext, Invocation, Message, Timing, TraceRef


def said(role: str, text: str) -> tuple[Message, ...]:
    return ({"role": role, "parts": [{"type": "text", "content": text}]},) if text else ()


def call(
    question: str = "What is the capital of France?",
    answer: str = "Paris.",
    *,
    trace: str | None = "a" * 32,
    span: str = "b" * 16,
    parent: str | None = None,
    start: int = 0,
    session: str | None = None,
    **more: Any,
) -> Invocation:
    return Invocation(
        operation=more.pop("operation", "chat"),
        timing=Timing(start, start + 10),
        trace=None if trace is None else TraceRef(trace, span, parent),
        input=said("user", question),
        output=said("assistant", answer),
        context=CallContext(session=session),
        **more,
    )
