from __future__ import annotations

import dataclasses
from typing import Any, cast

from clearspan.assess.grounding import Grounding
from clearspan.assess.subjects import grounded, own, weight_of
from clearspan.conversation import Conversation
from clearspan.record import CallContext, Invocation
from tests.assess.calls import call


def held(**more: Any) -> Invocation:
    return dataclasses.replace(call("", ""), **more)


def test_what_an_evaluator_does_to_its_own_is_seen_by_nobody() -> None:
    theirs = call(output_value=["host", {"deep": [1]}], params={"stop": ["a"]}, encoded={"o": "x"})
    before = dataclasses.replace(theirs)
    mine: Any = own(theirs)
    assert mine == theirs
    mine.output[0]["parts"][0]["content"] = "changed"
    mine.input[0]["parts"].clear()
    mine.output_value[1]["deep"].append(2)
    mine.params["stop"].clear()
    mine.context.metadata["new"] = "label"
    mine.encoded.clear()
    assert theirs.output_text == "Paris."
    assert theirs.question == "What is the capital of France?"
    assert theirs.output_value == ["host", {"deep": [1]}]
    assert (theirs.params, theirs.context.metadata) == ({"stop": ["a"]}, {})
    assert theirs.encoded == {"o": "x"}
    assert theirs.output_text == before.output_text


def test_texts_and_objects_are_shared_and_circles_stay_circles() -> None:
    circle: list[Any] = ["a text of some length", object(), ({"in": []},), {1}]
    circle.append(circle)
    mine = cast("Invocation", own(held(output_value=circle))).output_value
    assert mine is not circle
    assert mine[0] is circle[0]
    assert mine[1] is circle[1]
    assert mine[2] == circle[2]
    assert mine[2][0] is not circle[2][0]
    assert mine[3] == {1}
    assert mine[3] is not circle[3]
    assert mine[4] is mine


def test_what_lies_too_deep_is_shared() -> None:
    deep: list[Any] = []
    value: list[Any] = deep
    for _ in range(100):
        value = [value]
    mine = cast("Invocation", own(held(output_value=value))).output_value
    for _ in range(100):
        mine = mine[0]
    assert mine is deep


def test_a_conversations_calls_are_its_evaluators_own() -> None:
    theirs = Conversation("t", "trace", (call(), call()), 3)
    mine: Any = own(theirs)
    assert mine == theirs
    mine.calls[1].output[0]["parts"].clear()
    assert theirs.output_text == "Paris."


def test_a_call_weighs_what_it_keeps_alive() -> None:
    empty = weight_of(held())
    assert weight_of(held(output_value="x" * 1_000)) - empty > 1_000
    assert weight_of(held(output_value="\N{SNOWMAN}" * 1_000)) - empty > 2_000
    assert weight_of(held(output_value=[{"text": b"x" * 1_000}])) - empty > 1_000
    assert weight_of(held(encoded={"output": "x" * 1_000})) > 3_000
    told = CallContext(documents=("x" * 1_000,), references=("y" * 1_000,))
    assert weight_of(held(context=told)) - empty > 2_000


def test_long_lists_and_circles_are_weighed_without_looking_at_all_of_it() -> None:
    empty = weight_of(held())
    assert 8_000_000 < weight_of(held(output_value=[0.5] * 1_000_000)) - empty < 80_000_000
    circle: list[Any] = ["x" * 1_000]
    circle += [circle, circle, circle]
    assert empty + 1_000 < weight_of(held(output_value=circle)) < empty + 3_000


def test_what_is_in_many_places_is_copied_once() -> None:
    value: Any = ([],)
    for _ in range(28):
        value = (value, value)
    mine = cast("Invocation", own(held(output_value=value))).output_value
    assert mine[0] is mine[1]
    assert mine is not value


def test_a_call_is_grounded_in_what_the_application_said() -> None:
    told = CallContext(documents=("map",), references=("10 km",))
    found = grounded(Grounding(), held(context=told))
    assert (found.documents, found.references) == (("map",), ("10 km",))


def test_a_conversation_weighs_its_calls_and_each_document_once() -> None:
    one = call(documents=("x" * 1_000,))
    apart = 2 * weight_of(one)
    assert apart + 1_000 < weight_of(Conversation("s", "session", (one, one))) < apart + 2_000
