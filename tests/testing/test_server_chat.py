from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import openai
import pydantic
import pytest

from clearspan.testing.server import Error, ModelServer, Reply, ToolCall
from tests.testing.server_client import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAT = "chat.completions.create"
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Where is Rome?"}]}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def client(server: ModelServer) -> Iterator[Any]:
    with Caller(server, asynchronous=False).client() as made:
        yield made


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def call(server: ModelServer, request: pytest.FixtureRequest) -> Caller:
    return Caller(server, asynchronous=request.param)


def joined(chunks: list[Any], index: int = 0, part: str = "content") -> str:
    deltas = [c.delta for chunk in chunks for c in chunk.choices if c.index == index]
    return "".join(getattr(delta, part, None) or "" for delta in deltas)


def test_unscripted_answer_echoes_and_counts_words(call: Caller) -> None:
    answer = call(CHAT, **ASKED)
    assert answer.choices[0].message.content == "You said: Where is Rome?"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.model, answer.id) == ("gpt-4o", "chatcmpl-00000001")
    assert (answer.service_tier, answer.system_fingerprint) == ("default", "fp_stand_in")
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (3, 5, 8)
    assert usage.completion_tokens_details.reasoning_tokens == 0
    assert usage.prompt_tokens_details.cached_tokens == 0


def test_headers_name_the_request_and_the_stand_in(server: ModelServer, client: Any) -> None:
    raw = client.chat.completions.with_raw_response
    headers = raw.create(**ASKED).headers
    assert headers["x-request-id"] == "req_00000001"
    assert "stand-in" in headers["server"]
    assert headers["openai-processing-ms"].isdigit()
    for kind in ("requests", "tokens"):
        limit, left = (int(headers[f"x-ratelimit-{w}-{kind}"]) for w in ("limit", "remaining"))
        assert 0 < left < limit
        assert headers[f"x-ratelimit-reset-{kind}"]


def test_stream_joins_to_the_plain_answer(call: Caller) -> None:
    chunks = call.stream(CHAT, **ASKED)
    assert joined(chunks) == "You said: Where is Rome?"
    assert len(chunks) > 5
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[0].choices[0].delta.content == ""
    assert [c.choices[0].finish_reason for c in chunks[-2:]] == [None, "stop"]
    assert all(chunk.usage is None for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1


def test_stream_tells_usage_only_when_asked(call: Caller) -> None:
    chunks = call.stream(CHAT, **ASKED, stream_options={"include_usage": True})
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 8
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_several_choices_differ_and_come_in_turns(call: Caller) -> None:
    plain = call(CHAT, **ASKED, n=2)
    said = [choice.message.content for choice in plain.choices]
    assert said == ["You said: Where is Rome?", "You said: Where is Rome? (choice 2)"]
    chunks = call.stream(CHAT, **ASKED, n=2)
    assert [joined(chunks, 0), joined(chunks, 1)] == said
    assert [chunk.choices[0].index for chunk in chunks[:4]] == [0, 1, 0, 1]


def test_scripted_choices(server: ModelServer, call: Caller) -> None:
    server.script(Reply(choices=[Reply("one"), Reply("two", finish_reason="length")]))
    answer = call(CHAT, **ASKED, n=2)
    assert [c.message.content for c in answer.choices] == ["one", "two"]
    assert [c.finish_reason for c in answer.choices] == ["stop", "length"]


def test_the_own_answer_keeps_to_the_token_limit(call: Caller) -> None:
    choice = call(CHAT, **ASKED, max_completion_tokens=2).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("You said:", "length")
    assert joined(call.stream(CHAT, **ASKED, max_tokens=3)) == "You said: Where"


@pytest.mark.parametrize("interleave", [False, True])
def test_tool_calls(server: ModelServer, call: Caller, interleave: bool) -> None:
    tools = [
        ToolCall("weather", {"city": "Rome", "unit": "celsius"}),
        ToolCall("time", '{"zone":"Europe/Rome"}', id="call_mine"),
    ]
    reply = Reply(tool_calls=tools, interleave=interleave)
    server.script(reply, reply)
    choice = call(CHAT, **ASKED).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    plain = [(t.function.name, t.function.arguments) for t in choice.message.tool_calls]
    assert plain == [
        ("weather", '{"city":"Rome","unit":"celsius"}'),
        ("time", '{"zone":"Europe/Rome"}'),
    ]
    assert choice.message.tool_calls[1].id == "call_mine"
    streamed: dict[int, str] = {}
    order = []
    for chunk in call.stream(CHAT, **ASKED):
        for part in chunk.choices[0].delta.tool_calls or ():
            order.append(part.index)
            streamed[part.index] = streamed.get(part.index, "") + part.function.arguments
    assert [streamed[0], streamed[1]] == [arguments for _, arguments in plain]
    assert (order == sorted(order)) is not interleave


def test_the_tool_result_is_what_the_next_answer_is_about(call: Caller) -> None:
    messages = [*ASKED["messages"], {"role": "tool", "tool_call_id": "c", "content": "42 km"}]
    answer = call(CHAT, model="gpt-4o", messages=messages)
    assert answer.choices[0].message.content == "The tool answered: 42 km"


def test_refusal_and_reasoning(server: ModelServer, call: Caller) -> None:
    reply = Reply(reasoning="Let me see.", refusal="I will not.", finish_reason="content_filter")
    server.script(reply, reply)
    answer = call(CHAT, **ASKED)
    message = answer.choices[0].message
    assert (message.content, message.refusal) == (None, "I will not.")
    assert message.reasoning_content == "Let me see."
    assert answer.usage.completion_tokens_details.reasoning_tokens == 3
    assert answer.usage.completion_tokens == 6
    chunks = call.stream(CHAT, **ASKED)
    assert joined(chunks, part="refusal") == "I will not."
    assert joined(chunks, part="reasoning_content") == "Let me see."
    assert chunks[-1].choices[0].finish_reason == "content_filter"


def test_audio(server: ModelServer, call: Caller) -> None:
    sound = bytes(range(256)) * 5
    server.script(Reply("Hello there.", audio=sound), Reply("Hello there.", audio=sound))
    message = call(CHAT, **ASKED, modalities=["text", "audio"]).choices[0].message
    assert (message.content, message.audio.transcript) == (None, "Hello there.")
    assert base64.b64decode(message.audio.data) == sound
    deltas = [c.choices[0].delta.to_dict() for c in call.stream(CHAT, **ASKED)]
    parts: list[Any] = [delta["audio"] for delta in deltas if "audio" in delta]
    assert "".join(part.get("transcript", "") for part in parts) == "Hello there."
    assert base64.b64decode("".join(part.get("data", "") for part in parts)) == sound


def test_the_own_answer_is_spoken_when_asked(call: Caller) -> None:
    message = call(CHAT, **ASKED, modalities=["text", "audio"]).choices[0].message
    assert base64.b64decode(message.audio.data)[:4] == b"RIFF"


def test_logprobs(call: Caller) -> None:
    asked = {**ASKED, "logprobs": True, "top_logprobs": 2}
    entries = call(CHAT, **asked).choices[0].logprobs.content
    assert "".join(entry.token for entry in entries) == "You said: Where is Rome?"
    assert all(entry.logprob < 0 and len(entry.top_logprobs) == 2 for entry in entries)
    streamed = [c.choices[0].logprobs for c in call.stream(CHAT, **asked)]
    assert [e.logprob for part in streamed if part for e in part.content] == [
        entry.logprob for entry in entries
    ]


def test_scripted_logprobs_are_sent_unasked(server: ModelServer, call: Caller) -> None:
    server.script(Reply("a b", logprobs=[-0.5, -1.5]))
    entries = call(CHAT, **ASKED).choices[0].logprobs.content
    assert [(entry.token, entry.logprob) for entry in entries] == [("a", -0.5), (" b", -1.5)]


class Trip(pydantic.BaseModel):
    city: str
    days: int
    stops: list[str]
    note: str | None


def test_structured_output_follows_the_schema(client: Any) -> None:
    parse = getattr(client.chat.completions, "parse", None) or client.beta.chat.completions.parse
    answer = parse(**ASKED, response_format=Trip)
    assert answer.choices[0].message.parsed == Trip(city="text", days=0, stops=[], note=None)
    plain = client.chat.completions.create(**ASKED, response_format={"type": "json_object"})
    assert plain.choices[0].message.content == '{"echo":"You said: Where is Rome?"}'


def test_the_stream_helper_accumulates(client: Any) -> None:
    with client.chat.completions.stream(**ASKED) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "You said: Where is Rome?"


@pytest.mark.parametrize(
    ("chunks", "seen"),
    [(["Ro", "me", "!"], ["Ro", "me", "!"]), (2, ["Ro", "me!"]), (9, ["R", "o", "m", "e", "!"])],
)
def test_chunks_are_cut_as_scripted(
    server: ModelServer, chunks: list[str] | int, seen: list[str]
) -> None:
    text = None if isinstance(chunks, list) else "Rome!"
    server.script(Reply(text, chunks=[*chunks] if isinstance(chunks, list) else chunks))
    got = Caller(server, asynchronous=False).stream(CHAT, **ASKED)
    if seen[-1] == "!" and chunks != 9:
        assert [c.choices[0].delta.content for c in got[1:-1]] == seen
    assert joined(got) == "Rome!"
    assert len(got) == len([piece for piece in seen if piece]) + 2


def test_usage_model_and_extra_fields_can_be_scripted(server: ModelServer, call: Caller) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    server.script(
        Reply("a", usage=usage, model="gpt-4o-2024-08-06", extra={"provider": "x"}),
        Reply("a", usage=False),
        Reply("a", usage=False, extra={"provider": "x"}),
    )
    answer = call(CHAT, **ASKED)
    assert (answer.usage.total_tokens, answer.model) == (3, "gpt-4o-2024-08-06")
    assert answer.usage.prompt_tokens_details is None
    assert answer.provider == "x"
    assert call(CHAT, **ASKED).usage is None
    chunks = call.stream(CHAT, **ASKED, stream_options={"include_usage": True})
    assert all(chunk.usage is None and chunk.provider == "x" for chunk in chunks)


def test_reply_headers_are_sent(server: ModelServer, client: Any) -> None:
    server.script(Reply("a", headers={"X-Request-Id": "req_mine"}))
    raw = client.chat.completions.with_raw_response
    assert raw.create(**ASKED).headers.get_list("x-request-id") == ["req_mine"]


def test_azure_paths_lead_to_the_same_endpoints(server: ModelServer, call: Caller) -> None:
    call.azure = True
    answer = call(CHAT, **ASKED)
    assert answer.choices[0].message.content == "You said: Where is Rome?"
    assert joined(call.stream(CHAT, **ASKED)) == "You said: Where is Rome?"
    first = server.requests[0]
    assert first.path == "/openai/deployments/gpt-4o/chat/completions"
    assert first.query == {"api-version": "2025-01-01"}


def test_the_newer_azure_path(server: ModelServer, client: Any) -> None:
    newer = client.with_options(base_url=f"{server.origin}/openai/v1")
    assert newer.chat.completions.create(**ASKED).choices[0].message.content


COMPLETE = "completions.create"


def test_text_completion(call: Caller) -> None:
    answer = call(COMPLETE, model="davinci-002", prompt="Once upon a time", logprobs=1)
    assert answer.choices[0].text == "You said: Once upon a time"
    assert answer.object == "text_completion"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (4, 6)
    logprobs = answer.choices[0].logprobs
    assert "".join(logprobs.tokens) == answer.choices[0].text
    assert logprobs.text_offset[:3] == [0, 3, 9]
    assert len(logprobs.token_logprobs) == len(logprobs.top_logprobs) == 6
    chunks = call.stream(COMPLETE, model="davinci-002", prompt="Once upon a time")
    assert "".join(c.choices[0].text for c in chunks) == answer.choices[0].text
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_text_completion_takes_lists_and_tokens(call: Caller) -> None:
    answer = call(COMPLETE, model="davinci-002", prompt=["one", "two"], n=2, max_tokens=3)
    assert [choice.text for choice in answer.choices] == [
        "You said: one",
        "You said: one",
        "You said: two",
        "You said: two",
    ]
    assert [choice.finish_reason for choice in answer.choices] == ["stop", "length"] * 2
    tokens = call(COMPLETE, model="davinci-002", prompt=[11, 12, 13])
    assert len(tokens.choices) == 1
    assert tokens.usage.prompt_tokens == 3
    batch = call(COMPLETE, model="davinci-002", prompt=[[11, 12], [13]])
    assert (len(batch.choices), batch.usage.prompt_tokens) == (2, 3)


def test_text_completion_without_usage(server: ModelServer, call: Caller) -> None:
    server.script(Reply("a", usage=False))
    assert call(COMPLETE, model="davinci-002", prompt="b").usage is None


def test_numbers_of_choices_may_come_as_anything(call: Caller) -> None:
    asked = {"extra_body": {"n": True, "max_tokens": "2"}}
    choices = call(CHAT, **ASKED, **asked).choices
    assert [choice.message.content for choice in choices] == ["You said:"]


def test_missing_fields_are_refused(client: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body={"model": "gpt-4o"}, cast_to=object)
    assert caught.value.param == "messages"
    assert caught.value.code == "missing_required_parameter"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
def test_errors_become_the_clients_own(
    server: ModelServer, call: Caller, status: int, kind: type[openai.APIStatusError]
) -> None:
    server.script(Error(status, "no", code="mine", param="model", headers={"x-a": "b"}))
    with pytest.raises(kind) as caught:
        call(CHAT, **ASKED)
    error = caught.value
    assert (error.status_code, error.code, error.param) == (status, "mine", "model")
    assert error.request_id == "req_00000001"
    assert error.response.headers["x-a"] == "b"
    assert error.body["message"] == "no"
