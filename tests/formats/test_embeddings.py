from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse, Embedding
from openai.types.create_embedding_response import Usage

from clearspan.core.held import held
from clearspan.formats import embeddings
from clearspan.record import Outcome
from tests.formats.kit import answered, called, record


def request(**arguments: Any) -> Any:
    return record(called(embeddings.request, **arguments), operation="embeddings")


def read(source: Any) -> Any:
    return record(answered(embeddings.response, source), operation="embeddings")


@pytest.mark.parametrize(
    ("source", "count", "value"),
    [
        ("one", 1, "one"),
        (["one", "two"], 2, ["one", "two"]),
        ([1, 2, 3], 1, None),
        ([[1, 2], [3]], 2, None),
        ([], None, None),
        (None, None, None),
        (iter(["one"]), None, None),
    ],
)
def test_what_is_embedded(source: Any, count: int | None, value: Any) -> None:
    found = request(input=source)
    assert found.extras.get("clearspan.request.input_count") == count
    assert found.input_value == value
    assert found.input == ()


def test_parameters() -> None:
    found = request(input="one", encoding_format="float", dimensions=256)
    assert dict(found.params) == {"encoding_formats": ["float"]}
    assert found.extras["gen_ai.embeddings.dimension.count"] == 256


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


@pytest.mark.parametrize(
    ("vector", "length"),
    [
        ([0.1, 0.2, 0.3], 3),
        (packed(0.5), 1),
        (packed(0.5, 1.5), 2),
        (packed(*[0.5] * 1536), 1536),
        ("QUJD", None),
        ([], None),
        (None, None),
        (7, None),
    ],
)
def test_how_long_the_vectors_are(vector: Any, length: int | None) -> None:
    data = [
        {"object": "embedding", "index": 0, "embedding": vector},
        {"index": 1, "embedding": [1.0]},
    ]
    found = read({"data": data, "model": "e-1", "usage": {"prompt_tokens": 4, "total_tokens": 4}})
    assert found.extras.get("gen_ai.embeddings.dimension.count") == length
    assert found.extras["clearspan.response.output_count"] == 2
    assert (found.usage.input, found.usage.output) == (4, None)
    assert found.response_model == "e-1"
    assert found.output == ()


@pytest.mark.parametrize(
    "source", ["text", None, {}, {"data": None, "usage": "x"}, {"data": [None]}]
)
def test_a_broken_answer_is_no_fault(source: Any) -> None:
    assert read(source).outcome is Outcome.COMPLETED


@pytest.mark.parametrize("more", [{}, {"id": "e", "created": 1}], ids=["plain", "and more"])
@pytest.mark.parametrize("vector", [[0.5] * 1_536, packed(*[0.5] * 1_536)])
def test_of_an_answer_all_is_kept_that_is_told_of_it_and_no_vector(vector: Any, more: Any) -> None:
    data = [{"object": "embedding", "index": number, "embedding": vector} for number in range(64)]
    answer = CreateEmbeddingResponse.construct(
        data=[Embedding.construct(**one) for one in data], model="e-1", object="list",
        usage=Usage(prompt_tokens=4, total_tokens=4), **more,
    )  # fmt: skip
    kept = embeddings.brief(answer)
    assert kept is not None
    assert kept.keys() == {"data", "model", "object", "usage", *more}
    assert (read(kept).extras, read(kept).usage) == (read(answer).extras, read(answer).usage)
    assert read(kept).response_model == "e-1"
    assert read(kept).extras["gen_ai.embeddings.dimension.count"] == 1_536
    assert held(kept) < 1_000 < 64 * 6_000 < held(answer)


def test_what_has_no_vectors_is_kept_as_it_is() -> None:
    for data in (None, (), "text"):
        assert embeddings.brief(CreateEmbeddingResponse.construct(data=data)) is None
    assert embeddings.brief({"data": [{"embedding": [0.5]}]}) is None


@pytest.mark.parametrize("data", [[], [None], [{"embedding": None}], [{"embedding": "QUJD"}]])
def test_vectors_that_cannot_be_measured_are_counted(data: list[Any]) -> None:
    kept = embeddings.brief(CreateEmbeddingResponse.construct(data=data))
    found = read(kept).extras
    assert kept is not None
    assert found.get("clearspan.response.output_count") == (len(data) or None)
    assert "gen_ai.embeddings.dimension.count" not in found


def test_an_error_in_a_good_answer() -> None:
    assert read({"error": {"message": "No."}}).outcome is Outcome.FAILED
