"""What is installed beside the program, as the metadata of distributions has it: no library is imported."""

from __future__ import annotations

import contextlib
import contextvars
import importlib.metadata
from collections.abc import Callable, Generator
from importlib.metadata import EntryPoint
from typing import Any

__all__ = ["entries", "once", "version"]

_kept: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar(
    "clearspan_installed", default=None
)


@contextlib.contextmanager
def once() -> Generator[None]:
    """Read everything at most once inside: it takes long, and does not change while a program starts."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def version(distribution: str) -> str | None:
    """The version of a distribution; `None` where it is not installed."""
    found: str | None = _remembered(distribution, lambda: _version(distribution))
    return found


def entries(group: str) -> list[EntryPoint]:
    """The entry points of a group."""
    if _kept.get() is None:
        return list(importlib.metadata.entry_points(group=group))
    everything: Any = _remembered("", importlib.metadata.entry_points)
    return list(everything.select(group=group))


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _remembered(name: str, read: Callable[[], Any]) -> Any:
    kept = _kept.get()
    if kept is None:
        return read()
    if name not in kept:
        kept[name] = read()
    return kept[name]
