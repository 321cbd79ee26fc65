from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

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


@pytest.mark.parametrize("vector", [[0.5] * 1_536, packed(*[0.5] * 1_536)])
def test_an_answer_weighs_what_its_vectors_do(vector: Any) -> None:
    from openai.types import CreateEmbeddingResponse

    data = [{"object": "embedding", "index": number, "embedding": vector} for number in range(64)]
    answer = CreateEmbeddingResponse.construct(data=data)
    assert 0.9 < (embeddings.weigh(answer) or 0) / held(answer) < 1.5


def test_what_has_no_vectors_is_not_weighed_by_them() -> None:
    from openai.types import CreateEmbeddingResponse

    for data in (None, [], [{"embedding": None}], [None], ()):
        assert embeddings.weigh(CreateEmbeddingResponse.construct(data=data)) is None
    assert embeddings.weigh({"data": [{"embedding": [0.5]}]}) is None


def test_an_error_in_a_good_answer() -> None:
    assert read({"error": {"message": "No."}}).outcome is Outcome.FAILED
