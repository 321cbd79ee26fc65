"""What can be wrong with a store, or with a question put to it."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

from clearspan.core.sqlite.errors import Unusable
from clearspan.exporters import DestinationError

__all__ = ["AmbiguousTrace", "StoreError", "StoreNotFound", "TraceNotFound", "explained"]


class StoreError(DestinationError, OSError):
    """A store that cannot be used. The message names its path and what can be done."""

    def __init__(self, path: str | os.PathLike[str], problem: str) -> None:
        super().__init__(f"the store {os.fspath(path)!r} {problem}")
        self.path = os.fspath(path)


class StoreNotFound(StoreError):
    """There is no store at that path yet."""


class TraceNotFound(LookupError):
    """No stored trace has an id that begins so."""


class AmbiguousTrace(LookupError):
    """More than one stored trace has an id that begins so."""


@contextmanager
def explained() -> Generator[None]:
    """Say of the store what is wrong with its file."""
    try:
        yield
    except Unusable as error:
        raise StoreError(error.path, error.problem) from error
