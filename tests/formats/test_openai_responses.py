from __future__ import annotations

import json
from typing import Any

import pydantic
import pytest
from openai.types.chat import ChatCompletionMessage

from clearspan.draft import Draft
from clearspan.formats import openai_responses
from clearspan.record import Outcome
from tests.formats.kit import answered, called, parts, record, streamed


def request(**arguments: Any) -> Any:
    return record(called(openai_responses.request, **arguments))


def told(*items: Any) -> Any:
    return list(request(input=list(items)).input)


def body(*output: Any, status: str | None = "completed", **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "model": "gpt-5-2026",
        "object": "response",
        "status": status,
        "output": list(output),
        **more,
    }


def said(text: str, **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], **more}
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def read(source: Any, **options: Any) -> Any:
    return record(answered(openai_responses.response, source), **options)


def read_all(*events: Any, **options: Any) -> Any:
    return record(streamed(openai_responses.chunk, events), **options)


# -- requests --------------------------------------------------------------------------------


def test_a_minimal_request_invents_nothing() -> None:
    found = request(model="gpt-5", input="hi")
    assert dict(found.params) == {}
    assert dict(found.extras) == {"openai.api.type": "responses"}
    assert list(found.input) == [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]


def test_parameters() -> None:
    found = request(
        temperature=0.5,
        max_output_tokens=100,
        reasoning={"effort": "high", "summary": "auto"},
        previous_response_id="resp_0",
        conversation={"id": "conv_1"},
        text={"format": {"type": "json_schema", "schema": {}}, "verbosity": "low"},
        service_tier="priority",
        prompt={"id": "pmpt_1", "version": "3", "variables": {"a": "b"}},
    )
    assert dict(found.params) == {
        "temperature": 0.5,
        "max_tokens": 100,
        "reasoning_level": "high",
        "previous_response_id": "resp_0",
        "conversation_id": "conv_1",
        "output_type": "json",
    }
    assert dict(found.extras) == {
        "openai.api.type": "responses",
        "openai.request.service_tier": "priority",
        "gen_ai.prompt.name": "pmpt_1",
        "gen_ai.prompt.version": "3",
    }


def test_other_ways_to_say_the_same() -> None:
    assert dict(request(conversation="conv_2").params) == {"conversation_id": "conv_2"}
    assert dict(request(text_format=pydantic.BaseModel).params) == {"output_type": "json"}
    assert dict(request(text={"format": {"type": "text"}}).params) == {"output_type": "text"}
    assert "openai.api.type" not in record(called(openai_responses.request), provider="groq").extras


def test_instructions_and_tools() -> None:
    found = request(
        instructions="Be brief.",
        tools=[
            {
                "type": "function",
                "name": "look",
                "description": "Looks.",
                "parameters": {"type": "object"},
            },
            {"type": "web_search", "user_location": {}},
            {"type": "mcp", "server_label": "maps", "server_url": "https://example.org"},
        ],
    )
    assert list(found.system) == [{"type": "text", "content": "Be brief."}]
    assert list(found.tools) == [
        {
            "type": "function",
            "name": "look",
            "description": "Looks.",
            "parameters": {"type": "object"},
        },
        {"type": "web_search", "name": "web_search"},
        {"type": "mcp", "name": "maps"},
    ]


def test_messages_as_items() -> None:
    found = told(
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"},
            {"type": "input_file", "file_id": "file-1"},
        ]},
        said("A cat."),
    )  # fmt: skip
    assert [message["role"] for message in found] == ["developer", "user", "assistant"]
    assert found[1]["parts"] == [
        {"type": "text", "content": "What is this?"},
        {"type": "blob", "modality": "image", "content": "iVBO", "mime_type": "image/png"},
        {"type": "file", "modality": "document", "file_id": "file-1"},
    ]
    assert found[2]["parts"] == [{"type": "text", "content": "A cat."}]


def test_the_turns_of_tools() -> None:
    assert told(
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text} for text in ("Hm.", "")], "encrypted_content": "gAAA"},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "look", "arguments": '{"at": "Rome"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "warm"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "shell", "input": "ls"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "a.txt"}]},
    ) == [
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm."}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "look", "arguments": {"at": "Rome"}, "id": "c1"}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "warm", "id": "c1"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "shell", "arguments": "ls", "id": "c2"}]},
        {"role": "tool", "parts": [
            {"type": "tool_call_response", "response": [{"type": "input_text", "text": "a.txt"}], "id": "c2"}
        ]},
    ]  # fmt: skip


def test_what_else_stands_in_an_input() -> None:
    found = told(
        {"type": "item_reference", "id": "msg_0"},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"},
        {
            "type": "computer_call_output",
            "call_id": "c3",
            "output": {"type": "computer_screenshot", "file_id": "file-9"},
        },
        {"type": "mcp_approval_response", "approval_request_id": "r1", "approve": True},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
        {"type": "message", "role": "user", "content": []},
    )
    assert found == [
        {"role": "assistant", "parts": [{"type": "item_reference", "id": "msg_0"}]},
        {"role": "assistant", "parts": [{"type": "compaction", "id": "cmp_1"}]},
        {"role": "tool", "parts": [{
            "type": "server_tool_call_response", "id": "c3",
            "server_tool_call_response": {
                "type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "file-9"},
            },
        }]},
        {"role": "tool", "parts": [{"type": "mcp_approval_response", "approval_request_id": "r1", "approve": True}]},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "source", [None, "", [], 7, [None, 7, "text"], {"role": "user"}, iter([{}])]
)
def test_input_that_says_nothing(source: Any) -> None:
    assert request(input=source).input == ()


def test_a_model_as_an_item() -> None:
    message = ChatCompletionMessage.model_validate({"role": "assistant", "content": "Rome."})
    assert told(message) == [{"role": "assistant", "parts": [{"type": "text", "content": "Rome."}]}]


# -- answers ---------------------------------------------------------------------------------


def test_a_response() -> None:
    found = read(
        body(
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}],
             "content": [{"type": "reasoning_text", "text": "Well."}]},
            said("Rome."),
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "look", "arguments": '{"a": 1}'},
            service_tier="default",
            conversation={"id": "conv_1"},
            usage={
                "input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
                "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 30,
            },
        )
    )  # fmt: skip
    assert (found.response_id, found.response_model) == ("resp_1", "gpt-5-2026")
    assert found.finish_reasons == ("stop",)
    (message,) = found.output
    assert message["finish_reason"] == "stop"
    assert message["parts"] == [
        {"type": "reasoning", "content": "Hm."},
        {"type": "reasoning", "content": "Well."},
        {"type": "text", "content": "Rome."},
        {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"a": 1}},
    ]
    usage = found.usage
    assert (usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning) == (
        10,
        20,
        4,
        1,
        5,
    )
    assert found.params["conversation_id"] == "conv_1"
    assert found.extras["openai.response.service_tier"] == "default"


def test_tools_that_the_provider_runs() -> None:
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "Rome"},
    }
    code = {
        "type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "1+1", "container_id": "cntr_1",
        "outputs": [{"type": "logs", "logs": "2"}],
    }  # fmt: skip
    remote = {
        "type": "mcp_call",
        "id": "mcp_1",
        "name": "find",
        "server_label": "maps",
        "arguments": "{}",
        "output": "here",
        "error": None,
    }
    picture = {
        "type": "image_generation_call",
        "id": "ig_1",
        "status": "completed",
        "result": "iVBO",
        "output_format": "webp",
    }
    assert parts(read(body(search, code, remote, picture))) == [
        {"type": "server_tool_call", "name": "web_search", "id": "ws_1", "server_tool_call": {
            "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "Rome"},
        }},
        {"type": "server_tool_call", "name": "code_interpreter", "id": "ci_1", "server_tool_call": {
            "type": "code_interpreter_call", "status": "completed", "code": "1+1", "container_id": "cntr_1",
        }},
        {"type": "server_tool_call_response", "id": "ci_1", "server_tool_call_response": {
            "type": "code_interpreter_call", "outputs": [{"type": "logs", "logs": "2"}],
        }},
        {"type": "server_tool_call", "name": "find", "id": "mcp_1", "server_tool_call": {
            "type": "mcp_call", "name": "find", "server_label": "maps", "arguments": "{}",
        }},
        {"type": "server_tool_call_response", "id": "mcp_1", "server_tool_call_response": {"type": "mcp_call", "output": "here"}},
        {"type": "server_tool_call", "name": "image_generation", "id": "ig_1", "server_tool_call": {
            "type": "image_generation_call", "status": "completed", "output_format": "webp",
        }},
        {"type": "server_tool_call_response", "id": "ig_1", "server_tool_call_response": {
            "type": "image_generation_call",
            "result": {"type": "blob", "modality": "image", "content": "iVBO", "mime_type": "image/webp"},
        }},
    ]  # fmt: skip


def test_refusals_and_kinds_that_are_new() -> None:
    refusal = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "refusal", "refusal": "I will not."}],
    }
    assert parts(
        read(body(refusal, {"type": "from_the_future", "id": "x_1", "much": {"of": None}}))
    ) == [
        {"type": "refusal", "content": "I will not."},
        {"type": "from_the_future", "id": "x_1", "much": {"of": None}},
    ]


@pytest.mark.parametrize(
    ("status", "details", "reasons"),
    [
        ("completed", None, ("stop",)),
        ("incomplete", {"reason": "max_output_tokens"}, ("length",)),
        ("incomplete", {"reason": "content_filter"}, ("content_filter",)),
        ("incomplete", None, ("error",)),
        ("cancelled", None, ("error",)),
        ("queued", None, ()),
        ("in_progress", None, ()),
        ("complete", None, ()),
        (None, None, ()),
    ],
)
def test_how_a_response_ended(status: str | None, details: Any, reasons: tuple[str, ...]) -> None:
    found = read(body(said("Ro"), status=status, incomplete_details=details))
    assert found.finish_reasons == reasons
    assert (found.outcome, found.error) == (Outcome.COMPLETED, None)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ({"code": "rate_limit_exceeded", "message": "Later."}, "rate_limit_exceeded", "Later."),
        (None, "_OTHER", None),
    ],
)
def test_a_response_that_failed(error: Any, kind: str, message: str | None) -> None:
    found = read(body(status="failed", error=error))
    assert found.outcome is Outcome.FAILED
    assert found.error is not None
    assert (found.error.type, found.error.message) == (kind, message)
    assert found.finish_reasons == ("error",)


def test_logprobs_are_content() -> None:
    source = body(said("Rome", logprobs=[{"token": "Rome", "logprob": -0.5}]))
    assert json.loads(read(source).extras["clearspan.response.logprobs"]) == [[["Rome", -0.5]]]


def test_a_compaction() -> None:
    source = {
        "id": "resp_2", "object": "response.compaction",
        "output": [{"type": "message", "role": "user", "content": "hi"}, {"type": "compaction", "id": "cmp_1", "encrypted_content": "gA"}],
        "usage": {"input_tokens": 9, "output_tokens": 3},
    }  # fmt: skip
    found = record(answered(openai_responses.compacted, source))
    assert found.finish_reasons == ("compaction",)
    assert found.extras["gen_ai.conversation.compacted"] is True
    assert (found.usage.input, found.usage.output) == (9, 3)
    assert parts(found)[-1] == {"type": "compaction", "id": "cmp_1"}
    assert record(answered(openai_responses.compacted, "text")).finish_reasons == ()


@pytest.mark.parametrize("source", ["text", None, 7, [], b"x"])
def test_what_is_no_response_tells_nothing(source: Any) -> None:
    found = read(source)
    assert (found.output, found.finish_reasons, found.response_id) == ((), (), None)


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"output": None, "usage": "much", "error": 7, "conversation": 3},
        {
            "output": [
                None,
                7,
                {},
                {"type": "message", "content": None},
                {"type": "reasoning", "summary": "x"},
            ]
        },
        {"output": [{"type": "function_call"}, {"type": "web_search_call"}, {"type": 7}]},
    ],
)
def test_a_broken_response_is_no_fault(source: Any) -> None:
    assert read(source).outcome is Outcome.COMPLETED


# -- fetched again ---------------------------------------------------------------------------


def test_a_response_that_is_fetched_again() -> None:
    found = record(
        called(openai_responses.fetch, response_id="resp_1", stream=True, starting_after=42),
        streamed(openai_responses.chunk, [{"type": "response.completed", "response": body(said("Rome."), usage={"input_tokens": 9})}]),
        operation="fetch_response",
    )  # fmt: skip
    assert found.response_id == "resp_1"
    assert found.params["stream_cursor"] == "42"
    assert found.extras["gen_ai.response.status"] == "completed"
    assert found.usage.input is None
    assert found.finish_reasons == ("stop",)
    by_position = record(called(openai_responses.fetch, "resp_9"), operation="fetch_response")
    assert by_position.response_id == "resp_9"


# -- streams ---------------------------------------------------------------------------------


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "sequence_number": 1, **more}


CREATED = event("created", response=body(status="in_progress"))
DELTAS = (
    CREATED,
    event(
        "output_item.added", output_index=0, item={"type": "reasoning", "id": "rs_1", "summary": []}
    ),
    event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="H"),
    event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="m."),
    event("reasoning_summary_text.delta", output_index=0, summary_index=1, delta="So."),
    event(
        "output_item.added", output_index=1, item={"type": "message", "id": "msg_1", "content": []}
    ),
    event("output_text.delta", output_index=1, content_index=0, delta="Ro"),
    event("output_text.delta", output_index=1, content_index=0, delta="me"),
    event("refusal.delta", output_index=1, content_index=1, delta="No."),
    event(
        "output_item.added",
        output_index=2,
        item={"type": "function_call", "call_id": "c1", "name": "look", "arguments": ""},
    ),
    event(
        "output_item.added",
        output_index=3,
        item={"type": "function_call", "call_id": "c2", "name": "find", "arguments": ""},
    ),
    event("function_call_arguments.delta", output_index=2, delta='{"a"'),
    event("function_call_arguments.delta", output_index=3, delta="{}"),
    event("function_call_arguments.delta", output_index=2, delta=": 1}"),
)
SAID = [
    {"type": "reasoning", "content": "Hm."},
    {"type": "reasoning", "content": "So."},
    {"type": "text", "content": "Rome"},
    {"type": "refusal", "content": "No."},
    {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"a": 1}},
    {"type": "tool_call", "id": "c2", "name": "find", "arguments": {}},
]


def test_a_stream_that_was_cut_has_what_came() -> None:
    found = read_all(*DELTAS)
    assert parts(found) == SAID
    assert found.response_id == "resp_1"
    assert found.finish_reasons == ("error",)


def test_finished_items_replace_their_deltas() -> None:
    found = read_all(
        *DELTAS,
        event("output_item.done", output_index=3, item={"type": "function_call", "call_id": "c2", "name": "find", "arguments": '{"b": 2}'}),
        event("output_item.done", output_index=4, item={"type": "web_search_call", "id": "ws_1", "status": "completed"}),
    )  # fmt: skip
    assert parts(found)[:5] == SAID[:5]
    assert parts(found)[5]["arguments"] == {"b": 2}
    assert parts(found)[6]["id"] == "ws_1"


@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_the_last_event_has_the_whole_response(kind: str) -> None:
    usage = {"input_tokens": 9, "output_tokens": 3}
    whole = body(
        said("All of it."),
        status=kind,
        usage=usage,
        error={"code": "x"} if kind == "failed" else None,
    )
    found = read_all(*DELTAS, event(kind, response=whole))
    assert parts(found) == [{"type": "text", "content": "All of it."}]
    assert (found.usage.input, found.usage.output) == (9, 3)
    assert found.outcome is (Outcome.FAILED if kind == "failed" else Outcome.COMPLETED)


def test_a_last_event_without_output_leaves_the_deltas() -> None:
    found = read_all(*DELTAS, event("completed", response=body()))
    assert parts(found) == SAID
    assert found.finish_reasons == ("stop",)


@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "code": "server_error", "message": "It broke."},
        {"type": "error", "error": {"code": "server_error", "message": "It broke."}},
    ],
)
def test_an_error_event(error: Any) -> None:
    found = read_all(CREATED, error)
    assert found.outcome is Outcome.FAILED
    assert found.error is not None
    assert (found.error.type, found.error.message) == ("server_error", "It broke.")


def test_other_streamed_content() -> None:
    found = read_all(
        event("reasoning_text.delta", output_index=0, content_index=0, delta="Hm."),
        event("audio.delta", delta="UklG"),
        event("audio.transcript.delta", delta="Hello."),
        event(
            "output_item.added",
            output_index=1,
            item={"type": "custom_tool_call", "call_id": "c1", "name": "shell"},
        ),
        event("custom_tool_call_input.delta", output_index=1, delta="ls"),
    )
    assert parts(found) == [
        {"type": "reasoning", "content": "Hm."},
        {"type": "blob", "modality": "audio", "content": "UklG", "transcript": "Hello."},
        {"type": "tool_call", "id": "c1", "name": "shell", "arguments": "ls"},
    ]


def test_only_content_counts_as_content() -> None:
    draft = Draft("chat")
    silent = [
        CREATED,
        event("in_progress", response=body(status="in_progress")),
        event("output_item.added", output_index=0, item={"type": "message", "content": []}),
        event(
            "content_part.added",
            output_index=0,
            content_index=0,
            part={"type": "output_text", "text": ""},
        ),
        event("web_search_call.searching", output_index=0),
        {"type": "from.the.future"},
    ]
    for item in silent:
        openai_responses.chunk(draft, item)
    assert draft.pieces == 0
    for count, item in enumerate(DELTAS[6:9], 1):
        openai_responses.chunk(draft, item)
        assert draft.pieces == count


@pytest.mark.parametrize(
    "odd",
    [None, "text", 7, {}, {"type": None}, {"type": "response.output_text.delta"}, {"type": "response.completed"},
     {"type": "response.completed", "response": None}, {"type": "response.output_item.done", "item": None},
     {"type": "response.output_text.delta", "output_index": "0", "delta": 7}, {"type": "response.created", "response": "x"},
     {"type": "error"}],
)  # fmt: skip
def test_odd_events_disturb_nothing(odd: Any) -> None:
    found = read_all(*DELTAS, odd)
    assert [part["type"] for part in parts(found)][-2:] == ["tool_call", "tool_call"]
