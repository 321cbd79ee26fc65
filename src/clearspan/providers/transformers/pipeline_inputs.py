"""What a pipeline is asked: texts and conversations as messages, other tasks' inputs as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import media, openai_messages
from clearspan.provider import Call
from clearspan.providers.transformers.pipeline_values import Opaque, Thing
from clearspan.record import Message, Operation, Part

__all__ = ["conversations", "tell"]

_SPOKEN = (Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT)
_MODALITIES = {"image-to-text": "image", "automatic-speech-recognition": "audio"}
_KINDS = {"image": "image", "images": "image", "videos": "video", "audio": "audio"}
_LABELS = ("candidate_labels", "hypothesis_template", "multi_label", "targets")
_OUTPUTS = {"text-to-audio": "speech", "text-to-speech": "speech", "image-to-image": "image"}
_LONG = 2_048


def conversations(inputs: Any) -> bool:
    """Whether it is a conversation, or a list of them; what is read once is not looked at."""
    if type(inputs).__name__ == "Chat":
        return True
    first = next(iter(read.items(inputs)), None)
    if type(first).__name__ == "Chat" or _is_message(first):
        return True
    return _is_message(next(iter(read.items(first)), None))


def _is_message(value: Any) -> bool:
    return issubclass(type(value), dict) and "role" in value and "content" in value


def tell(draft: Draft, call: Call, task: str, asked: Any) -> None:
    """How much was asked, with which parameters, and what, in the compact form of `asked`."""
    inputs = call.kwargs.get("inputs")
    several = read.items(inputs)
    alone = len(several) < 2 or _is_message(several[0])
    draft.extra(sc.INPUT_COUNT, len(several) if not alone else None)
    draft.set(output_type=_OUTPUTS.get(task))
    if isinstance(asked, Opaque):
        return  # what is read as it goes along
    if draft.operation in _SPOKEN:
        _sampling(draft, call.kwargs)
        draft.input(_messages(asked, _MODALITIES.get(task)))
    elif asked is not None and draft.operation != Operation.EMBEDDINGS:
        draft.value(given=_with_labels(asked, call.kwargs))
    elif read.text(asked) or (read.items(asked) and all(map(read.text, read.items(asked)))):
        draft.value(given=asked)


def _sampling(draft: Draft, kwargs: Mapping[str, Any]) -> None:
    """What the call itself says of generation; the record of `generate` has what came of it."""
    said = {**kwargs, **dict(read.fields(kwargs.get("generate_kwargs")) or {})}
    several = read.count(said, "num_return_sequences")
    draft.set(
        max_tokens=read.count(said, "max_new_tokens"),
        temperature=read.number(said, "temperature"),
        top_p=read.number(said, "top_p"),
        top_k=read.count(said, "top_k"),
        choice_count=several if several != 1 else None,
    )


def _with_labels(asked: Any, kwargs: Mapping[str, Any]) -> Any:
    told = {name: read.plain(kwargs[name]) for name in _LABELS if kwargs.get(name) is not None}
    return {"inputs": asked, **told} if told else asked


def _messages(asked: Any, modality: str | None) -> Iterator[Message]:
    if _is_message(asked):
        yield openai_messages.message(asked)
    elif isinstance(asked, list):
        for item in asked:
            yield from _messages(item, modality)
    elif parts := list(_parts(asked, modality)):
        yield {"role": "user", "parts": parts}


def _parts(asked: Any, modality: str | None) -> Iterator[Part]:
    """One input that is no conversation: a text, a picture or sound, or several under their names."""
    if isinstance(asked, dict):
        for name, value in asked.items():
            for item in value if isinstance(value, list) else [value]:
                yield from _parts(item, _KINDS.get(name, modality))
    elif isinstance(asked, Thing):
        yield {"type": modality or "audio", "content": str(asked)}
    elif isinstance(asked, str) and modality is None:
        yield {"type": "text", "content": asked}
    elif isinstance(asked, str) and modality is not None:
        yield _medium(asked, modality)


def _medium(said: str, modality: str) -> Part:
    """A picture or sound by its address, its file or its data."""
    known = said.startswith(("data:", "http://", "https://")) or len(said) <= _LONG
    return media.address(said, modality) if known else media.blob(said, modality)
