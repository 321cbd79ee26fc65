"""Loading a library on a thread of ours, so that a fork meanwhile does no harm.

A child inherits the locks of modules that another thread was just importing, and nobody will ever
release them there: whoever imports one of those modules then, the program itself perhaps, hangs. So a
fork waits until we are done. On a busy machine that takes seconds; one that a disk hangs at makes all forks wait for no
more than once. In a child that was forked off all the same, nothing more is loaded.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType

__all__ = ["load", "undisturbed"]

_PATIENCE = 10.0
_LITTLE = 0.01
_lock = threading.RLock()
_stuck = False
"""The last fork has waited in vain."""
_amid = False
"""This process was forked off while something was being loaded."""
# By thread: several may fork at once, and each gives back only what it took.
_held: set[int] = set()


@contextmanager
def undisturbed() -> Generator[None]:
    """A block that imports, and that a fork is not to fall into."""
    with _lock:
        yield


def load(name: str) -> ModuleType:
    """The module of that name. Raises what importing it raises; `ImportError` where that might never end."""
    if _amid and not _is_loaded(name):
        raise ImportError(f"{name}: this process was forked off while another thread was importing")
    with undisturbed():
        return importlib.import_module(name)


def _is_loaded(name: str) -> bool:
    module = sys.modules.get(name)
    return module is not None and not getattr(module.__spec__, "_initializing", False)


def _before() -> None:
    global _stuck
    _stuck = not _lock.acquire(timeout=_LITTLE if _stuck else _PATIENCE)
    if not _stuck:
        _held.add(threading.get_ident())


def _after() -> None:
    if threading.get_ident() in _held:
        _held.discard(threading.get_ident())
        _lock.release()


def _in_child() -> None:
    global _lock, _amid, _stuck
    _amid, _stuck = _amid or _stuck, False
    # Whoever still held the old one is not here.
    _lock = threading.RLock()
    _held.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch -- absent on Windows only
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
