"""How much of an answer waits with its call to be read: what the program does not have any more is let go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import clearspan
from clearspan import pipeline
from clearspan.testing import ModelServer
from clearspan.testing.server import Json, Raw
from tests.providers.openai.kit import CHAT, method
from tests.providers.side import Side

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
SOUND = Raw(200, {"content-type": "audio/mpeg", "content-length": "300000"}, b"\0" * 300_000)
SPEAK = {"model": "tts-1", "voice": "alloy", "input": "Hi."}
SMALL = 16_000


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What calls weigh that begin to wait."""
    found: list[int] = []
    weight = pipeline.weight

    def weighed(draft: Any) -> int:
        found.append(weight(draft))
        return found[-1]

    monkeypatch.setattr(pipeline, "weight", weighed)
    return found


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Where a pipeline of our own exports to, which completes on its worker."""
    made = InMemorySpanExporter()
    clearspan.init(exporters=[made], hardware="off")
    yield made
    clearspan.shutdown()


@pytest.mark.parametrize(
    ("name", "given", "answer", "least", "most"),
    [
        ("embeddings.create", EMBED, Json(VECTORS), 0, SMALL),
        ("embeddings.create", EMBED, Json({**VECTORS, "id": "e", "created": 1}), 0, SMALL),
        ("embeddings.with_raw_response.create", EMBED, Json(VECTORS), BODY, 2 * BODY),
        ("chat.completions.create", CHAT, Json(ANSWER), len(LONG), len(LONG) + SMALL),
        ("chat.completions.with_raw_response.create", CHAT, Json(ANSWER), len(LONG), len(LONG) + SMALL),
        ("audio.speech.create", SPEAK, SOUND, 300_000, 300_000 + SMALL),
    ],
)  # fmt: skip
def test_an_answer_weighs_what_it_keeps_alive(
    server: ModelServer, client: Any, side: Side, weights: list[int], exporter: InMemorySpanExporter,
    name: str, given: Any, answer: Any, least: int, most: int,
) -> None:  # fmt: skip
    server.script(answer)
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
