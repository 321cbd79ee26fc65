"""How much of an answer waits with its call to be read: what the program does not have any more is let go."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import clearspan
from clearspan.assess.guard import Blocked
from clearspan.testing import ModelServer
from clearspan.testing.server import Json, Raw
from tests.assess.guard.kit import SAYS_SECRET, at_output, passing
from tests.providers.openai.kit import CHAT, method
from tests.providers.side import Side
from tests.providers.waiting import held_up, weighed

VECTORS = {
    "object": "list", "model": "e-1", "usage": {"prompt_tokens": 4, "total_tokens": 4},
    "data": [{"object": "embedding", "index": at, "embedding": [0.5] * 1_536} for at in range(64)],
}  # fmt: skip
BODY = 64 * 1_536 * len("0.5,")
EMBED: dict[str, Any] = {"model": "e-1", "input": ["text"] * 64, "encoding_format": "float"}
LONG = "word " * 40_000
ANSWER = {
    "id": "c-1", "object": "chat.completion", "created": 1, "model": "gpt-4o",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": LONG}}],
}  # fmt: skip
UNSAFE: dict[str, Any] = {
    **ANSWER, "id": "c-unsafe", "usage": {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10},
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": SAYS_SECRET + LONG}}],
}  # fmt: skip
PICTURE = {"created": 1, "data": [{"b64_json": LONG}]}
SOUND = Raw(200, {"content-type": "audio/mpeg", "content-length": "300000"}, b"\0" * 300_000)
SPEAK = {"model": "tts-1", "voice": "alloy", "input": "Hi."}
SMALL = 16_000


def began(**settings: Any) -> InMemorySpanExporter:
    """A pipeline of our own, which completes on its worker, and where it exports to."""
    made = InMemorySpanExporter()
    clearspan.init(exporters=[made], hardware="off", **settings)
    return made


@pytest.fixture(autouse=True)
def over() -> Iterator[None]:
    yield
    clearspan.shutdown()


@pytest.mark.parametrize(
    ("name", "given", "answer", "least", "most"),
    [
        ("embeddings.create", EMBED, Json(VECTORS), 0, SMALL),
        ("embeddings.create", EMBED, Json({**VECTORS, "id": "e", "created": 1}), 0, SMALL),
        ("embeddings.with_raw_response.create", EMBED, Json(VECTORS), BODY, 2 * BODY),
        ("chat.completions.create", CHAT, Json(ANSWER), len(LONG), len(LONG) + SMALL),
        ("chat.completions.with_raw_response.create", CHAT, Json(ANSWER), len(LONG), len(LONG) + SMALL),
        ("images.generate", {"prompt": "A cat."}, Json(PICTURE), len(LONG), len(LONG) + SMALL),
        ("audio.speech.create", SPEAK, SOUND, 300_000, 300_000 + SMALL),
    ],
)  # fmt: skip
def test_an_answer_weighs_what_it_keeps_alive(
    server: ModelServer, client: Any, side: Side, name: str, given: Any, answer: Any, least: int, most: int
) -> None:  # fmt: skip
    exporter = began()
    server.script(answer)
    with weighed() as weights:
        side.do(method(client, name)(**given))
    assert clearspan.flush(20)
    (weight,) = weights
    assert least <= weight <= most
    (span,) = exporter.get_finished_spans()
    if name.startswith("embeddings"):
        assert span.attributes is not None
        assert span.attributes["gen_ai.embeddings.dimension.count"] == 1_536
        assert span.attributes["clearspan.response.output_count"] == 64
        assert span.attributes["gen_ai.usage.input_tokens"] == 4


@pytest.mark.parametrize("streaming", [False, True], ids=["raw", "streaming"])
def test_what_a_program_has_a_raw_answer_parsed_into_does_not_wait(
    server: ModelServer, client: Any, side: Side, *, streaming: bool
) -> None:
    exporter = began()
    server.script(Json(VECTORS))
    with held_up():
        if streaming:
            made = parsed_of_streaming(client, side)
        else:
            made = side.do(client.embeddings.with_raw_response.create(**EMBED)).parse()
        assert len(made.data) == 64
        parsed = weakref.ref(made)
        del made
        gc.collect()
        assert parsed() is None
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["clearspan.response.output_count"] == 64


def parsed_of_streaming(client: Any, side: Side) -> Any:
    """The answer of a call whose body is read later."""
    asked = client.embeddings.with_streaming_response.create(**EMBED)
    if not side.asynchronous:
        with asked as answer:
            answer.read()
            return answer.parse()

    async def later() -> Any:
        async with asked as answer:
            await answer.read()
            return await answer.parse()

    return side.do(later())


def test_the_id_of_a_raw_answer_is_known_once_it_is_read(
    server: ModelServer, client: Any, side: Side
) -> None:
    def asked() -> Any:
        return client.chat.completions.with_raw_response.create(**CHAT)

    async def asked_and_awaited() -> str | None:
        await asked()
        return clearspan.current().response_id

    # With providers of the program's own calls are complete when they return, where no tokens are to be counted.
    server.script(Json({**ANSWER, "usage": UNSAFE["usage"]}))
    clearspan.init(tracer_provider=TracerProvider(), hardware="off")
    if side.asynchronous:
        found = side.do(asked_and_awaited())
    else:
        asked()
        found = clearspan.current().response_id
    assert found == ANSWER["id"]


def test_what_a_guard_keeps_from_the_program_is_not_kept_twice(
    server: ModelServer, client: Any, side: Side
) -> None:
    exporter = began(guards=[at_output("block")])
    server.script(Json(UNSAFE))
    with weighed() as weights, held_up():
        assert type(passing(lambda: side.do(client.chat.completions.create(**CHAT)))) is Blocked
        gc.collect()
        assert [found for found in gc.get_objects() if answers_unsafely(found)] == []
    (weight,) = weights
    assert len(LONG) <= weight <= len(LONG) + SMALL
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["gen_ai.usage.output_tokens"] == 7


def answers_unsafely(found: object) -> bool:
    return type(found).__name__ == "ChatCompletion" and vars(found).get("id") == UNSAFE["id"]
