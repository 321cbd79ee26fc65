"""Tokens that a pipeline hands its model, counted where it does: before each forward pass.

The count is of what the model was really given, and exact: the sum of the attention mask, so that
padding is not in it. Windows that overlap and pairs that repeat a text count as often as they were
given. Without a mask the model takes every id for a token, and so does the count. Pixels and samples
of sound are no tokens, nor is a mask that comes with them instead of with ids.
"""

from __future__ import annotations

import contextvars
import weakref
from collections.abc import Mapping
from typing import Any

from clearspan.core import read
from clearspan.provider import Call
from clearspan.providers.transformers.parameters import inner
from clearspan.providers.transformers.tensors import is_ids, shape

__all__ = ["Total", "count", "counting", "forwarded"]

_DEPTH = 4


class Total:
    """The tokens of one call so far; `None` as long as there was no token.

    The pipeline that they are counted for may itself read from another one; it is held weakly, as
    the count stays behind in its context.
    """

    __slots__ = ("_owner", "tokens")

    def __init__(self, owner: object) -> None:
        self.tokens: int | None = None
        self._owner = weakref.ref(owner)

    def of(self, owner: object) -> bool:
        """Whether it is counted for that pipeline."""
        return self._owner() is owner

    def add(self, tokens: int | None) -> None:
        """So many more, if any are known of."""
        if tokens is not None:
            self.tokens = (self.tokens or 0) + tokens


_KEPT = 8
counting: contextvars.ContextVar[tuple[Total, ...]] = contextvars.ContextVar(
    "clearspancounting", default=()
)
"""Where the forward passes of this context are to be counted, the newest call first.

Notes that a probe leaves would grow with every batch, and streams of batches have no end.
"""


def count(owner: object) -> Total:
    """Begin to count for a call of the pipeline `owner`; others that are read from go on beside it."""
    total = Total(owner)
    counting.set((total, *counting.get()[: _KEPT - 1]))
    return total


def forwarded(call: Call) -> Mapping[str, Any]:
    """Count the inputs of a forward pass; nothing is noted."""
    total = next((item for item in counting.get() if item.of(call.instance)), None)
    if total is not None:
        inputs = call.args[0] if call.args else call.kwargs.get("model_inputs")
        total.add(_tokens(inputs, _DEPTH))
    return {}


def _tokens(value: Any, depth: int) -> int | None:
    held = _mapping(value)
    if held is None:
        return _several(read.items(value), depth)
    ids = dict.get(held, "input_ids")
    if is_ids(ids):
        return _unpadded(ids, dict.get(held, "attention_mask"))
    if dict.get(held, "text_inputs") is not None:
        return _labels(held["text_inputs"], depth)
    return _several(list(dict.values(held)), depth)


def _several(values: list[Any], depth: int) -> int | None:
    if depth <= 0:
        return None
    found = [_tokens(value, depth - 1) for value in values if _looked_into(value)]
    known = [count for count in found if count is not None]
    return sum(known) if known else None


def _looked_into(value: Any) -> bool:
    """Lists of numbers may be long, and hold no ids that a model would be given."""
    listed = read.items(value)
    return _mapping(value) is not None or bool(
        listed and not isinstance(listed[0], (int, float, str))
    )


def _labels(value: Any, depth: int) -> int | None:
    """The labels of zero-shot tasks: all elements of a batch have the same, and they are given once."""
    for _ in range(depth):
        value = next(iter(read.items(value)), value)
    return _tokens(value, depth - 1)


def _unpadded(ids: Any, mask: Any) -> int:
    rows, columns = shape(ids)
    return int(mask.ne(0).sum()) if shape(mask) == (rows, columns) else rows * columns


def _mapping(value: Any) -> dict[str, Any] | None:
    """A dictionary, or the one inside what tokenizers and processors answer."""
    if issubclass(type(value), dict):
        return value  # type: ignore[no-any-return]  # checked just above
    held = inner(value, "data")
    return held if type(held) is dict else None
