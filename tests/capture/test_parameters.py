"""The names of parameters, without the function that has them."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from clearspan.capture.parameters import Parameters
from clearspan.provider import Call


def learnt(function: Any) -> Parameters:
    parameters = Parameters()
    assert not parameters.learnt
    parameters.learn(function)
    assert parameters.learnt
    return parameters


def method(self: object, a: int, *rest: int, b: str = "b", **more: int) -> None:
    """Not run."""


def alone(a: int, /, *, b: int = 0) -> None:
    """Not run."""


@pytest.mark.parametrize(
    ("function", "call", "expected"),
    [
        (method, Call(True, (1, 2, 3), {"b": "x", "c": 4}), {"a": 1, "rest": [2, 3], "b": "x", "c": 4}),
        (method, Call(None, (None, 1), {}), {"a": 1}),
        (alone, Call(None, (1,), {"b": 2}), {"a": 1, "b": 2}),
        (alone, Call(None, (1, 2), {"c": 3}), {"args": [1, 2], "c": 3}),
        (print, Call(True, ("a",), {"end": ""}), {"args": ["a"], "end": ""}),
        (dict.fromkeys, Call(True, ("ab",), {}), {"iterable": "ab"}),
        (dict, Call(None, ((),), {"c": 3}), {"args": [()], "c": 3}),
    ],
)  # fmt: skip
def test_arguments_by_name(function: Any, call: Call, expected: dict[str, Any]) -> None:
    assert learnt(function).named(call) == expected


def test_without_having_learnt_they_are_told_as_given() -> None:
    assert Parameters().named(Call(None, (1,), {"b": 2})) == {"args": [1], "b": 2}


def test_nothing_leads_back_to_the_function_or_its_defaults() -> None:
    class Default:
        """A default value."""

    default = Default()

    def function(a: object = default) -> None:
        """Not run."""

    parameters = learnt(function)
    known: list[weakref.ref[Any]] = [weakref.ref(function), weakref.ref(default)]
    del function, default
    gc.collect()
    assert [each() for each in known] == [None, None]
    assert parameters.named(Call(None, (1,), {})) == {"a": 1}
