"""What decorated functions of particular kinds keep, and when a call is refused."""

from __future__ import annotations

import enum
import gc
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

import clearspan
from clearspan.testing import captured


@pytest.mark.parametrize(
    ("vectors", "count", "length"),
    [([[0.5, 0.25], [1.0, 2.0]], 2, 2), ([0.5, 0.25, 1.0], 1, 3)],
)
def test_vectors_are_counted_and_not_kept(vectors: list[Any], count: int, length: int) -> None:
    @clearspan.embedding
    def embed(texts: list[str]) -> list[Any]:
        return vectors

    with captured() as seen:
        assert embed(["a"]) is vectors
    (span,) = seen.spans
    assert span.attributes["clearspan.response.output_count"] == count
    assert span.attributes["gen_ai.embeddings.dimension.count"] == length
    assert "clearspan.output" not in span.attributes


@pytest.mark.parametrize("value", [[], None, SimpleNamespace(data=1), [[]]])
def test_what_holds_no_vectors_is_not_measured(value: Any) -> None:
    with captured() as seen:
        assert clearspan.embedding(lambda: value)() is value
    assert "gen_ai.embeddings.dimension.count" not in seen.spans[0].attributes


def test_an_embedding_keeps_what_it_is_told_to() -> None:
    @clearspan.embedding(capture={"output": len})
    def embed() -> list[float]:
        return [0.5, 0.25]

    with captured() as seen:
        embed()
    assert seen.spans[0].attributes["clearspan.output"] == "2"


@pytest.mark.parametrize("name", ["top_k", "k", "limit", "n_results"])
def test_a_retrieval_tells_how_many_were_wanted(name: str) -> None:
    @clearspan.retrieval
    def search(query: str, **options: int) -> list[str]:
        return []

    with captured() as seen:
        search("a", **{name: 5})
        search("b")
    first, second = seen.spans
    assert first.attributes["gen_ai.retrieval.top_k"] == 5
    assert "gen_ai.retrieval.top_k" not in second.attributes


def test_wrong_arguments_of_a_coroutine_function_are_refused_at_the_call() -> None:
    @clearspan.task
    async def work(a: int) -> int:
        return a

    with captured() as seen:
        with pytest.raises(TypeError, match="missing 1 required"):
            work()  # type: ignore[call-arg]
        assert seen.spans == []


def test_a_coroutine_that_is_never_awaited_warns_once() -> None:
    @clearspan.task
    async def work() -> None:
        """Never begun."""

    with captured() as seen, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        work()
        gc.collect()
        assert seen.spans == []
    assert [str(item.message).partition(" was never")[1] for item in told] == [" was never"]
    assert "work" in str(told[0].message)


class Model(str, enum.Enum):
    SMALL = "small-1"


def test_a_model_given_as_an_enum_is_called_by_its_value() -> None:
    @clearspan.model
    def ask(model: str) -> str:
        return "yes"

    with captured() as seen:
        ask(model=Model.SMALL)
    assert seen.spans[0].name == "chat small-1"


class Lazy:
    """Like Django's lazy objects: telling its class makes it fetch what it stands for."""

    fetched = 0

    @property
    def __class__(self) -> type:  # type: ignore[override]
        type(self).fetched += 1
        return str


def test_a_lazy_object_is_not_made_to_fetch() -> None:
    @clearspan.retrieval
    def search(query: Any) -> Any:
        return [Lazy()]

    with captured() as seen:
        search(Lazy())
        assert len(seen.spans) == 1
    assert Lazy.fetched == 0
