from __future__ import annotations

import base64
import io
import math
import struct
import wave
from typing import TYPE_CHECKING, Any

import openai
import pytest

from clearspan.testing.server import ModelServer, Reply
from tests.testing.server_client import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

# Image variations and translations are marked as deprecated by the newest client.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SOUND = ("talk.wav", b"RIFF\r\n--and some more\r\n", "audio/wav")
PICTURE = ("cat.png", b"\x89PNG\r\n\x1a\n\x00\x01", "image/png")


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


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_embeddings_by_default_and_as_floats(server: ModelServer, call: Caller) -> None:
    asked = {"model": "text-embedding-3-small", "input": ["a red fox", "a blue sea"]}
    packed = call("embeddings.create", **asked)
    plain = call("embeddings.create", **asked, encoding_format="float")
    assert server.requests[0].json["encoding_format"] == "base64"
    assert [len(item.embedding) for item in plain.data] == [1536, 1536]
    assert packed.data[1].embedding == pytest.approx(plain.data[1].embedding, abs=1e-6)
    assert (plain.usage.prompt_tokens, plain.usage.total_tokens) == (6, 6)
    assert [item.index for item in plain.data] == [0, 1]


def test_embeddings_of_similar_texts_are_near(call: Caller) -> None:
    texts = ["The red fox sleeps.", "A red fox", "Numbers and charts", ""]
    made = call("embeddings.create", model="m", input=texts, dimensions=64, encoding_format="float")
    fox, same, other, empty = (item.embedding for item in made.data)
    assert len(fox) == 64
    assert all(math.isclose(likeness(v, v), 1.0) for v in (fox, same, other, empty))
    assert likeness(fox, same) > likeness(fox, other)


def test_embeddings_of_tokens(call: Caller) -> None:
    one = call("embeddings.create", model="m", input=[1, 2, 3])
    assert (len(one.data), one.usage.prompt_tokens) == (1, 3)
    two = call("embeddings.create", model="text-embedding-3-large", input=[[1, 2], [3]])
    assert [len(item.embedding) for item in two.data] == [3072, 3072]
    assert two.usage.prompt_tokens == 3


def test_a_reply_cannot_be_an_embedding(server: ModelServer) -> None:
    server.script(Reply("no"))
    with pytest.raises(openai.InternalServerError) as caught:
        Caller(server, asynchronous=False)("embeddings.create", model="m", input="a")
    assert "script Json, Sse or Raw" in str(caught.value.body)
    assert len(server.requests) == 1


def test_moderations(call: Caller) -> None:
    texts = ["A story of violence.", "A story of cats."]
    made = call("moderations.create", input=texts, model="omni-moderation-latest")
    bad, good = made.results
    assert (bad.flagged, good.flagged) == (True, False)
    assert (bad.categories.violence, bad.categories.hate) == (True, False)
    assert bad.category_scores.violence > 0.5 > good.category_scores.violence
    assert made.model == "omni-moderation-latest"
    parts = [
        {"type": "text", "text": "cats"},
        {"type": "image_url", "image_url": {"url": "data:,"}},
    ]
    assert len(call("moderations.create", input=parts).results) == 1
    assert len(call("moderations.create", input="hate").results) == 1


@pytest.mark.skipif(not hasattr(openai.OpenAI, "decisions"), reason="this openai decides nothing")
def test_decisions(call: Caller) -> None:
    questions = [
        {"type": "predicate", "name": "urgent", "instructions": "Is the parcel late?"},
        {
            "type": "choice",
            "instructions": "Which team?",
            "choices": [{"value": "sales"}, {"value": "shipping"}],
        },
        {
            "type": "score",
            "instructions": "How angry?",
            "levels": [{"label": "calm"}, {"label": "angry"}],
        },
        {"type": "choice", "instructions": "One?", "choices": [{"value": True}]},
        {"type": "score", "instructions": "None?", "levels": [{"label": "a"}, {"label": "b"}]},
    ]
    asked = {"model": "gpt-6-luna", "input": "An angry note: shipping is late."}
    made = call("decisions.create", **asked, questions=questions)
    urgent, team, mood, single, level = made.answers
    assert urgent.name == "urgent"
    assert 0 < urgent.probability < 1
    assert (team.choice, mood.score) == ("shipping", 0.8)
    assert (single.choice, single.confidence, level.score) == (True, 1.0, 0.2)
    for answer in (team, mood, single, level):
        assert math.isclose(sum(item.probability for item in answer.probabilities), 1.0)
    assert made.usage.input_tokens == 16
    assert made.usage.output_tokens == 5


@pytest.mark.skipif(not hasattr(openai.OpenAI, "decisions"), reason="this openai decides nothing")
def test_decisions_without_a_choice_are_refused(call: Caller) -> None:
    questions = [
        {"type": "choice", "instructions": "Which?", "choices": []},
        {"type": "score", "name": "mood", "instructions": "How?", "levels": []},
    ]
    made = call("decisions.create", model="m", input="a", questions=questions)
    assert [(answer.type, answer.name) for answer in made.answers] == [
        ("refusal", None),
        ("refusal", "mood"),
    ]


def test_images_come_as_base64_or_as_urls(call: Caller) -> None:
    made = call("images.generate", model="gpt-image-1", prompt="a red fox", n=2)
    assert len({item.b64_json for item in made.data}) == 2
    assert base64.b64decode(made.data[0].b64_json).startswith(b"\x89PNG")
    assert (made.usage.input_tokens, made.usage.output_tokens) == (3, 32)
    assert (made.size, made.quality, made.output_format) == ("1024x1024", "high", "png")
    linked = call("images.generate", model="dall-e-3", prompt="a red fox")
    assert linked.data[0].url.startswith("https://images.invalid/")
    assert "a red fox" in linked.data[0].revised_prompt
    assert linked.usage is None
    packed = call("images.generate", model="dall-e-2", prompt="a fox", response_format="b64_json")
    assert packed.data[0].b64_json


def test_image_edits_and_variations(server: ModelServer, call: Caller) -> None:
    edited = call("images.edit", model="gpt-image-1", image=[PICTURE, PICTURE], prompt="more red")
    assert edited.usage.input_tokens_details.image_tokens == 32
    assert edited.usage.input_tokens_details.text_tokens == 2
    [first, _] = server.requests[0].form["image"]
    assert not isinstance(first, str)
    assert (first.filename, first.content, first.content_type) == PICTURE
    varied = call("images.create_variation", image=PICTURE, n=2)
    assert len(varied.data) == 2
    assert varied.data[0].url


@pytest.mark.parametrize("kind", ["generate", "edit"])
def test_image_streams(call: Caller, kind: str) -> None:
    asked: dict[str, Any] = {"model": "gpt-image-1", "prompt": "a red fox", "partial_images": 2}
    if kind == "edit":
        asked["image"] = PICTURE
    events = call.stream(f"images.{kind}", **asked)
    name = {"generate": "image_generation", "edit": "image_edit"}[kind]
    assert [event.type for event in events] == [
        *[f"{name}.partial_image"] * 2,
        f"{name}.completed",
    ]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    assert events[-1].usage.output_tokens == 16


@pytest.mark.parametrize(
    ("form", "kind"),
    [("mp3", "audio/mpeg"), ("wav", "audio/wav"), ("pcm", "audio/pcm"), ("flac", "audio/flac")],
)
def test_speech(call: Caller, form: str, kind: str) -> None:
    asked = {"model": "tts-1", "voice": "alloy", "input": "one two three"}
    made = call("audio.speech.create", **asked, response_format=form)
    assert made.response.headers["content-type"] == kind
    assert made.response.headers["x-request-id"] == "req_00000001"
    assert len(made.content) > 1000
    if form == "wav":
        with wave.open(io.BytesIO(made.content)) as file:
            assert file.getnframes() / file.getframerate() == pytest.approx(1.2)


def test_speech_is_sent_in_pieces(client: Any) -> None:
    speak = client.audio.speech.with_streaming_response.create
    with speak(model="tts-1", voice="alloy", input="one two three") as answer:
        assert len(list(answer.iter_bytes())) > 1


def test_speech_events(client: Any) -> None:
    asked = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "one two"}
    text = client.audio.speech.create(**asked, stream_format="sse").text
    assert '"type":"speech.audio.delta"' in text
    assert '"type":"speech.audio.done"' in text


def test_transcription_by_default(call: Caller) -> None:
    made = call("audio.transcriptions.create", model="gpt-4o-transcribe", file=SOUND)
    assert made.text == f"Transcript of talk.wav with {len(SOUND[1])} bytes."
    assert (made.usage.type, made.usage.output_tokens) == ("tokens", 6)
    timed = call("audio.transcriptions.create", model="whisper-1", file=SOUND)
    assert (timed.usage.type, timed.usage.seconds) == ("duration", 2.4)


def test_transcription_forms(server: ModelServer, call: Caller) -> None:
    server.respond(Reply("one two three"), path="/transcriptions")
    name, asked = "audio.transcriptions.create", {"model": "whisper-1", "file": SOUND}
    assert call(name, **asked, response_format="text") == "one two three\n"
    srt = call(name, **asked, response_format="srt")
    assert srt == "1\n00:00:00,000 --> 00:00:01,200\none two three\n\n"
    vtt = call(name, **asked, response_format="vtt")
    assert vtt == "WEBVTT\n\n00:00:00.000 --> 00:00:01.200\none two three\n\n"
    verbose = call(
        name, **asked, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert (verbose.duration, verbose.language) == (1.2, "english")
    assert [word.word for word in verbose.words] == ["one", "two", "three"]
    assert verbose.segments[0].text == "one two three"


def test_transcription_with_speakers_and_logprobs(call: Caller) -> None:
    name, asked = "audio.transcriptions.create", {"model": "gpt-4o-transcribe", "file": SOUND}
    spoken = call(name, **asked, extra_body={"response_format": "diarized_json"})
    assert spoken.to_dict()["segments"][0]["speaker"] == "A"
    sure = call(name, **asked, response_format="json", include=["logprobs"])
    assert "".join(entry.token for entry in sure.logprobs) == sure.text


def test_transcription_streams(server: ModelServer, call: Caller) -> None:
    server.script(Reply(chunks=["one ", "two"], usage=False))
    name, asked = "audio.transcriptions.create", {"model": "gpt-4o-transcribe", "file": SOUND}
    events = call.stream(name, **asked)
    assert [getattr(event, "delta", None) for event in events] == ["one ", "two", None]
    assert (events[-1].type, events[-1].text) == ("transcript.text.done", "one two")
    own = call.stream(name, **asked, include=["logprobs"])
    assert own[-1].usage.output_tokens == 6
    assert own[0].logprobs[0].token == own[0].delta


def test_translations(call: Caller) -> None:
    name, asked = "audio.translations.create", {"model": "whisper-1", "file": SOUND}
    assert call(name, **asked).text.startswith("Translation of talk.wav")
    assert call(name, **asked, response_format="text").startswith("Translation")
    verbose = call(name, **asked, response_format="verbose_json")
    assert (verbose.duration, verbose.segments[0].end) == (2.4, 2.4)


def test_files_and_batches(server: ModelServer, call: Caller) -> None:
    file = call("files.create", file=("jobs.jsonl", b"{}\n"), purpose="batch")
    assert (file.filename, file.bytes, file.purpose) == ("jobs.jsonl", 3, "batch")
    assert call("files.retrieve", file.id).id == file.id
    batch = call(
        "batches.create",
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"a": "b"},
    )
    assert (batch.status, batch.input_file_id) == ("validating", file.id)
    assert call("batches.retrieve", batch.id).metadata == {"a": "b"}
    with pytest.raises(openai.NotFoundError):
        call("batches.retrieve", "batch_none")


def test_models(call: Caller) -> None:
    assert call("models.retrieve", "gpt-4o").id == "gpt-4o"


def test_models_are_listed(client: Any) -> None:
    names = [model.id for model in client.models.list()]
    assert "gpt-4o" in names


def test_packed_vectors_are_little_endian_floats(client: Any) -> None:
    asked = {"model": "m", "input": "fox", "dimensions": 2, "encoding_format": "base64"}
    data = client.embeddings.create(**asked).data[0].embedding
    assert sorted(map(abs, struct.unpack("<2f", base64.b64decode(data)))) == [0.0, 1.0]
