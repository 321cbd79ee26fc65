"""Copies of the host's values: complete where they are small, bounded where not, and never live."""

from __future__ import annotations

import collections
import dataclasses
import enum
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import pydantic
import pytest
from hypothesis import given, strategies as st

from clearspan.core.copying import CUT, Copier


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    items: list[Any]


@dataclasses.dataclass
class Data:
    items: list[Any]


@dataclasses.dataclass(slots=True)
class Slotted:
    items: list[Any]


class Rows(list[Any]):
    """A list of the program's own."""


class Named(NamedTuple):
    items: list[Any]


class Kind(enum.Enum):
    ONE = 1


def test_a_copy_does_not_see_later_edits() -> None:
    given: Any = {"messages": [{"role": "user", "content": ("a", ["b"])}]}
    copier = Copier()
    copy = copier.of(given, 6)
    given["messages"][0]["content"][1].append("later")
    given["messages"][0]["role"] = "other"
    given["messages"].append("later")
    assert copy == {"messages": [{"role": "user", "content": ("a", ["b"])}]}
    assert (copier.weight, copier.cuts) == (len("user") + len("a") + len("b"), 0)


@pytest.mark.parametrize(
    ("make", "inner"),
    [
        (lambda: collections.OrderedDict(items=[1]), lambda made: made["items"]),
        (lambda: collections.defaultdict(list, items=[1]), lambda made: made["items"]),
        (lambda: Data([1]), lambda made: made.items),
        (lambda: Slotted([1]), lambda made: made.items),
        (lambda: Model(items=[1]), lambda made: made.items),
    ],
    ids=["OrderedDict", "defaultdict", "dataclass", "slots", "model"],
)
def test_mappings_of_every_kind_are_copied(
    make: Callable[[], Any], inner: Callable[[Any], Any]
) -> None:
    made = make()
    copy = Copier().of([made], 4)
    inner(made).append("later")
    assert copy == [{"items": [1]}]
    assert type(copy[0]) is dict


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Rows([[1]]), [[1]]),
        (Named([1]), ([1],)),
        ({1}, [1]),
        (frozenset({1}), [1]),
        ([], []),
        ((), ()),
        ([1, [2]], [1, [2]]),
        ({1: "a", (1, 2): "b"}, {"1": "a", "[1, 2]": "b"}),
    ],
)
def test_sequences_and_keys_of_every_kind_are_copied(given: Any, expected: Any) -> None:
    copy = Copier().of(given, 4)
    assert copy == expected
    assert type(copy) is type(expected)


def test_texts_of_a_class_of_their_own_weigh_as_others_do() -> None:
    class Text(str):
        __slots__ = ()

    class Blob(bytes):
        __slots__ = ()

    copier = Copier()
    copier.of({"a": Text("abc"), "b": [Blob(b"abcd"), bytearray(b"ab")]}, 9)
    assert copier.weight == 9


def test_weights() -> None:
    copier = Copier()
    copier.of([b"12345", bytearray(3), "x" * 7, {"k" * 100: [1] * 5}, {"k" * 100: 1}], 4)
    assert copier.weight == 5 + 3 + 7 + 100 + 5 * 8 + 100
    texts = Copier()
    texts.of(["ab", None] * 50, 2)
    assert texts.weight == 100


def test_without_depth_a_value_is_itself() -> None:
    given = ["x"]
    assert Copier().of(given, 0) is given


def test_what_lies_deeper_is_marked_and_counted() -> None:
    copier = Copier()
    assert copier.of([[["deep"]], {"a": {"b": [1]}}], 2) == [[CUT], {"a": CUT}]
    assert copier.cuts == 2


def test_what_is_not_known_is_itself_or_its_name() -> None:
    odd = object()
    assert Copier().of([odd, Kind.ONE], 2) == [odd, Kind.ONE]
    assert Copier(bare=True).of([odd, Kind.ONE], 2) == ["<builtins.object>", 1]


def test_what_is_held_twice_is_copied_once_and_what_holds_itself_ends() -> None:
    shared = {"a": [1]}
    copy = Copier().of([shared, shared], 5)
    assert copy == [{"a": [1]}, {"a": [1]}]
    assert copy[0] is copy[1]
    circle: list[Any] = []
    circle.extend([circle, {"again": circle}])
    assert Copier().of(circle, 16) == [CUT, {"again": CUT}]


def test_what_was_cut_for_its_depth_is_whole_where_there_is_more_room() -> None:
    shared = {"a": {"b": [1]}}
    assert Copier().of([[shared], shared], 4) == [[{"a": {"b": CUT}}], {"a": {"b": [1]}}]


def test_long_rows_are_taken_at_one_stroke() -> None:
    copier = Copier()
    row = list(range(5_000))
    copy = copier.of({"row": row}, 3)
    row.clear()
    assert copy["row"] == list(range(5_000))
    assert (copier.weight, copier.cuts) == (8 * 5_000, 0)
    endless = copier.of([0.5] * 100_010, 3)
    assert (len(endless), endless[-1], copier.cuts) == (100_001, "... 10 more", 1)


def test_a_row_may_hold_texts_and_numbers() -> None:
    copier = Copier()
    row = [*["text"] * 20, b"bytes", None, 7, 0.5]
    assert copier.of([row], 3) == [row]
    assert copier.weight == 20 * 4 + 5
    texts = [*["text"] * 20, b"bytes"]
    assert copier.of([texts], 3) == [texts]
    assert copier.weight == 2 * (20 * 4 + 5)


def test_a_row_that_holds_a_container_is_no_row() -> None:
    inner: list[Any] = []
    copy = Copier().of([*range(100), inner], 3)
    inner.append("later")
    assert copy[-1] == []


@pytest.mark.parametrize("many", [1, 8, 9, 63, 64, 65, 500])
def test_lists_of_texts_are_copied_and_weighed(many: int) -> None:
    copier, texts = Copier(), [f"{number:04}" for number in range(many)]
    copy = copier.of(texts, 3)
    texts.clear()
    assert copy == [f"{number:04}" for number in range(many)]
    assert (copier.weight, copier.cuts) == (4 * many, 0)


@pytest.mark.parametrize("many", [64, 65])
def test_lists_of_texts_take_little_of_the_room(many: int) -> None:
    """Many arguments, each a list of texts: they are told whole."""
    copier = Copier()
    for _ in range(200):
        assert copier.of(["text"] * many, 3) == ["text"] * many
    assert copier.cuts == 0


FLAT = st.dictionaries(
    st.text(max_size=3), st.text(max_size=5) | st.integers() | st.none(), max_size=3
)
MORE = st.lists(st.text(max_size=2), max_size=2) | st.dictionaries(st.text(max_size=2), FLAT, max_size=2) | st.binary(max_size=3)  # fmt: skip


@given(st.lists(st.text(max_size=5) | FLAT | MORE, max_size=70), st.integers(0, 100))
def test_the_short_way_leads_where_the_long_one_does(value: list[Any], room: int) -> None:
    short, long = Copier(nodes=room), Copier(nodes=room)
    copy, other = short.of(value, 4), long._of(value, 4)
    if short.cuts or not long.cuts:
        assert (copy, short.weight, short.cuts) == (other, long.weight, long.cuts)
    if not short.cuts:  # the short one may have room for more
        assert copy == value


def test_the_ends_of_a_long_list_are_kept() -> None:
    copier = Copier(nodes=400)
    copy = copier.of([{"number": number} for number in range(1_000)], 3)
    assert copy[0] == {"number": 0}
    assert copy[-1] == {"number": 999}
    assert "... 901 more" in copy
    assert copier.cuts == 1
    several = Copier(nodes=40).of({("a", number) for number in range(100)}, 3)
    assert several[-1].endswith(" more")


def test_a_large_mapping_says_how_much_is_missing() -> None:
    copier = Copier(nodes=400)
    copy = copier.of({number: [number] for number in range(1_000)}, 3)
    assert copy[CUT] == "901 more"
    assert (len(copy), copier.cuts) == (100, 1)


def test_all_values_of_a_call_share_what_there_is_room_for() -> None:
    nodes = [{"id": number, "edges": list[Any]()} for number in range(300)]
    for node in nodes:
        node["edges"] = list(nodes)
    copier = Copier()
    for _ in range(20):
        copier.of(nodes, 16)
    assert copier.cuts > 0
    assert len(copier._made) <= 10_001
    assert copier.of(["one more"], 3) == CUT


def test_another_thread_may_go_on_changing_what_is_copied() -> None:
    state = {number: [number] for number in range(2_000)}
    over = threading.Event()

    def change() -> None:
        number = 2_000
        while not over.is_set():
            state[number] = [number]
            state.pop(number - 1_500, None)
            number += 1

    changing = threading.Thread(target=change)
    changing.start()
    try:
        for _ in range(100):
            assert len(Copier().of({"state": state}, 4)["state"]) > 100
    finally:
        over.set()
        changing.join()
