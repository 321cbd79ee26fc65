from __future__ import annotations

from typing import Any

import pytest

from clearspan.assess.grounding import Grounding, documents_of, texts
from clearspan.record import Invocation, Timing, TraceRef


def retrieval(value: Any, *, trace: str | None = "t", end: int = 10) -> Invocation:
    ref = None if trace is None else TraceRef(trace, "s")
    return Invocation("retrieval", Timing(0, end), trace=ref, output_value=value)


def chat(*, trace: str | None = "t", start: int = 20, **fields: Any) -> Invocation:
    ref = None if trace is None else TraceRef(trace, "c")
    return Invocation("chat", Timing(start, start + 5), trace=ref, **fields)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("one", ("one",)),
        ("  ", ()),
        (None, ()),
        (7, ()),
        (["one", "two"], ("one", "two")),
        (
            [{"content": "a"}, {"text": "b"}, {"page_content": "c"}, {"document": "d"}],
            tuple("abcd"),
        ),
        ([{"document": {"page_content": "a"}, "score": 0.5}], ("a",)),
        ([[{"page_content": "a", "metadata": {"text": "no"}}, 0.7]], ("a",)),
        ({"documents": [["a", "b"]], "ids": [["1", "2"]]}, ("a", "b")),
        ([{"id": "1", "score": 0.2}], ()),
        ([{"content": "", "text": "b"}], ("b",)),
    ],
)
def test_documents_are_found_in_whatever_they_came_in(value: Any, found: tuple[str, ...]) -> None:
    assert documents_of(retrieval(value)) == found


def test_what_lies_too_deep_is_left_out() -> None:
    value: Any = "deep"
    for _ in range(10):
        value = [value]
    assert texts(value) == ()


def test_a_call_rests_on_what_its_trace_retrieved_before() -> None:
    grounding = Grounding()
    grounding.saw(retrieval(["late"], end=30))
    grounding.saw(retrieval(["b", "a"], end=20))
    grounding.saw(retrieval(["a"], end=10))
    grounding.saw(retrieval(["other"], trace="u"))
    grounding.saw(retrieval(["nowhere"], trace=None))
    grounding.saw(chat(output_value=["no retrieval"]))
    assert grounding.documents(chat()) == ("a", "b")
    assert grounding.documents(chat(trace=None)) == ()
    assert grounding.documents(chat(trace="v")) == ()


def test_a_call_rests_on_the_results_of_its_tools() -> None:
    call = chat(
        input=(
            {"role": "user", "parts": [{"type": "text", "content": "?"}]},
            {
                "role": "tool",
                "parts": [
                    {"type": "tool_call_response", "response": "ten o'clock"},
                    {"type": "tool_call_response", "response": {"hour": 10}},
                    {"type": "tool_call_response", "result": "by the older name"},
                    {"type": "tool_call_response", "response": None},
                ],
            },
        )
    )
    assert Grounding().documents(call) == ("ten o'clock", '{"hour":10}', "by the older name")


def test_grounding_leaves_what_somebody_said_and_what_has_nothing() -> None:
    grounding = Grounding()
    alone = chat()
    assert grounding.grounded(alone) is alone
    grounding.saw(retrieval("found"))
    assert grounding.grounded(alone).documents == ("found",)
    said = chat(documents=("said",))
    assert grounding.grounded(said) is said


def test_a_retrieval_rests_on_its_own_answer() -> None:
    grounding = Grounding()
    grounding.saw(retrieval("before", end=1))
    assert grounding.grounded(retrieval("own")).documents == ("own",)


def test_what_is_kept_is_bounded() -> None:
    grounding = Grounding(traces=2, documents=3, characters=10)
    for trace in "abc":
        grounding.saw(retrieval(["x"], trace=trace))
    assert [grounding.documents(chat(trace=trace)) for trace in "abc"] == [(), ("x",), ("x",)]
    grounding.saw(retrieval(["2", "3", "4"], trace="c"))
    assert grounding.documents(chat(trace="c")) == ("x", "2", "3")
    grounding.saw(retrieval(["1234567890"], trace="b"))
    assert grounding.documents(chat(trace="b")) == ("x",)


def test_what_is_kept_of_all_traces_together_is_bounded() -> None:
    grounding = Grounding(characters=8, total=10)
    grounding.saw(retrieval(["aaaa"], trace="a"))
    grounding.saw(retrieval(["bbbb"], trace="b"))
    grounding.saw(retrieval(["a"], trace="a"))
    assert grounding.held == 9
    grounding.saw(retrieval(["cccc"], trace="c"))
    assert grounding.held == 9
    found = [grounding.documents(chat(trace=trace)) for trace in "abc"]
    assert found == [("aaaa", "a"), (), ("cccc",)]
    grounding.saw(retrieval(["ddddddddd"], trace="d"))
    grounding.saw(retrieval(["ddddddd"], trace="d"))
    assert grounding.documents(chat(trace="d")) == ("ddddddd",)
    assert grounding.held == 7


def test_one_trace_has_no_more_than_all() -> None:
    grounding = Grounding(total=5)
    grounding.saw(retrieval(["123456"]))
    assert grounding.held == 0
    assert grounding.documents(chat()) == ()
