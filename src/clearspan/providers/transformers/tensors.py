"""Tensors of ids, told from everything else without the library at hand."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Made", "held", "is_ids", "rows", "shape", "version"]

_WHOLE = ("torch.int64", "torch.int32")


class Made(NamedTuple):
    """A result's ids, and their version when they were handed over."""

    ids: Any
    version: int


def shape(value: Any) -> tuple[int, ...]:
    """A tensor's shape; empty for anything else."""
    cls = type(value)
    if not (hasattr(cls, "new_zeros") and hasattr(cls, "ne")):
        return ()
    return tuple(value.shape)


def is_ids(value: Any) -> bool:
    """Whether it is a batch of token ids."""
    return len(shape(value)) == 2 and str(value.dtype) in _WHOLE


def rows(value: Any) -> list[list[int]]:
    """Ids as lists; on another device this waits, so it has its place off the caller's thread."""
    listed: list[list[int]] = value.tolist()
    return listed


def version(ids: Any) -> int:
    """A number that changes when a tensor is changed in place."""
    try:
        found = getattr(ids, "_version", 0)
    except RuntimeError:  # tensors of inference mode do not count
        return 0
    return found if type(found) is int else 0


def held(ids: Any) -> Any:
    """Ids that cannot change unnoticed: tensors of inference mode have no version, and are copied."""
    return ids.clone() if ids.is_inference() else ids
