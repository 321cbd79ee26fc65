"""Where a call stands in its trace, asked through its response or its draft: worked out when somebody asks."""

from __future__ import annotations

import pytest

from clearspan.core import fence
from clearspan.draft import Draft
from clearspan.record import TraceRef
from clearspan.response import ResponseRef, nowhere

HERE = TraceRef("1" * 32, "2" * 16, None, True)
THERE = TraceRef("1" * 32, "3" * 16, "2" * 16, False)


class Place:
    """Tells a place, and how often it was asked for."""

    def __init__(self, told: TraceRef | Exception | None) -> None:
        self.told = told
        self.asked = 0

    def __call__(self) -> TraceRef | None:
        self.asked += 1
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


def test_a_response_tells_where_its_call_stands() -> None:
    draft, place = Draft("chat"), Place(HERE)
    ref = ResponseRef(draft, place)
    assert place.asked == 0
    assert ref.trace == HERE
    place.told = THERE
    assert ref.trace == THERE
    del draft
    assert ref.trace == THERE, "it outlives the draft"
    assert place.asked == 3


def test_a_response_of_a_call_in_no_trace_stands_nowhere() -> None:
    draft = Draft("chat")
    assert ResponseRef(draft).trace is None
    assert ResponseRef(draft, draft.place).trace is None
    assert nowhere() is None


def test_a_draft_tells_where_it_stands() -> None:
    draft, place = Draft("chat"), Place(HERE)
    told = [draft.trace]
    draft.place = place
    assert place.asked == 0
    told.append(draft.trace)
    draft.trace = THERE
    told += [draft.trace, draft.place()]
    draft.trace = None
    told.append(draft.trace)
    assert told == [None, HERE, THERE, THERE, None]
    assert place.asked == 1


def test_a_place_that_cannot_be_told_is_none_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARSPAN_STRICT", "0")
    fence.reset()
    draft = Draft("chat")
    draft.place = Place(ValueError("odd span"))
    assert ResponseRef(draft, draft.place).trace is None
    assert fence.failures() == {"response.place": 1}
    assert draft.trace is None
    assert fence.failures() == {"response.place": 1, "draft.place": 1}
    fence.reset()
