"""What an Ollama server answers: text, thinking, tool calls, counts, and where its time went.

A chunk of a stream has the form of a whole answer, so one reader does for both; what the server
counts and times comes with the last chunk.
"""

from __future__ import annotations

from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import media, token_scores
from clearspan.providers.ollama.messages import images

__all__ = ["chat", "embed", "finish", "generate"]

_NANOSECONDS = 1e9
_PHASES = {
    "load": "load_duration",
    "prefill": "prompt_eval_duration",
    "decode": "eval_duration",
    "total": "total_duration",
}


def chat(draft: Draft, body: Any) -> None:
    """An answer of a chat, or a piece of one."""
    message = read.get(body, "message")
    choice = draft.choice(0)
    choice.role = read.text(message, "role") or choice.role
    draft.reasoning(read.text(message, "thinking"))
    draft.text(read.text(message, "content"))
    for call in read.items(message, "tool_calls"):
        _tool_call(draft, read.get(call, "function"))
    for image in images(message):
        draft.part(image)
    _common(draft, body)


def generate(draft: Draft, body: Any) -> None:
    """A completion, or a piece of one."""
    draft.choice(0)
    draft.reasoning(read.text(body, "thinking"))
    draft.text(read.text(body, "response"))
    image = read.text(body, "image")
    if image is not None:
        draft.part(media.blob(image, "image"))
    _common(draft, body)


def embed(draft: Draft, body: Any) -> None:
    """How many vectors came and how long they are; the vectors themselves are not kept."""
    vectors = read.items(body, "embeddings")
    single = read.items(body, "embedding")  # of the older of the two APIs
    draft.extra(sc.OUTPUT_COUNT, len(vectors) or (1 if single else None))
    first = read.items(vectors[0]) if vectors else single
    draft.extra(sc.EMBEDDINGS_DIMENSION_COUNT, len(first) or None)
    _identity(draft, body)
    draft.usage(input=read.count(body, "prompt_eval_count"))
    _phases(draft, body)


def finish(draft: Draft) -> None:
    """Older servers, and newer ones that were not asked to `think`, leave the thinking in the answer's text."""
    if draft.pieces:
        draft.choice(0).think_apart()


def _tool_call(draft: Draft, function: Any) -> None:
    """Each call comes whole, in a stream as well; calls are only told apart by their order."""
    given = read.get(function, "arguments")
    draft.tool_call(
        key=len(draft.choice(0).parts),
        name=read.text(function, "name"),
        arguments=None if given is None else read.plain(given),
    )


def _common(draft: Draft, body: Any) -> None:
    _identity(draft, body)
    tokens = read.items(body, "logprobs")
    if tokens:
        draft.logprobs(token_scores.rows(tokens))
    reason = read.text(body, "done_reason")
    draft.finish(reason)
    if read.get(body, "done") is True:
        _end(draft, body, reason)


def _identity(draft: Draft, body: Any) -> None:
    draft.response_model = read.text(body, "model") or draft.response_model


def _end(draft: Draft, body: Any, reason: str | None) -> None:
    if reason is None:
        draft.finish_reasons = []  # older servers end an answer without a word why
    made = read.count(body, "eval_count")
    # Servers leave the prompt's count out when they had it all in their cache.
    draft.usage(input=read.count(body, "prompt_eval_count"), output=made)
    draft.pace.decoded = made
    _phases(draft, body)


def _phases(draft: Draft, body: Any) -> None:
    for phase, name in _PHASES.items():
        took = read.count(body, name)
        if took is not None:
            draft.pace.phases[phase] = took / _NANOSECONDS  # a proxy may say it twice
