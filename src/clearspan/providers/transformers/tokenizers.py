"""Which text a prompt was made of: the last few encodings that were made in a context.

Ids alone tell no text, as nothing says by which tokenizer they were made. Where the very ids that a
tokenizer gave are generated from, that tokenizer, and the text or the conversation, are certain.
"""

from __future__ import annotations

import contextvars
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from clearspan.core import read
from clearspan.provider import Call, Probe
from clearspan.providers.transformers.parameters import inner
from clearspan.providers.transformers.tensors import version

__all__ = ["PROBES", "Encoding", "decoder", "matching", "recent", "strings"]

_KEPT = 4
_ROWS = 64
_TOKENS = 65_536
_CHARACTERS = 1_000_000
_SHORTENED = frozenset({"truncation", "is_split_into_words", "max_length", "text_pair"})


class Encoding(NamedTuple):
    """What a tokenizer made of what: `ids` are its result, or the text that a template gave."""

    tokenizer: weakref.ref[Any]
    ids: Any
    version: int
    texts: list[str]
    seconds: list[float]
    """What it took, the template before it included; empty once it was told."""
    chat: Any = None
    tools: Any = None


_recent: contextvars.ContextVar[tuple[Encoding, ...]] = contextvars.ContextVar(
    "clearspan_encodings", default=()
)


def recent() -> tuple[Encoding, ...]:
    """The encodings of this context, the newest first."""
    return _recent.get()


def _encoded(call: Call, result: Any, seconds: float) -> None:
    """Remember a call of the tokenizer, or of its `encode`."""
    text = call.args[0] if call.args else call.kwargs.get("text")
    pair = call.args[1] if len(call.args) > 1 else call.kwargs.get("text_pair")
    ids = _ids(result)
    if ids is None:
        return
    texts = strings(text) if pair is None else []
    told = next(
        (item for item in recent() if item.chat is not None and texts and item.texts == texts), None
    )
    if told is None:
        _remember(call, ids, texts, seconds)
    else:
        _remember(call, ids, texts, seconds + sum(told.seconds), told.chat, told.tools)


def _templated(call: Call, result: Any, seconds: float) -> None:
    """Remember a conversation, as ids or as the text that is to be encoded next."""
    given = call.args[0] if call.args else call.kwargs.get("conversation")
    # What is no text in it (pictures, sound) is only named, and not kept alive.
    chat, tools = read.plain(given), read.plain(call.kwargs.get("tools"))
    texts = strings(result)
    if texts:
        _remember(call, texts, texts, seconds, chat, tools)
    elif (ids := _ids(result)) is not None:
        _remember(call, ids, [], seconds, chat, tools)


def _remember(
    call: Call, ids: Any, texts: list[str], seconds: float, chat: Any = None, tools: Any = None
) -> None:
    if any(call.kwargs.get(name) for name in _SHORTENED) or sum(map(len, texts)) > _CHARACTERS:
        texts = []  # they may not be what the ids say
    made = Encoding(
        weakref.ref(call.instance), _copied(ids), version(ids), texts, [seconds] if seconds else [], chat, tools,
    )  # fmt: skip
    _recent.set((made, *recent()[: _KEPT - 1]))


def _ids(result: Any) -> Any:
    """The ids in a tokenizer's result, if they are few enough to be kept."""
    held = inner(result, "data")
    found = held.get("input_ids") if type(held) is dict else result
    if type(found) is list:
        nested = found if found and type(found[0]) is list else [found]
        small = len(nested) <= _ROWS and sum(map(len, nested)) <= _TOKENS
        return found if found and small else None
    shape = tuple(getattr(found, "shape", ()))
    if not shape or len(shape) > 2 or shape[0] > (_ROWS if len(shape) == 2 else _TOKENS):
        return None
    return found if shape[-1] <= _TOKENS and hasattr(type(found), "tolist") else None


def _copied(ids: Any) -> Any:
    """The ids as they are now; on other devices copying would mean waiting."""
    if type(ids) is list:
        return [row[:] if type(row) is list else row for row in ids]
    place = getattr(getattr(ids, "device", None), "type", "cpu")
    return ids.tolist() if place == "cpu" else ids


def strings(value: Any) -> list[str]:
    """A text, or a list of nothing but texts."""
    if isinstance(value, str):
        return [value]
    listed = read.items(value)
    return listed if all(isinstance(item, str) for item in listed) else []


def matching(encodings: tuple[Encoding, ...], ids: Any) -> Encoding | None:
    """The newest encoding that made exactly these ids (a tensor or lists)."""
    wanted: list[list[int]] | None = None
    for item in encodings:
        if strings(item.ids) or (type(item.ids) is not list and item.version != version(item.ids)):
            continue
        wanted = _rows(ids) if wanted is None else wanted
        if wanted and _rows(item.ids) == wanted:
            return item
    return None


def _rows(ids: Any) -> list[list[int]]:
    listed = ids if type(ids) is list else ids.tolist()
    return listed if listed and type(listed[0]) is list else [listed]


def decoder(tokenizer: Any) -> Callable[[list[int], bool], str] | None:
    """How this tokenizer makes text of ids, special tokens included (`True`) or left out.

    The layer below `decode` is asked, as that keeps the last call's options on the tokenizer, and
    would count as work of the program.
    """
    backend = inner(tokenizer, "_tokenizer")
    if callable(getattr(type(backend), "decode", None)):
        return lambda ids, special: backend.decode(ids, skip_special_tokens=not special)
    if not callable(getattr(type(tokenizer), "convert_tokens_to_string", None)):
        return None

    def join(ids: list[int], special: bool, /) -> str:  # noqa: FBT001 -- as the other
        tokens = tokenizer.convert_ids_to_tokens(ids, skip_special_tokens=not special)
        text: str = tokenizer.convert_tokens_to_string(tokens)
        return text

    return join


def _targets(*names: str) -> Iterator[str]:
    for name in names:
        yield f"transformers.tokenization_utils_base:PreTrainedTokenizerBase.{name}"


def _probe(*names: str, **more: Any) -> Probe:
    paths = tuple(_targets(*names))
    return Probe(paths, families=paths, **more)


PROBES: tuple[Probe, ...] = (
    _probe("__call__", "encode", phase="tokenize", seen=_encoded),
    _probe("apply_chat_template", phase="tokenize", seen=_templated),
    _probe("decode", "batch_decode", phase="detokenize"),
)
