"""Series: bounded in number and length, whoever tells them."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.emit.series import LONGEST, Series, label

BEYOND = {"otel.metric.overflow": True}


def test_sets_up_to_the_limit_are_their_own() -> None:
    series = Series(4)
    assert [series.of({"m": n}) for n in range(5)] == [{"m": 0}, {"m": 1}, {"m": 2}, BEYOND, BEYOND]
    assert series.of({"m": 1}) == {"m": 1}
    assert (series.admits({"m": 0}), series.admits({"m": 3})) == (True, False)


def test_what_is_admitted_is_the_very_mapping() -> None:
    series = Series(3)
    given_once: dict[str, Any] = {"m": 1}
    assert series.of(given_once) is given_once
    assert series.of(given_once) is given_once
    equal = {"m": 1}
    assert series.of(equal) is equal


def test_a_limit_of_one_gathers_everything() -> None:
    assert Series(1).of({"m": 1}) == BEYOND
    assert Series(1, ("currency",)).of({"m": 1, "currency": "USD"}) == BEYOND


def test_what_does_not_add_up_stays_apart() -> None:
    series = Series(5, ("currency",))
    found = [
        series.of({"m": n, "currency": currency})
        for n, currency in enumerate(["USD", "USD", "EUR", "USD", "JPY", "CHF", "GBP", "EUR"])
    ]
    assert found[0] == {"m": 0, "currency": "USD"}
    assert found[1:] == [
        {**BEYOND, "currency": "USD"},
        {**BEYOND, "currency": "EUR"},
        {**BEYOND, "currency": "USD"},
        {**BEYOND, "currency": "JPY"},
        BEYOND,
        BEYOND,
        {**BEYOND, "currency": "EUR"},
    ]
    assert series.of({"m": 9}) == BEYOND


@given(
    st.integers(1, 20),
    st.sampled_from([(), ("b",)]),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=200),
)
def test_there_are_never_more_than_the_limit(
    limit: int, alone: tuple[str, ...], told: list[tuple[int, int]]
) -> None:
    series = Series(limit, alone)
    found = {frozenset(series.of({"a": a, "b": b}).items()) for a, b in told}
    assert len(found) <= limit


def test_threads_do_not_make_more() -> None:
    series = Series(50)
    barrier = threading.Barrier(4)
    found: list[set[Any]] = []

    def tell(start: int) -> None:
        barrier.wait()
        found.append({frozenset(series.of({"m": start + n}).items()) for n in range(500)})

    threads = [threading.Thread(target=tell, args=(n * 250,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2 <= len(set().union(*found)) <= 50


def test_memory_is_bounded() -> None:
    series = Series(100)
    for n in range(1_000):
        series.of({"m": f"{n:0>200}"})
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for n in range(20_000):
            series.of({"m": f"{n:0>200}"})
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 50_000


@pytest.mark.parametrize(
    ("value", "meant"),
    [("m", "m"), ("a\ud800", "a\ufffd"), ("x" * 5000, "x" * LONGEST), (5, 5), (True, True)],
)
def test_labels(value: Any, meant: Any) -> None:
    assert label(value) == meant
