"""Grounding: the documents that an answer was to rest on, from what happened in its trace before it."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from clearspan.core import jsonfast
from clearspan.record import Invocation, Operation

__all__ = ["Grounding", "documents_of", "texts"]

# How frameworks call the text of a document, and what they put documents into.
_TEXTS = ("content", "page_content", "text", "document", "chunk", "body")
_LISTS = ("documents", "results", "matches", "hits", "data", "nodes", "node")
_DEPTH = 6


class _Seen(NamedTuple):
    end_ns: int
    texts: tuple[str, ...]


@dataclass(slots=True)
class _Kept:
    """What is kept of one trace."""

    seen: list[_Seen] = field(default_factory=list[_Seen])
    texts: int = 0
    characters: int = 0


class Grounding:
    """Keeps the documents that were retrieved in each trace, for the calls that follow there.

    The rule: a call rests on what retrievals of its trace answered that had ended when it began, and on
    the results of tools among its own messages. A retrieval rests on what it answered itself.

    Bounded: `traces` and `total` characters together (those longest without a retrieval are forgotten first),
    and within a trace `documents` and `characters`, beyond which further documents are not kept. `held` is how
    many characters are kept now. Not thread-safe.
    """

    def __init__(
        self,
        *,
        traces: int = 1_000,
        documents: int = 500,
        characters: int = 1_000_000,
        total: int = 8_000_000,
    ) -> None:
        self.held = 0
        self._most = traces
        self._documents = documents
        self._characters = min(characters, total)
        self._total = total
        self._traces: OrderedDict[str, _Kept] = OrderedDict()

    def saw(self, record: Invocation) -> None:
        """Keep the documents of `record`, if it is a retrieval in a trace; anything else has none."""
        if record.operation != Operation.RETRIEVAL or record.trace is None:
            return
        found = documents_of(record)
        kept = self._traces.pop(record.trace.trace_id, None) or _Kept()
        fitting = self._fitting(found, kept)
        if fitting:
            kept.seen.append(_Seen(record.timing.end_ns, fitting))
            grown = sum(map(len, fitting))
            kept.texts += len(fitting)
            kept.characters += grown
            self.held += grown
        if kept.seen:
            self._traces[record.trace.trace_id] = kept
        while len(self._traces) > self._most or self.held > self._total:
            _, oldest = self._traces.popitem(last=False)
            self.held -= oldest.characters

    def documents(self, record: Invocation) -> tuple[str, ...]:
        """What `record` was to rest on, each text once, in the order in which it came to be known."""
        if record.operation == Operation.RETRIEVAL:
            return documents_of(record)
        kept = self._traces.get(record.trace.trace_id) if record.trace is not None else None
        seen = kept.seen if kept is not None else ()
        before = [
            text
            for each in sorted(seen, key=lambda each: each.end_ns)
            if each.end_ns <= record.timing.start_ns
            for text in each.texts
        ]
        return tuple(dict.fromkeys((*before, *_tool_results(record))))

    def grounded(self, record: Invocation) -> Invocation:
        """`record` with its documents; as it is where somebody said them, or where there are none."""
        found = () if record.documents else self.documents(record)
        return dataclasses.replace(record, documents=found) if found else record

    def _fitting(self, new: tuple[str, ...], kept: _Kept) -> tuple[str, ...]:
        room = self._characters - kept.characters
        fitting: list[str] = []
        for text in new[: max(0, self._documents - kept.texts)]:
            room -= len(text)
            if room < 0:
                break
            fitting.append(text)
        return tuple(fitting)


def documents_of(record: Invocation) -> tuple[str, ...]:
    """The texts that a retrieval answered with, whatever they came in.

    That may be one text, a list of texts, or a list of mappings with the text under a usual name
    (`content`, `page_content`, `text`, `document`). What holds no text is left out.
    """
    return texts(record.output_value)


def texts(value: object) -> tuple[str, ...]:
    """The texts of documents in any of the forms that `documents_of` knows."""
    return tuple(_texts(value, _DEPTH))


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        if value.strip():
            yield value
    elif depth > 0 and isinstance(value, (list, tuple)):
        for item in cast("list[Any]", value):
            yield from _texts(item, depth - 1)
    elif depth > 0 and isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        name = next((name for name in (*_TEXTS, *_LISTS) if held.get(name)), None)
        if name is not None:
            yield from _texts(held[name], depth - 1)


def _tool_results(record: Invocation) -> Iterator[str]:
    for message in record.input:
        for part in message.get("parts", ()):
            if part.get("type") != "tool_call_response":
                continue
            # Earlier versions of the conventions called it `result`.
            response = part.get("response", part.get("result"))
            if response:
                found = texts(response)
                yield from found or (jsonfast.dumps(response),)
