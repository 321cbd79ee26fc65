"""The judge of evaluators that were given none: the one set for all, or the one that the environment names."""

from __future__ import annotations

import os

from clearspan.assess.judge.address import KEY, VARIABLE
from clearspan.assess.judge.client import Judge, Where

__all__ = ["current", "made", "use"]

_set: list[Judge | None] = []
_named: dict[tuple[str | None, str | None], Judge | None] = {}


def made(given: Judge | Where | None) -> Judge | None:
    """The judge that `given` is or describes."""
    return given if given is None or isinstance(given, Judge) else Judge(given)


def use(judge: Judge | Where | None) -> None:
    """From now on this is the judge of evaluators that were given none; `None`: that of the environment."""
    _set[:] = [] if judge is None else [made(judge)]


def current() -> Judge | None:
    """That judge; `None` where there is none. Raises `ValueError` where the environment names no judge.

    It is one and the same for all, so that its budget holds for all together.
    """
    if _set:
        return _set[0]
    key = os.environ.get(VARIABLE), os.environ.get(KEY)
    if key not in _named:
        return _named.setdefault(key, Judge.from_environment())
    return _named[key]
