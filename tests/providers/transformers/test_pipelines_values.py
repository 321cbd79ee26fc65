"""What is kept of inputs and outputs: texts and numbers, and of the rest what it is."""

from __future__ import annotations

import collections
from typing import Any

import pytest

from clearspan.core import jsonfast
from clearspan.providers.transformers import pipeline_values as values

torch: Any = pytest.importorskip("torch", reason="torch is not installed")
BatchEncoding: Any = pytest.importorskip(
    "transformers", reason="transformers is not installed"
).BatchEncoding


class Named(str):
    """A text of a class of its own."""

    __slots__ = ()


class Proxy:
    """Something that does not want to be looked at."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)

    def __iter__(self) -> Any:
        raise AssertionError


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("text", "text"),
        (Named("text"), "text"),
        (None, None),
        (0.5, 0.5),
        (float("nan"), None),
        ({"label": "A", "box": {"xmin": 1}}, {"label": "A", "box": {"xmin": 1}}),
        ({1: (2, 3)}, {"1": [2, 3]}),
        (collections.OrderedDict(a=1), {"a": 1}),
        ([1, 2, 3], [1, 2, 3]),
        ([0.5] * 65, "<numbers 65>"),
        ([[[0.5] * 32] * 4], "<numbers 1x4x32>"),
        (torch.zeros(2, 3, dtype=torch.float16), "<Tensor 2x3 float16>"),
        (torch.nn.Parameter(torch.zeros(1)), "<Parameter 1 float32>"),
        (b"1234", "<bytes of 4 bytes>"),
        ((item for item in "ab"), "<builtins.generator>"),
        ({"generated_text": [{"content": "asked"}, {"content": "said"}]}, {"generated_text": [{"content": "said"}]}),
        (BatchEncoding({"a": [1]}), {"a": [1]}),
    ],
)  # fmt: skip
def test_what_is_kept(value: Any, kept: Any) -> None:
    found = values.compact(value)
    assert found == kept
    jsonfast.dumps(found)


def test_numbers_of_arrays() -> None:
    numpy = pytest.importorskip("numpy")
    assert values.compact([numpy.float32(0.5), numpy.int64(3)]) == [0.5, 3]
    assert values.compact(numpy.zeros((2, 2), "float32")) == "<ndarray 2x2 float32>"


def test_nobody_is_asked() -> None:
    assert isinstance(values.compact(Proxy()), values.Opaque)
    assert values.compact([Proxy()])[0].endswith("Proxy>")


def test_descriptions_are_no_text() -> None:
    assert isinstance(values.compact(torch.zeros(1)), values.Thing)
    assert not isinstance(values.compact("<Tensor 1 float32>"), values.Thing)


def test_bounds() -> None:
    deep: list[Any] = []
    deep.append(deep)
    jsonfast.dumps(values.compact(deep))
    wide = values.compact(["a"] * 1_000)
    assert (len(wide), wide[-1]) == (101, "... 900 more")
    many = values.compact([["a"] * 100] * 100)
    assert sum(len(row) for row in many if isinstance(row, list)) < 2_200


@pytest.mark.parametrize(
    ("value", "width"),
    [
        ([[[0.1] * 7]], 7),
        (torch.zeros(1, 4, 9), 9),
        ([torch.zeros(1, 4, 9)], 9),
        ([], None),
        ("text", None),
        ([["text"]], None),
    ],
)
def test_the_length_of_vectors(value: Any, width: int | None) -> None:
    assert values.width(value) == width
