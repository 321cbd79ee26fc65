"""The table of what an OpenAI client can do, and where its versions keep it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clearspan.draft import Draft
from clearspan.formats import (
    embeddings,
    openai_chat,
    openai_completions,
    openai_responses,
    runs,
    usage_request,
)
from clearspan.provider import Call, Endpoint
from clearspan.providers.openai import assistants, audio, images, others, speech
from clearspan.providers.openai.raw import body, bulk
from clearspan.providers.openai.responses_speech import COMPACTED, PARSED, RESPONSE, STORED
from clearspan.providers.openai.runs_speech import RUN
from clearspan.providers.openai.streams import follow
from clearspan.record import Operation

__all__ = ["ENDPOINTS"]

_RESOURCES = "openai.resources."
_RAW = "X-Stainless-Raw-Response"  # how the client tells itself that the program wants the response unparsed


def _targets(*paths: str) -> tuple[str, ...]:
    """Each `module:Class.method` with its asynchronous twin."""
    made: list[str] = []
    for path in paths:
        module, _, name = path.partition(":")
        made += [f"{_RESOURCES}{module}:{name}", f"{_RESOURCES}{module}:Async{name}"]
    return tuple(made)


def _nothing(draft: Draft, item: Any) -> None:
    """Pieces of a body that the caller reads by itself tell nothing but their time."""
    del draft, item


def _endpoint(
    operation: Operation,
    targets: tuple[str, ...],
    request: Callable[[Draft, Call], None],
    response: Callable[[Draft, Any], None],
    chunk: Callable[[Draft, Any], None] = _nothing,
    *,
    weigh: Callable[[Any], int | None] | None = None,
    **more: Any,
) -> Endpoint:
    def answer(draft: Draft, result: Any) -> None:
        response(draft, body(result))

    def weighed(result: Any) -> int | None:
        told = None if weigh is None else weigh(result)
        return bulk(result) if told is None else told

    return Endpoint(
        str(operation), targets, request, answer, chunk, weigh=weighed, follow=follow, **more
    )


def _ask(draft: Draft, call: Call, kwargs: dict[str, Any]) -> Callable[[Any], bool] | None:
    """Ask for a stream's usage, unless the program may read the bytes, where nothing can be kept from it."""
    if kwargs.get("stream") is not True:
        return None
    headers = kwargs.get("extra_headers")
    raw = headers is not None and (type(headers) is not dict or _RAW in headers)
    return None if raw else usage_request.ask(draft, call, kwargs)


def _resumed(call: Call) -> bool:
    """A stored response is worth a record when its events are streamed again, not for every poll."""
    return call.kwargs.get("stream") is True


def _always(call: Call) -> bool:
    return True


_MANAGERS = "openai.lib.streaming._assistants:"
_RESPONSES = ("responses.responses:Responses", "beta.responses.responses:Responses")
_CHAT = ("chat.completions.completions:Completions", "chat.completions:Completions")

ENDPOINTS: tuple[Endpoint, ...] = (
    _endpoint(
        Operation.CHAT,
        _targets(*(f"{home}.create" for home in _CHAT)),
        openai_chat.request, openai_chat.response, openai_chat.chunk, run=runs.texts, weigh=openai_chat.weigh, adjust=_ask, streams_only=True,
        speech=speech.CHAT,
    ),
    _endpoint(
        Operation.CHAT,
        _targets(*(f"{home}.parse" for home in _CHAT), "beta.chat.completions:Completions.parse"),
        openai_chat.request, openai_chat.response, openai_chat.chunk, run=runs.texts, weigh=openai_chat.weigh, adjust=_ask, streams_only=True,
        speech=speech.PARSED,
    ),
    _endpoint(
        Operation.TEXT_COMPLETION,
        _targets("completions:Completions.create"),
        openai_completions.request, openai_completions.response, openai_completions.chunk, adjust=_ask, streams_only=True,
        speech=speech.COMPLETION,
    ),
    _endpoint(
        Operation.CHAT,
        _targets(*(f"{home}.create" for home in _RESPONSES)),
        openai_responses.request, openai_responses.response, openai_responses.chunk, run=runs.deltas, weigh=openai_responses.weigh, speech=RESPONSE,
    ),
    _endpoint(
        Operation.CHAT,
        _targets(*(f"{home}.parse" for home in _RESPONSES)),
        openai_responses.request, openai_responses.response, openai_responses.chunk, run=runs.deltas, weigh=openai_responses.weigh, speech=PARSED,
    ),
    _endpoint(
        Operation.CHAT,
        _targets(*(f"{home}.compact" for home in _RESPONSES)),
        openai_responses.request, openai_responses.compacted, speech=COMPACTED,
    ),
    _endpoint(
        Operation.FETCH_RESPONSE,
        _targets(*(f"{home}.retrieve" for home in _RESPONSES)),
        openai_responses.fetch, openai_responses.response, openai_responses.chunk, run=runs.deltas, weigh=openai_responses.weigh, wanted=_resumed,
        speech=STORED,
    ),
    _endpoint(
        Operation.EMBEDDINGS,
        _targets("embeddings:Embeddings.create"),
        embeddings.request, embeddings.response, brief=embeddings.brief, speech=speech.spoken("input"),
    ),
    _endpoint(
        Operation.GENERATE_CONTENT,
        _targets("images:Images.generate", "images:Images.edit", "images:Images.create_variation"),
        images.request, images.response, images.chunk, speech=speech.IMAGE,
    ),
    _endpoint(
        Operation.GENERATE_CONTENT,
        _targets("audio.speech:Speech.create"),
        audio.speech_request, audio.speech_response, audio.speech_chunk, speech=speech.spoken("input"),
    ),
    _endpoint(
        Operation.GENERATE_CONTENT,
        _targets("audio.transcriptions:Transcriptions.create", "audio.translations:Translations.create"),
        audio.transcription_request, audio.transcription_response, audio.transcription_chunk,
        speech=speech.TRANSCRIPT,
    ),
    _endpoint(
        Operation.MODERATION,
        _targets("moderations:Moderations.create"),
        others.moderation_request, others.moderation_response, speech=speech.JUDGED,
    ),
    _endpoint(
        Operation.DECISION,
        _targets("decisions:Decisions.create"),
        others.decision_request, others.decision_response, speech=speech.JUDGED,
    ),
    _endpoint(
        Operation.INVOKE_AGENT,
        _targets(
            "beta.threads.runs.runs:Runs.create",
            "beta.threads.runs.runs:Runs.submit_tool_outputs",
            "beta.threads.threads:Threads.create_and_run",
        ),
        assistants.request, assistants.response, assistants.chunk,
        deep=("additional_messages", "thread", "tool_outputs"), speech=RUN,
    ),
    _endpoint(
        Operation.INVOKE_AGENT,
        (
            f"{_MANAGERS}AssistantStreamManager.__enter__",
            f"{_MANAGERS}AsyncAssistantStreamManager.__aenter__",
        ),
        assistants.managed, assistants.response, assistants.chunk, streaming=_always, speech=RUN,
    ),
    _endpoint(
        Operation.CREATE_BATCH,
        _targets("batches:Batches.create"),
        others.batch_request, others.batch_response,
    ),
)  # fmt: skip
