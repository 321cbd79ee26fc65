"""Embeddings in OpenAI's form: texts in, vectors out. Vectors are never kept, only their length."""

from __future__ import annotations

from sys import getsizeof
from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import openai_common as common
from clearspan.formats.openai_usage import usage
from clearspan.provider import Call

__all__ = ["request", "response", "weigh"]

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
    """Model, usage, and how long the vectors are."""
    common.identity(draft, body)
    usage(draft, read.get(body, "usage"))
    vectors = read.items(body, "data")
    draft.extra(sc.OUTPUT_COUNT, len(vectors) or None)
    if vectors:
        draft.extra(sc.EMBEDDINGS_DIMENSION_COUNT, _dimensions(read.get(vectors[0], "embedding")))
    common.failure(draft, read.get(body, "error"))


def weigh(body: Any) -> int | None:
    """About how many bytes an answer keeps alive: its vectors are alike; `None` where they are no such."""
    answer = read.declared(body)
    vectors = None if answer is None else answer.get("data")
    first = read.declared(vectors[0]) if type(vectors) is list and vectors else None
    if type(vectors) is not list or first is None:
        return None
    vector = first.get("embedding")
    if type(vector) is str:
        return len(vectors) * (_ROW + getsizeof(vector))
    return len(vectors) * (_ROW + _NUMBER * len(vector)) if type(vector) is list else None


_ROW, _NUMBER = 512, 32


def _dimensions(vector: Any) -> int | None:
    packed = read.text(vector)
    if packed is not None:  # base64 of 32-bit floats
        size = len(packed) * 3 // 4 - packed[-2:].count("=")
        return size // _FLOAT if size and size % _FLOAT == 0 else None
    return len(read.items(vector)) or None
