from __future__ import annotations

from typing import Any

import pytest

from clearspan.assess import whole
from clearspan.assess.subjects import weight_of
from clearspan.assess.whole import Gatherer
from clearspan.conversation import Conversation
from clearspan.record import Message
from tests.assess.calls import call


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Yard:
    def __init__(self, level: Any, idle: float = 60.0, **more: Any) -> None:
        self.clock = Clock()
        self.dropped: list[tuple[str, int]] = []
        self.gatherer = Gatherer(
            level,
            idle=idle,
            overflow=lambda reason, calls: self.dropped.append((reason, calls)),
            clock=self.clock,
            **more,
        )

    def over(self, after: float = 1.0) -> list[Conversation]:
        self.clock.now += after
        return self.gatherer.due()


def test_a_trace_is_over_when_its_root_has_ended() -> None:
    yard = Yard("trace")
    yard.gatherer.add(call(span="2" * 16, parent="1" * 16, start=5))
    assert yard.over() == []
    yard.gatherer.add(call(span="1" * 16, start=1))
    (conversation,) = yard.over()
    assert [each.timing.start_ns for each in conversation.calls] == [1, 5]
    assert conversation.id == "a" * 32
    assert conversation.root is conversation.calls[0]
    assert conversation.trace == conversation.calls[0].trace
    assert yard.over(1_000) == []


def test_a_call_that_has_just_ended_may_have_others_on_their_way() -> None:
    yard = Yard("trace")
    yard.gatherer.add(call())
    assert yard.gatherer.due() == []
    assert len(yard.gatherer.due(settled=True)) == 1


def test_a_trace_with_an_open_call_is_not_over() -> None:
    yard = Yard("trace")
    yard.gatherer.add(call())
    yard.clock.now += 1_000
    assert yard.gatherer.due({"a" * 32}) == []
    assert yard.gatherer.due({"a" * 32}, settled=True) == []
    assert len(yard.gatherer.due({"b" * 32})) == 1


def test_a_trace_whose_root_is_somebody_elses_is_over_when_nothing_comes() -> None:
    yard = Yard("trace", idle=60, quiet=4)
    yard.gatherer.add(call(parent="f" * 16))
    assert yard.gatherer.next_due == 4
    assert yard.over(3) == []
    (conversation,) = yard.over(2)
    assert conversation.root is conversation.calls[0]


def test_whoever_does_not_want_to_wait_has_it_now() -> None:
    yard = Yard("trace")
    yard.gatherer.add(call(parent="f" * 16))
    assert yard.gatherer.due() == []
    assert len(yard.gatherer.due(settled=True)) == 1
    sessions = Yard("session")
    sessions.gatherer.add(call(session="one"))
    assert sessions.gatherer.due(settled=True) == []


def test_what_comes_after_the_quiet_is_a_part_of_its_own() -> None:
    yard = Yard("trace", quiet=4)
    for _ in range(2):
        yard.gatherer.add(call(parent="f" * 16))
    assert [each.dropped for each in yard.over(5)] == [0]
    yard.gatherer.add(call(parent="f" * 16))
    assert [(len(each.calls), each.dropped) for each in yard.over(5)] == [(1, 2)]
    yard.gatherer.add(call())
    assert [(len(each.calls), each.dropped) for each in yard.over()] == [(1, 3)]
    yard.gatherer.add(call(parent="f" * 16))
    assert yard.dropped == [("late", 1)]


def test_what_comes_after_a_trace_was_judged_is_counted() -> None:
    yard = Yard("trace")
    yard.gatherer.add(call())
    assert yard.over()
    yard.gatherer.add(call(span="9" * 16, parent="b" * 16))
    assert yard.dropped == [("late", 1)]
    assert yard.over(1_000) == []


def test_a_session_is_over_when_it_falls_silent_or_is_said_to_be() -> None:
    yard = Yard("session", idle=60)
    yard.gatherer.add(call(session="one", start=1))
    yard.gatherer.add(call(session="one", start=2, trace="c" * 32))
    yard.gatherer.add(call(session="two"))
    yard.gatherer.add(call())
    assert yard.over(30) == []
    yard.gatherer.end("one")
    yard.gatherer.end("never heard of")
    (first,) = yard.over(0)
    assert (first.id, len(first.calls), first.level) == ("one", 2, "session")
    assert first.trace == first.calls[-1].trace
    (second,) = yard.over(31)
    assert second.id == "two"
    yard.gatherer.add(call(session="one"))
    assert [each.id for each in yard.gatherer.rest()] == ["one"]
    assert yard.gatherer.next_due is None


def test_what_was_gathered_is_forgotten_in_a_child() -> None:
    yard = Yard("session")
    yard.gatherer.add(call(session="one"))
    assert yard.gatherer.bytes
    yard.gatherer.forget()
    assert yard.gatherer.bytes == 0
    assert yard.gatherer.rest() == []


def test_a_call_without_a_trace_belongs_to_none() -> None:
    yard = Yard("trace")
    yard.gatherer.add(call(trace=None))
    assert yard.gatherer.rest() == []


def test_of_too_many_the_one_silent_longest_is_over_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "_GROUPS", 2)
    yard = Yard("session")
    for name in ("first", "second", "first"):
        assert yard.gatherer.add(call(session=name)) == []
    (early,) = yard.gatherer.add(call(session="third"))
    assert (early.id, len(early.calls), early.dropped) == ("second", 1, 0)
    yard.gatherer.end("first")
    yard.over()
    yard.gatherer.add(call(session="second"))
    rest = yard.gatherer.rest()
    assert [(each.id, each.dropped) for each in rest] == [("third", 0), ("second", 1)]
    assert yard.dropped == []


def test_a_trace_that_was_over_early_goes_on_as_another_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(whole, "_GROUPS", 1)
    yard = Yard("trace")
    yard.gatherer.add(call())
    assert len(yard.gatherer.add(call(trace="c" * 32))) == 1
    (other,) = yard.gatherer.add(call(span="9" * 16, parent="b" * 16))
    assert (other.id, other.dropped) == ("c" * 32, 0)
    assert [each.dropped for each in yard.gatherer.due(settled=True)] == [1]
    assert yard.dropped == []


def test_what_is_held_is_bounded_in_bytes() -> None:
    texts = ["x" * 3_000, "y" * 3_000, "z" * 3_000]
    weight = max(weight_of(call(answer=text)) for text in texts)
    yard = Yard("session", max_bytes=2 * weight)
    for name, text in zip("ab", texts, strict=False):
        assert yard.gatherer.add(call(answer=text, session=name)) == []
    assert weight < yard.gatherer.bytes <= 2 * weight
    (early,) = yard.gatherer.add(call(answer=texts[2], session="c"))
    assert early.id == "a"
    assert yard.gatherer.bytes <= 2 * weight
    assert [each.id for each in yard.gatherer.rest()] == ["b", "c"]
    assert yard.gatherer.bytes == 0


def test_one_group_is_bounded_in_bytes_too() -> None:
    weight = weight_of(call(answer="x" * 3_000))
    yard = Yard("session", max_bytes=2 * weight)
    yard.gatherer.add(call(session="other"))
    for _ in range(4):
        yard.gatherer.add(call(answer="x" * 3_000, session="long"))
    (conversation,) = yard.gatherer.rest()
    assert (conversation.id, len(conversation.calls), conversation.dropped) == ("long", 2, 2)


def test_documents_that_calls_share_are_counted_once() -> None:
    yard = Yard("session")
    shared = call(session="one", documents=("x" * 9_000,))
    yard.gatherer.add(shared)
    once = yard.gatherer.bytes
    assert once > 9_000
    yard.gatherer.add(shared)
    assert yard.gatherer.bytes < once + 9_000
    (conversation,) = yard.gatherer.rest()
    assert once < weight_of(conversation) < once + 9_000


def test_a_call_that_there_is_never_room_for_is_counted() -> None:
    yard = Yard("trace", max_bytes=4_000)
    yard.gatherer.add(call(answer="x" * 9_000))
    assert yard.gatherer.bytes == 0
    assert yard.gatherer.due(settled=True) == []
    assert yard.dropped == [("queue_full", 1)]


def test_the_root_has_its_place_though_it_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "_CALLS", 2)
    yard = Yard("trace")
    for start in (2, 3, 4):
        yard.gatherer.add(call(span=f"{start:016x}", parent="1" * 16, start=start))
    yard.gatherer.add(call(span="1" * 16, start=1))
    (conversation,) = yard.over()
    assert [each.timing.start_ns for each in conversation.calls] == [1, 2]
    assert conversation.dropped == 2
    assert conversation.root is conversation.calls[0]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "_REMEMBERED", 1)
    yard = Yard("trace")
    for trace in ("a" * 32, "c" * 32):
        yard.gatherer.add(call(trace=trace))
        assert len(yard.over()) == 1
    yard.gatherer.add(call(trace="c" * 32, parent="f" * 16))
    yard.gatherer.add(call(trace="a" * 32, parent="f" * 16))
    assert yard.dropped == [("late", 1)]
    assert [each.id for each in yard.gatherer.rest()] == ["a" * 32]


def test_calls_left_out_of_a_long_conversation_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "_CALLS", 2)
    yard = Yard("session")
    for _ in range(5):
        yard.gatherer.add(call(session="long"))
    (conversation,) = yard.gatherer.rest()
    assert (len(conversation.calls), conversation.dropped) == (2, 3)


# -- the conversation itself --------------------------------------------------------------------


TOOL: Message = {"role": "assistant", "parts": [{"type": "tool_call", "name": "look", "id": "1"}]}


def test_a_conversation_tells_what_was_asked_and_answered() -> None:
    first = call("How far?", "", start=1, session="s", documents=("map",), references=("10 km",))
    second = call("And back?", "20 km", start=2, documents=("map", "road"))
    step = call("", "", operation="task", start=0)
    said = Conversation("s", "session", (step, first, second))
    assert said.model_calls == (first, second)
    assert (said.question, said.input_text, said.output_text) == (
        "How far?", "How far?\nAnd back?", "20 km",
    )  # fmt: skip
    assert (said.documents, said.references) == (("map", "road"), ("10 km",))
    assert said.tool_calls == ()
    assert Conversation("s", "session", (first,)).context.session == "s"


def test_tool_calls_come_in_order() -> None:
    asked = call(answer="")
    asked = type(asked)(operation="chat", timing=asked.timing, output=(TOOL,))
    assert [part["name"] for part in Conversation("t", "trace", (asked, asked)).tool_calls] == [
        "look", "look",
    ]  # fmt: skip


def test_an_empty_conversation_has_nothing_to_tell() -> None:
    empty = Conversation("s", "session", ())
    assert (empty.root, empty.trace, empty.question, empty.output_text) == (None, None, "", "")
    assert empty.context.session is None
    assert Conversation("t", "trace", ()).trace is None


def test_a_circle_of_parents_has_no_root() -> None:
    one = call(span="1" * 16, parent="2" * 16)
    two = call(span="2" * 16, parent="1" * 16)
    assert Conversation("t", "trace", (one, two)).root is None
