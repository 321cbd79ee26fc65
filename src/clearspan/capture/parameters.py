"""The names of a function's parameters, without the function.

A call that is open must not keep alive what was called: a function leads to whatever it closes over, and perhaps to
the very generator whose end the call is waiting for.
"""

from __future__ import annotations

import inspect
from typing import Any

from clearspan.provider import Call

__all__ = ["Parameters"]

_OWNER = ("self", "cls")


class Parameters:
    """What `learn` was shown, by name and kind only: no default, no annotation."""

    __slots__ = ("_builtin", "_signature", "learnt")

    def __init__(self) -> None:
        self.learnt = False
        self._builtin = False
        self._signature: inspect.Signature | None = None

    def learn(self, function: Any) -> None:
        """Look at `function`. One that tells nothing of itself (many that are written in C) is not asked again."""
        self._builtin = inspect.isbuiltin(function)
        try:
            signature = inspect.signature(function)
            self._signature = inspect.Signature(
                [inspect.Parameter(each.name, each.kind) for each in signature.parameters.values()]
            )
        except (ValueError, TypeError):
            return
        finally:
            self.learnt = True  # last, as another thread that reads so goes on with what there is

    def named(self, call: Call) -> dict[str, Any]:
        """The arguments under their parameters' names; `self` and `cls` are not among them.

        Those of a call that the function refuses are told as they were given.
        """
        as_given = {"args": list(call.args), **call.kwargs}
        signature = self._signature
        if signature is None:
            return as_given
        first = next(iter(signature.parameters), None)
        args = call.args
        if call.instance is not None and not self._builtin:
            args = (None, *args)
        elif first not in _OWNER:
            first = None
        try:
            bound = signature.bind_partial(*args, **call.kwargs).arguments
        except TypeError:
            return as_given
        found: dict[str, Any] = {}
        for name, value in bound.items():
            if name == first:
                continue
            if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                found.update(value)
            else:
                found[name] = list(value) if type(value) is tuple else value
        return found
