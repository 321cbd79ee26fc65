"""The draft: what adapters say, put together once; nothing is kept that is not wanted."""

from __future__ import annotations

import gc
import json
from types import SimpleNamespace
from typing import Any

import pytest

from clearspan.draft import Draft
from clearspan.emit.content import ContentPolicy
from clearspan.record import (
    CallContext,
    ErrorInfo,
    Gaps,
    Invocation,
    Outcome,
    TokenScore,
    TraceRef,
    Usage,
)
from clearspan.response import ResponseRef

FULL = ContentPolicy()


def sealed(draft: Draft, policy: ContentPolicy = FULL) -> Invocation:
    return draft.seal(policy)


def parts(draft: Draft, choice: int = 0) -> Any:
    return sealed(draft).output[choice]["parts"]


@pytest.fixture
def draft() -> Draft:
    return Draft("chat")


# -- what goes in ------------------------------------------------------------------------------------------


def test_an_empty_draft_is_an_empty_record(draft: Draft) -> None:
    record = sealed(draft)
    assert record == Invocation("chat", record.timing)
    assert record.encoded == {}


def test_facts_are_carried_over(draft: Draft) -> None:
    draft.kind, draft.name, draft.provider, draft.model = "internal", "n", "p", "m"
    draft.server_address, draft.server_port = "h", 1
    draft.response_id, draft.response_model = "r", "rm"
    draft.start_ns, draft.end_ns = 5, 9
    draft.trace = TraceRef("1" * 32, "2" * 16)
    draft.context = CallContext(session="s")
    draft.inference_calls, draft.tool_calls = 2, 3
    draft.set(temperature=0.5, seed=None)
    record = sealed(draft)
    assert (record.kind, record.name, record.provider, record.model) == ("internal", "n", "p", "m")
    assert (record.server_address, record.server_port) == ("h", 1)
    assert (record.response_id, record.response_model) == ("r", "rm")
    assert (record.timing.start_ns, record.timing.end_ns) == (5, 9)
    assert record.trace is draft.trace
    assert record.context == CallContext(session="s")
    assert (record.inference_calls, record.tool_calls) == (2, 3)
    assert record.params == {"temperature": 0.5}
    assert draft.sealed is True


def test_an_operation_is_its_value() -> None:
    from clearspan.record import Operation

    assert type(Draft(Operation.CHAT).operation) is str
    assert Draft(Operation.CHAT).operation == "chat"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a", "a"), (0, 0), (False, False), (1.5, 1.5), (["a"], ["a"]), (("a", "b"), ["a", "b"]),
        ({"a": 1}, '{"a":1}'), ([1, "a"], '[1,"a"]'),
    ],
)  # fmt: skip
def test_extras(draft: Draft, value: Any, kept: Any) -> None:
    draft.extra("x", value)
    assert sealed(draft).extras == {"x": kept}


@pytest.mark.parametrize("value", [None, "", [], (), {}, float("nan") and None])
def test_empty_extras_are_absent(draft: Draft, value: Any) -> None:
    draft.extra("x", value)
    assert sealed(draft).extras == {}


def test_input_in_every_form(draft: Draft) -> None:
    message: Any = {"role": "user", "parts": [{"type": "text", "content": "3"}]}
    draft.input("1")
    draft.input({"role": "user", "content": "2"})  # type: ignore[typeddict-unknown-key]
    draft.input(message)
    draft.input([message, "4", {"role": "tool", "content": [5]}, 6, None])  # type: ignore[list-item,typeddict-unknown-key]
    draft.input(item for item in ["7"])
    draft.input(8)  # type: ignore[arg-type]
    record = sealed(draft)
    texts = [item["parts"][0]["content"] for item in record.input if "parts" in item]
    assert texts == ["1", "2", "3", "3", "4", "7"]
    assert {"role": "tool", "content": [5]} in record.input
    assert record.encoded["input"] == json.dumps(list(record.input), separators=(",", ":"))


def test_system_and_tools(draft: Draft) -> None:
    draft.system("be brief")
    draft.system("")
    draft.system(None)  # type: ignore[arg-type]
    draft.tools([{"type": "function", "name": "f", "parameters": {}}])
    draft.tools(tool for tool in [{"type": "search"}])
    record = sealed(draft)
    assert record.system == ({"type": "text", "content": "be brief"},)
    assert record.tools == ({"type": "function", "name": "f"}, {"type": "search"})


def test_values_are_kept_until_better_ones_come(draft: Draft) -> None:
    draft.value(given={"a": 1})
    draft.value(made=[2])
    draft.value(None, None)
    record = sealed(draft)
    assert (record.input_value, record.output_value) == ({"a": 1}, [2])
    assert record.encoded == {"input_value": '{"a":1}', "output_value": "[2]"}


# -- what comes out ----------------------------------------------------------------------------------------


def test_pieces_are_joined_in_order_of_appearance(draft: Draft) -> None:
    draft.reasoning("hm")
    draft.text("Hel")
    draft.reasoning("m")
    draft.text("lo")
    draft.text("")
    draft.text(None)
    draft.text(5)  # type: ignore[arg-type]
    draft.refusal("no")
    draft.text("second", key=1)
    assert parts(draft) == [
        {"type": "reasoning", "content": "hmm"},
        {"type": "text", "content": "Hello"},
        {"type": "refusal", "content": "no"},
        {"type": "text", "content": "second"},
    ]
    assert draft.pieces == 6


def test_choices_stand_in_the_order_of_their_index(draft: Draft) -> None:
    draft.endpoint = object()
    draft.text("b", choice=1)
    draft.text("a", choice=0)
    draft.finish("length", choice=1)
    record = sealed(draft)
    assert record.output_text == "a\nb"
    assert record.finish_reasons == ("error", "length")
    assert [message["finish_reason"] for message in record.output] == ["error", "length"]


def test_interleaved_tool_calls(draft: Draft) -> None:
    draft.tool_call(key=0, id="c0", name="f")
    draft.tool_call(key=1, id="c1", name="g", arguments='{"b"')
    draft.tool_call(key=0, arguments='{"a":')
    draft.tool_call(key=1, arguments=":2}")
    draft.tool_call(key=0, arguments="1}")
    assert parts(draft) == [
        {"type": "tool_call", "id": "c0", "name": "f", "arguments": {"a": 1}},
        {"type": "tool_call", "id": "c1", "name": "g", "arguments": {"b": 2}},
    ]


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [
        ([], None),
        ([None], None),
        (["{"], "{"),
        (["[1]"], "[1]"),
        (["5"], "5"),
        ([{"a": 1}], {"a": 1}),
        ([{"a": 1}, {"b": 2}], {"b": 2}),
        ([{"a": 1}, "{}"], {}),
        ([""], ""),
    ],
)
def test_arguments(draft: Draft, pieces: list[Any], arguments: Any) -> None:
    draft.tool_call(name="f")
    for piece in pieces:
        draft.tool_call(arguments=piece)
    (call,) = parts(draft)
    assert call.get("arguments") == arguments
    assert ("arguments" in call) is (arguments is not None)


def test_sound_and_its_transcript_are_one_part(draft: Draft) -> None:
    draft.audio("QU")
    draft.audio(transcript="hel")
    draft.audio("JD", "lo")
    draft.audio()
    draft.audio(transcript="x", choice=1)
    record = sealed(draft)
    blob = {"type": "blob", "modality": "audio"}
    assert record.output[0]["parts"] == [{**blob, "content": "QUJD", "transcript": "hello"}]
    assert record.output[1]["parts"] == [{**blob, "content": "", "transcript": "x"}]
    assert draft.pieces == 4


def test_parts_that_come_whole_stay_as_they_are(draft: Draft) -> None:
    whole: list[dict[str, Any]] = [
        {"type": "custom", "content": [{"a": 1}], "arguments": [1]},
        {"type": "tool_call", "name": "f", "arguments": {"a": 1}},
        {"type": "text", "content": "x"},
        {"no": "type"},
    ]
    for part in whole:
        draft.part(part)
    draft.part({"type": "image", "n": 1}, key="k")
    draft.part({"type": "image", "n": 2}, key="k")
    assert parts(draft) == [*whole, {"type": "image", "n": 2}]
    assert draft.pieces == 6


def noticed(made: Draft) -> tuple[Any, ...]:
    return made.pieces, made.answers, made.held, made.cut, made.lengths()


@pytest.mark.parametrize("longest", [1_000, 6, 5, 1])
@pytest.mark.parametrize("keeps", [True, False])
def test_texts_together_are_what_they_are_one_by_one(longest: int, keeps: bool) -> None:
    together, alone = Draft("chat"), Draft("chat")
    for made in (together, alone):
        made.longest, made.keeps = longest, keeps
        made.refusal("no")
        made.text("before")
    for pieces in (["Ro", "me", " is"], ["!"]):
        together.texts(pieces)
        for piece in pieces:
            alone.text(piece)
        assert noticed(together) == noticed(alone)
    assert together.pieces == 6
    assert bool(together.answers[0]["parts"]) is keeps


def test_texts_are_of_the_first_answer(draft: Draft) -> None:
    draft.text("b", choice=1)
    draft.texts(["a", "c"])
    assert [message["parts"][0]["content"] for message in draft.answers] == ["ac", "b"]


def test_texts_that_are_not_kept_are_counted_and_answered(draft: Draft) -> None:
    draft.keeps = False
    draft.texts(["a", "b"])
    assert (draft.pieces, [message["parts"] for message in draft.answers]) == (2, [[]])


def test_texts_for_which_there_is_no_room_go_as_a_whole() -> None:
    together, alone = Draft("chat"), Draft("chat")
    for made in (together, alone):
        made.longest = 10
        for key in range(4):
            made.text("x" * 9, key=key)
        made.text("ab")
    together.texts(["cd", "e", "f" * 20])
    for piece in ("cd", "e", "f" * 20):
        alone.text(piece)
    assert noticed(together) == noticed(alone)
    assert together.answers[0]["parts"][-1] == {"type": "text", "content": "…[25 more]"}


def test_lengths_of_all_answers_by_their_kind(draft: Draft) -> None:
    assert draft.lengths() == {}
    draft.text("Rome")
    draft.texts(["a", "bc"])
    draft.text("日本", choice=1)
    draft.reasoning("Hm.")
    draft.tool_call(name="look", arguments="{}")
    draft.part({"type": "text", "content": "whole"})
    draft.part({"type": "image", "content": ["not", "text"]})
    draft.part({"type": "search"})
    draft.audio("QUJD", "said")
    assert draft.lengths() == {
        "text": 4 + 3 + 2 + 5, "reasoning": 3, "tool_call": 0, "image": 0, "search": 0, "blob": 4,
    }  # fmt: skip


def test_lengths_are_of_what_is_kept(draft: Draft) -> None:
    draft.longest = 5
    draft.text("Rome is")
    draft.text(" in Italy")
    assert draft.lengths() == {"text": 5}
    draft.keeps = False
    draft.reasoning("Hm.")
    assert draft.lengths() == {"text": 5}


def test_a_part_without_a_type_has_a_length_too(draft: Draft) -> None:
    draft.part({"no": "type"})
    draft.text("Rome")
    assert draft.lengths() == {None: 0, "text": 4}


def test_log_probabilities_are_content(draft: Draft) -> None:
    draft.logprobs([TokenScore("a", -0.5)])
    draft.logprobs([TokenScore("b", None)])
    draft.logprobs([TokenScore("c", -1.0)], choice=1)
    text = '[[["a",-0.5],["b",null]],[["c",-1.0]]]'
    assert sealed(draft).extras == {"clearspan.response.logprobs": text}


def test_log_probabilities_go_with_the_content(draft: Draft) -> None:
    draft.logprobs([TokenScore("a", -0.5)])
    assert sealed(draft, ContentPolicy("metadata")).extras == {}


def test_a_final_event_replaces_what_was_put_together(draft: Draft) -> None:
    draft.text("partial")
    draft.logprobs([TokenScore("partial", -1.0)])
    draft.forget_output()
    draft.text("whole")
    record = sealed(draft)
    assert record.output_text == "whole"
    assert record.extras == {}


# -- usage, failures, reasons ----------------------------------------------------------------------------


def test_the_last_known_count_wins(draft: Draft) -> None:
    draft.usage(input=1, output=2)
    draft.usage(input=None, output=3, source="estimated")
    draft.usage(pages=4)
    assert sealed(draft).usage == Usage(input=1, output=3, source="estimated")


def test_a_failure_without_an_exception(draft: Draft) -> None:
    draft.fail("content_filter", "no")
    draft.fail("later")
    record = sealed(draft)
    assert record.error == ErrorInfo("content_filter", "no")
    assert record.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("outcome", "given", "reasons", "messages"),
    [
        (Outcome.COMPLETED, ["stop"], ("stop",), ["stop"]),
        (Outcome.COMPLETED, [None], ("error",), ["error"]),
        (Outcome.FAILED, [None, "stop"], ("error", "stop"), ["error", "stop"]),
        (Outcome.CLOSED, [None], (), [None]),
        (Outcome.CANCELLED, [None, None], (), [None, None]),
        (Outcome.ABANDONED, ["stop", None], ("stop", "error"), ["stop", None]),
        (Outcome.COMPLETED, ["tool_calls"], ("tool_calls",), ["tool_call"]),
        (Outcome.COMPLETED, ["function_call"], ("function_call",), ["tool_call"]),
        (Outcome.COMPLETED, [], (), []),
    ],
)
def test_reasons(
    draft: Draft, outcome: Outcome, given: Any, reasons: Any, messages: list[Any]
) -> None:
    draft.outcome, draft.endpoint = outcome, object()
    for index, reason in enumerate(given):
        draft.text("x", choice=index)
        draft.finish(reason, choice=index)
    record = sealed(draft)
    assert record.finish_reasons == reasons
    assert [message.get("finish_reason") for message in record.output] == messages


def test_an_application_may_leave_the_reason_away(draft: Draft) -> None:
    draft.text("x")
    record = sealed(draft)
    assert record.finish_reasons == ()
    assert "finish_reason" not in record.output[0]


def test_reasons_that_an_adapter_knows_better(draft: Draft) -> None:
    draft.text("x")
    draft.finish_reasons = ["stop"]
    record = sealed(draft)
    assert record.finish_reasons == ("stop",)
    assert "finish_reason" not in record.output[0]


# -- times -------------------------------------------------------------------------------------------------


def test_the_first_chunk_and_the_first_content_are_two_things(draft: Draft) -> None:
    draft.started_at = 10.0
    draft.stamp(10.25, content=False)
    draft.stamp(10.75, content=True)
    draft.stamp(11.0, content=True)
    timing = sealed(draft).timing
    assert (timing.first_chunk, timing.first_content, timing.chunks) == (0.25, 0.75, 3)
    assert timing.gaps == Gaps(0.25, 0.5, 0.5, ((0.25, 1), (0.5, 1)))


def test_a_long_stream_takes_no_more_room(draft: Draft) -> None:
    for number in range(5000):
        draft.stamp(number * 1.5, content=False)
    timing = sealed(draft).timing
    assert (timing.gaps.count, timing.chunks, len(timing.gaps.values)) == (4999, 5000, 1)
    assert timing.gaps.longest == 1.5
    assert timing.first_content is None


def streaming(**counts: int | None) -> Draft:
    """Three pieces of an answer, a second apart, and a last chunk without content."""
    made = Draft("chat")
    for at in (1.0, 2.0, 3.0):
        made.text("a")
        made.stamp(at, content=True)
    made.stamp(9.0, content=False)
    made.usage(**counts)
    return made


def test_the_rate_is_of_what_came_after_the_first_content() -> None:
    assert sealed(streaming(output=3)).timing.output_rate == 1.0
    assert sealed(streaming()).timing.output_rate is None


def test_hidden_reasoning_was_over_before() -> None:
    assert sealed(streaming(output=103, reasoning=100)).timing.output_rate == 1.0
    shown = streaming(output=9, reasoning=6)
    shown.reasoning("hm")
    assert sealed(shown).timing.output_rate == 3.0
    summary = streaming(output=105, reasoning=100)
    summary.reasoning("in short")
    summary.extra("openai.api.type", "responses")
    assert sealed(summary).timing.output_rate is None
    unknown = streaming(output=105, reasoning=100)
    unknown.keeps = False
    assert sealed(unknown).timing.output_rate is None


def test_a_rate_that_nobody_can_tell() -> None:
    local, lossy, around = streaming(output=3), streaming(output=3), Draft("chat", kind="internal")
    local.kind, lossy.lost = "internal", 1
    assert sealed(local).timing.output_rate is None
    assert sealed(lossy).timing.output_rate is None
    around.inner = streaming(output=3)
    around.absorb(around.inner)
    assert sealed(around).timing.output_rate == 1.0


# -- content that is not wanted ----------------------------------------------------------------------------


def test_what_is_not_wanted_is_neither_kept_nor_read(draft: Draft) -> None:
    def unread() -> Any:
        yield pytest.fail("was read")

    draft.content = False
    draft.input("a")
    draft.input(unread())
    draft.system("a")
    draft.tools(unread())
    draft.value(1, 2)
    draft.text("a", choice=1)
    draft.reasoning("a")
    draft.tool_call(name="f", arguments="{}")
    draft.audio("QQ==", "a")
    draft.part({"type": "x"})
    draft.logprobs([TokenScore("a", -0.5, (-0.5,))])
    draft.finish("stop", choice=1)
    draft.usage(input=1)
    record = sealed(draft)
    assert (record.input, record.output, record.system, record.tools) == ((), (), (), ())
    assert (record.input_value, record.output_value, record.extras) == (None, None, {})
    assert record.finish_reasons == ("error", "stop")  # told apart from content
    assert record.usage.input == 1
    assert draft.pieces == 5
    assert draft.scores == {0: [TokenScore("", -0.5, (-0.5,))]}  # a number is not content


def test_what_may_have_to_be_counted_is_kept_and_not_told(draft: Draft) -> None:
    draft.content = draft.keeps = False
    draft.text("a")
    draft.keeps = True
    draft.text("b")
    assert [message["parts"] for message in draft.answers] == [[{"type": "text", "content": "b"}]]
    assert draft.counts == {}
    assert sealed(draft).output == ()


# -- one inference in two layers -----------------------------------------------------------------------------


def test_an_outer_draft_takes_over_what_it_does_not_know() -> None:
    outer, inner = Draft("chat"), Draft("chat")
    outer.name, outer.model = "ask", "outer-model"
    outer.set(temperature=1.0)
    outer.extra("shared", "outer")
    outer.value({"question": "q"}, "a")
    inner.provider, inner.model, inner.server_address, inner.server_port = "p", "m", "h", 1
    inner.response_id, inner.response_model = "r", "rm"
    inner.set(temperature=0.0, seed=1)
    inner.extra("shared", "inner")
    inner.extra("own", "inner")
    inner.input("q")
    inner.system("s")
    inner.tools([{"name": "f"}])
    inner.text("a")
    inner.finish("stop")
    inner.usage(input=1, output=2)
    inner.started_at, outer.started_at = 5.0, 4.0
    inner.stamp(5.5, content=False)
    inner.stamp(6.0, content=True)
    outer.absorb(inner)
    record = sealed(outer)
    assert (record.name, record.model, record.provider) == ("ask", "outer-model", "p")
    assert (record.server_address, record.server_port) == ("h", 1)
    assert (record.response_id, record.response_model) == ("r", "rm")
    assert record.params == {"temperature": 1.0, "seed": 1}
    assert record.extras == {"shared": "outer", "own": "inner"}
    assert (record.input_text, record.output_text) == ("q", "a")
    assert (record.input_value, record.output_value) == (None, None)
    assert record.tools == ({"name": "f"},)
    assert record.usage == Usage(input=1, output=2)
    assert record.finish_reasons == ("stop",)
    assert (record.timing.first_chunk, record.timing.first_content) == (1.5, 2.0)
    assert (record.timing.chunks, record.timing.gaps.values) == (2, ((0.5, 1),))


def test_an_outer_draft_keeps_what_it_knows() -> None:
    outer, inner = Draft("chat"), Draft("chat")
    outer.input("outer")
    outer.text("outer")
    outer.tools([{"name": "outer"}])
    outer.usage(input=5)
    outer.stamp(1.0, content=True)
    inner.usage(input=1, output=2)
    inner.input("inner")
    inner.text("inner")
    inner.tools([{"name": "inner"}])
    outer.absorb(inner)
    record = sealed(outer)
    assert (record.input_text, record.output_text) == ("outer", "outer")
    assert record.tools == ({"name": "outer"},)
    assert record.usage == Usage(input=5, output=2)
    assert record.timing.first_chunk == 1.0


def test_an_inner_draft_without_messages_leaves_the_values() -> None:
    outer, inner = Draft("embeddings"), Draft("embeddings")
    outer.value("given", "made")
    inner.stamp(1.0, content=False)
    inner.pace.first_chunk = None
    outer.absorb(inner)
    record = sealed(outer)
    assert (record.input_value, record.output_value) == ("given", "made")
    assert (record.timing.first_chunk, record.timing.first_content) == (None, None)


# -- the id of a response ------------------------------------------------------------------------------------


def test_a_response_id_is_known_from_wherever_it_is(draft: Draft) -> None:
    ref = ResponseRef(draft)
    assert ref.id() is None
    waiting = draft.unread
    assert ref.id() is None
    waiting.add(1.0, {"response": {"id": "from the event"}})
    assert ref.id() == "from the event"
    waiting.take()
    waiting.add(2.0, {"id": "from the chunk"})
    assert ref.id() == "from the chunk"
    draft.hint = "from one before"
    assert ref.id() == "from one before"
    draft.result = {"id": "from the answer"}
    assert ref.id() == "from the answer"
    draft.response_id = "read"
    assert ref.id() == "read"
    ref.settle("settled")
    assert ref.id() == "settled"


def test_a_response_id_outlives_its_draft_and_keeps_nothing_of_it() -> None:
    draft = Draft("chat")
    ref, unsettled = ResponseRef(draft), ResponseRef(draft)
    draft.result = SimpleNamespace(id="never asked")
    ref.settle("r")
    del draft
    gc.collect()
    assert (ref.id(), unsettled.id()) == ("r", None)


def test_phases_add_up_and_an_outer_record_takes_those_of_its_inner_one() -> None:
    inner, outer = Draft("chat"), Draft("chat")
    inner.phase("prefill", 0.25)
    inner.phase("prefill", 0.5)
    inner.phase("decode", 2.0)
    inner.phase("load", None)
    inner.phase("tokenize", -1.0)
    inner.pace.decoded = 8
    outer.phase("prefill", 0.125)
    outer.absorb(inner)
    timing = sealed(outer).timing
    assert timing.phases == {"prefill": 0.125, "decode": 2.0}
    assert timing.decode_rate == 4.0
    outer.pace.decoded = 2
    outer.absorb(inner)
    assert outer.pace.decoded == 2


@pytest.mark.parametrize(("decoded", "took"), [(None, 1.0), (0, 1.0), (3, 0.0), (3, None)])
def test_a_pace_without_tokens_or_time_is_none(decoded: int | None, took: float | None) -> None:
    draft = Draft("chat")
    draft.phase("decode", took)
    draft.pace.decoded = decoded
    assert sealed(draft).timing.decode_rate is None
