"""Sound: text to speech, and speech to text. Sound itself is neither read nor kept."""

from __future__ import annotations

from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import media, openai_common as common, token_scores
from clearspan.formats.openai_usage import usage
from clearspan.provider import Call

__all__ = [
    "speech_chunk",
    "speech_request",
    "speech_response",
    "transcription_chunk",
    "transcription_request",
    "transcription_response",
]


def speech_request(draft: Draft, call: Call) -> None:
    """The text to speak and how to speak it."""
    given = common.arguments(call)
    draft.set(output_type="speech")
    draft.extra(sc.RESPONSE_FORMAT, read.text(given, "response_format"))
    draft.system(read.text(given, "instructions") or "")
    draft.input(read.text(given, "input") or [])


def speech_response(draft: Draft, result: Any) -> None:
    """The sound stays with the caller: reading it here might take what is the caller's to read."""
    del result
    draft.finish_reasons = []


def speech_chunk(draft: Draft, piece: Any) -> None:
    """A piece of sound went by."""
    del piece
    draft.finish_reasons = []
    draft.pieces += 1


def transcription_request(draft: Draft, call: Call) -> None:
    """The upload by its name and size, and the prompt."""
    given = common.arguments(call)
    draft.set(temperature=read.number(given, "temperature"))
    draft.extra(sc.RESPONSE_FORMAT, read.text(given, "response_format"))
    parts: list[Any] = []
    if given.get("file") is not None:
        parts.append(media.upload(given["file"], "audio"))
    prompt = read.text(given, "prompt")
    if prompt:
        parts.append({"type": "text", "content": prompt})
    if parts:
        draft.input({"role": "user", "parts": parts})


def transcription_response(draft: Draft, body: Any) -> None:
    """The text: a model with usage, or a plain string for the formats text, srt and vtt."""
    draft.finish_reasons = []
    plain = read.text(body)
    if plain is not None:
        draft.text(plain)
        return
    draft.text(read.text(body, "text"))
    _usage(draft, body)
    _logprobs(draft, body)
    common.failure(draft, read.get(body, "error"))


def transcription_chunk(draft: Draft, event: Any) -> None:
    """An event of a stream; the last one has the whole text and the usage."""
    draft.finish_reasons = []
    kind = read.text(event, "type")
    if kind == "transcript.text.delta":
        draft.text(read.text(event, "delta"))
    elif kind == "transcript.text.done":
        text = read.text(event, "text")
        if text:
            draft.forget_output()
            draft.text(text)
        _usage(draft, event)
        _logprobs(draft, event)
    elif kind == "error":
        common.failure(draft, read.get(event, "error"))


def _usage(draft: Draft, body: Any) -> None:
    """Usage is counted in tokens, or in seconds of sound."""
    source = read.get(body, "usage")
    usage(draft, source)
    seconds = read.number(source, "seconds")
    draft.extra(sc.AUDIO_SECONDS, seconds if seconds is not None else read.number(body, "duration"))


def _logprobs(draft: Draft, body: Any) -> None:
    tokens = read.items(body, "logprobs")
    if tokens:
        draft.logprobs(token_scores.rows(tokens))
