"""Attributes and records: every row both ways, ours and other people's."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import json
from collections import UserDict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan import semconv as sc
from clearspan.core import marks
from clearspan.draft import Draft
from clearspan.emit import projection
from clearspan.emit.content import ContentPolicy
from clearspan.record import (
    CallContext,
    Confidence,
    Cost,
    ErrorInfo,
    Gaps,
    HardwareUse,
    Invocation,
    Operation,
    Outcome,
    Timing,
    TraceRef,
    Usage,
)


def record(operation: str = "chat", **facts: Any) -> Invocation:
    timing = facts.pop("timing", Timing(1, 2))
    return Invocation(operation=operation, timing=timing, **facts)


def back(attributes: dict[str, Any], **more: Any) -> Invocation:
    return projection.invocation(attributes, start_ns=1, end_ns=2, **more)


def facts_of(found: Invocation) -> dict[str, Any]:
    """What a record holds beyond what every record holds."""
    blank = record(found.operation)
    return {
        field.name: getattr(found, field.name)
        for field in dataclasses.fields(found)
        if getattr(found, field.name) != getattr(blank, field.name) and field.name != "encoded"
    }


# -- every row ---------------------------------------------------------------------------------------------

EXAMPLES: dict[str, tuple[Any, Any]] = {
    sc.PROVIDER_NAME: ({"provider": "openai"}, "openai"),
    sc.SERVER_ADDRESS: ({"server_address": "api.openai.com"}, "api.openai.com"),
    sc.SERVER_PORT: ({"server_port": 443}, 443),
    sc.REQUEST_MODEL: ({"model": "gpt-4o"}, "gpt-4o"),
    sc.RESPONSE_MODEL: ({"response_model": "gpt-4o-1"}, "gpt-4o-1"),
    sc.RESPONSE_ID: ({"response_id": "r1"}, "r1"),
    sc.RESPONSE_FINISH_REASONS: ({"finish_reasons": ("stop", "length")}, ["stop", "length"]),
    sc.REQUEST_TEMPERATURE: ({"params": {"temperature": 0.5}}, 0.5),
    sc.REQUEST_TOP_P: ({"params": {"top_p": 1.0}}, 1.0),
    sc.REQUEST_TOP_K: ({"params": {"top_k": 40}}, 40),
    sc.REQUEST_MAX_TOKENS: ({"params": {"max_tokens": 5}}, 5),
    sc.REQUEST_FREQUENCY_PENALTY: ({"params": {"frequency_penalty": -0.5}}, -0.5),
    sc.REQUEST_PRESENCE_PENALTY: ({"params": {"presence_penalty": 0.25}}, 0.25),
    sc.REQUEST_SEED: ({"params": {"seed": -1}}, -1),
    sc.REQUEST_CHOICE_COUNT: ({"params": {"choice_count": 3}}, 3),
    sc.REQUEST_STOP_SEQUENCES: ({"params": {"stop_sequences": ["a", "b"]}}, ["a", "b"]),
    sc.REQUEST_STREAM: ({"params": {"stream": True}}, True),
    sc.REQUEST_STREAM_CURSOR: ({"params": {"stream_cursor": "5"}}, "5"),
    sc.REQUEST_REASONING_LEVEL: ({"params": {"reasoning_level": "high"}}, "high"),
    sc.REQUEST_PREVIOUS_RESPONSE_ID: ({"params": {"previous_response_id": "r0"}}, "r0"),
    sc.REQUEST_ENCODING_FORMATS: ({"params": {"encoding_formats": ["base64"]}}, ["base64"]),
    sc.OUTPUT_TYPE: ({"params": {"output_type": "json"}}, "json"),
    sc.CONVERSATION_ID: ({"params": {"conversation_id": "c1"}}, "c1"),
    sc.RETRIEVAL_TOP_K: ({"params": {"retrieval_top_k": 8}}, 8),
    sc.USAGE_INPUT_TOKENS: ({"usage": Usage(input=10)}, 10),
    sc.USAGE_OUTPUT_TOKENS: ({"usage": Usage(output=0)}, 0),
    sc.USAGE_CACHE_READ: ({"usage": Usage(cache_read=4)}, 4),
    sc.USAGE_CACHE_WRITE: ({"usage": Usage(cache_write=5)}, 5),
    sc.USAGE_INPUT_SOURCE: ({"usage": Usage(input_source="counted")}, "counted"),
    sc.USAGE_OUTPUT_SOURCE: ({"usage": Usage(output_source="reported")}, "reported"),
    sc.USAGE_REASONING: ({"usage": Usage(reasoning=6)}, 6),
    sc.USAGE_TEXT_INPUT: ({"usage": Usage(text_input=1)}, 1),
    sc.USAGE_IMAGE_INPUT: ({"usage": Usage(image_input=2)}, 2),
    sc.USAGE_AUDIO_INPUT: ({"usage": Usage(audio_input=3)}, 3),
    sc.USAGE_TEXT_OUTPUT: ({"usage": Usage(text_output=4)}, 4),
    sc.USAGE_IMAGE_OUTPUT: ({"usage": Usage(image_output=5)}, 5),
    sc.USAGE_AUDIO_OUTPUT: ({"usage": Usage(audio_output=6)}, 6),
    sc.RESPONSE_TIME_TO_FIRST_CHUNK: ({"timing": Timing(1, 2, first_chunk=0.25)}, 0.25),
    sc.TIME_TO_FIRST_CONTENT: ({"timing": Timing(1, 2, first_content=0.5)}, 0.5),
    sc.CHUNK_COUNT: ({"timing": Timing(1, 2, chunks=7)}, 7),
    **{
        f"clearspan.phase.{name}": ({"timing": Timing(1, 2, phases={name: 0.25})}, 0.25)
        for name in ("queue", "load", "tokenize", "prefill", "decode", "detokenize", "total")
    },
    sc.DECODE_RATE: ({"timing": Timing(1, 2, decode_rate=40.0)}, 40.0),
    sc.OUTPUT_RATE: ({"timing": Timing(1, 2, output_rate=30.5)}, 30.5),
    sc.GAP_MEDIAN: ({"timing": Timing(1, 2, gaps=Gaps(median=0.01))}, 0.01),
    sc.GAP_P95: ({"timing": Timing(1, 2, gaps=Gaps(p95=0.02))}, 0.02),
    sc.GAP_LONGEST: ({"timing": Timing(1, 2, gaps=Gaps(longest=1.5))}, 1.5),
    sc.COST_TOTAL: ({"cost": Cost(0.5)}, 0.5),
    sc.COST_INPUT: ({"cost": Cost(0.5, input=0.25)}, 0.25),
    sc.COST_OUTPUT: ({"cost": Cost(0.5, output=0.125)}, 0.125),
    sc.COST_CACHE_READ: ({"cost": Cost(0.5, cache_read=0.0)}, 0.0),
    sc.COST_CACHE_WRITE: ({"cost": Cost(0.5, cache_write=0.0625)}, 0.0625),
    sc.COST_CURRENCY: ({"cost": Cost(0.5, currency="EUR")}, "EUR"),
    sc.COST_PRICED_ON: ({"cost": Cost(0.5, priced_on="2026-11-01")}, "2026-11-01"),
    sc.COST_SOURCE: ({"cost": Cost(0.5, source="genai-prices")}, "genai-prices"),
    sc.COST_ESTIMATED: ({"cost": Cost(0.5, estimated=True)}, True),
    sc.CONFIDENCE_TOKENS: ({"confidence": Confidence(12)}, 12),
    sc.CONFIDENCE_MEAN: ({"confidence": Confidence(12, mean=-0.5)}, -0.5),
    sc.CONFIDENCE_LEAST: ({"confidence": Confidence(12, least=-8.0)}, -8.0),
    sc.CONFIDENCE_PERPLEXITY: ({"confidence": Confidence(12, perplexity=1.5)}, 1.5),
    sc.CONFIDENCE_ENTROPY: ({"confidence": Confidence(12, entropy=0.75)}, 0.75),
    sc.CONFIDENCE_LOW: ({"confidence": Confidence(12, low=0.25)}, 0.25),
    sc.CONFIDENCE_LOW_POSITIONS: ({"confidence": Confidence(12, low_positions=(0, 7))}, [0, 7]),
    sc.CONFIDENCE_EXACT: ({"confidence": Confidence(12, exact=True)}, True),
    sc.HARDWARE_DEVICES: ({"hardware": HardwareUse(("GPU-1", "GPU-2"))}, ["GPU-1", "GPU-2"]),
    sc.HARDWARE_UTILIZATION: ({"hardware": HardwareUse(utilization=0.5)}, 0.5),
    sc.HARDWARE_UTILIZATION_PEAK: ({"hardware": HardwareUse(utilization_peak=0.75)}, 0.75),
    sc.HARDWARE_MEMORY_PEAK: ({"hardware": HardwareUse(memory_peak=2**33)}, 2**33),
    sc.HARDWARE_ALLOCATOR_PEAK: ({"hardware": HardwareUse(allocator_peak=2**32)}, 2**32),
    sc.HARDWARE_ENERGY: ({"hardware": HardwareUse(energy=12.5)}, 12.5),
    sc.HARDWARE_ENERGY_PER_TOKEN: ({"hardware": HardwareUse(energy_per_token=0.25)}, 0.25),
    sc.HARDWARE_SHARE: ({"hardware": HardwareUse(share=0.25)}, 0.25),
    sc.HARDWARE_MODELS: ({"hardware": HardwareUse(models=("big",))}, ["big"]),
    sc.HARDWARE_ATTRIBUTION: ({"hardware": HardwareUse(attribution="shared")}, "shared"),
    sc.ERROR_TYPE: ({"error": ErrorInfo("timeout")}, "timeout"),
    sc.SESSION_ID: ({"context": CallContext(session="s1")}, "s1"),
    sc.USER_ID: ({"context": CallContext(user="u1")}, "u1"),
    sc.TAGS: ({"context": CallContext(tags=("a", "b"))}, ["a", "b"]),
}
# What goes with a row of these groups: without it the group says nothing.
ALWAYS = {
    "clearspan.cost.": {sc.COST_TOTAL, sc.COST_CURRENCY},
    "clearspan.confidence.": {sc.CONFIDENCE_TOKENS},
    sc.SESSION_ID: {sc.CONVERSATION_ID},
}
TYPES = {str: "s", int: "i", float: "d", bool: "b", list: "s[]"}


def test_every_row_has_an_example() -> None:
    assert {row.name for row in projection.ROWS} == {sc.OPERATION_NAME, *EXAMPLES}
    assert len({row.name for row in projection.ROWS}) == len(projection.ROWS)
    assert len({(row.group, row.key) for row in projection.ROWS}) == len(projection.ROWS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_row_goes_out_and_comes_back(name: str) -> None:
    facts, value = EXAMPLES[name]
    given = record(**facts)
    sent = projection.attributes(given)
    assert sent[name] == value
    assert type(sent[name]) is type(value)
    along = [more for start, more in ALWAYS.items() if name.startswith(start)]
    assert sent.keys() == {sc.OPERATION_NAME, name}.union(*along)
    assert facts_of(back(sent)) == facts_of(given)


WRONG: list[Any] = [None, "", [], {}, object(), b"x", [1], [None]]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_value_of_the_wrong_type_is_ignored(name: str) -> None:
    row = next(row for row in projection.ROWS if row.name == name)
    right = type(EXAMPLES[name][1])
    odd = [value for value in (5, 1.5, "text", True, ["a"]) if not isinstance(value, right)]
    if right is float:
        odd.remove(5)
    if right is list:
        odd.remove("text")
    wrong = [value for value in WRONG if name != sc.CONFIDENCE_LOW_POSITIONS or value != [1]]
    for value in [*wrong, *odd]:
        assert row.type(value) is None, value
        assert facts_of(back({sc.OPERATION_NAME: "chat", name: value})) == {}


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        (sc.SERVER_PORT, 443.0, 443),
        (sc.REQUEST_TOP_K, 40.0, 40),
        (sc.REQUEST_TEMPERATURE, 1, 1.0),
        (sc.REQUEST_STOP_SEQUENCES, "end", ["end"]),
        (sc.REQUEST_STOP_SEQUENCES, ("a", 5, "b"), ["a", "b"]),
        (sc.REQUEST_SEED, 2**63 - 1, 2**63 - 1),
        (sc.REQUEST_SEED, 2**63, None),
        (sc.REQUEST_SEED, -(2**63) - 1, None),
        (sc.REQUEST_SEED, 1.5, None),
        (sc.REQUEST_SEED, float("inf"), None),
        (sc.REQUEST_TEMPERATURE, float("nan"), None),
        (sc.REQUEST_CHOICE_COUNT, 1, None),
        (sc.REQUEST_STREAM, False, None),
        (sc.REQUEST_STREAM, 1, None),
        (sc.CHUNK_COUNT, 0, None),
        (sc.REQUEST_MODEL, "m\ud800", "m\ufffd"),
        (sc.REQUEST_STOP_SEQUENCES, ["\ud83d\ude00"], ["😀"]),
    ],
)
def test_what_a_value_means(name: str, value: Any, meant: Any) -> None:
    row = next(row for row in projection.ROWS if row.name == name)
    assert row.type(value) == meant


# -- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "model", "name", "expected"),
    [
        ("chat", "gpt-4o", None, "chat gpt-4o"),
        ("chat", "gpt-4o", "ask", "chat gpt-4o"),
        ("chat", None, "ask", "chat ask"),
        ("chat", None, None, "chat"),
        ("text_completion", "m", None, "text_completion m"),
        ("embeddings", "m", None, "embeddings m"),
        ("retrieval", "m", "docs", "retrieval docs"),
        ("retrieval", "m", None, "retrieval"),
        ("execute_tool", "m", "add", "execute_tool add"),
        ("invoke_agent", "m", "helper", "invoke_agent helper"),
        ("invoke_agent", "m", None, "invoke_agent"),
        ("invoke_workflow", None, "nightly", "invoke_workflow nightly"),
        ("fetch_response", None, None, "fetch_response"),
        ("task", "m", "rank", "rank"),
        ("task", None, None, "task"),
        ("custom", "m", None, "custom m"),
        ("chat", "m\udc00", None, "chat m\ufffd"),
        ("task", None, "\udc00", "\ufffd"),
    ],
)
def test_span_names(operation: str, model: Any, name: Any, expected: str) -> None:
    assert projection.span_name(operation, model, name) == expected


NAMED = {
    "execute_tool": sc.TOOL_NAME,
    "invoke_agent": sc.AGENT_NAME,
    "invoke_workflow": sc.WORKFLOW_NAME,
    "retrieval": sc.DATA_SOURCE_ID,
    "task": sc.STEP_NAME,
    "chat": sc.STEP_NAME,
    "embeddings": sc.STEP_NAME,
}


@pytest.mark.parametrize("operation", NAMED)
def test_the_name_of_a_step_has_its_attribute(operation: str) -> None:
    sent = projection.attributes(record(operation, name="n\udc00"))
    assert sent.pop(sc.TOOL_TYPE, "function") == "function"
    assert sent == {sc.OPERATION_NAME: operation, NAMED[operation]: "n\ufffd"}
    assert back(sent).name == "n\ufffd"


def test_what_a_sampler_may_know() -> None:
    draft = Draft("chat")
    assert projection.start_attributes(draft) == {sc.OPERATION_NAME: "chat"}
    draft.provider, draft.model, draft.name = "openai", "gpt-4o\udc00", "ask"
    draft.server_address, draft.server_port = "api.openai.com", 443
    draft.set(temperature=1.0)
    draft.input("never")
    assert projection.start_attributes(draft) == {
        sc.OPERATION_NAME: "chat",
        sc.PROVIDER_NAME: "openai",
        sc.REQUEST_MODEL: "gpt-4o\ufffd",
        sc.SERVER_ADDRESS: "api.openai.com",
        sc.SERVER_PORT: 443,
        sc.STEP_NAME: "ask",
    }
    draft.server_port = None
    assert sc.SERVER_PORT not in projection.start_attributes(draft)


def test_what_a_sampler_may_know_of_a_tool() -> None:
    draft = Draft("execute_tool", kind="internal")
    draft.name, draft.server_port = "add", 80
    assert projection.start_attributes(draft) == {
        sc.OPERATION_NAME: "execute_tool",
        sc.TOOL_NAME: "add",
        sc.TOOL_TYPE: "function",
    }
    draft.set(tool_type="extension")
    assert projection.start_attributes(draft)[sc.TOOL_TYPE] == "extension"


@pytest.mark.parametrize("tool_type", ["function", "extension", "datastore"])
def test_the_type_of_a_tool(tool_type: str) -> None:
    sent = projection.attributes(record("execute_tool", params={"tool_type": tool_type}))
    assert sent[sc.TOOL_TYPE] == tool_type
    kept = {} if tool_type == "function" else {"tool_type": tool_type}
    assert back(sent).params == kept
    assert projection.attributes(back(sent)) == sent


# -- content -----------------------------------------------------------------------------------------------

MESSAGES = ({"role": "user", "parts": [{"type": "text", "content": "ä"}]},)
CONTENT = {
    "input": sc.INPUT_MESSAGES,
    "output": sc.OUTPUT_MESSAGES,
    "system": sc.SYSTEM_INSTRUCTIONS,
    "tools": sc.TOOL_DEFINITIONS,
}


@pytest.mark.parametrize("field", CONTENT)
def test_content_is_json_on_spans_and_structure_on_events(field: str) -> None:
    given = record(**{field: MESSAGES})  # type: ignore[arg-type]
    name = CONTENT[field]
    text = '[{"role":"user","parts":[{"type":"text","content":"ä"}]}]'
    assert projection.attributes(given)[name] == text
    assert projection.event_attributes(given)[name] == list(MESSAGES)
    assert name not in projection.attributes(given, content=False)
    assert getattr(back({name: text}), field) == MESSAGES
    assert getattr(back({name: MESSAGES}), field) == MESSAGES
    assert projection.attributes(record())[sc.OPERATION_NAME] == "chat"
    assert name not in projection.attributes(record())


def test_text_that_was_encoded_once_is_not_encoded_again() -> None:
    given = record(input=MESSAGES, encoded={"input": "as it was"})
    assert projection.attributes(given)[sc.INPUT_MESSAGES] == "as it was"


@pytest.mark.parametrize("operation", ["execute_tool", "task", "chat"])
def test_values_that_were_encoded_once_are_not_encoded_again(operation: str) -> None:
    once = {"input_value": "as it was", "output_value": "as it came"}
    given = record(operation, input_value={"a": 1}, output_value=["b"], encoded=once)
    sent = projection.attributes(given)
    assert [sent[name] for name in VALUED[operation]] == ["as it was", "as it came"]


def test_a_text_is_no_json_whether_it_was_encoded_or_not() -> None:
    given = record("task", input_value="plain", output_value="5", encoded={"input_value": '"plain"', "output_value": '"5"'})  # fmt: skip
    sent = projection.attributes(given)
    assert (sent[sc.INPUT], sent[sc.OUTPUT]) == ("plain", '"5"')


def test_what_a_policy_encodes_is_what_is_sent() -> None:
    draft = Draft("task")
    draft.content = True
    draft.value(given={"text": "ä", "number": 0.5}, made=["one", {"two": None}])
    sealed = draft.seal(ContentPolicy())
    assert sealed.encoded.keys() >= {"input_value", "output_value"}
    again = dataclasses.replace(sealed, encoded={})
    assert projection.attributes(sealed) == projection.attributes(again)


@pytest.mark.parametrize("value", ["no json", "5", '{"a":1}', "[1,2]", '["a"]', 5, [{}, 5]])
@pytest.mark.parametrize("name", CONTENT.values())
def test_content_that_is_none_stays_an_attribute(name: str, value: Any) -> None:
    found = back({name: value})
    assert facts_of(found) == {"extras": {name: value}}
    assert found.input_text == found.output_text == ""


VALUES: list[tuple[Any, str]] = [
    ("text", "text"),
    ("5", '"5"'),
    ('{"a":1}', '"{\\"a\\":1}"'),
    ("null", '"null"'),
    ({"a": [1, None]}, '{"a":[1,null]}'),
    ([], "[]"),
    (0, "0"),
    (False, "false"),
    ("\ud83d\ude00", "😀"),
]
VALUED = {
    "execute_tool": (sc.TOOL_CALL_ARGUMENTS, sc.TOOL_CALL_RESULT),
    "retrieval": (sc.RETRIEVAL_QUERY_TEXT, sc.RETRIEVAL_DOCUMENTS),
    "task": (sc.INPUT, sc.OUTPUT),
    "chat": (sc.INPUT, sc.OUTPUT),
}


@pytest.mark.parametrize(("value", "text"), VALUES)
@pytest.mark.parametrize("operation", ["execute_tool", "task", "chat"])
def test_values_of_steps_come_back_as_what_they_were(operation: str, value: Any, text: str) -> None:
    given = record(operation, input_value=value, output_value=value)
    sent = projection.attributes(given)
    assert [sent[name] for name in VALUED[operation]] == [text, text]
    meant = text if text == "😀" else value
    found = back(sent)
    assert (found.input_value, found.output_value) == (meant, meant)
    assert projection.event_attributes(given)[VALUED[operation][0]] == value
    assert not set(VALUED[operation]) & projection.attributes(given, content=False).keys()


@pytest.mark.parametrize("query", ["text", "5", '{"a":1}', "null"])
def test_a_query_is_a_text_whatever_it_says(query: str) -> None:
    given = record("retrieval", input_value=query, output_value=[{"id": "1", "score": 0.5}])
    sent = projection.attributes(given)
    assert sent[sc.RETRIEVAL_QUERY_TEXT] == query
    assert sent[sc.RETRIEVAL_DOCUMENTS] == '[{"id":"1","score":0.5}]'
    assert back(sent).input_value == query
    assert back(sent).output_value == given.output_value


# -- outcome, errors, context ------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", Outcome)
def test_how_it_ended(outcome: Outcome) -> None:
    sent = projection.attributes(record(outcome=outcome))
    told = outcome not in (Outcome.COMPLETED, Outcome.FAILED)
    assert sent.get(sc.OUTCOME) == (outcome.value if told else None)
    assert back(sent, failed=outcome is Outcome.FAILED).outcome is outcome


@pytest.mark.parametrize("value", ["odd", 5, None, ["closed"]])
def test_an_ending_nobody_knows_is_ignored(value: Any) -> None:
    assert back({sc.OUTCOME: value}).outcome is Outcome.COMPLETED
    assert back({sc.OUTCOME: value}, failed=True).outcome is Outcome.FAILED


def test_errors_on_the_way_back() -> None:
    assert back({}).error is None
    named = back({sc.ERROR_TYPE: "timeout"}, failed=True, message="too slow")
    assert named.error == ErrorInfo("timeout", "too slow")
    unnamed = back({}, failed=True, message="too slow")
    assert unnamed.error == ErrorInfo("_OTHER", "too slow")
    assert projection.attributes(unnamed)[sc.ERROR_TYPE] == "_OTHER"


def test_what_the_application_said() -> None:
    context = CallContext(
        session="s",
        user="u",
        tags=("a",),
        metadata={"k.l": "v\udc00"},
        prompt=("greeting", "v2"),
        variant={"tone": "b"},
        variables={"name": "Ann"},
    )
    sent = projection.attributes(record(context=context))
    assert sent == {
        sc.OPERATION_NAME: "chat",
        "session.id": "s",
        "user.id": "u",
        "gen_ai.conversation.id": "s",
        "clearspan.tags": ["a"],
        "clearspan.metadata.k.l": "v\ufffd",
        "clearspan.variant.tone": "b",
        "gen_ai.prompt.name": "greeting",
        "gen_ai.prompt.version": "v2",
        "gen_ai.prompt.variable.name": "Ann",
    }
    found = back(sent)
    assert found.context == dataclasses.replace(context, metadata={"k.l": "v\ufffd"})
    assert found.params == {}


def test_a_conversation_of_the_api_is_not_the_session() -> None:
    given = record(context=CallContext(session="s"), params={"conversation_id": "c"})
    sent = projection.attributes(given)
    assert (sent[sc.CONVERSATION_ID], sent[sc.SESSION_ID]) == ("c", "s")
    assert back(sent) == given


@pytest.mark.parametrize("version", [None, "v1"])
def test_prompts(version: str | None) -> None:
    given = record(context=CallContext(prompt=("p", version)))
    assert back(projection.attributes(given)) == given


def test_a_prompt_without_a_name_or_of_the_wrong_type() -> None:
    assert back({sc.PROMPT_VERSION: "v1"}).extras == {sc.PROMPT_VERSION: "v1"}
    assert back({sc.PROMPT_NAME: 5, sc.PROMPT_VERSION: 6}).context.prompt is None
    assert back({f"{sc.METADATA}a": 5}).extras == {f"{sc.METADATA}a": 5}


@pytest.mark.parametrize(("source", "sent"), [("reported", None), ("estimated", "estimated")])
def test_where_numbers_come_from(source: str, sent: str | None) -> None:
    given = record(usage=Usage(input=1, source=source))
    assert projection.attributes(given).get(sc.USAGE_SOURCE) == sent
    assert back(projection.attributes(given)).usage == given.usage
    assert back({sc.USAGE_SOURCE: 5}).usage.source == "reported"


def test_extras_go_out_and_come_back() -> None:
    extras = {"shop.x": 1, sc.OPENAI_API_TYPE: "responses", "a.list": ["x"], "bad": "\udc00"}
    sent = projection.attributes(record(extras=extras))
    assert sent == {sc.OPERATION_NAME: "chat", **extras, "bad": "\ufffd"}
    assert back(sent).extras == {**extras, "bad": "\ufffd"}


def test_a_row_wins_over_an_extra_of_its_name() -> None:
    given = record(model="m", extras={sc.REQUEST_MODEL: "other"})
    assert projection.attributes(given)[sc.REQUEST_MODEL] == "m"


def test_where_and_when_come_from_the_span() -> None:
    trace = TraceRef("1" * 32, "2" * 16)
    found = projection.invocation(
        {sc.OPERATION_NAME: "chat"}, start_ns=5, end_ns=9, kind="internal", trace=trace
    )
    assert found == Invocation("chat", Timing(5, 9), trace, "internal")


# -- other people's spans ------------------------------------------------------------------------------------


def test_a_span_of_another_program_is_read() -> None:
    """As a program writes it that follows the conventions and knows nothing of clearspan."""
    found = back(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "claude",
            "gen_ai.response.model": "claude-1",
            "gen_ai.response.finish_reasons": ("end_turn",),
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 2,
            "gen_ai.usage.cache_read.input_tokens": 4,
            "gen_ai.request.temperature": 1,
            "gen_ai.request.stop_sequences": ("a",),
            "gen_ai.input.messages": json.dumps(MESSAGES),
            "gen_ai.tool.type": "function",
            "server.address": "api.anthropic.com",
            "vendor.note": "kept",
        }
    )
    assert facts_of(found) == {
        "provider": "anthropic",
        "model": "claude",
        "response_model": "claude-1",
        "finish_reasons": ("end_turn",),
        "usage": Usage(input=10, output=2, cache_read=4),
        "params": {"temperature": 1.0, "stop_sequences": ["a"]},
        "input": MESSAGES,
        "server_address": "api.anthropic.com",
        "extras": {"gen_ai.tool.type": "function", "vendor.note": "kept"},
    }


def test_a_span_that_is_not_about_models_is_a_step() -> None:
    found = back({"http.request.method": "GET"}, failed=True)
    assert found.operation == "task"
    assert found.extras == {"http.request.method": "GET"}


def test_the_attributes_given_are_not_changed() -> None:
    given: dict[str, Any] = {sc.OPERATION_NAME: "chat", sc.INPUT_MESSAGES: "[]", "x": 1}
    before = dict(given)
    back(given)
    assert given == before


# -- anything there and back ---------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
COUNT = st.integers(0, 2**63 - 1)
DOUBLE = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.lists(TEXT, min_size=1, max_size=3)
JSON = st.recursive(
    st.booleans() | st.integers() | DOUBLE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PART = st.fixed_dictionaries({"type": TEXT}, optional={"content": JSON, "id": TEXT})
MESSAGE = st.fixed_dictionaries({"role": TEXT, "parts": st.lists(PART, max_size=2)})
PARAMS: dict[str, st.SearchStrategy[Any]] = {
    "temperature": DOUBLE, "top_p": DOUBLE, "frequency_penalty": DOUBLE, "presence_penalty": DOUBLE,
    "top_k": COUNT, "max_tokens": COUNT, "seed": st.integers(-(2**63), 2**63 - 1),
    "choice_count": st.integers(2, 100), "retrieval_top_k": COUNT,
    "stop_sequences": TEXTS, "encoding_formats": TEXTS, "stream": st.just(True),
    "stream_cursor": TEXT, "reasoning_level": TEXT, "previous_response_id": TEXT,
    "output_type": TEXT, "conversation_id": TEXT,
}  # fmt: skip
EXTRA_NAME = TEXT.map(lambda name: f"x.{name}")


@st.composite
def records(draw: st.DrawFn) -> Invocation:
    maybe = lambda strategy: draw(st.none() | strategy)  # noqa: E731
    operation = draw(st.sampled_from([operation.value for operation in Operation]) | TEXT)
    outcome = draw(st.sampled_from(Outcome))
    failed = outcome is Outcome.FAILED
    params = draw(st.fixed_dictionaries({}, optional=PARAMS))
    if operation == Operation.EXECUTE_TOOL and draw(st.booleans()):
        params["tool_type"] = draw(st.sampled_from(["extension", "datastore"]))
    context = CallContext(
        session=maybe(TEXT),
        user=maybe(TEXT),
        tags=tuple(draw(st.lists(TEXT, max_size=2))),
        metadata=draw(st.dictionaries(TEXT, TEXT, max_size=2)),
        prompt=maybe(st.tuples(TEXT, st.none() | TEXT)),
        variant=draw(st.dictionaries(TEXT, TEXT, max_size=2)),
        variables=draw(st.dictionaries(TEXT, TEXT, max_size=2)),
    )
    if params.get("conversation_id") == context.session:
        params.pop("conversation_id", None)
    retrieval = operation == Operation.RETRIEVAL
    counts = {
        field.name: maybe(TEXT if field.name.endswith("_source") else COUNT)
        for field in dataclasses.fields(Usage)
        if field.name != "source"
    }
    return Invocation(
        operation=operation,
        timing=Timing(1, 2, maybe(DOUBLE), maybe(DOUBLE), draw(COUNT)),
        kind=draw(st.sampled_from(["client", "internal"])),
        name=maybe(TEXT),
        provider=maybe(TEXT),
        server_address=maybe(TEXT),
        server_port=maybe(COUNT),
        model=maybe(TEXT),
        params=params,
        input=tuple(draw(st.lists(MESSAGE, max_size=2))),  # type: ignore[arg-type]
        output=tuple(draw(st.lists(MESSAGE, max_size=2))),  # type: ignore[arg-type]
        system=tuple(draw(st.lists(PART, max_size=2))),  # type: ignore[arg-type]
        tools=tuple(draw(st.lists(PART, max_size=2))),
        input_value=maybe(TEXT if retrieval else JSON),
        output_value=maybe(JSON),
        response_id=maybe(TEXT),
        response_model=maybe(TEXT),
        finish_reasons=tuple(draw(st.lists(TEXT, max_size=2))),
        usage=Usage(**counts, source=draw(st.sampled_from(["reported", "estimated"]))),
        outcome=outcome,
        error=ErrorInfo(draw(TEXT), maybe(TEXT)) if failed else None,
        context=context,
        extras=draw(st.dictionaries(EXTRA_NAME, TEXT | COUNT | st.booleans(), max_size=2)),
    )


@given(records())
def test_a_record_comes_back_from_its_attributes(given: Invocation) -> None:
    found = projection.invocation(
        projection.attributes(given),
        start_ns=1,
        end_ns=2,
        kind=given.kind,
        failed=given.outcome is Outcome.FAILED,
        message=given.error.message if given.error is not None else None,
    )
    assert found == given


@given(records())
def test_attributes_come_back_from_their_record(given: Invocation) -> None:
    failed = given.outcome is Outcome.FAILED
    sent = projection.attributes(given)
    again = projection.attributes(projection.invocation(sent, failed=failed, kind=given.kind))
    assert again == sent
    for value in sent.values():
        assert type(value) in TYPES


@given(records())
def test_span_and_event_tell_the_same(given: Invocation) -> None:
    span, event = projection.attributes(given), projection.event_attributes(given)
    assert span.keys() == event.keys()
    structured = {*CONTENT.values(), *VALUED.get(given.operation, (sc.INPUT, sc.OUTPUT))}
    assert {k: v for k, v in span.items() if k not in structured} == {
        k: v for k, v in event.items() if k not in structured
    }
    for name in structured & span.keys():
        if name != sc.RETRIEVAL_QUERY_TEXT:
            assert projection.jsonfast.loads(span[name]) == event[name]


ATTRIBUTE = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())
)
KNOWN = [*EXAMPLES, *CONTENT.values(), sc.OPERATION_NAME, sc.OUTCOME, sc.USAGE_SOURCE, sc.PROMPT_NAME,
         sc.PROMPT_VERSION, sc.TOOL_TYPE, sc.TOOL_NAME, sc.STEP_NAME, sc.INPUT, sc.OUTPUT, f"{sc.METADATA}x"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(KNOWN) | st.text(), ATTRIBUTE, max_size=8), st.booleans())
def test_any_attributes_are_read(given: dict[str, Any], failed: bool) -> None:
    found = back(given, failed=failed)
    assert found.outcome in Outcome
    assert isinstance(found.input_text + found.output_text, str)
    for name, value in given.items():
        if name not in KNOWN and not name.startswith((sc.METADATA, sc.VARIANT, sc.PROMPT_VARIABLE)):
            assert found.extras[name] is value


# -- names against OpenTelemetry's own -----------------------------------------------------------------------

# Younger than the installed package, or absent from it.
YOUNGER = {
    "gen_ai.conversation.compacted", "gen_ai.request.previous_response.id", "gen_ai.request.reasoning.level",
    "gen_ai.request.stream_cursor", "gen_ai.prompt.version", "gen_ai.prompt.variable.", "gen_ai.response.status",
    "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.text.input_tokens", "gen_ai.usage.image.input_tokens",
    "gen_ai.usage.audio.input_tokens", "gen_ai.usage.text.output_tokens", "gen_ai.usage.image.output_tokens",
    "gen_ai.usage.audio.output_tokens", "gen_ai.retrieval.top_k", "gen_ai.token.modality",
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("module", "prefix"),
    [
        ("opentelemetry.semconv._incubating.attributes.gen_ai_attributes", "GEN_AI_"),
        ("opentelemetry.semconv._incubating.attributes.openai_attributes", "OPENAI_"),
        ("opentelemetry.semconv.attributes.error_attributes", "ERROR_"),
        ("opentelemetry.semconv.attributes.server_attributes", "SERVER_"),
        ("opentelemetry.semconv.attributes.exception_attributes", "EXCEPTION_"),
    ],
)
def test_names_are_those_of_the_conventions(module: str, prefix: str) -> None:
    theirs = {
        value
        for name, value in vars(importlib.import_module(module)).items()
        if name.startswith(prefix) and isinstance(value, str)
    }
    namespace = {"GEN_AI_": "gen_ai."}.get(prefix, prefix.lower()[:-1] + ".")
    ours = {
        value
        for name, value in vars(sc).items()
        if name.isupper() and isinstance(value, str) and value.startswith(namespace)
        and not name.startswith(("METRIC_", "EVENT_"))
    }  # fmt: skip
    assert ours
    assert ours - theirs - YOUNGER == set()
    assert not YOUNGER & theirs


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (["\ud800", "b"], ["\ufffd", "b"]),
        (("a", "b"), ["a", "b"]),
        (2**63, str(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        (2**63 - 1, 2**63 - 1),
        (True, True),
        (1.5, 1.5),
    ],
)
def test_an_extra_is_made_fit_for_the_wire(value: Any, sent: Any) -> None:
    assert projection.attributes(record(extras={"x": value}))["x"] == sent


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (["a" * 2_000], ["a" * 1_024 + "…[976 more]"]),
        (["ab"] * 30_000, [*["ab"] * 21_845, "... 8155 more"]),
        ([1] * 70_000, [1] * 65_536),
        (10**5_000, "<int of 16610 bits>"),
    ],
    ids=["text", "texts", "numbers", "number"],
)
def test_F28_an_extra_is_bounded(value: Any, sent: Any) -> None:
    record = Invocation(operation="chat", timing=Timing(0, 1), extras={"own": value})
    assert projection.attributes(record)["own"] == sent


def test_F28_names_are_cut_and_stay_apart() -> None:
    extras = {"n" * 2_000 + str(number): number for number in range(3)}
    record = Invocation(
        operation="chat", timing=Timing(0, 1), name="x" * 5_000, extras={**extras, "openai.t": "y" * 2_000},
    )  # fmt: skip
    found = projection.attributes(record)
    assert sorted(value for value in found.values() if type(value) is int) == [0, 1, 2]
    assert max(map(len, found)) < 1_100
    assert found["openai.t"] == "y" * 1_024 + "…[976 more]"
    assert len(projection.span_name("task", None, record.name)) < 1_100


def test_a_span_starts_at_once_however_long_its_names_are(scrubbed: list[int]) -> None:
    draft = Draft("chat")
    draft.model = draft.name = name = "pwd=a1 " * 100_000
    started = projection.start_attributes(draft)
    told = [started[sc.REQUEST_MODEL], started[sc.STEP_NAME]]
    told += [projection.span_name("chat", name, None)[len("chat ") :]]
    assert scrubbed
    assert max(scrubbed) <= 1_024 + 4_096
    for text in told:
        assert text.startswith("pwd=a1 pwd=a1 ")
        assert marks.length(text) == len(name)
        assert text.count("more") == 1


# -- groups of rows ----------------------------------------------------------------------------------------


class Listing(Mapping[str, Any]):
    """A mapping that is no dictionary, and nothing more than a mapping has to be."""

    def __init__(self, **held: Any) -> None:
        self._held = held

    def __getitem__(self, name: str) -> Any:
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


class Whole(int):
    """A whole number of a class of its own."""


class Word(str):
    """A text of a class of its own."""

    __slots__ = ()


class Kind(str, enum.Enum):
    """A name that is a member of something."""

    OPENAI = "openai"


ASKED: dict[str, Any] = {
    "temperature": 0.5,
    "max_tokens": 10,
    "stop_sequences": ["a", "b"],
    "stream": True,
    "seed": None,
    "top_k": "none",
    "unheard_of": 1,
}
TOLD = {
    sc.OPERATION_NAME: "chat",
    sc.REQUEST_TEMPERATURE: 0.5,
    sc.REQUEST_MAX_TOKENS: 10,
    sc.REQUEST_STOP_SEQUENCES: ["a", "b"],
    sc.REQUEST_STREAM: True,
}


@pytest.mark.parametrize("make", [dict, Listing, lambda **held: MappingProxyType(held), UserDict])
def test_what_was_asked_for_may_be_any_mapping(make: Any) -> None:
    given = record(params=make(**ASKED))
    assert projection.attributes(given) == projection.event_attributes(given) == TOLD
    assert projection.attributes(given, content=False) == TOLD
    phased = record(timing=Timing(1, 2, phases=make(decode=0.5, load=0, unheard_of=1.0)))
    assert projection.attributes(phased) == {
        sc.OPERATION_NAME: "chat",
        f"{sc.PHASE}.decode": 0.5,
        f"{sc.PHASE}.load": 0.0,
    }


@pytest.mark.parametrize("make", [dict, Listing])
def test_a_group_that_is_empty_says_nothing(make: Any) -> None:
    given = record(params=make(), timing=Timing(1, 2, phases=make()), error=None, cost=None)
    assert projection.attributes(given) == {sc.OPERATION_NAME: "chat"}


def test_the_order_of_attributes_is_that_of_the_rows() -> None:
    given = record(
        provider="p",
        params=dict(reversed(ASKED.items())),
        usage=Usage(output=1, input=2),
        cost=Cost(0.5, currency="EUR"),
        error=ErrorInfo("e"),
        context=CallContext(user="u"),
    )
    found = list(projection.attributes(given))
    order = [row.name for row in projection.ROWS]
    assert [name for name in found if name in order] == sorted(found, key=order.index)


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        (sc.SERVER_PORT, True, None),
        (sc.SERVER_PORT, -(2**63), -(2**63)),
        (sc.SERVER_PORT, -(2**63) - 1, None),
        (sc.SERVER_PORT, float(2**63), None),
        (sc.SERVER_PORT, Whole(443), 443),
        (sc.SERVER_PORT, Whole(2**63), None),
        (sc.PROVIDER_NAME, "", None),
        (sc.PROVIDER_NAME, Word("p\ud800"), "p\ufffd"),
        (sc.PROVIDER_NAME, Word(""), None),
        (sc.PROVIDER_NAME, Kind.OPENAI, "openai"),
        (sc.PROVIDER_NAME, 5, None),
        (sc.TAGS, "", None),
        (sc.TAGS, (), None),
        (sc.CONFIDENCE_LOW_POSITIONS, [1, 2.0, "x", True, 2**63], [1, 2]),
    ],
)
def test_a_value_of_another_class_means_what_it_holds(name: str, value: Any, meant: Any) -> None:
    row = next(row for row in projection.ROWS if row.name == name)
    found = row.type(value)
    assert found == meant
    assert type(found) is type(meant)
