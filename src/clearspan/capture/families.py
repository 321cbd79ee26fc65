"""Families: methods that classes derived from one base define themselves, whenever they come.

A library's subclasses override what is patched on the base, and more of them are defined while the
program runs. Each of them is wrapped where it stands, and nothing here keeps one of them alive.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import wrapt

from clearspan.capture.wrapper import Wrapper
from clearspan.core.fence import fenced

__all__ = ["Family"]

_HOOK = "__init_subclass__"


class Family:
    """All classes derived from `base` that define `attribute`; `wrap` makes the wrapper of one."""

    def __init__(self, base: type, attribute: str, wrap: Callable[[Any], Wrapper]) -> None:
        self._base = base
        self._attribute = attribute
        self._wrap = wrap
        self._members: weakref.WeakSet[type] = weakref.WeakSet()
        self._live = True
        self._own: Any = vars(base).get(_HOOK)
        for cls in _derived(base):
            self._take(cls)
        self._hook: Any = classmethod(self._greet()) if self._own is None else self._listen()
        setattr(base, _HOOK, self._hook)

    def remove(self) -> None:
        """Give every class back the method that it defined."""
        self._live = False
        if vars(self._base).get(_HOOK) is self._hook:
            if self._own is None:
                delattr(self._base, _HOOK)
            else:
                setattr(self._base, _HOOK, self._own)
        for cls in list(self._members):
            found = vars(cls).get(self._attribute)
            if type(found) is Wrapper:
                setattr(cls, self._attribute, found.__wrapped__)

    def _take(self, cls: type) -> None:
        own = vars(cls).get(self._attribute)
        if isinstance(own, wrapt.BoundFunctionWrapper):
            # `method = Other.method` in a class body gives what the attribute gives: bound to nothing.
            own = own.__wrapped__
        if type(own) is Wrapper or not (
            callable(own) or isinstance(own, (classmethod, staticmethod))
        ):
            return
        setattr(cls, self._attribute, self._wrap(own))
        self._members.add(cls)

    def _greet(self) -> Callable[..., None]:
        base: Any = self._base
        notice = self._notice

        def greet(cls: Any, **kwargs: Any) -> None:
            super(base, cls).__init_subclass__(**kwargs)
            notice(cls)

        return greet

    def _listen(self) -> Wrapper:
        notice = self._notice

        def listen(
            wrapped: Callable[..., Any], cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            result = wrapped(*args, **kwargs)
            notice(cls)
            return result

        return Wrapper(self._own, listen)

    def _notice(self, cls: type) -> None:
        if self._live:
            # An exception here would come out of the host's own class statement.
            fenced("patching.install", self._take, cls)


def _derived(base: type) -> Iterator[type]:
    seen: set[type] = set()
    waiting: list[type] = type.__subclasses__(base)
    while waiting:
        cls = waiting.pop()
        if cls not in seen:
            seen.add(cls)
            waiting += type.__subclasses__(cls)
            yield cls
