"""Decisions: questions about a state, answered with probabilities instead of text."""

from __future__ import annotations

from typing import Any, cast

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.providers.ollama.messages import message
from clearspan.record import Part

__all__ = ["request", "response"]


def request(draft: Draft, body: Any) -> None:
    """The state and the questions about it, as two messages of the user."""
    state = read.get(body, "state")
    questions = _named("question", read.get(body, "questions"))
    draft.extra(sc.INPUT_COUNT, len(questions) or None)
    if state is not None:
        text = read.text(state)
        part = {"type": "text", "content": text} if text else {"type": "state", "content": state}
        draft.input(message("user", [cast("Part", read.plain(part))]))
    if questions:
        draft.input(message("user", questions))


def response(draft: Draft, body: Any) -> None:
    """The answers by the names of their questions; this API gives no finish reason."""
    draft.finish_reasons = []
    draft.response_model = read.text(body, "model")
    draft.usage(
        input=read.count(body, "usage", "input_tokens"),
        output=read.count(body, "usage", "output_tokens"),
    )
    answers = _named("answer", read.get(body, "answers"))
    draft.extra(sc.OUTPUT_COUNT, len(answers) or None)
    for answer in answers:
        draft.part(answer)


def _named(kind: str, source: Any) -> list[Part]:
    """A part for each entry; the type that it had becomes its `kind`, its key its `name`."""
    fields = read.fields(source)
    return [] if fields is None else [_part(kind, *item) for item in dict.items(fields)]


def _part(kind: str, name: Any, source: Any) -> Part:
    known = read.plain(read.fields(source) or {})
    own = {"type": kind, "name": read.text(name), "kind": read.text(source, "type")}
    return cast("Part", {**cast("dict[str, Any]", known), **own})
