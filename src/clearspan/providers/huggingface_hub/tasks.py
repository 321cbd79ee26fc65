"""The single tasks: one input of text, pictures, sound or tables, and an answer of the task's own form."""

from __future__ import annotations

import base64
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import media
from clearspan.provider import Call
from clearspan.record import Message

__all__ = ["embedded", "embedding", "generated", "made", "said", "spoken", "told"]

_MEDIA = {"image": "image", "audio": "audio"}
_WORDS = ("prompt", "text", "question", "negative_prompt")
_MANY = 256
_SMALL = 1 << 20  # bytes: what takes a millisecond to encode
_PATHS = (pathlib.PosixPath, pathlib.WindowsPath)


def said(output_type: str | None) -> Callable[[Draft, Call], None]:
    """Reads a call whose input is words, pictures or sound, into one message of the user."""

    def request(draft: Draft, call: Call) -> None:
        draft.set(output_type=output_type)
        _parameters(draft, call.kwargs)
        draft.input(_asked(call.kwargs))

    return request


def _asked(given: Mapping[str, Any]) -> Iterator[Message]:
    parts: list[Any] = [
        _part(given[name], kind) for name, kind in _MEDIA.items() if given.get(name) is not None
    ]
    for name in _WORDS:
        text = read.text(given, name)
        if text:
            parts.append({"type": "text", "content": text})
    if parts:
        yield {"role": "user", "parts": parts}


def _parameters(draft: Draft, given: Mapping[str, Any]) -> None:
    """How to generate: told by name, or in the two arguments that hold what has none."""
    told = dict(given)
    for name in ("generate_parameters", "extra_body"):
        told.update(read.fields(given.get(name)) or {})
    draft.set(
        temperature=read.number(told, "temperature"),
        top_p=read.number(told, "top_p"),
        top_k=read.whole(told, "top_k"),
        seed=read.whole(told, "seed"),
        max_tokens=read.whole(told, "max_new_tokens"),
    )


def _part(value: Any, kind: str) -> Any:
    """A picture or sound as it is told of in a message: small ones whole."""
    if type(value) is bytes and len(value) <= _SMALL:
        return media.blob(base64.b64encode(value).decode("ascii"), kind)
    return _named(value, kind)


def _named(value: Any, kind: str) -> Any:
    """By its address or path, where it has one; all else by what is known without reading it."""
    path = read.plain(value) if type(value) in _PATHS else value
    text = read.text(path)
    return media.address(text, kind) if text else media.upload(value, kind)


def generated(field: str) -> Callable[[Draft, Any], None]:
    """Reads an answer that is text, in a field of that name."""

    def response(draft: Draft, result: Any) -> None:
        draft.finish_reasons = []
        draft.text(read.text(result, field))

    return response


def made(draft: Draft, result: Any) -> None:
    """Pictures, sound and films stay with the caller, where reading them costs what they weigh."""
    draft.finish_reasons = []
    if type(result) is list:
        draft.extra(sc.OUTPUT_COUNT, len(read.items(result)) or None)


def spoken(*names: str) -> Callable[[Draft, Call], None]:
    """Reads a call whose arguments of these names are its input value."""

    def request(draft: Draft, call: Call) -> None:
        given = {
            name: _named(value, _MEDIA[name]) if name in _MEDIA else value
            for name in names
            if (value := call.kwargs.get(name)) is not None
        }
        draft.value(given=given[names[0]] if len(names) == 1 and given else given or None)

    return request


def told(draft: Draft, result: Any) -> None:
    """An answer with labels, scores, words or places, as the output value; masks are not kept."""
    found = read.items(result)
    if not found and type(result) is not list:
        draft.value(made=_bare(result))
        return
    draft.extra(sc.OUTPUT_COUNT, len(found) or None)
    draft.value(made=[_bare(item) for item in found[:_MANY]])


def _bare(item: Any) -> Any:
    fields = read.fields(item)
    if fields is None:
        return item
    return {name: value for name, value in dict.items(fields) if name not in ("mask", "blob")}


def embedding(draft: Draft, call: Call) -> None:
    """The texts whose vectors are wanted."""
    source = call.kwargs.get("text")
    encoding = read.text(call.kwargs, "encoding_format")
    draft.set(encoding_formats=[encoding] if encoding else None)
    draft.extra(sc.EMBEDDINGS_DIMENSION_COUNT, read.count(call.kwargs, "dimensions"))
    draft.extra(sc.INPUT_COUNT, 1 if read.text(source) else len(read.items(source)) or None)
    draft.value(given=source)


def embedded(draft: Draft, result: Any) -> None:
    """How long the vectors are: the last side of the array that the client makes of them."""
    shape = getattr(result, "shape", None) if type(result).__module__ == "numpy" else None
    sides = [side for side in read.items(shape) if type(side) is int]
    draft.extra(sc.EMBEDDINGS_DIMENSION_COUNT, sides[-1] if sides else None)
