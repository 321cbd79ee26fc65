"""Reading values of other libraries without trusting or running them.

Only dictionaries, lists, tuples, sets, pydantic models and dataclasses are looked into, and always
through the storage that Python keeps for them: no property, no `__getattr__`, no `__iter__`, no
`__class__` of the host is ever called. Anything else is opaque and stands for itself by its type's
name. Types are compared by identity and by Python's own inheritance, never through `isinstance`,
which asks a proxy (a lazy database query, a request-local object) what it would like to be.
"""

from __future__ import annotations

import datetime
import enum
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, NamedTuple, TypeVar

from clearspan.record import Json

__all__ = [
    "count", "declared", "definer", "elements", "fields", "get", "held", "is_model", "is_sequence", "items", "module", "number", "of_http",
    "plain", "qualname", "raised_with", "text", "whole",
]  # fmt: skip

T = TypeVar("T")

# By name, as most of these modules are loaded by programs that use them, and by no others.
_PRINTABLE = {
    "datetime": ("date", "timedelta"), "decimal": ("Decimal",), "uuid": ("UUID",),
    "pathlib": ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"),
}  # fmt: skip
_ZONES = {"datetime": ("timezone",), "zoneinfo": ("ZoneInfo",)}
_Sequence = tuple[type, Callable[[Any], Iterator[Any]], Callable[[Any], int]]
_SEQUENCES: tuple[_Sequence, ...] = (
    (list, list.__iter__, list.__len__),
    (tuple, tuple.__iter__, tuple.__len__),
    (set, set.__iter__, set.__len__),
    (frozenset, frozenset.__iter__, frozenset.__len__),
)
_MAX_DEPTH = 12
_MAX_ITEMS = 1_000
_MAX_NODES = 20_000
_MAX_BITS = 2_048  # Python refuses to print longer numbers, and no JSON reader wants them
_MAX_KINDS = 512
_HTTP = ("aiohttp", "httpx", "httpx2", "requests")

# What a class has, asked of `type` itself, because a metaclass may answer for it.
_mro: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_namespace: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_name: Callable[[type], str] = type.__dict__["__name__"].__get__
qualname: Callable[[type], str] = type.__dict__["__qualname__"].__get__
"""The name of a class within its module, whatever its metaclass says."""
_module: Callable[[type], Any] = type.__dict__["__module__"].__get__

# As Python itself keeps them: a class of exceptions may have properties of those names.
_kept: Any = vars(BaseException)
held: Callable[[BaseException], dict[str, Any]] = _kept["__dict__"].__get__
"""What an exception has under names of its own."""
raised_with: Callable[[BaseException], tuple[Any, ...]] = _kept["args"].__get__
"""What an exception was made of."""


def module(cls: type) -> str:
    """The name of the module that a class says it is of; `?` where that is none."""
    found = _module(cls)
    return found if type(found) is str else "?"


def of_http(value: object) -> bool:
    """Whether a request or a response is of a library that speaks HTTP, so that it may be asked."""
    return module(type(value)).partition(".")[0] in _HTTP


def definer(cls: type, name: str) -> type:
    """The class, among `cls` and its bases, that `name` is inherited from; `object` where it is from none."""
    return next((base for base in _mro(cls) if name in _namespace(base)), object)


class _Kind(NamedTuple):
    """How values of one class are read. The class is kept so that its id stays its own."""

    cls: type
    mapping: bool = False
    model: bool = False
    stored: Callable[[Any], Any] | None = None
    """Its instances' `__dict__`."""
    extra: Callable[[Any], Any] | None = None
    """What a pydantic 2 model keeps of fields that it does not declare."""
    slots: tuple[tuple[str, Callable[[Any], Any]], ...] = ()
    """The fields of a dataclass that have slots."""
    bare: bool = False
    """Whether it is a model of pydantic 2, and nothing of the host's answers for what Python keeps of it."""


_kinds: dict[int, _Kind] = {}


def _kind(cls: type) -> _Kind:
    """How values of a class are read that is not known yet."""
    # By id: a class may be unhashable, or have a hash of the host's making.
    if len(_kinds) >= _MAX_KINDS:
        _kinds.clear()
    made = _kinds[id(cls)] = _kind_of(cls)
    return made


def _kind_of(cls: type) -> _Kind:
    if issubclass(cls, dict):
        return _Kind(cls, mapping=True)
    model = False
    names: tuple[str, ...] = ()
    for base in _mro(cls):
        own = _namespace(base)
        model = model or (_name(base) == "BaseModel" and str(_module(base)).startswith("pydantic"))
        declared = own.get("__dataclass_fields__")
        if type(declared) is dict and not names:  # anybody may call something so
            names = tuple([name for name in declared if type(name) is str])
    if not model and not names:
        return _Kind(cls)
    slots = ((name, _storage(cls, name)) for name in names)
    stored, extra = _storage(cls, "__dict__"), _storage(cls, "__pydantic_extra__")
    asked = definer(cls, "__getattribute__") is not object
    return _Kind(
        cls,
        model=model,
        stored=stored,
        extra=extra,
        slots=tuple((name, slot) for name, slot in slots if slot is not None),
        bare=model and stored is not None and extra is not None and not asked,
    )


def _storage(cls: type, name: str) -> Callable[[Any], Any] | None:
    """Reads what Python itself stores under `name`; `None` for whatever the host put there."""
    for base in _mro(cls):
        found = _namespace(base).get(name)
        if found is not None:
            kind = type(found)
            builtin = kind is MemberDescriptorType or kind is GetSetDescriptorType
            return found.__get__ if builtin else None
    return None


def fields(value: object) -> dict[str, Any] | None:
    """The fields of a dictionary, pydantic model or dataclass; `None` for anything else.

    A dictionary of a class of its own is answered as it is: read it by `dict`'s own methods.
    """
    cls = type(value)
    kind = _kinds.get(id(cls)) or _kind(cls)
    if kind.mapping:
        return value  # type: ignore[return-value]  # checked by its type just above
    stored = kind.stored
    if stored is None and not kind.slots:
        return None
    found: dict[str, Any] = stored(value) if stored is not None else {}
    extra = None
    if kind.extra is not None:
        try:
            extra = kind.extra(value)
        except AttributeError:  # a slot that was never filled
            extra = None
    if kind.slots:
        kept = {name: _unless_unset(slot, value) for name, slot in kind.slots}
        found = {**kept, **found}
    return {**found, **extra} if extra else found


def is_model(cls: type) -> bool:
    """Whether instances of `cls` are models of pydantic 2, of which `__dict__` and `__pydantic_extra__` may be asked for."""
    return (_kinds.get(id(cls)) or _kind(cls)).bare


def declared(value: Any) -> dict[str, Any] | None:
    """The fields of a model of pydantic 2 that has no others than its class declares; `None` for anything else."""
    kind = _kinds.get(id(type(value))) or _kind(type(value))
    if not kind.bare or kind.extra is None:
        return None
    try:
        more = kind.extra(value)
    except AttributeError:  # a slot that was never filled
        more = None
    found: dict[str, Any] | None = None if more else value.__dict__
    return found


def _unless_unset(slot: Callable[[Any], Any], value: object) -> Any:
    try:
        return slot(value)
    except AttributeError:  # a slot that was never filled
        return None


def get(value: object, *path: str) -> Any:
    """Follow `path` through nested fields; `None` as soon as one is missing."""
    for name in path:
        found = value if type(value) is dict else fields(value)
        if found is None:
            return None
        value = dict.get(found, name)
    return value


def _scalar(value: Any) -> Any:
    """The value of an enumeration's member, anything else as it is."""
    return object.__getattribute__(value, "_value_") if _is(value, enum.Enum) else value


def _is(value: object, cls: type) -> bool:
    return issubclass(type(value), cls)


def text(value: object, *path: str) -> str | None:
    """A non-empty string at `path`, else `None`."""
    found: Any = get(value, *path) if path else value
    if found is None or type(found) is str:
        return found or None
    found = _scalar(found)
    return (str.__str__(found) or None) if _is(found, str) else None


def whole(value: object, *path: str) -> int | None:
    """A whole number at `path`, else `None`; booleans are not numbers."""
    found: Any = get(value, *path) if path else value
    if found is None or type(found) is int:
        return found
    return int.__index__(found) if _is(found, int) and not _is(found, bool) else None


def count(value: object, *path: str) -> int | None:
    """A whole number that is not negative at `path`, else `None`."""
    found: Any = get(value, *path) if path else value
    if found is not None and type(found) is not int:
        found = whole(found)
    return found if found is not None and found >= 0 else None


def number(value: object, *path: str) -> float | None:
    """A finite number at `path` as a float, else `None`."""
    found: Any = get(value, *path) if path else value
    if found is None:
        return None
    if type(found) is float:
        return found if found - found == 0 else None
    if _is(found, float):
        return _finite(float.__float__(found))
    exact = whole(found)
    try:
        return None if exact is None else float(exact)
    except OverflowError:
        return None


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None


def items(value: object, *path: str) -> list[Any]:
    """A list or tuple at `path` as a list; an empty list for anything else."""
    found: Any = get(value, *path) if path else value
    if type(found) is list:
        return found
    if found is None:
        return []
    for kind, iterate, _ in _SEQUENCES[:2]:
        if _is(found, kind):
            return list(iterate(found))
    return []


def is_sequence(cls: type) -> bool:
    """Whether instances of `cls` are lists, tuples or sets, by Python's own inheritance."""
    return any(issubclass(cls, kind) for kind, _, _ in _SEQUENCES)


def elements(value: Any) -> tuple[Iterator[Any], int]:
    """What a list, tuple or set holds and how much that is, by Python's own methods; nothing for anything else."""
    for kind, iterate, length in _SEQUENCES:
        if _is(value, kind):
            return iterate(value), length(value)
    return iter(()), 0


def plain(
    value: Any, depth: int = _MAX_DEPTH, breadth: int = _MAX_ITEMS, nodes: int = _MAX_NODES
) -> Json:
    """`value` as JSON can hold it, running none of its code.

    Depth, breadth and the number of values altogether are bounded, so a cycle ends; what is not
    known is named by its type. Numbers that are not finite become `None`.
    """
    return _Plain(breadth, nodes).of(value, depth)


class _Plain:
    """One walk: what it may still take in."""

    def __init__(self, breadth: int, nodes: int) -> None:
        self._breadth = breadth
        self._left = nodes

    def of(self, value: Any, depth: int) -> Json:
        cls = type(value)
        if value is None or cls is str or cls is bool:
            return value  # type: ignore[no-any-return]
        if issubclass(cls, enum.Enum):
            value = _scalar(value)
            cls = type(value)
        if issubclass(cls, str):
            return str.__str__(value)
        if issubclass(cls, int):
            bits = int.bit_length(value)
            return int.__index__(value) if bits <= _MAX_BITS else f"<int of {bits} bits>"
        if issubclass(cls, float):
            return _finite(float.__float__(value))
        return self._container(value, cls, depth)

    def _container(self, value: Any, cls: type, depth: int) -> Json:
        if is_sequence(cls):
            return "..." if depth <= 0 else self._listed(*elements(value), depth)
        found = fields(value)
        if found is None:
            return _printed(value, cls)
        return "..." if depth <= 0 else self._mapped(found, depth)

    def _listed(self, elements: Iterator[Any], length: int, depth: int) -> Json:
        taken = self._taken(elements)
        kept = [self.of(item, depth - 1) for item in taken]
        return [*kept, f"... {length - len(taken)} more"] if length > len(taken) else kept

    def _mapped(self, found: dict[str, Any], depth: int) -> Json:
        taken = self._taken(iter(dict.items(found)))
        return {_key(name): self.of(item, depth - 1) for name, item in taken}

    def _taken(self, elements: Iterator[T]) -> list[T]:
        # One step of the interpreter's own, so that other threads may change the container.
        taken = list(islice(elements, max(0, min(self._breadth, self._left))))
        self._left -= len(taken)
        return taken


def _printed(value: Any, cls: type) -> str:
    if cls is bytes or cls is bytearray:
        return f"<{cls.__name__} of {len(value)} bytes>"
    if cls is datetime.datetime or cls is datetime.time:
        known = value.tzinfo is None or _is_one_of(type(value.tzinfo), _ZONES)
        zone = "" if known else f" {_named(type(value.tzinfo))}"
        return str(value if known else value.replace(tzinfo=None)) + zone
    return str(value) if _is_one_of(cls, _PRINTABLE) else _named(cls)


def _is_one_of(cls: type, names: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether `cls` is one of the standard library's classes of these names, and not just called so."""
    home, name = (
        module(cls).partition(".")[0],
        qualname(cls),
    )  # some are of a module below, in some versions
    return name in names.get(home, ()) and getattr(sys.modules.get(home), name, None) is cls


def _named(cls: type) -> str:
    return f"<{module(cls)}.{qualname(cls)}>"


def _key(key: object) -> str:
    return key if type(key) is str else str(plain(key, 1))
