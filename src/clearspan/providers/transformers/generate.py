"""`generate`: one text or a batch, from ids to ids."""

from __future__ import annotations

from typing import Any

from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_common, openai_messages
from clearspan.provider import Call, Endpoint, Tap
from clearspan.providers.transformers import (
    confidence,
    devices,
    facts,
    parameters,
    stamps,
    tensors,
    tokens,
    vocabulary,
)
from clearspan.providers.transformers.tokenizers import Encoding, decoder, matching, recent
from clearspan.record import Message, Operation

__all__ = ["ENDPOINTS", "told"]

_NOTED = "noted"
_POSITIONAL = (
    "inputs", "generation_config", "logits_processor", "stopping_criteria",
    "prefix_allowed_tokens_fn", "synced_gpus", "assistant_model", "streamer",
)  # fmt: skip


def _operation(call: Call) -> str:
    """Text in and text out is a completion, until a conversation is found to be behind it."""
    cls = type(call.instance)
    made = getattr(cls, "output_modalities", None)
    speaks = "text" in made if type(made) is tuple else made in (None, "text")
    texts = getattr(cls, "main_input_name", None) == "input_ids"
    return Operation.TEXT_COMPLETION if texts and speaks else Operation.GENERATE_CONTENT


def _model(call: Call) -> str | None:
    return facts.name(call.instance)


def _adjust(draft: Draft, call: Call, kwargs: dict[str, Any]) -> None:
    """Note what will not be there later; the arguments of an overriding method stay as they are."""
    del kwargs
    noted = tokens.Noted(call, parameters.effective(call))
    noted.place = facts.place(call.instance)
    devices.note(draft, noted.place)
    noted.recent = recent()
    given = call.kwargs.get("tokenizer")
    noted.speaks = (
        parameters.inner(call.kwargs.get("streamer"), "tokenizer") if given is None else given
    )
    draft.transport = {_NOTED: noted}


def _listen(draft: Draft, call: Call, kwargs: dict[str, Any]) -> None:
    """Listen for the tokens: the library's own method merges its arguments into lists of its own.

    It may have been called by an overriding one, for the same model; what a model asks another one
    (one that assists, a part of its own) is not listened to.
    """
    noted = _noted(draft)
    if noted is not None and noted.heard is None and noted.model == id(call.instance):
        found = parameters.effective(call)
        noted.heard = stamps.listen(call, kwargs, found)
        if "confidence" in draft.wants and draft.recording:
            confidence.listen(call, kwargs, noted.heard, found)


def _begin(draft: Draft, call: Call, kwargs: dict[str, Any]) -> None:
    _adjust(draft, call, kwargs)
    _listen(draft, call, kwargs)


def _follow(result: Any, tap: Tap) -> bool:
    """Of a result with scores and states, only the ids are kept, as they are now."""
    found = result if tensors.is_ids(result) else read.get(result, "sequences")
    if tensors.is_ids(found):
        found = tensors.held(found)
    tap.result(result if found is None else tensors.Made(found, tensors.version(found)))
    return True


def _request(draft: Draft, call: Call) -> None:
    noted = _noted(draft)
    if noted is None:
        return
    parameters.tell(draft, call, noted.found)
    facts.tell(draft, facts.of(call.instance, noted.place))
    tokens.settle(noted)
    draft.usage(input=tokens.input_count(noted), source="counted")
    _asked(draft, noted)


def _response(draft: Draft, result: Any) -> None:
    noted = _noted(draft)
    if noted is None:
        return
    begun = tokens.prompts(noted)
    found = tokens.answers(noted, begun, result)
    counts = None if found is None else [len(answer.tokens) for answer in found]
    draft.usage(output=None if counts is None else sum(counts))
    if noted.heard is not None:
        stamps.tell(draft, noted.heard, tokens.width(begun), counts)
        draft.confidence = confidence.told(noted.heard, tokens.width(begun), found)
    for choice, answer in enumerate(found or ()):
        draft.choice(choice)
        draft.finish(answer.reason, choice)
    if any(answer.reason is None for answer in found or ()):
        draft.finish_reasons = []  # not full, and nothing that is known of ended it
    decode = noted.decode
    if decode is None:
        return
    if draft.content:
        for choice, answer in enumerate(found or ()):
            draft.text(decode(answer.tokens, False), choice)
    asked = tokens.bare(noted) if noted.ids is not None else []
    made = [answer.tokens for answer in found or ()]
    vocabulary.tell(draft, noted.tokenizer, decode, asked, made)


def _asked(draft: Draft, noted: tokens.Noted) -> None:
    """Prompts as text, where it is certain whose tokens they are."""
    match = matching(noted.recent, noted.ids) if noted.ids is not None else None
    known = match is not None and (match.texts or match.chat is not None)
    if match is not None:
        # One encoding may be generated from many times; it was made once.
        draft.phase("tokenize", match.seconds.pop() if match.seconds else None)
        told(draft, match)
    noted.tokenizer = match.tokenizer() if match is not None else noted.speaks
    noted.decode = decoder(noted.tokenizer)
    if not known and noted.decode is not None and noted.ids is not None and draft.content:
        draft.input([noted.decode(row, True) for row in tokens.bare(noted)])


def _noted(draft: Draft) -> tokens.Noted | None:
    found: tokens.Noted | None = (draft.transport or {}).get(_NOTED)
    return found


def told(draft: Draft, match: Encoding) -> None:
    """The conversation or the texts that an encoding was made of."""
    if match.chat is None:
        draft.input(match.texts)
        return
    if draft.operation == Operation.TEXT_COMPLETION:
        draft.operation = str(Operation.CHAT)
    chats = match.chat if match.chat and type(match.chat[0]) is list else [match.chat]
    messages: list[Message] = [
        message for chat in chats for message in openai_messages.messages(chat)
    ]
    draft.input(messages)
    draft.tools(openai_common.tools({"tools": match.tools}))


def _endpoint(targets: tuple[str, ...], **more: Any) -> Endpoint:
    return Endpoint(
        _operation,
        targets,
        _request,
        _response,
        model=_model,
        deep=(),
        follow=_follow,
        kind="internal",
        layer="generate",
        positional=_POSITIONAL,
        **more,
    )


_HOME = "transformers.generation.utils:GenerationMixin.generate"

ENDPOINTS: tuple[Endpoint, ...] = (
    _endpoint((_HOME,), adjust=_begin, inner=_listen),
    _endpoint(
        (), adjust=_adjust, families=(_HOME, "transformers.modeling_utils:PreTrainedModel.generate")
    ),
)
