"""Comparing a span with a reading: what counts as a difference and what does not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from . import compare, facts
from .by_hand import made
from .facts import Said
from .reading import Reading, read
from .values import ABSENT, OneOf, accepts, maybe


@dataclass
class Recorded:
    """A span as the test kit shows it."""

    name: str = "chat m"
    kind: object = "CLIENT"
    status: object = "UNSET"
    attributes: dict[str, object] = field(default_factory=dict)


def recorded(reading: Reading, messages: object) -> Recorded:
    plain = {k: v.values[-1] if isinstance(v, OneOf) else v for k, v in reading.attributes.items()}
    return Recorded(attributes={**plain, "gen_ai.output.messages": json.dumps(messages)})


def test_a_right_span_has_no_differences_and_a_wrong_one_has_each() -> None:
    body = {
        "id": "c1",
        "model": "m-1",
        "choices": [{"finish_reason": "stop", "message": {"content": "hi"}}],
    }
    reading = read(made({"model": "m", "messages": []}, body=body))
    parts = [{"type": "text", "content": "h"}, {"type": "text", "content": "i"}]
    span = recorded(reading, [{"role": "assistant", "parts": parts, "finish_reason": "stop"}])
    assert compare.differences(reading, span) == []
    span.attributes["gen_ai.response.id"] = "c2"
    span.attributes["gen_ai.usage.input_tokens"] = 0
    span.attributes["gen_ai.output.messages"] = (
        '[{"role":"assistant","parts":[],"finish_reason":"length"}]'
    )
    span.status, span.kind, span.name = "ERROR", "INTERNAL", "chat"
    found = [fact for fact, _, _ in compare.differences(reading, span)]
    assert sorted(found) == [
        "gen_ai.response.id",
        "gen_ai.usage.input_tokens",
        "kind",
        "name",
        "output.messages[0].finish",
        "output.messages[0].text",
        "status is error",
    ]


def test_arguments_that_are_no_object_may_be_kept_either_way() -> None:
    assert facts.same_arguments("[1]", [1])
    assert facts.same_arguments("", None)
    assert not facts.same_arguments({"a": 1}, '{"a": 1}')
    assert not facts.same_arguments('{"a"', {})


def test_answers_of_tools_may_be_parsed() -> None:
    assert facts.same_response('{"a": 1}', {"a": 1})
    assert facts.same_response([{"type": "input_text", "text": "x"}], "x")
    assert not facts.same_response("x", "y")


def test_refusals_may_be_a_part_of_their_own_or_text() -> None:
    expected = Said("assistant", refusal="No.")
    for kind in ("refusal", "text"):
        seen = facts.from_span({"role": "assistant", "parts": [{"type": kind, "content": "No."}]})
        assert facts.difference("x", expected, seen) == []


def test_values() -> None:
    assert accepts(maybe(3), ABSENT)
    assert accepts([1.0, OneOf("a", "b")], (1, "b"))
    assert not accepts(True, 1)
    assert not accepts(OneOf.anything(), ABSENT)
    assert not accepts(["a"], "a")
