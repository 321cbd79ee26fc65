"""The transparent wrapper around functions and methods, and which driver suits which kind."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any, cast

import wrapt
from packaging.version import Version

from clearspan.core import installed, observe

__all__ = ["PLACES", "Driver", "Wrapper", "kind_of"]

Driver = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any], observe.Begin], Any]


# What Python makes class methods of without being asked, where they are functions of its own.
_CLASS_METHODS = ("__class_getitem__", "__init_subclass__")


def kind_of(function: Any) -> Driver:
    """The driver for a function of the host: by whether it is itself a coroutine function.

    What it wraps does not count: a plain function around a coroutine function may well run it.
    """
    inner = getattr(function, "__func__", function)
    return observe.call_async if inspect.iscoroutinefunction(inner) else observe.call


def _nothing(owner: object, name: str) -> None:
    """What a name means to a wrapper that does not ask."""


def _resolve(module: str, qualname: str) -> Any:
    return functools.reduce(getattr, qualname.split("."), importlib.import_module(module))


class _Bound(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]  # generic in its stubs only
    """What attribute access on an instance gives; copies and pickles as a bound method does."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        # Taken from a class and put back into it by the program: it is the same object as before.
        if instance is None and self._self_instance is None and self._self_binding == "function":
            return self
        return super().__get__(instance, owner)

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


class _Named(_Bound):
    """What access on a class gives with wrapt 1.16, which misses an instance that is given by name, as `self`.

    A call through this has one place of the stack more, which the client's warnings count: methods that were bound to
    their instance are called without it.
    """

    # `self` is what the instance may be called.
    def __call__(*args: Any, **kwargs: Any) -> Any:
        method, *given = args
        wrapper, wrapped = method._self_wrapper, method.__wrapped__  # noqa: SLF001 -- how wrapt names a proxy's own
        if not given:
            return wrapper(wrapped, None, (), kwargs)
        instance, *rest = given
        return wrapper(
            wrapt.PartialCallableObjectProxy(wrapped, instance), instance, tuple(rest), kwargs
        )


PLACES = int(inspect.isfunction(wrapt.BoundFunctionWrapper.__call__))
"""Places of the stack between who calls a method and its wrapper: one where wrapt is not compiled."""
_MISSES_NAMES = Version(installed.version("wrapt") or "0") < Version("1.17")


class Wrapper(wrapt.FunctionWrapper):  # type: ignore[type-arg]  # generic in its stubs only
    """A function wrapper that signature, introspection, pickling and copying do not notice."""

    __bound_function_wrapper__ = _Bound
    # Without an annotation: those of the function are looked for here.
    _self_unbound = cast("Any", None)

    def __set_name__(self, owner: Any, name: str) -> None:
        getattr(super(), "__set_name__", _nothing)(owner, name)  # not in wrapt 1.16
        if name in _CLASS_METHODS and self._self_binding == "function":
            setattr(owner, name, classmethod(cast("Any", self)))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        # Through its class a function is one and the same object, which programs compare by `is`.
        if instance is not None or self._self_binding != "function":
            return super().__get__(instance, owner)
        if self._self_unbound is None:
            unbound: Any = super().__get__(None, owner)
            named: Any = (unbound.__wrapped__, None, self._self_wrapper, None, "function", self)
            self._self_unbound = _Named(*named) if _MISSES_NAMES else unbound
        return self._self_unbound

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self  # as functions are

    def __copy__(self) -> Any:
        return self

    def __reduce_ex__(self, protocol: object) -> Any:
        return self.__qualname__  # by its name, as functions are
