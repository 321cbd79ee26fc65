"""The names of parameters, without the function that has them."""

from __future__ import annotations

import gc
import inspect
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


def test_they_are_learnt_when_they_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread that finds them learnt goes on with what there is."""
    seen: list[bool] = []
    real = inspect.signature

    def meanwhile(function: Any) -> inspect.Signature:
        seen.append(parameters.learnt)
        return real(function)

    parameters = Parameters()
    monkeypatch.setattr(inspect, "signature", meanwhile)
    for function in (alone, dict):
        parameters.learnt = False
        parameters.learn(function)
        assert parameters.learnt
    assert seen == [False, False]


def test_what_fails_when_it_is_looked_at_is_not_asked_again() -> None:
    class Odd:
        @property
        def __signature__(self) -> object:
            raise LookupError

        def __call__(self) -> None:
            """Not run."""

    parameters = Parameters()
    with pytest.raises(LookupError):
        parameters.learn(Odd())
    assert parameters.learnt
    assert parameters.named(Call(None, (1,), {})) == {"args": [1]}


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
