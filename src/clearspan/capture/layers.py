"""Layers around one method: several instrumentations wrap the same one, and each leaves when it likes.

OpenTelemetry's instrumentations, and others built on wrapt, undo themselves by taking off whatever wrapt layer
is outermost. Were that ours, they would take off ours and leave theirs. So ours goes below every wrapt layer that it
finds, and comes out of the middle again without moving what lies around it.
"""

from __future__ import annotations

from typing import Any

from wrapt import BoundFunctionWrapper, FunctionWrapper

from clearspan.capture.wrapper import Wrapper

__all__ = ["below", "is_wrapper", "put_in", "take_out"]

_DEEPEST = 64  # a chain that is longer than this has been tied into a ring


def is_wrapper(found: Any, wrapper: Any) -> bool:
    """Whether `found` is `wrapper`, or what attribute access on a class made of it.

    The second is what an unwrapping neighbour puts into the class: it read ours as an attribute there.
    """
    if found is wrapper:
        return True
    return isinstance(found, BoundFunctionWrapper) and _layer(found) is wrapper


def below(original: Any) -> tuple[Any, Any]:
    """The lowest layer of other instrumentations on wrapt, `None` without one, and what lies below it."""
    holder = None
    for _ in range(_DEEPEST):
        layer = _layer(original)
        if layer is None:
            break
        if isinstance(layer, Wrapper):
            return holder, layer
        holder, original = layer, layer.__wrapped__
    return holder, original


def put_in(owner: Any, attribute: str, holder: Any, wrapper: Any) -> None:
    """Let `wrapper` stand below the layer `holder`; without one, in the owner's own namespace."""
    if holder is None:
        setattr(owner, attribute, wrapper)
    else:
        holder.__wrapped__ = wrapper


def take_out(owner: Any, attribute: str, wrapper: Any, original: Any) -> None:
    """Put `original` back in the place of `wrapper`, wherever that stands by now.

    Where a neighbour holds it in a way that cannot be seen (a closure), it stays there.
    """
    layer = vars(owner).get(attribute)
    if is_wrapper(layer, wrapper):
        setattr(owner, attribute, original)
        return
    for _ in range(_DEEPEST):
        if layer is None:
            return
        layer = _layer(layer) or layer
        inner = getattr(layer, "__wrapped__", None)
        if is_wrapper(inner, wrapper):
            layer.__wrapped__ = original
            return
        layer = inner


def _layer(found: Any) -> Any:
    """The function wrapper that `found` is, or was read from; `None` for anything else."""
    if isinstance(found, BoundFunctionWrapper):
        found = getattr(found, "_self_parent", None)
    return found if isinstance(found, FunctionWrapper) else None
