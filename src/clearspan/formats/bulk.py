"""How much a call keeps alive while it waits to be read, and what is let go where there is no room for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clearspan.core import read
from clearspan.core.fence import fenced
from clearspan.core.held import held
from clearspan.core.tape import FEW, MANY, Strip
from clearspan.draft import Draft

if TYPE_CHECKING:
    from clearspan.provider import Endpoint

__all__ = ["batches", "lighten", "most", "sampled", "weight"]

# A chunk weighs far more than its text: the vendor's object around it is what is kept alive.
_CHUNK = 1_024
_DRAFT = 2_048
_BATCH = 1_000_000
_SMALL = 4_096
_ALL = 16_384
"""Chunks that may wait to be handed on, in all calls that go on: of OpenAI some fifty megabytes."""
_PAIR = 2


def batches(draft: Draft, strip: Strip, largest: int) -> Iterator[tuple[Strip, int]]:
    """Chunks as they are handed on, with their weight: together, or each alone where they are large.

    Of many, those that stand for all were looked at (`sampled`); only where one of those is large, all are.
    """
    weights = _weights(draft, strip.items, largest)
    if len(weights) < len(strip.items) or sum(weights) <= _BATCH:
        yield strip, sum(weights)
        return
    for at, item, size in zip(*strip, weights, strict=True):
        yield Strip([at], [item]), size


def _weights(draft: Draft, items: list[Any], largest: int) -> list[int]:
    """The weight of each of them; of many that are small, a single one for all."""
    many = len(items)
    if many > _PAIR and largest <= _SMALL:
        return [many * (_CHUNK + largest)]
    return [_CHUNK + _size(draft.endpoint, item) for item in items]


def sampled(draft: Draft, items: list[Any]) -> int:
    """The larger of two chunks that stand for all, in bytes: one of the middle, and the last. More may be coming.

    One alone is not enough: large and small ones may take turns, and what ends a stream is like no other.
    """
    endpoint, half = draft.endpoint, len(items) // 2
    some = *items[half : half + 1], *items[-1:]  # another thread may have taken them by now
    return max([_size(endpoint, item) for item in some], default=0)


def most(largest: int, calls: int) -> int:
    """How many chunks of that size may wait together in a call, while so many calls go on."""
    return max(FEW, min(MANY, _ALL // max(1, calls))) if largest <= _SMALL else FEW


def weight(draft: Draft) -> int:
    """About how many bytes a draft that waits to be completed keeps alive."""
    found = _DRAFT + (fenced("draft.held", _own, draft) or 0)
    return found if draft.inner is None else found + (fenced("draft.held", _own, draft.inner) or 0)


def _own(draft: Draft) -> int:
    endpoint: Endpoint | None = draft.endpoint
    found = draft.weight + draft.held
    if draft.tape:
        items = draft.tape.items
        found += sum(_weights(draft, items, sampled(draft, items) if len(items) > _PAIR else 0))
    # What a step made was weighed as it was copied, and a stream's chunks as they were handed on.
    if endpoint is None or endpoint.stepped or draft.result is None:
        return found
    told = None if endpoint.weigh is None else endpoint.weigh(draft.result)
    return found + (held(draft.result) if told is None else told)


def _size(endpoint: Endpoint, chunk: Any) -> int:
    """Of a chunk, by who knows what such holds; else by what is found in it."""
    told = None if endpoint.weigh is None else fenced("draft.held", endpoint.weigh, chunk)
    return told if told is not None else fenced("draft.held", held, chunk) or 0


def lighten(draft: Draft) -> None:
    """Read the numbers of an answer at once, and let go of all that is large."""
    draft.content = draft.keeps = False
    endpoint: Endpoint | None = draft.endpoint
    whole = endpoint is not None and not endpoint.stepped and not draft.pace.chunks
    # What is no object yet would have to be parsed here, on the caller's thread.
    if whole and endpoint is not None and read.fields(draft.result) is not None:
        fenced("reader.response", endpoint.response, draft, draft.result)
    if draft.error is not None:
        draft.error = replace(draft.error, message=None)
    draft.lighten()
