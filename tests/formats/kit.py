"""Readers run over plain values, without a client: what they make of them as a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from clearspan.draft import Draft
from clearspan.emit.content import ContentPolicy
from clearspan.provider import Call
from clearspan.record import Invocation


def record(
    *steps: Callable[[Draft], None],
    provider: str = "openai",
    content: bool = True,
    operation: str = "chat",
) -> Invocation:
    """The record of a draft that went through `steps`."""
    draft = Draft(operation)
    draft.provider, draft.content = provider, content
    draft.endpoint = steps  # of a call, not of a block: a missing finish reason means something
    for step in steps:
        step(draft)
    return draft.seal(ContentPolicy(tool_schemas=True))


def called(
    reader: Callable[[Draft, Call], None], *args: Any, **arguments: Any
) -> Callable[[Draft], None]:
    """A step: the reader of a request, given a call with these arguments."""
    return lambda draft: reader(draft, Call(None, args, arguments))


def answered(reader: Callable[[Draft, Any], None], body: Any) -> Callable[[Draft], None]:
    """A step: the reader of an answer."""
    return lambda draft: reader(draft, body)


def streamed(reader: Callable[[Draft, Any], None], items: Iterable[Any]) -> Callable[[Draft], None]:
    """A step: the reader of chunks, over all of them."""

    def read(draft: Draft) -> None:
        for item in items:
            reader(draft, item)

    return read


def parts(found: Invocation, choice: int = 0) -> list[Any]:
    """The parts of one answer."""
    return list(found.output[choice]["parts"])
