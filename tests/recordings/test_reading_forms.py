"""The independent reading of completions, embeddings and responses, on payloads written by hand."""

from __future__ import annotations

import pytest

from . import raw, said_responses
from .by_hand import made, said
from .exchange import Exchange
from .facts import Media, Said, ToolCall, ToolResult
from .reading import Reading, read, read_resumed
from .values import ABSENT, accepts


def test_a_completion() -> None:
    body = {
        "id": "x",
        "model": "m",
        "choices": [{"text": "one", "index": 0, "finish_reason": "stop"}],
    }
    url = "https://api.openai.com/v1/completions"
    reading = read(
        made({"model": "m", "prompt": ["a", "b"]}, body=body, endpoint="completions", url=url)
    )
    assert reading.name == "text_completion m"
    assert reading.inputs == [Said("user", "ab")]
    assert said(reading) == [Said("assistant", "one", finish=("stop",))]


def test_an_answer_without_vectors_is_refused_by_the_client() -> None:
    body = {"data": [], "model": "e-1", "usage": {"prompt_tokens": 5}}
    url = "https://api.openai.com/v1/embeddings"
    reading = read(made({"model": "e", "input": "x"}, body=body, endpoint="embeddings", url=url))
    assert reading.failed is True
    assert accepts(reading.attributes["gen_ai.response.model"], ABSENT)
    assert accepts(reading.attributes["error.type"], "ValueError")


def test_a_picture() -> None:
    body = {"created": 1, "data": [{"url": "https://pictures.test/1.png"}, {"b64_json": "AAAA"}]}
    url = "https://api.openai.com/v1/images/generations"
    reading = read(made({"prompt": "a cat"}, body=body, endpoint="images", url=url))
    assert reading.name == "generate_content"
    assert reading.inputs == [Said("user", "a cat")]
    media = (Media("uri", "image", "https://pictures.test/1.png"), Media("blob", "image", "AAAA"))
    assert said(reading) == [Said("assistant", media=media)]


def test_a_moderation() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    payload = {"model": "o", "input": [{"type": "text", "text": "a"}, "b", picture]}
    url = "https://api.openai.com/v1/moderations"
    reading = read(made(payload, body={"id": "m1", "results": []}, endpoint="moderations", url=url))
    assert (reading.name, reading.outputs) == ("moderation o", None)
    assert reading.inputs == [Said("user", "ab", media=(Media("blob", "image", "AAAA"),))]


@pytest.mark.parametrize("vector", [[0.1, 0.2, 0.3], "AAAAAAAAAAAAAAAA"])
def test_embeddings(vector: object) -> None:
    body = {
        "data": [{"embedding": vector}],
        "model": "e-1",
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }
    url = "https://api.openai.com/v1/embeddings"
    reading = read(made({"model": "e", "input": "x"}, body=body, endpoint="embeddings", url=url))
    assert reading.name == "embeddings e"
    assert accepts(reading.attributes["gen_ai.embeddings.dimension.count"], 3)
    assert accepts(reading.attributes["gen_ai.usage.input_tokens"], 5)
    assert accepts(reading.attributes["gen_ai.usage.output_tokens"], ABSENT)


ITEMS: list[raw.JsonMap] = [
    {
        "type": "reasoning",
        "id": "rs",
        "summary": [{"type": "summary_text", "text": "think"}],
        "encrypted_content": "zz",
    },
    {"type": "web_search_call", "id": "ws", "status": "completed"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]},
    {"type": "function_call", "id": "fc", "call_id": "t1", "name": "f", "arguments": '{"a": 1}'},
]


def responses(**fields: object) -> Exchange:
    body = {"id": "r1", "model": "m-1", "status": "completed", "output": ITEMS, **fields}
    payload = {"model": "m", "input": "hello", "instructions": "Short."}
    return made(payload, body=body, endpoint="responses", url="https://api.openai.com/v1/responses")


def test_a_response() -> None:
    usage = {
        "input_tokens": 3,
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 6},
    }
    reading = read(responses(usage=usage))
    assert (reading.name, reading.instructions) == ("chat m", "Short.")
    assert reading.inputs == [Said("user", "hello")]
    assert reading.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert reading.attributes["gen_ai.usage.reasoning.output_tokens"] == 6
    assert reading.provider_runs == {"ws"}
    call = ToolCall("t1", "f", {"a": 1})
    assert said(reading) == [
        Said("assistant", "hi", ("think",), calls=(call,), finish=("stop", "tool_call"))
    ]


@pytest.mark.parametrize(
    ("fields", "reasons", "failed"),
    [
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            ["length"],
            False,
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            ["content_filter"],
            False,
        ),
        ({"status": "failed", "error": {"code": "server_error"}}, ["error"], True),
        ({"status": "cancelled"}, ["error"], False),
        ({"status": "completed", "error": {"code": "", "message": ""}}, ["stop"], False),
        ({"status": "queued", "output": []}, None, False),
    ],
)
def test_how_a_response_ended(fields: dict[str, object], reasons: object, failed: object) -> None:
    reading = read(responses(**fields))
    assert reading.attributes.get("gen_ai.response.finish_reasons") == reasons
    assert reading.failed is failed


def test_items_of_a_request() -> None:
    picture = {"type": "input_image", "image_url": "https://pictures.test/1.png"}
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "look"}, picture]},
        *ITEMS,
        {"type": "compaction", "id": "cmp", "encrypted_content": "zz"},
        {"type": "function_call_output", "call_id": "t1", "output": "ok"},
        {"type": "custom_tool_call", "call_id": "t2", "name": "sh", "input": '{"a": 1}'},
    ]
    assert said_responses.responses_input({"input": items}) == [
        Said("user", "look", media=(Media("uri", "image", "https://pictures.test/1.png"),)),
        Said("assistant", "hi", ("think",), calls=(ToolCall("t1", "f", {"a": 1}),)),
        Said("tool", results=(ToolResult("t1", "ok"),)),
        Said("assistant", calls=(ToolCall("t2", "sh", '{"a": 1}'),)),
    ]


def test_an_unknown_status_is_no_error() -> None:
    reasons = read(responses(status="complete")).attributes["gen_ai.response.finish_reasons"]
    assert [accepts(reasons, seen) for seen in (ABSENT, ["stop"], ["error"])] == [True, True, False]


def test_reading_a_stored_response_again_counts_nothing() -> None:
    whole = {
        "id": "r1",
        "model": "m-1",
        "status": "completed",
        "output": ITEMS,
        "usage": {"input_tokens": 1},
    }
    reading = read_resumed(made(None, stream=[{"type": "response.completed", "response": whole}]))
    assert reading.name == "fetch_response"
    assert reading.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert not [name for name in reading.attributes if "usage" in name]


EVENTS: list[object] = [
    {"type": "response.created", "response": {"id": "r1", "model": "m-1", "status": "in_progress"}},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"type": "message", "role": "assistant", "content": []},
    },
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "hel"},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "lo"},
]


def streamed(*events: object) -> Reading:
    payload = {"model": "m", "input": "x", "stream": True}
    return read(
        made(
            payload, stream=events, endpoint="responses", url="https://api.openai.com/v1/responses"
        )
    )


def test_a_streamed_response_is_what_its_last_event_holds() -> None:
    whole = {
        "id": "r1",
        "model": "m-1",
        "status": "completed",
        "output": ITEMS,
        "usage": {"input_tokens": 1},
    }
    reading = streamed(*EVENTS, {"type": "response.completed", "response": whole})
    assert said(reading)[0].text == "hi"
    assert reading.attributes["gen_ai.usage.input_tokens"] == 1
    assert reading.attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_a_streamed_response_that_is_cut_is_what_came() -> None:
    reading = streamed(*EVENTS)
    assert said(reading) == [Said("assistant", "hello", finish=("error",))]
    assert accepts(reading.attributes["gen_ai.response.id"], "r1")


def test_a_streamed_response_that_reports_an_error() -> None:
    reading = streamed(*EVENTS, {"type": "error", "code": "server_error", "message": "oh"})
    assert (reading.failed, reading.attributes["error.type"]) == (True, "server_error")
    assert reading.attributes["gen_ai.response.finish_reasons"] == ["error"]
