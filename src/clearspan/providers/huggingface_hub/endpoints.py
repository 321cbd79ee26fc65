"""The table of what an inference client can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import usage_request
from clearspan.provider import Call, Endpoint
from clearspan.providers.huggingface_hub import generation, speech, tasks
from clearspan.providers.huggingface_hub.server import is_url
from clearspan.record import Operation

__all__ = ["ENDPOINTS"]

_SYNC = "huggingface_hub.inference._client:InferenceClient."
_ASYNC = "huggingface_hub.inference._generated._async_client:AsyncInferenceClient."
# Hugging Face writes a task with hyphens, and calls a chat a conversation.
_TASKS = {"chat_completion": "conversational"}
_MEDIA = ("image", "audio")


def _model(call: Call) -> str | None:
    """The model asked for, in the call or of the client; an address names no model."""
    for wanted in (call.kwargs.get("model"), vars(call.instance).get("model")):
        name = read.text(wanted)
        if name is not None:
            return None if is_url(name) else name
    return None


def _endpoint(
    operation: str,
    method: str,
    positional: tuple[str, ...],
    request: Callable[[Draft, Call], None],
    response: Callable[[Draft, Any], None],
    chunk: Callable[[Draft, Any], None] | None = None,
    **more: Any,
) -> Endpoint:
    return Endpoint(
        str(operation),
        (_SYNC + method, _ASYNC + method),
        request,
        response,
        chunk,
        model=_model,
        deep=("messages", "tools", "text", "table"),
        positional=positional,
        extras={sc.TASK_NAME: _TASKS.get(method, method.replace("_", "-"))},
        **more,
    )


def _judging(method: str, *names: str) -> Endpoint:
    """A task that generates nothing: its name is the operation."""
    return _endpoint(
        method, method, names, tasks.spoken(*names), tasks.told, speech=speech.told(*names)
    )


def _making(method: str, kind: str, *names: str) -> Endpoint:
    """A task that answers with pictures, sound or film."""
    heard = speech.told("prompt", "text")
    return _endpoint(
        Operation.GENERATE_CONTENT, method, names, tasks.said(kind), tasks.made, speech=heard
    )


def _writing(operation: str, method: str, field: str, name: str) -> Endpoint:
    """A task that answers with a text."""
    said = speech.writing(field, *(() if name in _MEDIA else (name,)))
    return _endpoint(
        operation, method, (name,), tasks.said(None), tasks.generated(field), speech=said
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    _endpoint(
        Operation.CHAT, "chat_completion", ("messages",),
        generation.chat_request, generation.chat_response, generation.chat_chunk,
        adjust=usage_request.ask, streams_only=True, speech=speech.CHAT,
    ),
    _endpoint(
        Operation.TEXT_COMPLETION, "text_generation", ("prompt",),
        generation.request, generation.response, generation.chunk, speech=speech.GENERATION,
    ),
    _writing(Operation.TEXT_COMPLETION, "summarization", "summary_text", "text"),
    _writing(Operation.TEXT_COMPLETION, "translation", "translation_text", "text"),
    _endpoint(
        Operation.EMBEDDINGS, "feature_extraction", ("text",), tasks.embedding, tasks.embedded,
        speech=speech.told("text"),
    ),
    _judging("sentence_similarity", "sentence", "other_sentences"),
    _judging("text_classification", "text"),
    _judging("token_classification", "text"),
    _judging("zero_shot_classification", "text", "candidate_labels"),
    _judging("fill_mask", "text"),
    _judging("question_answering", "question", "context"),
    _judging("table_question_answering", "table", "query"),
    _judging("tabular_classification", "table"),
    _judging("tabular_regression", "table"),
    _judging("document_question_answering", "image", "question"),
    _judging("visual_question_answering", "image", "question"),
    _judging("image_classification", "image"),
    _judging("image_segmentation", "image"),
    _judging("object_detection", "image"),
    _judging("zero_shot_image_classification", "image", "candidate_labels"),
    _judging("audio_classification", "audio"),
    _making("text_to_image", "image", "prompt"),
    _making("image_to_image", "image", "image", "prompt"),
    _making("text_to_video", "video", "prompt"),
    _making("image_to_video", "video", "image"),
    _making("text_to_speech", "speech", "text"),
    _making("audio_to_audio", "speech", "audio"),
    _writing(Operation.GENERATE_CONTENT, "image_to_text", "generated_text", "image"),
    _writing(Operation.GENERATE_CONTENT, "automatic_speech_recognition", "text", "audio"),
)  # fmt: skip
"""Every method that runs a model."""
