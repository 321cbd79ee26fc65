"""Each endpoint of the client, by hand-written payloads and by the server's own answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pydantic
import pytest

from clearspan.testing import captured
from clearspan.testing.server import Json, Raw, Reply, Sse, ToolCall
from tests.providers.openai.kit import ASKED, CHAT, beta, method, only, parts, text, told

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side


class Weather(pydantic.BaseModel):
    city: str
    degrees: int


# -- chat ------------------------------------------------------------------------------------


def test_several_choices(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply(choices=[Reply("One."), Reply("Two.", finish_reason="length")]))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT, n=2))
        side.take(side.do(client.chat.completions.create(**CHAT, n=2, stream=True)))
    for span in seen.spans:
        assert [message["parts"][0]["content"] for message in told(span, "output")] == [
            "One.",
            "Two.",
        ]
        assert span.attributes["gen_ai.response.finish_reasons"] == ("stop", "length")
        assert span.attributes["gen_ai.request.choice.count"] == 2


def test_interleaved_tool_calls(server: ModelServer, client: Any, side: Side) -> None:
    calls = [ToolCall("look", {"at": "Rome"}, id="c1"), ToolCall("find", {"by": "sea"}, id="c2")]
    server.respond(Reply(tool_calls=calls, interleave=True))
    tools = [{"type": "function", "function": {"name": name}} for name in ("look", "find")]
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT, tools=tools))
        side.take(side.do(client.chat.completions.create(**CHAT, tools=tools, stream=True)))
    for span in seen.spans:
        assert parts(span) == [
            {"type": "tool_call", "name": "look", "id": "c1", "arguments": {"at": "Rome"}},
            {"type": "tool_call", "name": "find", "id": "c2", "arguments": {"by": "sea"}},
        ]
        definitions = json.loads(span.attributes["gen_ai.tool.definitions"])
        assert [tool["name"] for tool in definitions] == ["look", "find"]


def test_what_a_message_can_be(server: ModelServer, client: Any, side: Side) -> None:
    """A refusal, thinking, sound and token probabilities, plain and streamed."""
    answers = {
        "refusal": Reply(refusal="I will not."),
        "reasoning": Reply("Rome.", reasoning="Italy..."),
        "blob": Reply("Hello.", audio=b"sound"),
        "logprobs": Reply("Rome is old", logprobs=[-0.5, -0.25, -0.125]),
    }
    for kind, answer in answers.items():
        server.script(answer, answer)
        with captured() as seen:
            side.do(client.chat.completions.create(**CHAT))
            side.take(side.do(client.chat.completions.create(**CHAT, stream=True)))
        for span in seen.spans:
            if kind == "logprobs":
                (tokens,) = json.loads(span.attributes["clearspan.response.logprobs"])
                assert "".join(token for token, _ in tokens) == "Rome is old"
            else:
                assert kind in [part["type"] for part in parts(span)]


def test_all_the_details_of_usage(server: ModelServer, client: Any, side: Side) -> None:
    usage = {
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 80, "audio_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 6},
    }  # fmt: skip
    server.respond(Reply("Rome.", usage=usage))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
        options = {"include_usage": True}
        side.take(
            side.do(client.chat.completions.create(**CHAT, stream=True, stream_options=options))
        )
    for span in seen.spans:
        names = (
            "input_tokens",
            "output_tokens",
            "cache_read.input_tokens",
            "audio.input_tokens",
            "reasoning.output_tokens",
            "audio.output_tokens",
        )
        assert [span.attributes[f"gen_ai.usage.{name}"] for name in names] == [
            100,
            50,
            80,
            3,
            20,
            6,
        ]


def test_parsed_answers(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply('{"city": "Rome", "degrees": 31}'))
    with captured() as seen:
        answer = side.do(beta(client, "parse")(**CHAT, response_format=Weather))
    assert answer.choices[0].message.parsed == Weather(city="Rome", degrees=31)
    span = only(seen)
    assert (span.name, text(span)) == ("chat gpt-4o", '{"city": "Rome", "degrees": 31}')
    assert span.attributes["gen_ai.output.type"] == "json"


def test_a_parse_that_fails_was_answered_all_the_same(
    server: ModelServer, client: Any, side: Side
) -> None:
    server.script(Reply("no JSON"), Reply('{"city": "Ro', finish_reason="length"))
    with captured() as seen:
        with pytest.raises(pydantic.ValidationError):
            side.do(beta(client, "parse")(**CHAT, response_format=Weather))
        with pytest.raises(openai.LengthFinishReasonError):
            side.do(beta(client, "parse")(**CHAT, response_format=Weather))
    for span, reason in zip(seen.spans, ("stop", "length"), strict=True):
        assert span.status == "ERROR"
        assert span.attributes["gen_ai.usage.output_tokens"] > 0
        assert span.attributes["gen_ai.response.finish_reasons"] == (reason,)
    assert text(seen.spans[0]) == "no JSON"
    assert seen.spans[1].attributes["error.type"].endswith("LengthFinishReasonError")


def test_an_answer_that_is_no_json(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Raw(headers={"content-type": "application/json"}, body=b"<html>"))
    with captured() as seen:
        with pytest.raises(json.JSONDecodeError):
            side.do(client.chat.completions.create(**CHAT))
    assert only(seen).attributes["error.type"] == "json.decoder.JSONDecodeError"


def test_the_stream_helper_is_one_span(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply('{"city": "Rome", "degrees": 31}'))
    with captured() as seen:
        manager = beta(client, "stream")(**CHAT, response_format=Weather)
        stream = side.enter(manager)
        side.take(stream)
        final = side.do(stream.get_final_completion())
        side.leave(manager)
    assert final.choices[0].message.parsed == Weather(city="Rome", degrees=31)
    assert text(only(seen)) == '{"city": "Rome", "degrees": 31}'


def test_the_stream_helper_left_early(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply("Rome is where it is.", chunk_delay=0.01))
    with captured() as seen:
        manager = beta(client, "stream")(**CHAT)
        side.take(side.enter(manager), 2)
        side.leave(manager)
        assert only(seen).attributes["clearspan.outcome"] == "closed"


def test_pictures_in_the_question(server: ModelServer, client: Any, side: Side) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
    linked = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    content = [{"type": "text", "text": "What is this?"}, picture, linked]
    with captured() as seen:
        side.do(
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": content}]
            )
        )
    assert told(only(seen), "input")[0]["parts"] == [
        {"type": "text", "content": "What is this?"},
        {"type": "blob", "modality": "image", "content": "iVBO", "mime_type": "image/png"},
        {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
    ]


def test_messages_from_an_iterator_are_left_to_the_client(
    server: ModelServer, client: Any, side: Side
) -> None:
    with captured() as seen:
        side.do(client.chat.completions.create(model="gpt-4o", messages=iter(ASKED)))
    assert "gen_ai.input.messages" not in only(seen).attributes
    (request,) = server.requests
    assert request.json == {"model": "gpt-4o", "messages": ASKED}


def test_an_event_stream_nobody_asked_for_is_a_text(
    server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(
        Raw(headers={"content-type": "text/event-stream"}, body=b'data: {"id": "x"}\n\n')
    )
    with captured() as seen:
        answer: Any = side.do(client.chat.completions.create(**CHAT))
    assert isinstance(answer, str)
    assert only(seen).status == "UNSET"
    assert "gen_ai.output.messages" not in only(seen).attributes


def test_odd_chunks_reach_the_caller(server: ModelServer, client: Any, side: Side) -> None:
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    events = [
        {**base, "choices": []},
        {**base, "choices": None},
        {**base, "choices": [{"index": 0, "delta": None, "finish_reason": None}]},
        {
            **base,
            "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}],
            "usage": "much",
        },
        {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]
    server.respond(Sse([*events, "data: [DONE]", ""]))
    with captured() as seen:
        chunks = side.take(side.do(client.chat.completions.create(**CHAT, stream=True)))
    assert len(chunks) == len(events)
    assert text(only(seen)) == "hi"
    assert only(seen).attributes["clearspan.response.chunk_count"] == len(events)


def test_an_error_in_a_good_answer(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Json({"error": {"code": 502, "message": "Upstream is gone."}}))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
    span = only(seen)
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "502")


# -- other texts -----------------------------------------------------------------------------


def test_older_completions(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply("upon a time"))
    with captured() as seen:
        side.do(client.completions.create(model="davinci", prompt="Once", max_tokens=9))
        side.take(side.do(client.completions.create(model="davinci", prompt="Once", stream=True)))
    for span in seen.spans:
        assert (span.name, text(span)) == ("text_completion davinci", "upon a time")
        assert told(span, "input")[0]["parts"] == [{"type": "text", "content": "Once"}]


def test_responses(server: ModelServer, client: Any, side: Side) -> None:
    method(client, "responses.create")
    server.respond(
        Reply("In Italy.", reasoning="Hm.", tool_calls=[ToolCall("look", {"at": 1}, id="c1")])
    )
    tools = [{"type": "function", "name": "look", "parameters": {}, "strict": False}]
    asked = {
        "model": "gpt-5",
        "input": "Where is Rome?",
        "instructions": "Be brief.",
        "tools": tools,
    }
    with captured() as seen:
        side.do(client.responses.create(**asked))
        side.take(side.do(client.responses.create(**asked, stream=True)))
    for span in seen.spans:
        assert span.name == "chat gpt-5"
        kinds = [part["type"] for part in parts(span)]
        assert kinds == ["reasoning", "text", "tool_call"]
        assert text(span) == "In Italy."
        assert json.loads(span.attributes["gen_ai.system_instructions"]) == [
            {"type": "text", "content": "Be brief."}
        ]
        assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)
        assert span.attributes["openai.api.type"] == "responses"
        assert span.attributes["gen_ai.usage.output_tokens"] > 0


def test_responses_parsed_and_helped(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply('{"city": "Rome", "degrees": 31}'))
    method(client, "responses.parse")
    with captured() as seen:
        answer = side.do(client.responses.parse(model="gpt-5", input="Where?", text_format=Weather))
        assert answer.output_parsed == Weather(city="Rome", degrees=31)
        manager = method(client, "responses.stream")(
            model="gpt-5", input="Where?", text_format=Weather
        )
        stream = side.enter(manager)
        final = side.do(stream.get_final_response())
        side.leave(manager)
        assert final.output_parsed == Weather(city="Rome", degrees=31)
    assert [text(span) for span in seen.spans] == ['{"city": "Rome", "degrees": 31}'] * 2
    assert [span.attributes["gen_ai.output.type"] for span in seen.spans] == ["json", "json"]


def test_a_response_that_failed_without_raising(
    server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(Reply(finish_reason="failed"))
    with captured() as seen:
        side.do(method(client, "responses.create")(model="gpt-5", input="Where?"))
    assert only(seen).status == "ERROR"
    assert only(seen).attributes["gen_ai.response.finish_reasons"] == ("error",)


def test_a_conversation_made_shorter(server: ModelServer, client: Any, side: Side) -> None:
    with captured() as seen:
        side.do(method(client, "responses.compact")(model="gpt-5", input="A long one."))
    span = only(seen)
    assert span.name == "chat gpt-5"
    assert span.attributes["gen_ai.response.finish_reasons"] == ("compaction",)
    assert span.attributes["gen_ai.conversation.compacted"] is True


def test_a_response_fetched_again(server: ModelServer, client: Any, side: Side) -> None:
    create = method(client, "responses.create")
    made = side.do(create(model="gpt-5", input="Where?"))
    with captured() as seen:
        side.do(client.responses.retrieve(made.id))
        assert not seen.spans
        side.take(side.do(client.responses.retrieve(made.id, stream=True)))
    span = only(seen)
    assert (span.name, span.attributes["gen_ai.response.id"]) == ("fetch_response", made.id)
    assert span.attributes["gen_ai.response.status"] == "completed"
    assert not [name for name in span.attributes if name.startswith("gen_ai.usage")]


def test_responses_of_the_beta(server: ModelServer, client: Any, side: Side) -> None:
    method(client, "beta.responses.create")
    with captured() as seen:
        create = client.beta.responses.create
        side.do(create(model="gpt-5", input="Where?"))
        side.take(side.do(create(model="gpt-5", input="Where?", stream=True)))
    assert [span.name for span in seen.spans] == ["chat gpt-5"] * 2
    assert all(text(span) for span in seen.spans)


# -- vectors, pictures, sound ------------------------------------------------------------------


def test_embeddings(server: ModelServer, client: Any, side: Side) -> None:
    with captured() as seen:
        side.do(client.embeddings.create(model="e-1", input=["one", "two"], dimensions=8))
        side.do(client.embeddings.create(model="e-1", input="one", encoding_format="base64"))
    first, second = seen.spans
    assert first.name == "embeddings e-1"
    assert first.attributes["gen_ai.embeddings.dimension.count"] == 8
    assert first.attributes["clearspan.request.input_count"] == 2
    assert "gen_ai.request.encoding_formats" not in first.attributes
    assert second.attributes["gen_ai.request.encoding_formats"] == ("base64",)
    assert "gen_ai.output.messages" not in first.attributes


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pictures(server: ModelServer, client: Any, side: Side) -> None:
    usage = {
        "input_tokens": 9, "output_tokens": 20, "total_tokens": 29,
        "input_tokens_details": {"text_tokens": 5, "image_tokens": 4},
    }  # fmt: skip
    data = [
        {"b64_json": "iVBO"},
        {"url": "https://example.org/a.png", "revised_prompt": "a big cat"},
    ]
    server.respond(Json({"created": 1, "data": data, "output_format": "webp", "usage": usage}))
    with captured() as seen:
        side.do(client.images.generate(model="image-1", prompt="a cat", n=2))
        side.do(client.images.edit(model="image-1", image=("b.png", b"12"), prompt="a dog"))
        side.do(client.images.create_variation(image=b"1234"))
    made, edited, varied = seen.spans
    assert [span.name for span in seen.spans] == ["generate_content image-1"] * 2 + [
        "generate_content"
    ]
    assert told(made, "input")[0]["parts"] == [{"type": "text", "content": "a cat"}]
    assert made.attributes["gen_ai.output.type"] == "image"
    assert made.attributes["gen_ai.request.choice.count"] == 2
    assert made.attributes["gen_ai.usage.image.input_tokens"] == 4
    assert "gen_ai.response.finish_reasons" not in made.attributes
    blob = {"type": "blob", "modality": "image", "content": "iVBO", "mime_type": "image/webp"}
    linked = {
        "type": "uri",
        "modality": "image",
        "uri": "https://example.org/a.png",
        "revised_prompt": "a big cat",
    }
    assert [message["parts"] for message in told(made, "output")] == [[blob], [linked]]
    assert told(edited, "input")[0]["parts"] == [
        {"type": "text", "content": "a dog"},
        {"type": "upload", "modality": "image", "size": 2, "name": "b.png"},
    ]
    assert varied.attributes["clearspan.request.input_count"] == 1


def test_pictures_that_come_by_and_by(server: ModelServer, client: Any, side: Side) -> None:
    base = {
        "background": "auto",
        "created_at": 1,
        "output_format": "png",
        "quality": "low",
        "size": "auto",
    }
    events = [
        {
            "type": "image_generation.partial_image",
            "b64_json": "AAAA",
            "partial_image_index": 0,
            **base,
        },
        {
            "type": "image_generation.completed",
            "b64_json": "iVBO",
            "usage": {"input_tokens": 9, "output_tokens": 20},
            **base,
        },
    ]
    server.respond(Sse(events))
    try:
        with captured() as seen:
            events = side.take(
                side.do(client.images.generate(model="image-1", prompt="a cat", stream=True))
            )
    except TypeError:
        pytest.skip("this version of the client streams no pictures")
    span = only(seen)
    assert parts(span) == [
        {"type": "blob", "modality": "image", "content": "iVBO", "mime_type": "image/png"}
    ]
    assert span.attributes["gen_ai.usage.output_tokens"] == 20
    assert span.attributes["clearspan.response.time_to_first_content"] > 0


def test_speech_is_left_to_the_caller(
    server: ModelServer, client: Any, side: Side, tmp_path: Any
) -> None:
    asked = {"model": "tts-1", "voice": "alloy", "input": "Hello."}
    with captured() as seen:
        answer = side.do(client.audio.speech.create(**asked, response_format="wav"))
        manager = client.audio.speech.with_streaming_response.create(**asked)
        response = side.enter(manager)
        side.do(response.stream_to_file(tmp_path / "hello.mp3"))
        side.leave(manager)
    assert answer.content
    assert (tmp_path / "hello.mp3").stat().st_size > 0
    whole, piecewise = seen.spans
    for span in (whole, piecewise):
        assert span.name == "generate_content tts-1"
        assert span.attributes["gen_ai.output.type"] == "speech"
        assert told(span, "input")[0]["parts"] == [{"type": "text", "content": "Hello."}]
        assert "gen_ai.output.messages" not in span.attributes
        assert "clearspan.outcome" not in span.attributes
    assert whole.attributes["clearspan.request.response_format"] == "wav"
    assert piecewise.attributes["clearspan.response.time_to_first_content"] > 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"text": "Hello.", "usage": {"type": "tokens", "input_tokens": 9, "output_tokens": 2, "total_tokens": 11,
                                         "input_token_details": {"audio_tokens": 8, "text_tokens": 1}}},
            {"gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 2, "gen_ai.usage.audio.input_tokens": 8,
             "gen_ai.usage.text.input_tokens": 1},
        ),
        ({"text": "Hello.", "usage": {"type": "duration", "seconds": 3}}, {"clearspan.usage.audio_seconds": 3.0}),
        ({"text": "Hello.", "duration": 3.5, "language": "english"}, {"clearspan.usage.audio_seconds": 3.5}),
    ],
)  # fmt: skip
def test_transcriptions(
    server: ModelServer, client: Any, side: Side, body: Any, expected: Any
) -> None:
    server.respond(Json(body))
    with captured() as seen:
        side.do(
            client.audio.transcriptions.create(
                model="whisper-1", file=("a.wav", b"1234"), prompt="Greetings"
            )
        )
    span = only(seen)
    assert told(span, "input")[0]["parts"] == [
        {"type": "upload", "modality": "audio", "size": 4, "name": "a.wav"},
        {"type": "text", "content": "Greetings"},
    ]
    assert text(span) == "Hello."
    assert {name: span.attributes.get(name) for name in expected} == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_transcriptions_that_are_bare_text(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Raw(headers={"content-type": "text/plain"}, body=b"forty-two"))
    with captured() as seen:
        asked = {"model": "whisper-1", "file": ("a.wav", b"1"), "response_format": "text"}
        side.do(client.audio.transcriptions.create(**asked))
        side.do(client.audio.translations.create(**asked))
        side.do(client.audio.translations.with_raw_response.create(**asked))
    assert [text(span) for span in seen.spans] == ["forty-two"] * 3
    assert [span.attributes["clearspan.request.response_format"] for span in seen.spans] == [
        "text"
    ] * 3


def test_transcriptions_that_come_by_and_by(server: ModelServer, client: Any, side: Side) -> None:
    events = [
        {"type": "transcript.text.delta", "delta": "Hel"},
        {"type": "transcript.text.delta", "delta": "lo."},
        {"type": "transcript.text.done", "text": "Hello.", "logprobs": [{"token": "Hello.", "logprob": -0.5}],
         "usage": {"type": "tokens", "input_tokens": 9, "output_tokens": 2, "total_tokens": 11}},
    ]  # fmt: skip
    server.respond(Sse(events))
    try:
        with captured() as seen:
            stream = side.do(
                client.audio.transcriptions.create(model="t-1", file=b"1", stream=True)
            )
            side.take(stream)
    except TypeError:
        pytest.skip("this version of the client streams no transcriptions")
    span = only(seen)
    assert text(span) == "Hello."
    assert span.attributes["gen_ai.usage.output_tokens"] == 2
    assert json.loads(span.attributes["clearspan.response.logprobs"]) == [[["Hello.", -0.5]]]
    assert span.attributes["clearspan.confidence.logprob.mean"] == -0.5


# -- judging, deciding, batches, agents ----------------------------------------------------------


def test_moderations(server: ModelServer, client: Any, side: Side) -> None:
    results = [
        {"flagged": flagged, "categories": {}, "category_scores": {}} for flagged in (False, True)
    ]
    server.script(Json({"id": "modr-1", "model": "omni-1", "results": results}))
    with captured() as seen:
        side.do(client.moderations.create(model="omni", input=["one", "two"]))
        side.do(client.moderations.create(input="one"))
    first, second = seen.spans
    assert first.name == "moderation omni"
    assert first.attributes["gen_ai.response.id"] == "modr-1"
    assert first.attributes["clearspan.moderation.flagged"] is True
    assert first.attributes["clearspan.request.input_count"] == 2
    assert len(told(first, "input")[0]["parts"]) == 2
    assert second.attributes["clearspan.moderation.flagged"] is False


def test_decisions(server: ModelServer, client: Any, side: Side) -> None:
    questions = [
        {"type": "predicate", "instructions": "Is it wet?", "name": "wet"},
        {"type": "choice", "instructions": "Which?", "choices": [{"value": "a"}, {"value": "b"}]},
    ]
    method(client, "decisions.create")
    with captured() as seen:
        side.do(client.decisions.create(model="gpt-6", input="It rains.", questions=questions))
    span = only(seen)
    assert span.name == "decision gpt-6"
    asked = told(span, "input")
    assert asked[0]["parts"] == [{"type": "text", "content": "It rains."}]
    assert [part["kind"] for part in asked[1]["parts"]] == ["predicate", "choice"]
    assert [part["kind"] for part in parts(span)] == ["predicate", "choice"]
    assert span.attributes["gen_ai.usage.input_tokens"] > 0
    assert "gen_ai.response.finish_reasons" not in span.attributes


def test_batches(server: ModelServer, client: Any, side: Side) -> None:
    with captured() as seen:
        batch = side.do(
            client.batches.create(
                input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"
            )
        )
    span = only(seen)
    assert (span.name, span.attributes["gen_ai.response.id"]) == ("create_batch", batch.id)
    assert span.attributes["clearspan.batch.status"] == "validating"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_runs_of_assistants(server: ModelServer, client: Any, side: Side) -> None:
    server.script(Reply(tool_calls=[ToolCall("look", {"at": "Rome"}, id="c1")]), Reply("In Italy."))
    runs = client.beta.threads.runs
    thread = {"messages": ASKED}
    with captured() as seen:
        stream = side.do(
            client.beta.threads.create_and_run(assistant_id="asst_1", thread=thread, stream=True)
        )
        run = next(
            event.data for event in side.take(stream) if event.event == "thread.run.requires_action"
        )
        answers = [{"tool_call_id": "c1", "output": "It is warm."}]
        side.take(
            side.do(
                runs.submit_tool_outputs(
                    run.id, thread_id=run.thread_id, tool_outputs=answers, stream=True
                )
            )
        )
        side.do(runs.create(run.thread_id, assistant_id="asst_1", instructions="Be brief."))
    asked, answered, queued = seen.spans
    assert [span.name for span in seen.spans] == ["invoke_agent"] * 3
    assert told(asked, "input")[0]["parts"] == [{"type": "text", "content": "Where is Rome?"}]
    assert parts(asked) == [
        {"type": "tool_call", "name": "look", "id": "c1", "arguments": {"at": "Rome"}}
    ]
    assert asked.attributes["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert told(answered, "input")[0]["parts"][0]["response"] == "It is warm."
    assert text(answered) == "In Italy."
    assert answered.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert answered.attributes["gen_ai.usage.output_tokens"] > 0
    for span in seen.spans:
        assert span.attributes["gen_ai.agent.id"] == "asst_1"
        assert span.attributes["gen_ai.conversation.id"] == run.thread_id
    assert "gen_ai.output.messages" not in queued.attributes


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_stream_helpers_of_runs(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply("In Italy."))
    with captured() as seen:
        manager = client.beta.threads.create_and_run_stream(
            assistant_id="asst_1", thread={"messages": ASKED}
        )
        handler = side.enter(manager)
        side.do(handler.until_done())
        side.leave(manager)
    span = only(seen)
    assert text(span) == "In Italy."
    assert span.attributes["gen_ai.agent.id"] == "asst_1"
    assert span.attributes["server.port"] == server.port
