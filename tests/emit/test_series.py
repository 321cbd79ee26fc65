"""Series: bounded in number and length, whoever tells them."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clearspan.emit.series import LONGEST, Extended, Series, label

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


def test_a_mapping_that_was_admitted_is_known_by_its_identity() -> None:
    class Asked(dict[str, Any]):
        looked = 0

        def items(self) -> Any:
            self.looked += 1
            return super().items()

    series = Series(2)
    one, beyond = Asked(m=1), Asked(m=3)
    assert [series.admits(one) for _ in range(3)] == [True] * 3
    assert one.looked == 1
    assert series.admits({"m": 2}) is False
    assert [series.admits(beyond) for _ in range(3)] == [False] * 3
    assert beyond.looked == 3, "what found no room is not known"


def test_another_mapping_in_the_place_of_one_is_looked_at() -> None:
    """Where memory is used again, another mapping has the number of one that is gone."""
    series = Series(3)
    assert [series.admits({"m": n}) for n in range(500)] == [True, True] + [False] * 498
    assert [series.of({"m": n % 4}) for n in range(500)] == [{"m": 0}, {"m": 1}, BEYOND, BEYOND] * 125  # fmt: skip


def test_few_mappings_are_kept_and_those_that_were_let_go_are_admitted_again() -> None:
    class Held(dict[str, Any]):
        """One that can be referred to weakly."""

    series = Series(1_000)
    given = [Held(m=n) for n in range(200)]
    assert all(series.admits(each) for each in given)
    kept = [weakref.ref(each) for each in given]
    del given
    gc.collect()
    assert 0 < sum(each() is not None for each in kept) <= 64
    assert series.admits({"m": 0})


# -- sets with one attribute more --------------------------------------------------------------------------


def test_a_set_with_one_attribute_more_is_made_once() -> None:
    extended = Extended()
    base = {"m": 1}
    made = extended.of(base, "k", "input")
    assert (made, base) == ({"m": 1, "k": "input"}, {"m": 1})
    assert extended.of(base, "k", "input") is made
    assert extended.of(base, "k", "output") == {"m": 1, "k": "output"}
    assert extended.of(base, "l", "input") == {"m": 1, "l": "input"}
    equal = {"m": 1}
    assert extended.of(equal, "k", "input") is not made
    assert extended.of(equal, "k", "input") == made


def test_another_set_in_the_place_of_one_is_extended_anew() -> None:
    """Where memory is used again, another mapping has the number of one that is gone."""
    extended = Extended()
    for n in range(3_000):
        assert extended.of({"m": n}, "k", "v") == {"m": n, "k": "v"}


def test_not_every_set_is_kept_for_ever() -> None:
    extended = Extended()
    base = {"m": -1}
    made = extended.of(base, "k", "v")
    for n in range(1_023):
        extended.of({"m": n}, "k", "v")
    assert extended.of(base, "k", "v") is made
    extended.of({"m": 1_023}, "k", "v")
    assert len(extended._made) == 1
    assert extended.of(base, "k", "v") is not made
    assert extended.of(base, "k", "v") == made
