"""What a retrieval found, and what was asked: read from the record of a retrieval, or of a call with documents."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from clearspan.assess.answers import is_cut
from clearspan.record import Invocation, Operation

__all__ = ["Found", "found", "query"]

_IDS = ("id", "document_id", "doc_id", "id_", "_id", "node_id", "chunk_id")
_TEXTS = ("content", "text", "page_content", "document")
_LISTS = ("documents", "results", "matches", "hits", "data", "items", "nodes")
_SCORED = 2
"""A document and how well it fits, as a pair."""
_OBJECT = re.compile(r"<.{1,200}>")
"""What stands for an object that could not be looked into."""
_QUERIES = ("query", "question", "text", "q", "search", "prompt")


class Found(NamedTuple):
    """A document that was found: its id where it has one, its text where the record has all of it.

    `again` where it stands further up already.
    """

    id: str | None
    text: str | None
    again: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """By what it may be named in a judgement."""
        return tuple(key for key in (self.id, self.text and self.text.strip()) if key)


def found(call: Invocation) -> list[Found] | None:
    """The documents in their order; `None` where the record does not show any search."""
    if call.operation == Operation.RETRIEVAL:
        listed = _listed(call.output_value)
        documents = None if listed is None else [_of(item) for item in listed]
    else:
        documents = [_of(text) for text in call.documents] or None
    return None if documents is None else _marked(documents)


def query(call: Invocation) -> str:
    """What was searched for, or asked; empty where nobody knows."""
    given = call.input_value
    if isinstance(given, Mapping):
        given = next((given[name] for name in _QUERIES if isinstance(given.get(name), str)), None)
    return given if isinstance(given, str) else call.question


def _listed(value: Any) -> list[Any] | None:
    if isinstance(value, Mapping):
        if isinstance(value.get("ids"), list):
            return _columns(value)
        value = next((value[name] for name in _LISTS if isinstance(value.get(name), list)), None)
    return value if isinstance(value, list) else None


def _columns(value: Mapping[str, Any]) -> list[Any]:
    """Results that stand in columns, for one question or a list of them, of which it is the first (Chroma)."""
    named, texts = (_of_first(value.get(name)) for name in ("ids", "documents"))
    return [
        {"id": name, "text": text}
        for name, text in itertools.zip_longest(named, texts[: len(named)])
    ]


def _of_first(column: Any) -> list[Any]:
    listed = column if isinstance(column, list) else []
    return listed[0] if listed and isinstance(listed[0], list) else listed


def _of(item: Any) -> Found:
    if isinstance(item, list) and len(item) == _SCORED and isinstance(item[1], (int, float)):
        return _of(item[0])
    if isinstance(item, str):
        return Found(None, None if is_cut(item) or _OBJECT.fullmatch(item) else item)
    if not isinstance(item, Mapping):
        return Found(None if item is None or isinstance(item, list) else str(item), None)
    inner = item.get("node", item.get("document"))
    if isinstance(inner, Mapping):
        return _of(inner)
    about = item.get("metadata")
    told = {**(about if isinstance(about, Mapping) else {}), **{name: given for name, given in item.items() if given is not None}}  # fmt: skip
    name = next((told[key] for key in _IDS if _is_id(told.get(key))), None)
    text = next((told[key] for key in _TEXTS if isinstance(told.get(key), str)), None)
    return Found(None if name is None else str(name), None if text and is_cut(text) else text)


def _is_id(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""


def _marked(documents: list[Found]) -> list[Found]:
    """With those marked that came before: finding one twice is finding it once, and a place lost."""
    seen: set[str] = set()
    marked: list[Found] = []
    for document in documents:
        key = document.keys[:1]
        marked.append(document._replace(again=bool(seen.intersection(key))))
        seen.update(key)
    return marked
