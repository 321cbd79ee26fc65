"""What a judge does is no traffic of the application: while one is asked, nothing is recorded.

A context variable says so here; whoever records, above this floor, gives the means to keep it still
(`wire`). It is local to the task and thread, and goes along to the loop on which coroutines of a
callable judge run. Servers are told by a header.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from contextvars import ContextVar

__all__ = ["HEADER", "judging", "quiet", "wire"]

HEADER = "x-clearspan-judging"
"""The header of a judge's requests: a gateway that records traffic itself can leave these out."""

Quiet = Callable[[], AbstractContextManager[object]]

_judging: ContextVar[bool] = ContextVar("clearspan_judging", default=False)
_quiet: list[Quiet] = []


def judging() -> bool:
    """Whether a judge is being asked here."""
    return _judging.get()


def wire(*quiet: Quiet) -> None:
    """From now on a judge is asked inside these context managers; replaces those from before."""
    _quiet[:] = quiet


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """A block in which a judge is asked."""
    token = _judging.set(True)
    try:
        with contextlib.ExitStack() as stack:
            for factory in tuple(_quiet):
                stack.enter_context(factory())
            yield
    finally:
        _judging.reset(token)
