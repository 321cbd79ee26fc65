"""Decorators on methods of all kinds, in both orders, and on classes."""

from __future__ import annotations

import abc
import asyncio
import dataclasses
import enum
import functools
import json
from typing import Any, Protocol

import pytest

import clearspan
from clearspan import semconv as sc
from clearspan.testing import Captured


class Base:
    def __init__(self, factor: int = 2) -> None:
        self.factor = factor

    @clearspan.task
    def method(self, number: int) -> int:
        return number * self.factor

    @clearspan.task
    async def coroutine(self, number: int) -> int:
        await asyncio.sleep(0)
        return number * self.factor

    @clearspan.task
    def generator(self, number: int) -> Any:
        yield number * self.factor

    @classmethod
    @clearspan.task
    def class_inner(cls, number: int) -> tuple[str, int]:
        return cls.__name__, number

    @clearspan.task
    @classmethod
    def class_outer(cls, number: int) -> tuple[str, int]:
        return cls.__name__, number

    @staticmethod
    @clearspan.task
    def static_inner(number: int) -> int:
        return number

    @clearspan.task
    @staticmethod
    def static_outer(number: int) -> int:
        return number

    @property
    @clearspan.task
    def property_inner(self) -> int:
        return self.factor

    @clearspan.task
    @property
    def property_outer(self) -> int:
        """The factor."""
        return self.factor

    @property_outer.setter
    def property_outer(self, value: int) -> None:
        self.factor = value

    @clearspan.task
    def odd_first(this, number: int) -> int:
        return number * this.factor


class Derived(Base):
    @clearspan.task
    def method(self, number: int) -> int:
        return super().method(number) + 1


def given(seen: Captured) -> list[Any]:
    return [json.loads(span.attributes[sc.INPUT]) for span in seen.spans]


@pytest.mark.parametrize("made", [Base, Derived])
def test_F38_every_kind_works_in_both_orders_and_self_is_not_captured(
    made: type[Base], seen: Captured
) -> None:
    thing = made()
    assert thing.generator(3).__next__() == 6
    assert thing.class_inner(4) == made.class_inner(4) == (made.__name__, 4)
    assert thing.class_outer(4) == made.class_outer(4) == (made.__name__, 4)
    assert thing.static_inner(4) == made.static_inner(4) == 4
    assert thing.static_outer(4) == made.static_outer(4) == 4
    assert asyncio.run(thing.coroutine(4)) == 8
    assert thing.odd_first(4) == 8
    assert thing.property_inner == thing.property_outer == 2
    thing.property_outer = 5
    assert thing.property_outer == 5
    assert given(seen) == [{"number": 3}] + [{"number": 4}] * 10 + [{}] * 3
    assert {span.name.split(".")[0] for span in seen.spans} == {"Base"}


def test_overriding_methods_nest(seen: Captured) -> None:
    assert Derived().method(3) == 7
    inner, outer = seen.spans
    assert (inner.name, outer.name) == ("Base.method", "Derived.method")
    assert inner.parent_id == outer.span_id
    assert given(seen) == [{"number": 3}] * 2


def test_a_method_called_by_its_class(seen: Captured) -> None:
    assert Base.method(Base(), 3) == 6
    assert Base.method(Base(), number=3) == 6
    assert Base.method(self=Base(), number=3) == 6
    assert given(seen) == [{"number": 3}] * 3


def test_bound_methods_can_be_decorated(seen: Captured) -> None:
    class Plain:
        def work(self, number: int) -> int:
            return number

        @classmethod
        def make(cls, number: int) -> int:
            return number

    assert clearspan.task(Plain().work)(1) == 1
    assert clearspan.task(Plain.make)(2) == 2
    assert given(seen) == [{"number": 1}, {"number": 2}]


def test_a_plain_function_may_have_a_first_argument_of_any_name(seen: Captured) -> None:
    @clearspan.task
    def work(self: int, other: int) -> tuple[int, int]:
        return self, other

    assert work(1, 2) == (1, 2)
    assert work(self=1, other=2) == (1, 2)
    assert given(seen) == [{"other": 2}] * 2


def test_a_class_has_its_public_methods_recorded(seen: Captured) -> None:
    @clearspan.tool
    class Kit:
        size = 3
        Inner = dict

        def __init__(self) -> None:
            self.made = True

        def cut(self, what: str) -> str:
            return self._really(what)

        def _really(self, what: str) -> str:
            return what[1:]

        @classmethod
        def make(cls) -> Kit:
            return cls()

        @staticmethod
        def count(number: int) -> int:
            return number

        @property
        def name(self) -> str:
            return "kit"

        @clearspan.agent
        def already(self) -> None:
            """Recorded as what it says it is, and once."""

        @classmethod
        @clearspan.agent
        def already_inner(cls) -> None:
            """The same."""

        @clearspan.agent
        @staticmethod
        def already_outer() -> None:
            """The same."""

    assert isinstance(Kit, type)
    kit = Kit.make()
    assert type(kit) is Kit
    assert (kit.cut("abc"), kit.count(2), kit.name, kit.size) == ("bc", 2, "kit", 3)
    assert Kit.Inner is dict
    kit.already(), kit.already_inner(), kit.already_outer()
    assert [span.name for span in seen.spans] == [
        "execute_tool Kit.make",
        "execute_tool Kit.cut",
        "execute_tool Kit.count",
        "invoke_agent Kit.already",
        "invoke_agent Kit.already_inner",
        "invoke_agent Kit.already_outer",
    ]


def test_a_class_that_is_called_has_its_calls_recorded(seen: Captured) -> None:
    @clearspan.agent(name="planner")
    class Planner:
        def __call__(self, goal: str) -> str:
            return self.think(goal)

        def think(self, goal: str) -> str:
            return goal.title()

    assert Planner()("win") == "Win"
    (span,) = seen.spans
    assert span.name == "invoke_agent planner"
    assert json.loads(span.attributes[sc.INPUT]) == {"goal": "win"}


def test_dataclasses_enums_and_protocols(seen: Captured) -> None:
    @clearspan.task
    @dataclasses.dataclass(frozen=True)
    class Point:
        x: int
        y: int = 2

        def total(self) -> int:
            return self.x + self.y

    @dataclasses.dataclass
    class Other:
        x: int

        @clearspan.task
        def total(self) -> int:
            return self.x

    class Colour(enum.Enum):
        RED = 1

        @clearspan.task
        def shade(self, by: int) -> int:
            return self.value + by

    class Shape(Protocol):
        @clearspan.task
        def area(self) -> int: ...

    class Square(Shape):
        def area(self) -> int:
            return 4

    assert Point(1) == Point(1, 2)
    assert dataclasses.asdict(Point(1)) == {"x": 1, "y": 2}
    assert (Point(1).total(), Other(5).total(), Colour.RED.shade(2)) == (3, 5, 3)
    assert list(Colour) == [Colour.RED]
    assert Square().area() == 4
    assert given(seen) == [{}, {}, {"by": 2}]


def test_abstract_methods_stay_abstract(seen: Captured) -> None:
    class Tool(abc.ABC):
        @clearspan.tool
        @abc.abstractmethod
        def first(self) -> int: ...

        @abc.abstractmethod
        @clearspan.tool
        def second(self) -> int: ...

    class Half(Tool):
        def first(self) -> int:
            return 1

    class Whole(Half):
        @clearspan.tool
        def second(self) -> int:
            return 2

    for unfinished in (Tool, Half):
        with pytest.raises(TypeError, match="abstract"):
            unfinished()
    assert Whole().second() == 2
    assert [span.name.partition(" ")[2] for span in seen.spans] == [
        "test_abstract_methods_stay_abstract.<locals>.Whole.second".rpartition("<locals>.")[2]
    ]


def test_single_dispatch_in_both_orders(seen: Captured) -> None:
    @functools.singledispatch
    @clearspan.task
    def inner(value: object) -> str:
        return "object"

    @inner.register
    @clearspan.task
    def _(value: int) -> str:
        return "int"

    @clearspan.task
    @functools.singledispatch
    def outer(value: object) -> str:
        return "object"

    @outer.register(int)
    def _whole(value: int) -> str:
        return "int"

    assert (inner(1), inner("a"), outer(1), outer("a")) == ("int", "object", "int", "object")
    assert len(seen.spans) == 4


def test_caches_work_in_both_orders(seen: Captured) -> None:
    calls: list[int] = []

    @functools.cache
    @clearspan.task
    def inner(number: int) -> int:
        calls.append(number)
        return number

    @clearspan.task
    @functools.cache
    def outer(number: int) -> int:
        calls.append(number)
        return number

    assert [inner(1), inner(1), outer(1), outer(1)] == [1, 1, 1, 1]
    assert calls == [1, 1]
    assert len(seen.spans) == 3
    assert outer.cache_info().hits == 1


def test_F36_a_plain_function_around_a_coroutine_function_stays_plain(seen: Captured) -> None:
    def running(function: Any) -> Any:
        @functools.wraps(function)
        def run(*args: Any) -> Any:
            return asyncio.run(function(*args))

        return run

    @clearspan.task
    @running
    async def main(number: int) -> int:
        await asyncio.sleep(0)
        return number

    @clearspan.context(session="s")
    @running
    async def other(number: int) -> int:
        return number

    assert main(3) == 3
    assert other(4) == 4
    (span,) = seen.spans
    assert json.loads(span.attributes[sc.OUTPUT]) == 3
