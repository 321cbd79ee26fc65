"""The independent reading itself, on payloads written by hand: requests, usage, chat and errors.

Needs no recordings and nothing of the library under test.
"""

from __future__ import annotations

import pytest

from . import raw, said_chat
from .by_hand import CHAT, delta, made, said
from .facts import Media, Said, ToolCall, ToolResult
from .hosts import provider_of
from .reading import read
from .requests import request_facts, tool_names
from .usage import usage_facts
from .values import ABSENT, accepts


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (CHAT, "openai"),
        ("https://eu.api.openai.com/v1/responses", "openai"),
        ("https://r.openai.azure.com/openai/v1/responses", "azure.ai.openai"),
        ("https://gateway.test/openai/deployments/d/chat/completions", "azure.ai.openai"),
        ("https://api.x.ai/v1/chat/completions", "x_ai"),
        ("https://api.z.ai/api/paas/v4/chat/completions", "z_ai"),
        ("https://notx.ai/v1/chat/completions", "openai"),
        ("http://127.0.0.1:11434/v1/chat/completions", "ollama"),
        (
            "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1/chat/completions",
            "aws.bedrock",
        ),
        ("http://localhost:4000/chat/completions", "openai"),
    ],
)
def test_the_provider_is_told_by_the_address(url: str, expected: str) -> None:
    assert provider_of(url) == expected


def test_request_parameters() -> None:
    payload: raw.JsonMap = {
        "temperature": 0,
        "top_p": None,
        "n": 3,
        "max_tokens": 5,
        "max_completion_tokens": 9,
        "stop": "END",
        "stream": True,
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema"},
        "service_tier": "flex",
    }
    assert request_facts(payload, "chat", "openai") == {
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.choice.count": 3.0,
        "gen_ai.request.max_tokens": 9.0,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.stream": True,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.output.type": "json",
        "openai.request.service_tier": "flex",
        "openai.api.type": "chat_completions",
    }


def test_defaults_are_not_requests() -> None:
    payload: raw.JsonMap = {
        "n": 1,
        "stream": False,
        "service_tier": "auto",
        "stop": None,
        "reasoning": {"summary": "auto"},
    }
    assert request_facts(payload, "embeddings", "openai") == {}


def test_responses_parameters() -> None:
    payload: raw.JsonMap = {
        "max_output_tokens": 7,
        "reasoning": {"effort": "high"},
        "text": {"format": {"type": "json_object"}},
        "previous_response_id": "r0",
        "conversation": {"id": "conv"},
    }
    assert request_facts(payload, "responses", "openai") == {
        "gen_ai.request.max_tokens": 7.0,
        "gen_ai.request.reasoning.level": "high",
        "gen_ai.output.type": "json",
        "gen_ai.request.previous_response.id": "r0",
        "gen_ai.conversation.id": "conv",
        "openai.api.type": "responses",
    }


def test_tools_of_every_form() -> None:
    tools = [
        {"type": "function", "function": {"name": "a"}},
        {"type": "custom", "custom": {"name": "b"}},
        {"type": "function", "name": "c"},
        {"type": "web_search"},
        {"type": "mcp", "server_label": "docs"},
    ]
    names = tool_names({"tools": tools, "functions": [{"name": "d"}]})
    expected = [
        ("function", "a"),
        ("custom", "b"),
        ("function", "c"),
        ("web_search", "web_search"),
        ("mcp", "docs"),
        ("function", "d"),
    ]
    assert accepts(names, expected)
    assert not accepts(names, [*expected[:-1], ("function", "web_search")])


def test_usage_details_and_zeros() -> None:
    details = {"cached_tokens": 4, "audio_tokens": 0}
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 0,
        "prompt_tokens_details": details,
        "completion_tokens_details": None,
    }
    found = usage_facts([None, usage, None], [])
    assert found.pop("gen_ai.usage.input_tokens") == 10
    assert found.pop("gen_ai.usage.output_tokens") == 0
    assert found.pop("gen_ai.usage.cache_read.input_tokens") == 4
    zero = found.pop("gen_ai.usage.audio.input_tokens")
    assert accepts(zero, 0)
    assert accepts(zero, ABSENT)
    assert found == {}


@pytest.mark.parametrize(
    "usages", [[], [None], ["many"], [{"prompt_tokens": "ten", "completion_tokens": True}]]
)
def test_unknown_counts_are_absent(usages: list[object]) -> None:
    assert usage_facts(usages, []) == {}


def test_usage_in_one_vendors_own_place_may_be_read() -> None:
    found = usage_facts([None], [{"usage": {"prompt_tokens": 3, "completion_tokens": 1}}])
    assert accepts(found["gen_ai.usage.input_tokens"], 3)
    assert accepts(found["gen_ai.usage.input_tokens"], ABSENT)
    assert not accepts(found["gen_ai.usage.input_tokens"], 4)


def test_messages_of_a_request() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    document = {"type": "file", "file": {"file_id": "f1"}}
    sound = {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}
    call = {"id": "t1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    messages = [
        {"role": "system", "content": "Be kind."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "See"}, picture, document, sound, "!"],
        },
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t1", "content": "done"},
        {"role": "function", "name": "look", "content": "done"},
    ]
    assert said_chat.chat_input({"messages": messages}) == [
        Said("system", "Be kind."),
        Said(
            "user",
            "See!",
            media=(
                Media("blob", "image", "AAAA"),
                Media("file", "", "f1"),
                Media("blob", "audio", "UklG"),
            ),
        ),
        Said("assistant", calls=(ToolCall("t1", "look", {"at": 1}),)),
        Said("tool", results=(ToolResult("t1", "done"),)),
        Said("tool", results=(ToolResult("", "done"),)),
    ]


def test_choices_their_ends_and_their_calls() -> None:
    broken = {"id": "t2", "function": {"name": "b", "arguments": '{"x":'}}
    custom = {"id": "t3", "type": "custom", "custom": {"name": "c", "input": "raw"}}
    choices = [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {"role": "assistant", "tool_calls": [broken, custom]},
        },
        {
            "index": 1,
            "finish_reason": "",
            "message": {"role": "assistant", "refusal": "No.", "function_call": {"name": ""}},
        },
        {"index": 2, "finish_reason": "content_filter"},
    ]
    reading = read(made({"model": "m", "messages": []}, body={"id": "c1", "choices": choices}))
    assert reading.attributes["gen_ai.response.finish_reasons"] == [
        "tool_calls",
        "error",
        "content_filter",
    ]
    assert said(reading) == [
        Said(
            "assistant",
            calls=(ToolCall("t2", "b", '{"x":'), ToolCall("t3", "c", "raw")),
            finish=("tool_call",),
        ),
        Said("assistant", refusal="No.", finish=("error",)),
        Said("assistant", finish=("content_filter",)),
    ]


def test_thinking_in_its_several_places() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "yes"},
    ]
    assert said_chat.chat_message({"content": parts}) == Said("", "yes", reasoning=("hm",))
    assert said_chat.chat_message(
        {"content": "y", "reasoning": "a", "reasoning_content": "b"}
    ).reasoning == ("b",)
    alone = said_chat.chat_message({"content": "y", "reasoning_details": [{"text": "d"}]})
    assert alone.reasoning == ("", "d")


def piece(
    identity: str | None, index: int | None, name: str | None, arguments: str | None
) -> dict[str, object]:
    return {"index": index, "id": identity, "function": {"name": name, "arguments": arguments}}


def test_streamed_calls_grow_side_by_side() -> None:
    chunks = [
        delta(
            role="assistant",
            content="",
            tool_calls=[piece("a", 0, "f", ""), piece("b", 1, "g", None)],
        ),
        delta(tool_calls=[piece(None, 1, None, '{"y"'), piece(None, 0, None, '{"x"')]),
        delta(finish="tool_calls", tool_calls=[piece("", 0, "", ": 1}"), piece("", 1, "", ": 2}")]),
    ]
    (one,) = said_chat.chat_output(said_chat.merged(chunks))
    assert one.calls == (ToolCall("a", "f", {"x": 1}), ToolCall("b", "g", {"y": 2}))
    assert one.finish == ("tool_call",)


def test_streamed_calls_of_servers_that_count_badly() -> None:
    same_index = [
        delta(tool_calls=[piece("a", 0, "f", "{}")]),
        delta(tool_calls=[piece("b", 0, "g", "{}")]),
    ]
    no_index = [
        delta(tool_calls=[piece("a", None, "f", '{"x"')]),
        delta(tool_calls=[piece(None, None, None, ": 1}")]),
    ]
    (one,) = said_chat.chat_output(said_chat.merged(same_index))
    (other,) = said_chat.chat_output(said_chat.merged(no_index))
    assert [call.identity for call in one.calls] == ["a", "b"]
    assert other.calls == (ToolCall("a", "f", {"x": 1}),)


def test_a_stream_of_several_choices_with_usage_at_its_end() -> None:
    stream = [
        {"id": "", "model": "", "choices": [], "prompt_filter_results": []},
        delta(1, content="b", reasoning="r"),
        delta(0, role="assistant", content="a", refusal="n"),
        delta(1, "length", content="B"),
        delta(0, "stop"),
        {
            "id": "c1",
            "model": "m-1",
            "choices": [],
            "usage": {"prompt_tokens": 2, "completion_tokens": 4},
        },
        "[DONE]",
    ]
    reading = read(made({"model": "m", "messages": [], "stream": True}, stream=stream))
    assert reading.failed is False
    assert reading.attributes["gen_ai.response.finish_reasons"] == ["stop", "length"]
    assert reading.attributes["gen_ai.usage.output_tokens"] == 4
    assert accepts(reading.attributes["gen_ai.response.id"], "c1")
    assert said(reading) == [
        Said("assistant", "a", refusal="n", finish=("stop",)),
        Said("assistant", "bB", reasoning=("r",), finish=("length",)),
    ]


def test_an_error_in_a_stream() -> None:
    stream = [delta(content="par"), {"error": {"code": "tool_use_failed", "message": "no"}}]
    reading = read(made({"model": "m", "messages": [], "stream": True}, stream=stream))
    assert reading.failed is True
    assert reading.attributes["error.type"] == "tool_use_failed"
    assert accepts(reading.attributes["gen_ai.response.finish_reasons"], ["error"])
    assert [one.text for one in said(reading)] == ["par"]


def test_a_stream_that_just_stops() -> None:
    reading = read(
        made({"model": "m", "messages": [], "stream": True}, stream=[delta(content="par")])
    )
    assert reading.attributes["gen_ai.response.finish_reasons"] == ["error"]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, {"error": {"code": "rate_limit_exceeded"}}, "rate_limit_exceeded"),
        (400, {"error": {"code": None, "message": "no"}}, "openai.BadRequestError"),
        (503, {"detail": "down"}, "openai.InternalServerError"),
        (418, [], "openai.APIStatusError"),
        (422, {"object": "error", "code": "3051"}, "3051"),
        (404, {"error": "model not found"}, "openai.NotFoundError"),
    ],
)
def test_an_error_status(status: int, body: object, expected: str) -> None:
    reading = read(made({"model": "m", "messages": []}, body=body, status=status))
    assert reading.failed is True
    assert reading.attributes["error.type"] == expected
    assert "gen_ai.response.finish_reasons" not in reading.attributes


def test_an_error_that_came_as_a_success() -> None:
    reading = read(made({"model": "m", "messages": []}, body={"error": {"code": "content_filter"}}))
    assert (reading.failed, reading.attributes["error.type"]) == (True, "content_filter")


def test_streamed_sound_custom_calls_and_calls_of_the_old_form() -> None:
    custom = {"index": 0, "id": "t1", "custom": {"name": "sh", "input": "l"}}
    chunks = [
        delta(
            audio={"id": "a1", "data": "AAAA"},
            tool_calls=[custom],
            function_call={"name": "f", "arguments": "{"},
        ),
        delta(audio={"data": "BBBB"}, tool_calls=[{"index": 0, "custom": {"input": "s"}}]),
        delta(finish="function_call", function_call={"arguments": "}"}),
    ]
    (one,) = said_chat.chat_output(said_chat.merged(chunks))
    assert one.media == (Media("blob", "audio", "AAAABBBB"),)
    assert one.calls == (ToolCall("t1", "sh", "ls"), ToolCall("", "f", {}))
    assert one.finish == ("tool_call",)


def test_streamed_thinking_in_parts() -> None:
    chunks = [
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]),
        delta(finish="stop", content="yes"),
    ]
    assert said_chat.chat_output(said_chat.merged(chunks)) == [
        Said("assistant", "yes", reasoning=("hm",), finish=("stop",))
    ]
