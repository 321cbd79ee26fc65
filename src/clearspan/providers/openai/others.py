"""Moderations, decisions and batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_common as common
from clearspan.formats.openai_items import messages
from clearspan.formats.openai_messages import content_parts, other
from clearspan.formats.openai_usage import usage
from clearspan.provider import Call
from clearspan.record import Message, Part

__all__ = [
    "batch_request",
    "batch_response",
    "decision_request",
    "decision_response",
    "moderation_request",
    "moderation_response",
]


def moderation_request(draft: Draft, call: Call) -> None:
    """Texts, or texts and pictures, to be judged."""
    source = common.arguments(call).get("input")
    items = [source] if read.text(source) else read.items(source)
    draft.extra(sc.INPUT_COUNT, len(items) or None)
    draft.input(_judged(items))


def _judged(items: list[Any]) -> Iterator[Message]:
    parts = list(content_parts(items))
    if parts:
        yield {"role": "user", "parts": parts}


def moderation_response(draft: Draft, body: Any) -> None:
    """Whether anything was flagged, and the judgements as the output value."""
    common.identity(draft, body)
    results = read.items(body, "results")
    flags = [read.get(result, "flagged") for result in results]
    if any(type(flag) is bool for flag in flags):
        draft.extra(sc.MODERATION_FLAGGED, any(flag is True for flag in flags))
    if results:
        draft.value(made=results)
    common.failure(draft, read.get(body, "error"))


def decision_request(draft: Draft, call: Call) -> None:
    """The input and the questions about it, as two messages of the user."""
    given = common.arguments(call)
    questions = read.items(given, "questions")
    draft.extra(sc.INPUT_COUNT, len(questions) or None)
    draft.input(messages(given.get("input")))
    draft.input(_asked(questions))


def _asked(questions: list[Any]) -> Iterator[Message]:
    if questions:
        yield {"role": "user", "parts": [_named("question", question) for question in questions]}


def _named(kind: str, source: Any) -> Part:
    """A part of another type; the type that the source had becomes its `kind`."""
    return cast("Part", {**other(kind, source), "kind": read.text(source, "type")})


def decision_response(draft: Draft, body: Any) -> None:
    """The answers in the order of the questions; this API gives no finish reason."""
    draft.finish_reasons = []
    common.identity(draft, body)
    usage(draft, read.get(body, "usage"))
    answers = read.items(body, "answers")
    draft.extra(sc.OUTPUT_COUNT, len(answers) or None)
    for answer in answers:
        draft.part(_named("answer", answer))
    common.failure(draft, read.get(body, "error"))


def batch_request(draft: Draft, call: Call) -> None:
    """A batch is named by the file it reads, which says nothing about models."""
    del draft, call


def batch_response(draft: Draft, body: Any) -> None:
    """The job as it was accepted."""
    draft.response_id = read.text(body, "id")
    draft.response_model = read.text(body, "model")
    draft.extra(sc.BATCH_STATUS, read.text(body, "status"))
    usage(draft, read.get(body, "usage"))
