"""Embeddings in OpenAI's form: texts in, vectors out. Vectors are never kept, only their length."""

from __future__ import annotations

from typing import Any, NamedTuple

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_common as common
from clearspan.formats.openai_usage import usage
from clearspan.provider import Call

__all__ = ["brief", "request", "response"]

_FLOAT = 4  # bytes: packed vectors are 32-bit floats


def request(draft: Draft, call: Call) -> None:
    """Encoding, dimensions asked for, number of texts, and the texts themselves as the input value."""
    given = common.arguments(call)
    encoding = read.text(given, "encoding_format")
    draft.set(encoding_formats=[encoding] if encoding else None)
    draft.extra(sc.EMBEDDINGS_DIMENSION_COUNT, read.count(given, "dimensions"))
    source = given.get("input")
    texts = [source] if read.text(source) else read.items(source)
    draft.extra(sc.INPUT_COUNT, _how_many(texts) or None)
    if any(read.text(text) for text in texts):
        draft.value(given=source)


def _how_many(texts: list[Any]) -> int:
    """A flat list of numbers is one text as its tokens."""
    return 1 if texts and all(type(item) is int for item in texts) else len(texts)


def response(draft: Draft, body: Any) -> None:
    """Model, usage, how many vectors there are, and how long."""
    common.identity(draft, body)
    usage(draft, read.get(body, "usage"))
    data = read.get(body, "data")
    vectors = data if type(data) is _Vectors else _measured(read.items(data))
    draft.extra(sc.OUTPUT_COUNT, vectors.many or None)
    draft.extra(sc.EMBEDDINGS_DIMENSION_COUNT, vectors.length)
    common.failure(draft, read.get(body, "error"))


def brief(body: Any) -> dict[str, Any] | None:
    """An answer as it is kept: in the place of its vectors, which are most of it, how many there are, and how long."""
    answer = read.fields(body) if read.is_model(type(body)) else None
    data = None if answer is None else answer.get("data")
    return (
        {**answer, "data": _measured(data)} if answer is not None and type(data) is list else None
    )


class _Vectors(NamedTuple):
    many: int
    length: int | None


def _measured(data: list[Any]) -> _Vectors:
    return _Vectors(len(data), _dimensions(read.get(data[0], "embedding")) if data else None)


def _dimensions(vector: Any) -> int | None:
    packed = read.text(vector)
    if packed is not None:  # base64 of 32-bit floats
        size = len(packed) * 3 // 4 - packed[-2:].count("=")
        return size // _FLOAT if size and size % _FLOAT == 0 else None
    return len(read.items(vector)) or None
