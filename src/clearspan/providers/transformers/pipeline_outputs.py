"""What a pipeline answers: texts as choices, other tasks' results as a value, vectors as their length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_messages
from clearspan.providers.transformers.pipeline_values import compact, width
from clearspan.record import Operation

__all__ = ["Made", "chunk", "of", "response", "usage"]

_SPOKEN = (Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT)
_TEXTS = ("generated_text", "summary_text", "translation_text", "text")
_MOST = 100


class Made(NamedTuple):
    """A result in its compact form, and how long its vectors are, if it has any."""

    value: Any
    width: int | None


def of(result: Any) -> Made:
    """The result of a call, or one of a stream's, before the caller goes on with it."""
    return Made(compact(result), width(result))


def usage(draft: Draft) -> None:
    """The tokens that the model was given, unless a `generate` inside tells of them."""
    counted = (draft.transport or {}).get("counted")
    if counted is not None and counted.tokens is not None and not draft.inference_calls:
        draft.usage(input=counted.tokens, source="counted")


def response(draft: Draft, result: Any) -> None:
    """The answer to a call that was not lazy."""
    usage(draft)
    if not isinstance(result, Made):
        return
    _widths(draft, result)
    if draft.operation == Operation.EMBEDDINGS:
        return
    answers = list(_answers(result.value)) if draft.operation in _SPOKEN else []
    for choice, answer in enumerate(answers):
        _say(draft, answer, choice)
    if not answers:
        draft.value(made=result.value)


def chunk(draft: Draft, item: Any) -> None:
    """One more result of a lazy call; the first hundred are kept."""
    usage(draft)
    if not isinstance(item, Made):
        return
    _widths(draft, item)
    noted = draft.transport = draft.transport or {}
    noted["seen"] = seen = noted.get("seen", 0) + 1
    draft.extra(sc.OUTPUT_COUNT, seen)
    if draft.operation == Operation.EMBEDDINGS or seen > _MOST:
        return
    answers = list(_answers(item.value)) if draft.operation in _SPOKEN else []
    for answer in answers:
        noted["said"] = said = noted.get("said", -1) + 1
        _say(draft, answer, said)
    if not answers:
        values = noted.setdefault("values", [])
        values.append(item.value)
        draft.value(made=values)


def _widths(draft: Draft, result: Any) -> None:
    if draft.operation == Operation.EMBEDDINGS:
        draft.extra(sc.EMBEDDINGS_DIMENSION_COUNT, result.width)


def _answers(value: Any) -> Iterator[Any]:
    """The texts in a result, and the messages that conversations were carried on with."""
    if isinstance(value, list):
        for item in value:
            yield from _answers(item)
    elif isinstance(value, dict):
        said = next((value[name] for name in _TEXTS if name in value), None)
        message = next(iter(read.items(said)), None)
        if isinstance(said, str) or isinstance(message, dict):
            yield said if isinstance(said, str) else message


def _say(draft: Draft, answer: Any, choice: int) -> None:
    draft.finish_reasons = []  # a pipeline does not say why its model stopped
    if isinstance(answer, str):
        draft.choice(choice)
        draft.text(answer, choice)
        return
    message: dict[str, Any] = dict(openai_messages.message(answer))
    draft.choice(choice).role = message["role"]
    for part in message["parts"]:
        if part["type"] == "text":
            draft.text(part["content"], choice)
        else:
            draft.part(part, choice)
