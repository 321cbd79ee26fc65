"""Runs of events of a response that only bring text, by the short way and by the long one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st
from openai.types.responses import (
    ResponseCreatedEvent,
    ResponseOutputItemDoneEvent,
    ResponseReasoningTextDeltaEvent,
    ResponseTextDeltaEvent,
)

from clearspan.core.tape import Strip
from clearspan.draft import Draft
from clearspan.emit.content import ContentPolicy
from clearspan.formats import openai_responses, runs
from clearspan.formats.reading import read_chunks
from clearspan.provider import Endpoint

KIND = "response.output_text.delta"


def text(said: Any = "a", **more: Any) -> Any:
    """An event as the client makes it, which validates nothing."""
    told = {"type": KIND, "output_index": 0, "content_index": 0, **more}
    return ResponseTextDeltaEvent.model_construct(item_id="m", delta=said, **told)


def taken(items: Sequence[Any], start: int = 0) -> int:
    return runs.deltas(Draft("chat"), items, start)


def test_texts_are_taken_together_from_where_they_begin() -> None:
    draft = Draft("chat")
    assert runs.deltas(draft, [text("Ro"), text("me"), text(".")], 0) == 3
    assert (draft.pieces, draft.lengths()) == (3, {"text": 5})
    assert taken([text()] * 5, 3) == 2


@pytest.mark.parametrize(
    "item",
    [
        text(""), text(None), text(7), text(output_index=1), text(content_index=1), text(type="response.refusal.delta"),
        ResponseReasoningTextDeltaEvent.model_construct(type="response.reasoning_text.delta", delta="Hm."),
        {"type": KIND, "delta": "a", "output_index": 0, "content_index": 0}, None,
    ],
)  # fmt: skip
def test_they_end_where_anything_else_comes(item: Any) -> None:
    assert taken([text(), text(), item, text()]) == 2


@pytest.mark.parametrize(
    "item",
    [
        {"type": KIND, "delta": "a"}, None, text(output_index=None), text(content_index=-1), text(output_index=True), text(""),
        ResponseCreatedEvent.model_construct(type="response.created"), text(unknown="more"),
    ],
)  # fmt: skip
def test_what_is_no_such_event_begins_none(item: Any) -> None:
    assert taken([item, text()]) == 0


ITEM = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Rome."}]}  # fmt: skip
EVENTS = (
    st.builds(text, st.text(max_size=3))
    | st.builds(text, output_index=st.sampled_from([0, 1, None]), content_index=st.sampled_from([0, 1]))
    | st.just({"type": KIND, "delta": "b", "output_index": 0, "content_index": 0})
    | st.just(ResponseReasoningTextDeltaEvent.model_construct(type="response.reasoning_text.delta", delta="Hm.", output_index=0, content_index=0))
    | st.just(ResponseOutputItemDoneEvent.model_construct(type="response.output_item.done", output_index=0, item=ITEM))
)  # fmt: skip


def sealed(items: list[Any], **more: Any) -> tuple[Any, ...]:
    draft = Draft("chat")
    draft.endpoint = Endpoint("chat", (), lambda *_: None, lambda *_: None, openai_responses.chunk, **more)  # fmt: skip
    times = [draft.started_at + number * 0.5 for number in range(len(items))]
    read_chunks(draft, Strip(times, items))
    pieces = draft.pieces
    record = draft.seal(ContentPolicy())
    return record.output, record.timing, pieces


@given(st.lists(EVENTS, max_size=12))
def test_any_mixture_reads_as_event_by_event(items: list[Any]) -> None:
    assert sealed(items, run=runs.deltas) == sealed(items)
