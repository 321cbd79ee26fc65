"""How much a waiting call keeps alive, and what is let go of one that finds no room."""

from __future__ import annotations

from typing import Any

from clearspan.core.tape import Strip
from clearspan.draft import Draft
from clearspan.formats import openai_responses
from clearspan.formats.bulk import batches, hint, lighten, weight
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


def test_small_chunks_go_together_and_large_ones_alone() -> None:
    small = Strip([1.0, 2.0], ["a", "b"])
    huge = "a" * 2_000_000
    large = Strip([1.0, 2.0], [huge, "b"])
    assert [strip for strip, _ in batches(small)] == [small]
    assert [strip for strip, _ in batches(large)] == [([1.0], [huge]), ([2.0], ["b"])]
    assert sum(size for _, size in batches(large)) > 2_000_000
    assert list(batches(Strip([], []))) == [(([], []), 0)]


def test_the_hint_is_the_id_alone() -> None:
    assert hint({"id": "a", "more": "b"}) == {"id": "a"}
    assert hint({"response": {"id": "a"}}) == {"id": "a"}


def test_answers_are_weighed_those_of_steps_were() -> None:
    big = {"text": "x" * 100_000}
    assert weight(drafted(result=big)) > 100_000
    assert weight(drafted(result=big, stepped=True)) < 10_000
    assert weight(drafted(inner=drafted(result=big))) > 100_000
    assert weight(Draft("chat")) < 10_000


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
