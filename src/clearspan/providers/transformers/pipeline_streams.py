"""Lazy results: the iterator that a pipeline answers a generator or a dataset with.

The caller keeps that very object. Until it was gone through once, its parts stand aside for ours,
which do the same within the record's context; then they are put back.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from clearspan.core.fence import fenced
from clearspan.provider import Tap
from clearspan.providers.transformers import pipeline_outputs as made
from clearspan.providers.transformers.pipeline_counts import Total, counting

__all__ = ["follow"]

_PARTS = ("loader", "infer", "params")


def follow(result: Any, tap: Tap) -> bool:
    """Listen to a lazy result; of any other keep what it is in few words."""
    cls = type(result)
    held = vars(result) if cls.__name__ == "PipelineIterator" else {}
    if not all(name in held for name in _PARTS) or held.get("loader_batch_size") is not None:
        tap.result(made.of(result))
        return True
    parts = {name: held[name] for name in _PARTS}
    aside = {
        "loader": _Loader(weakref.ref(result), parts, tap, next(iter(counting.get()), None)),
        "infer": _same,
        "params": {},
    }
    tap.watch(result)
    held.update(aside)
    return True


def _same(item: Any) -> Any:
    return item


class _Loader:
    """Stands for the iterator's own loader."""

    def __init__(
        self, owner: weakref.ref[Any], parts: Mapping[str, Any], tap: Tap, counted: Total | None
    ) -> None:
        self._owner = owner
        self._parts = parts
        self._tap = tap
        self._counted = counted
        self.begun = False

    def __len__(self) -> int:
        return len(self._parts["loader"])

    def __iter__(self) -> Iterator[Any]:
        under: Iterator[Any] = iter(self._parts["loader"])
        if self.begun:  # from the start again, before the end: as without us
            self.put_back()
            return under
        return _Steps(self, under, self._parts, self._tap, self._counted)

    def put_back(self, under: Iterator[Any] | None = None) -> None:
        """Give the iterator its own parts again, and the place that it has come to."""
        owner = self._owner()
        held = vars(owner) if owner is not None else {}
        if held.get("loader") is self:
            held.update(self._parts)
            if under is not None:
                held["iterator"] = under


class _Steps:
    """The iteration that is recorded, if it gets beyond its beginning."""

    def __init__(
        self,
        loader: _Loader,
        under: Iterator[Any],
        parts: Mapping[str, Any],
        tap: Tap,
        counted: Total | None,
    ) -> None:
        self._loader = loader
        self._under = under
        self._counted = counted
        self._output: list[Any] = []
        self._source = _noting(under, parts["infer"], parts["params"], self._output)
        self._tap = tap
        self._relayed: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self._loader.begun = True
        if (
            self._relayed is None
        ):  # only now: another iteration may take this one's place before it has begun
            self._relayed = self._tap.relay(self._source)
        mine = () if self._counted is None else (self._counted,)
        token = counting.set((*mine, *counting.get()))
        try:
            next(self._relayed)
        except BaseException:
            # The end, or an error after which the caller may well go on to the next one.
            self._loader.put_back(self._under)
            raise
        finally:
            counting.reset(token)
        return self._output.pop()


def _noting(
    under: Iterator[Any], infer: Callable[..., Any], params: Mapping[str, Any], output: list[Any]
) -> Iterator[made.Made | None]:
    """What each step made, in few words; the result itself is left in `output`."""
    while True:
        try:
            item = next(under)  # not `for`, which would have it begin once more
            result = infer(item, **params)
        except StopIteration:  # of either, which ends the iteration without us as well
            return
        output.append(result)
        yield fenced("reader.chunk", made.of, result)
