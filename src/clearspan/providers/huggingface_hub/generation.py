"""`text_generation`: a bare text, or one with details; whole or streamed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_chat, openai_common, token_scores
from clearspan.provider import Call
from clearspan.record import TokenScore

__all__ = ["chat_chunk", "chat_request", "chat_response", "chunk", "request", "response"]

_NUMBERS = ("temperature", "top_p", "frequency_penalty")
_REASONS = {"eos_token": "stop", "stop_sequence": "stop"}
_GRAMMARS = ("json", "json_schema")


def chat_request(draft: Draft, call: Call) -> None:
    """Messages, tools and parameters; grammars of the server's own are formats as well."""
    openai_chat.request(draft, call)
    draft.set(output_type=_grammar(openai_common.arguments(call).get("response_format")))


def chat_response(draft: Draft, result: Any) -> None:
    """A whole answer, with the fields that the client's classes do not know of."""
    openai_chat.response(draft, _opened(result))


def chat_chunk(draft: Draft, item: Any) -> None:
    """A piece of an answer, likewise."""
    openai_chat.chunk(draft, _opened(item))


def _opened(value: Any) -> Any:
    """The client's objects as dictionaries.

    They are dictionaries themselves, but what a server sends beyond their fields, such as thinking
    or cached tokens, is then only kept as an attribute.
    """
    kind = type(value)
    if kind is list:
        return [_opened(item) for item in value]
    if issubclass(kind, dict) and kind.__module__.startswith("huggingface_hub."):
        held = {**dict(dict.items(value)), **vars(value)}
        return {name: _opened(item) for name, item in held.items()}
    return value


def request(draft: Draft, call: Call) -> None:
    """The prompt and its parameters."""
    given = call.kwargs
    draft.set(**{name: read.number(given, name) for name in _NUMBERS})
    stop = given.get("stop") if given.get("stop") is not None else given.get("stop_sequences")
    draft.set(
        top_k=read.whole(given, "top_k"),
        seed=read.whole(given, "seed"),
        max_tokens=read.whole(given, "max_new_tokens"),
        stop_sequences=[text for text in map(read.text, read.items(stop)) if text] or None,
        output_type=_grammar(given.get("grammar")),
    )
    draft.input(read.text(given, "prompt") or [])


def _grammar(wanted: Any) -> str | None:
    return "json" if read.text(wanted, "type") in _GRAMMARS else None


def response(draft: Draft, result: Any) -> None:
    """A text alone tells neither why it ended nor how many tokens it has."""
    text = read.text(result)
    if text is not None or type(result) is str:
        draft.finish_reasons = []
        draft.text(text)
        return
    draft.text(read.text(result, "generated_text"))
    details = read.get(result, "details")
    _details(draft, details)
    _tokens(draft, read.items(details, "tokens"), read.items(details, "top_tokens"))
    prefill = read.items(details, "prefill")
    # Given on request only; an empty list says that it was not.
    draft.usage(input=len(prefill) or None)


def chunk(draft: Draft, item: Any) -> None:
    """A piece of text, or a token with what is known of it; the last one has the details."""
    text = read.text(item)
    if text is not None or type(item) is str:
        draft.finish_reasons = []
        draft.text(text)
        return
    token = read.get(item, "token")
    if read.get(token, "special") is not True:
        draft.text(read.text(token, "text"))
    _tokens(draft, [token] if token is not None else [], [read.items(item, "top_tokens")])
    _details(draft, read.get(item, "details"))


def _details(draft: Draft, details: Any) -> None:
    reason = read.text(details, "finish_reason")
    if reason is None:
        draft.finish_reasons = []
        return
    draft.finish_reasons = None
    draft.finish(_REASONS.get(reason, reason))
    draft.usage(
        input=read.count(details, "input_length"), output=read.count(details, "generated_tokens")
    )


def _tokens(draft: Draft, tokens: list[Any], likeliest: list[Any]) -> None:
    told = list(_told(tokens, likeliest))
    if told:
        draft.logprobs(told)


def _told(tokens: list[Any], likeliest: list[Any]) -> Iterator[TokenScore]:
    for token, others in zip_longest(tokens, likeliest[: len(tokens)]):
        logprob = read.number(token, "logprob")
        if logprob is not None:
            alternatives = token_scores.known(read.items(others))
            yield TokenScore(read.text(token, "text") or "", logprob, alternatives)
