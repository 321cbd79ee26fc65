"""Loading a library on a thread of ours, so that a fork meanwhile does no harm.

A child inherits the locks of modules that another thread was just importing, and nobody will ever
release them there: whoever imports one of those modules then, the program itself perhaps, hangs. So a
fork waits until we are done, once, and for a second at most.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType

__all__ = ["load", "undisturbed"]

_PATIENCE = 1.0
_lock = threading.RLock()
# By thread: several may fork at once, and each gives back only what it took.
_held: set[int] = set()


@contextmanager
def undisturbed() -> Generator[None]:
    """A block that imports, and that a fork is not to fall into."""
    with _lock:
        yield


def load(name: str) -> ModuleType:
    """The module of that name. Raises what importing it raises."""
    with undisturbed():
        return importlib.import_module(name)


def _before() -> None:
    if _lock.acquire(timeout=_PATIENCE):
        _held.add(threading.get_ident())


def _after() -> None:
    if threading.get_ident() in _held:
        _held.discard(threading.get_ident())
        _lock.release()


def _in_child() -> None:
    global _lock
    # Whoever still held the old one is not here.
    _lock = threading.RLock()
    _held.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch -- absent on Windows only
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
