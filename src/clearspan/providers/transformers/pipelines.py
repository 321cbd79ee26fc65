"""`pipeline(...)`: one record for what a program asks of a model, whatever its task.

Below it stand the records of `generate`, where the task's model generates; those tell the tokens then.
"""

from __future__ import annotations

import re
from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.provider import Call, Endpoint, Probe
from clearspan.providers.transformers import (
    devices,
    facts,
    pipeline_inputs as given,
    pipeline_outputs as made,
)
from clearspan.providers.transformers.parameters import inner
from clearspan.providers.transformers.pipeline_counts import count, forwarded
from clearspan.providers.transformers.pipeline_streams import follow
from clearspan.providers.transformers.pipeline_values import compact
from clearspan.providers.transformers.speech import SPEECH
from clearspan.record import Operation

__all__ = ["ENDPOINTS", "PROBES"]

_OPERATIONS: dict[str, str] = {
    "text-generation": Operation.TEXT_COMPLETION,
    "text2text-generation": Operation.TEXT_COMPLETION,
    "summarization": Operation.TEXT_COMPLETION,
    "feature-extraction": Operation.EMBEDDINGS,
    "image-feature-extraction": Operation.EMBEDDINGS,
    "image-text-to-text": Operation.GENERATE_CONTENT,
    "any-to-any": Operation.GENERATE_CONTENT,
    "image-to-text": Operation.GENERATE_CONTENT,
    "automatic-speech-recognition": Operation.GENERATE_CONTENT,
    "text-to-audio": Operation.GENERATE_CONTENT,
    "text-to-speech": Operation.GENERATE_CONTENT,
    "sentiment-analysis": "text_classification",
    "ner": "token_classification",
    "vqa": "visual_question_answering",
}
_CONVERSING = ("text-generation", "image-text-to-text", "any-to-any")
_BASE = "transformers.pipelines.base:Pipeline."


def _task(call: Call) -> str:
    return read.text(inner(call.instance, "task")) or ""


def _operation(call: Call) -> str:
    """The convention's name where it has one for the task, else the task's own in snake case."""
    task = _task(call)
    if task in _CONVERSING and given.conversations(call.kwargs.get("inputs")):
        return Operation.CHAT
    if task.startswith("translation"):
        return Operation.TEXT_COMPLETION
    own = re.sub(r"[^a-z0-9]+", "_", task.lower()).strip("_")
    return _OPERATIONS.get(task) or own or "pipeline"


def _model(call: Call) -> str | None:
    return facts.name(inner(call.instance, "model"))


def _layer(call: Call) -> str:
    """Another pipeline called by what this one reads from is a call of its own."""
    return f"pipeline {id(call.instance)}"


def _adjust(draft: Draft, call: Call, kwargs: dict[str, Any]) -> None:
    """Begin to count, and note of the arguments what is not there later; they stay as they are."""
    del kwargs
    counted = count(call.instance)
    place = _place(call.instance)
    devices.note(draft, place)
    draft.transport = {"counted": counted, "place": place}
    if draft.recording and draft.content:
        draft.transport["asked"] = compact(call.kwargs.get("inputs"))


def _place(pipeline: Any) -> dict[str, Any] | None:
    model = inner(pipeline, "model")
    return facts.place(model) if callable(getattr(type(model), "parameters", None)) else None


def _request(draft: Draft, call: Call) -> None:
    noted = draft.transport or {}
    task = _task(call)
    draft.extra(sc.TASK_NAME, task)
    facts.tell(draft, facts.of(inner(call.instance, "model"), noted.get("place")))
    given.tell(draft, call, task, noted.get("asked"))
    made.usage(draft)


PROBES: tuple[Probe, ...] = (
    Probe((f"{_BASE}forward",), forwarded),
    # Of the pipelines that work in chunks, `preprocess` is a generator, which runs where it is read.
    Probe(
        ("transformers.pipelines.pt_utils:PipelineChunkIterator.__next__",),
        phase="tokenize",
        families=(f"{_BASE}preprocess",),
    ),
    Probe((), phase="detokenize", families=(f"{_BASE}postprocess",)),
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        _operation,
        (f"{_BASE}__call__",),
        _request,
        made.response,
        made.chunk,
        model=_model,
        deep=(),
        adjust=_adjust,
        follow=follow,
        stepped=True,
        kind="internal",
        layer=_layer,
        positional=("inputs",),
        speech=SPEECH,
    ),
)
