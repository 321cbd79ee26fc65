"""The forms in which vector stores and frameworks give what they found."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.evaluators.retrieval.found import found
from clearspan.record import Invocation, Operation, Timing


def seen(answer: Any) -> list[tuple[str, ...]]:
    call = Invocation(Operation.RETRIEVAL, Timing(0, 0), output_value=answer)
    return [document.keys for document in found(call) or []]


@pytest.mark.parametrize(
    "answer",
    [
        [{"id": None, "metadata": {"id": "a"}, "page_content": "hello"}],
        [[{"id": None, "metadata": {"id": "a"}, "page_content": "hello"}, 0.9]],
        [{"id_": "a", "text": "hello"}],
        [{"node": {"id_": "a", "text": "hello"}, "score": 0.3}],
        [{"document": {"id": "a", "content": "hello"}, "score": 0.3}],
        {"ids": [["a"]], "documents": [["hello"]], "distances": [[0.1]]},
        {"ids": ["a"], "documents": ["hello"]},
    ],
)
def test_id_and_text_are_found(answer: Any) -> None:
    assert seen(answer) == [("a", "hello")]


def test_columns_without_texts() -> None:
    assert seen({"ids": [["a", "b"]], "documents": None}) == [("a",), ("b",)]


def test_a_name_with_how_well_it_fits() -> None:
    assert seen([["a", 0.9], ["b", 0.8]]) == [("a",), ("b",)]


@pytest.mark.parametrize("answer", [["<app.Node>"], [["a", "b", "c"]], [None]])
def test_what_could_not_be_looked_into_has_no_name(answer: Any) -> None:
    assert seen(answer) == [()]
