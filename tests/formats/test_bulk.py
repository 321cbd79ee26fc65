"""How much a waiting call keeps alive, and what is let go of one that finds no room."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import ResponseTextDeltaEvent

from clearspan.core.tape import FEW, MANY, Strip
from clearspan.draft import Draft
from clearspan.formats import openai_chat, openai_responses
from clearspan.formats.bulk import batches, lighten, most, sampled, weight
from clearspan.provider import Endpoint
from clearspan.record import ErrorInfo


def drafted(*, stepped: bool = False, **more: Any) -> Draft:
    def response(draft: Draft, body: Any) -> None:
        draft.usage(output=body["count"])

    draft = Draft("chat")
    draft.endpoint = Endpoint("chat", (), lambda draft, call: None, response, stepped=stepped)
    for name, value in more.items():
        setattr(draft, name, value)
    return draft


DRAFT = drafted()


def handed(strip: Strip) -> list[tuple[Strip, int]]:
    return list(batches(DRAFT, strip, sampled(DRAFT, strip.items)))


def test_small_chunks_go_together_and_large_ones_alone() -> None:
    huge = "a" * 2_000_000
    small = Strip([1.0, 2.0, 3.0], ["a", "b", "c"])
    assert [strip for strip, _ in handed(small)] == [small]
    large = handed(Strip([1.0, 2.0, 3.0], ["b", huge, "c"]))
    assert [strip for strip, _ in large] == [([1.0], ["b"]), ([2.0], [huge]), ([3.0], ["c"])]
    assert sum(size for _, size in large) > 2_000_000
    assert handed(Strip([], [])) == [(([], []), 0)]


def test_small_chunks_may_wait_together_and_large_ones_not_for_long() -> None:
    large = "a" * 100_000
    assert most(sampled(DRAFT, ["a"] * 9), 1) == MANY
    assert most(sampled(DRAFT, ["a"] * 8 + [large]), 1) == FEW
    assert most(sampled(DRAFT, [large]), 1) == FEW
    assert most(sampled(DRAFT, []), 1) == MANY


def test_the_more_calls_go_on_the_fewer_chunks_wait_in_each() -> None:
    waiting = {calls: most(1_000, calls) * calls for calls in (1, 10, 100, 300)}
    assert waiting[1] == MANY
    assert waiting[10] == 10 * MANY
    assert waiting[100] < 100 * MANY
    assert waiting[300] <= waiting[100] * 1.01
    assert most(1_000, 100_000) == FEW, "handing each on by itself would take far longer"
    assert most(1_000, 0) == MANY, "one that has just ended is none of those that go on"


def test_neither_the_end_of_a_stream_nor_every_other_chunk_stands_for_all_of_it() -> None:
    large = "a" * 100_000
    assert sampled(DRAFT, ["a", large, "b"]) > 100_000
    assert sampled(DRAFT, ["a", "b", large]) > 100_000
    for many in (FEW, MANY):
        assert sampled(DRAFT, [large, "b"] * (many // 2)) > 100_000


def test_a_stream_weighs_what_of_it_waits() -> None:
    alone, large = weight(drafted()), "a" * 100_000
    for items, most_of_it in (["a", "b"], 2 * 2_000), (["a"] * 200, 200 * 2_000):
        assert len(items) * 1_024 <= weight(waiting(items)) - alone < most_of_it
    for items, least in ([large], 1), (["a", large], 1), (["a", large, large], 2), ([large, "a"] * 8, 8):  # fmt: skip
        assert least <= (weight(waiting(items)) - alone) / len(large) < least + 0.2
    assert weight(drafted(inner=waiting(["a", large]))) > len(large)


def waiting(items: list[Any]) -> Draft:
    """A draft of a stream of which these chunks nobody has taken yet."""
    draft = drafted()
    for item in items:
        draft.unread.add(1.0, item)
    return draft


def test_answers_are_weighed_those_of_steps_were() -> None:
    big = {"text": "x" * 100_000}
    assert weight(drafted(result=big)) > 100_000
    assert weight(drafted(result=big, stepped=True)) < 10_000
    assert weight(drafted(inner=drafted(result=big))) > 100_000
    assert weight(Draft("chat")) < 10_000


def weighing(result: Any, weigh: Callable[[Any], int | None] | None, **more: Any) -> int:
    draft = drafted(result=result, **more)
    draft.endpoint = dataclasses.replace(draft.endpoint, weigh=weigh)
    return weight(draft)


def test_an_answer_that_can_be_weighed_at_once_is_not_walked_through() -> None:
    big = {"text": "x" * 100_000}
    bare = weighing(big, lambda _: 0)
    assert weighing(big, lambda _: 7) == bare + 7 < 10_000
    assert weighing(big, len) == bare + 1
    assert weighing(big, lambda _: None) == weighing(big, None) > 100_000
    assert weighing(big, lambda _: 50_000, inner=drafted(result=big)) > 150_000


def test_an_answer_of_steps_is_not_even_weighed_at_once() -> None:
    asked = list[Any]()
    assert weighing({"a": 1}, asked.append, stepped=True) == weight(Draft("chat"))
    assert asked == []


def test_a_stream_has_no_answer_that_would_be_weighed() -> None:
    asked: list[Any] = []
    assert weighing(None, asked.append) == weight(Draft("chat"))
    assert asked == []


def test_an_answer_that_only_says_something_weighs_about_as_much_as_when_walked_through() -> None:
    said = {"role": "assistant", "content": "x" * 100_000}
    answer = ChatCompletion.construct(choices=[{"index": 0, "message": said}])
    called = ChatCompletion.construct(
        choices=[{"index": 0, "message": {**said, "tool_calls": [{"id": "c"}]}}]
    )
    at_once, through = (weighing(answer, weigh) for weigh in (openai_chat.weigh, None))
    assert 0.95 < at_once / through < 1.05
    assert weighing(called, openai_chat.weigh) == weighing(called, None)


def chunk(*choices: dict[str, Any], **more: Any) -> Any:
    told = [{"index": 0, "delta": delta} for delta in choices]
    return ChatCompletionChunk.construct(id="c" * 30, model="m", choices=told, **more)


def larger(item: Any, weigh: Callable[[Any], int | None] | None) -> int:
    """How large the chunks are of which that is the one in the middle."""
    draft = drafted()
    draft.endpoint = dataclasses.replace(draft.endpoint, weigh=weigh)
    return sampled(draft, [None, item, None])


def test_a_chunk_that_only_says_something_weighs_about_as_much_as_when_walked_through() -> None:
    for item in (
        chunk({"content": "x" * 100_000}),
        chunk({"content": "x"}, system_fingerprint="f" * 100_000),
        chunk(),
        chunk({}, created=7),
    ):
        at_once = openai_chat.weigh(item)
        assert at_once is not None
        assert larger(item, openai_chat.weigh) == at_once
        assert abs(at_once - larger(item, None)) < 100


def test_an_event_that_only_says_something_is_weighed_at_once() -> None:
    said = {"type": "response.output_text.delta", "delta": "x" * 5_000, "logprobs": []}
    event = ResponseTextDeltaEvent.model_construct(**said, sequence_number=3, item_id=None)
    at_once = openai_responses.weigh(event)
    assert at_once is not None
    assert abs(at_once - larger(event, None)) < 100
    more = ResponseTextDeltaEvent.model_construct(**{**said, "logprobs": [{"token": "a"}]})
    for other in (more, dict(said), None):
        assert openai_responses.weigh(other) is None


def test_a_chunk_that_holds_more_than_texts_is_walked_through() -> None:
    for item in (
        chunk({"tool_calls": [{"index": 0, "id": "c" * 5_000}]}),
        chunk({"content": "x"}, moderation={"text": "x" * 5_000}),
    ):
        assert openai_chat.weigh(item) is None
        assert larger(item, openai_chat.weigh) == larger(item, None) > 5_000


def test_a_chunk_that_cannot_be_weighed_at_once_is_walked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: Any) -> int:
        raise RuntimeError

    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    item = chunk({"content": "x" * 5_000})
    assert larger(item, broken) == larger(item, None) > 5_000


def test_a_weight_that_cannot_be_told_leaves_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> int:
        raise RuntimeError

    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    assert weighing({"a": 1}, broken) == weight(Draft("chat"))


def test_the_numbers_are_read_before_the_answer_goes() -> None:
    draft = drafted(result={"count": 5}, error=ErrorInfo("t", "said"))
    lighten(draft)
    assert (draft.counts["output"], draft.result, draft.keeps) == (5, None, False)
    assert draft.error is not None
    assert draft.error.message is None
    opaque = drafted(result=object())
    lighten(opaque)
    assert (dict(opaque.counts), opaque.result) == ({}, None)


def test_items_that_are_called_like_parts_of_ours_cost_nothing_else() -> None:
    draft = Draft("chat")
    items = [{"type": "text", "note": "n"}, {"type": "tool_call"}, {"type": "message", "content": "said"}]  # fmt: skip
    openai_responses.response(draft, {"id": "r", "status": "completed", "output": items})
    kinds = [part["type"] for answer in draft.answers for part in answer["parts"]]
    assert (draft.response_id, kinds) == ("r", ["text", "server_tool_call", "text"])
