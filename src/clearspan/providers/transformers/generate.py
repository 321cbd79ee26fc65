"""`generate`: one text or a batch, from ids to ids."""

from __future__ import annotations

from typing import Any

from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_common, openai_messages
from clearspan.provider import Call, Endpoint, Tap
from clearspan.providers.transformers import facts, parameters, stamps, tokens
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
    """Note what will not be there later, and listen for the tokens."""
    found = parameters.effective(call)
    noted = tokens.Noted(call, found)
    noted.place = facts.place(call.instance)
    noted.recent = recent()
    given = call.kwargs.get("tokenizer")
    noted.speaks = (
        parameters.inner(call.kwargs.get("streamer"), "tokenizer") if given is None else given
    )
    noted.heard = stamps.listen(call, kwargs, found)
    draft.transport = {_NOTED: noted}


def _follow(result: Any, tap: Tap) -> bool:
    """Of a result with scores and states, only the ids are kept."""
    found = read.get(result, "sequences")
    tap.result(result if found is None else found)
    return True


def _request(draft: Draft, call: Call) -> None:
    noted = _noted(draft)
    if noted is None:
        return
    parameters.tell(draft, call, noted.found)
    facts.tell(draft, facts.of(call.instance, noted.place))


def _response(draft: Draft, result: Any) -> None:
    noted = _noted(draft)
    if noted is None:
        return
    begun = tokens.prompts(noted)
    found = tokens.answers(noted, begun, result)
    counts = None if found is None else [len(answer.tokens) for answer in found]
    made = None if counts is None else sum(counts)
    draft.usage(input=tokens.input_count(noted), output=made, source="counted")
    if noted.heard is not None:
        stamps.tell(draft, noted.heard, tokens.width(begun), counts)
    for choice, answer in enumerate(found or ()):
        draft.finish(answer.reason, choice)
    _texts(draft, noted, found or [])


def _texts(draft: Draft, noted: tokens.Noted, found: list[tokens.Answer]) -> None:
    """Prompts and answers as text, where it is certain whose tokens they are."""
    match = matching(noted.recent, noted.ids) if noted.ids is not None else None
    if match is not None:
        draft.phase("tokenize", match.seconds or None)
        told(draft, match)
    decode = decoder(match.tokenizer() if match is not None else noted.speaks)
    if decode is None or not draft.content:
        return
    if match is None and noted.ids is not None:
        draft.input([decode(row, True) for row in _bare(noted)])
    for choice, answer in enumerate(found):
        draft.text(decode(answer.tokens, False), choice)


def _noted(draft: Draft) -> tokens.Noted | None:
    found: tokens.Noted | None = (draft.transport or {}).get(_NOTED)
    return found


def _bare(noted: tokens.Noted) -> list[list[int]]:
    """The prompts without their padding."""
    pads = parameters.ids(noted.found["pad_token_id"])
    return [[token for token in row if token not in pads] for row in tokens.rows(noted.ids)]


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


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        _operation,
        ("transformers.generation.utils:GenerationMixin.generate",),
        _request,
        _response,
        model=_model,
        deep=(),
        adjust=_adjust,
        follow=_follow,
        kind="internal",
        layer="generate",
        positional=_POSITIONAL,
        families=(
            "transformers.generation.utils:GenerationMixin.generate",
            "transformers.modeling_utils:PreTrainedModel.generate",
        ),
    ),
)
