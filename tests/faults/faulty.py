"""Faults put into functions where they stand: by their code, so that whoever holds them gets the fault.

A function that was imported by name, bound to an instance or kept in a table is the same object: its code is
replaced. Functions that are defined inside others are reached through the code of those.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["FAULTS", "Injected", "Place", "Reached", "places"]


class Injected(Exception):
    """The failure that is put in."""


def _refuse(*_: object, **__: object) -> Any:
    raise Injected("hostile")


class Hostile:
    """An object of which every special method raises; no attribute can be read, either."""

    __slots__ = ()
    for _name in [
        "repr",
        "str",
        "bytes",
        "format",
        "hash",
        "bool",
        "len",
        "length_hint",
        "iter",
        "next",
        "reversed",
        "contains",
        "getitem",
        "setitem",
        "delitem",
        "call",
        "getattribute",
        "setattr",
        "delattr",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "add",
        "radd",
        "sub",
        "rsub",
        "mul",
        "rmul",
        "truediv",
        "floordiv",
        "mod",
        "divmod",
        "pow",
        "and",
        "or",
        "xor",
        "lshift",
        "rshift",
        "neg",
        "pos",
        "abs",
        "invert",
        "int",
        "float",
        "complex",
        "index",
        "round",
        "trunc",
        "floor",
        "ceil",
        "enter",
        "exit",
        "aenter",
        "aexit",
        "await",
        "aiter",
        "anext",
        "get",
        "set",
        "delete",
        "dir",
        "sizeof",
        "reduce",
        "reduce_ex",
        "copy",
        "deepcopy",
        "fspath",
    ]:
        locals()[f"__{_name}__"] = _refuse
    del _name


def _raise() -> Any:
    raise Injected("injected")


FAULTS: dict[str, Callable[[], Any]] = {
    "raises": _raise,
    "none": lambda: None,
    "hostile": Hostile,
}
"""What a function does instead: it raises, or answers with something that is of no use to anybody."""

_KINDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_OWNED = set(dir(object)) | {"__class_getitem__"}


@dataclass(frozen=True)
class Place:
    """A function of ours: `function` holds its code, inside that of others along `path`."""

    name: str
    function: FunctionType
    path: tuple[CodeType, ...]

    @property
    def code(self) -> CodeType:
        """The code of the function itself."""
        return self.path[-1] if self.path else self.function.__code__

    def inject(self, act: Callable[[], Any]) -> Callable[[], None]:
        """Have it do `act` instead; answers the undo."""
        original = self.function.__code__
        made = _faulty(self.code, act)
        for outer, inner in reversed(list(zip((original, *self.path), self.path, strict=False))):
            consts = tuple(made if const is inner else const for const in outer.co_consts)
            made = outer.replace(co_consts=consts)
        self.function.__code__ = made

        def undo() -> None:
            self.function.__code__ = original

        return undo


def _faulty(code: CodeType, act: Callable[[], Any]) -> CodeType:
    """Code that calls `act`, and fits where `code` stands: as many free variables, the same kind."""
    flags = code.co_flags & _KINDS
    kept = ", ".join(code.co_freevars)
    lines = [
        "def outer():",
        f"  {' = '.join([*code.co_freevars, 'None'])}",
        f"  {'async ' if flags & ~inspect.CO_GENERATOR else ''}def made(*given_, **named_):",
        f"    if 0: ({kept})",
        "    return 'act'()" if not flags & inspect.CO_ASYNC_GENERATOR else "    yield 'act'()",
    ]
    if flags & inspect.CO_GENERATOR:
        lines.append("    yield")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        outer = compile("\n".join(lines), code.co_filename, "exec")
    made = _inner(_inner(outer, "outer"), "made")
    consts = tuple(act if const == "act" else const for const in made.co_consts)
    assert made.co_freevars == code.co_freevars
    return made.replace(co_consts=consts, co_name=code.co_name)


def _inner(code: CodeType, name: str) -> CodeType:
    return next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)


def places(packages: tuple[str, ...], without: tuple[str, ...]) -> list[Place]:
    """Every function of these packages and modules, those inside functions and classes too."""
    found: dict[CodeType, Place] = {}
    for module in _modules(packages, without):
        for name, function in _functions(module):
            for place in _below(name, function, ()):
                found.setdefault(place.code, place)
    return list(found.values())


def _modules(packages: tuple[str, ...], without: tuple[str, ...]) -> Iterator[Any]:
    for package in packages:
        root = importlib.import_module(package)
        yield root
        for item in pkgutil.walk_packages(getattr(root, "__path__", ()), f"{package}."):
            if not item.name.startswith(without) and item.name in sys.modules:
                yield sys.modules[item.name]


def _functions(module: Any) -> Iterator[tuple[str, FunctionType]]:
    """The functions that stand in the text of `module`, by their names."""
    waiting: list[tuple[str, Any]] = list(vars(module).items())
    seen: set[int] = set()
    short = module.__name__.removeprefix("clearspan.")
    while waiting:
        name, value = waiting.pop()
        value = getattr(value, "__wrapped__", value) if callable(value) else value
        for part in (value, *(_parts(value))):
            if isinstance(part, FunctionType) and part.__code__.co_filename == module.__file__:
                yield f"{short}:{name}", part
        if (
            isinstance(value, type)
            and value.__module__ == module.__name__
            and id(value) not in seen
        ):
            seen.add(id(value))
            waiting += [(f"{name}.{key}", item) for key, item in vars(value).items()]


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, property):
        yield from (value.fget, value.fset)
    elif isinstance(value, (classmethod, staticmethod)):
        yield value.__func__


def _below(name: str, function: FunctionType, path: tuple[CodeType, ...]) -> Iterator[Place]:
    place = Place(name, function, path)
    yield place
    for const in place.code.co_consts:
        # Comprehensions are code of their own on older versions, and no functions to anybody.
        if isinstance(const, CodeType) and not const.co_name.startswith("<"):
            yield from _below(f"{name}.{const.co_name}", function, (*path, const))


class Reached:
    """Which code runs on any thread that starts inside the block, and on this one."""

    def __init__(self) -> None:
        self.codes: set[CodeType] = set()

    def _note(self, frame: Any, event: str, given: object) -> None:
        del given
        if event == "call":
            self.codes.add(frame.f_code)

    def __enter__(self) -> Self:
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)
