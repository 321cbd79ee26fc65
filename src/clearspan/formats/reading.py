"""What a provider's readers make of the objects that were kept of a call."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from clearspan.core.fence import fenced
from clearspan.core.tape import Strip
from clearspan.draft import Draft
from clearspan.record import Outcome
from clearspan.semconv import CONTENT_LOST

if TYPE_CHECKING:
    from clearspan.provider import Endpoint

__all__ = ["read_chunks", "take_in"]


def take_in(draft: Draft) -> None:
    """Read what the vendor's objects say, of the call and of the one inside it that tells its record."""
    _read(draft)
    if draft.inner is not None:
        _read(draft.inner)
        draft.absorb(draft.inner)
    if draft.ref is not None:
        draft.ref.settle(draft.response_id)
    if draft.outcome is Outcome.ABANDONED and draft.kind == "client":
        last = None if draft.pace.missed else draft.pace.last_chunk
        if last is not None:
            # Nobody read on; that it was found out so late is no time of the call's.
            draft.end_ns = draft.start_ns + math.ceil((last - draft.started_at) * 1e9)


def _read(draft: Draft) -> None:
    endpoint: Endpoint | None = draft.endpoint
    if endpoint is None:
        return
    if draft.call is not None:
        fenced("reader.request", endpoint.request, draft, draft.call)
    if draft.tape:
        fenced("reader.chunks", read_chunks, draft, draft.tape.take())
    if draft.result is not None:
        fenced("reader.response", endpoint.response, draft, draft.result)
    if draft.finish_with is not None:
        fenced("reader.finish", draft.finish_with, draft)
    if draft.lost:
        draft.extra(CONTENT_LOST, draft.lost)


def read_chunks(draft: Draft, strip: Strip) -> None:
    """Read chunks of a stream, in the order they came, and note its pace."""
    endpoint: Endpoint = draft.endpoint
    times, items = strip
    place = 0
    while place < len(items):
        if endpoint.run is not None:
            taken = fenced("reader.run", endpoint.run, draft, items, place) or 0
            if taken:
                draft.pace.run(times[place : place + taken])
                place += taken
                continue
        at, item = times[place], items[place]
        place += 1
        before = draft.pieces
        if endpoint.chunk is not None:
            fenced("reader.chunk", endpoint.chunk, draft, item)
        if not endpoint.stepped:  # a generator's pace is that of its consumer
            draft.stamp(at, content=draft.pieces > before)
