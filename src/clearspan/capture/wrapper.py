"""The transparent wrapper around functions and methods, and which driver suits which kind."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import wrapt

from clearspan.core import observe

__all__ = ["Driver", "Wrapper", "kind_of"]

Driver = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any], observe.Begin], Any]


def kind_of(function: Any) -> Driver:
    """The driver for a function of the host: by whether it is itself a coroutine function.

    What it wraps does not count: a plain function around a coroutine function may well run it.
    """
    inner = getattr(function, "__func__", function)
    return observe.call_async if inspect.iscoroutinefunction(inner) else observe.call


def _resolve(module: str, qualname: str) -> Any:
    return functools.reduce(getattr, qualname.split("."), importlib.import_module(module))


class _Bound(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]  # generic in its stubs only
    """What attribute access on an instance gives; copies and pickles as a bound method does."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        owner = copy.deepcopy(getattr(self, "__self__", None), memo)
        return self if owner is None else getattr(owner, self.__name__)

    def __copy__(self) -> Any:
        return self

    def __reduce_ex__(self, protocol: object) -> Any:
        owner = getattr(self, "__self__", None)
        if owner is None:
            return _resolve, (self.__module__, self.__qualname__)
        return getattr, (owner, self.__name__)


class Wrapper(wrapt.FunctionWrapper):  # type: ignore[type-arg]  # generic in its stubs only
    """A function wrapper that signature, introspection, pickling and copying do not notice."""

    __bound_function_wrapper__ = _Bound

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self  # as functions are

    def __copy__(self) -> Any:
        return self

    def __reduce_ex__(self, protocol: object) -> Any:
        return self.__qualname__  # by its name, as functions are
