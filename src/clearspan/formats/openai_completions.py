"""OpenAI's older Completions: a prompt, and choices of bare text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_common as common, token_scores
from clearspan.formats.openai_messages import reasoning_text
from clearspan.formats.openai_usage import usage
from clearspan.provider import Call
from clearspan.record import Message

__all__ = ["chunk", "request", "response"]


def request(draft: Draft, call: Call) -> None:
    """Parameters and prompt of a call."""
    given = common.arguments(call)
    common.sampling(draft, given)
    draft.input(_prompts(given.get("prompt")))
    # The log probabilities will be those of the prompt as well.
    draft.set(echo=True if given.get("echo") is True else None)


def _prompts(source: Any) -> Iterator[Message]:
    """One message for each text; prompts of token ids say nothing."""
    for prompt in [source] if read.text(source) else read.items(source):
        text = read.text(prompt)
        if text:
            yield {"role": "user", "parts": [{"type": "text", "content": text}]}


def response(draft: Draft, body: Any) -> None:
    """A whole answer, or a chunk of a streamed one: they have the same form."""
    common.identity(draft, body)
    usage(draft, read.get(body, "usage"))
    for position, choice in enumerate(read.items(body, "choices")):
        known = read.count(choice, "index")
        index = position if known is None else known
        draft.reasoning(reasoning_text(choice), index)
        draft.choice(index)
        draft.text(read.text(choice, "text"), index)
        draft.finish(read.text(choice, "finish_reason"), index)
        _logprobs(draft, read.get(choice, "logprobs"), index)
    common.failure(draft, read.get(body, "error"))


chunk = response


def _logprobs(draft: Draft, source: Any, index: int) -> None:
    scores = token_scores.columns(source)
    if scores:
        draft.logprobs(scores, index)
