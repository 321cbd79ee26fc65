"""Whatever a function is called with reaches it by identity, and what it gives comes back so."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, strategies as st

import clearspan
from clearspan.testing import captured

NAMES = (
    "self", "cls", "fn", "function", "wrapped", "instance", "args", "kwargs", "kind", "name", "target", "capture",
    "span", "call", "model", "input", "output", "messages", "stream", "timeout", "draft", "site",
)  # fmt: skip


class Thing:
    """Compared by identity."""


def things() -> st.SearchStrategy[Any]:
    leaves = st.one_of(
        st.builds(Thing), st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
        st.binary(max_size=8), st.builds(lambda: iter([1])), st.just(Thing), st.just(float("nan")), st.just("\ud800"),
    )  # fmt: skip
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.text(max_size=4), inner, max_size=3),
            st.tuples(inner),
        ),
        max_leaves=6,
    )


ARGS = st.lists(things(), max_size=4)
KWARGS = st.dictionaries(st.sampled_from(NAMES), things(), max_size=5)


def same(left: Any, right: Any) -> bool:
    return len(left) == len(right) and all(a is b for a, b in zip(left, right, strict=True))


@given(args=ARGS, kwargs=KWARGS)
def test_F23_arguments_reach_functions_by_identity(args: list[Any], kwargs: dict[str, Any]) -> None:
    got: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    answer = Thing()

    @clearspan.task
    def plain(*args: Any, **kwargs: Any) -> Thing:
        got.append((args, kwargs))
        return answer

    @clearspan.tool
    async def awaited(*args: Any, **kwargs: Any) -> Thing:
        got.append((args, kwargs))
        return answer

    @clearspan.agent
    def generated(*args: Any, **kwargs: Any) -> Any:
        got.append((args, kwargs))
        yield answer

    @clearspan.context(session="s")
    def in_context(*args: Any, **kwargs: Any) -> Thing:
        got.append((args, kwargs))
        return answer

    def carried(*args: Any, **kwargs: Any) -> Thing:
        got.append((args, kwargs))
        return answer

    with captured(providers=()) as seen:
        results = [
            plain(*args, **kwargs),
            asyncio.run(awaited(*args, **kwargs)),
            next(generated(*args, **kwargs)),
            in_context(*args, **kwargs),
            clearspan.carry(carried)(*args, **kwargs),
        ]
        assert len(seen.spans) == 3
    assert all(result is answer for result in results)
    assert len(got) == 5
    for received, named in got:
        assert same(received, args)
        assert list(named) == list(kwargs)
        assert same(named.values(), kwargs.values())


@given(args=ARGS, kwargs=KWARGS)
def test_F23_arguments_reach_methods_by_identity(args: list[Any], kwargs: dict[str, Any]) -> None:
    class Service:
        @clearspan.task
        def method(*args: Any, **kwargs: Any) -> Any:
            return args, kwargs

        @clearspan.task
        @classmethod
        def by_class(*args: Any, **kwargs: Any) -> Any:
            return args, kwargs

        @clearspan.task
        @staticmethod
        def static(*args: Any, **kwargs: Any) -> Any:
            return args, kwargs

    thing = Service()
    with captured(providers=()) as seen:
        found = [
            (thing.method(*args, **kwargs), (thing, *args)),
            (thing.by_class(*args, **kwargs), (Service, *args)),
            (Service.static(*args, **kwargs), tuple(args)),
        ]
        assert len(seen.spans) == 3
    for (received, named), expected in found:
        assert same(received, expected)
        assert list(named) == list(kwargs)
        assert same(named.values(), kwargs.values())
