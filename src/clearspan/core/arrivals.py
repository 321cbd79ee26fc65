"""Arrivals: what is done when a package is imported for the first time, before any of its code runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from clearspan.core.fence import fenced

__all__ = ["await_", "forget"]

Arrived = Callable[[], object]


class _Lookout:
    """Stands first among the finders of the import system, finds nothing, and tells who waits for a package."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Arrived]] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Tell that `name` is about to be imported; then whoever can find it is asked."""
        told = self.waiting.pop(name, None) if name in self.waiting else None
        if told is None:
            return None
        for arrived in told:
            # An exception here would come out of the host's own import statement.
            fenced("arrivals.tell", arrived)
        # Who was told may have put up finders of its own, which stand before this one and were passed already.
        others: list[Any] = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(name, path, target) for finder in others)
        return next((spec for spec in found if spec is not None), None)


_lookout = _Lookout()


def await_(package: str, arrived: Arrived) -> None:
    """Call `arrived` when `package`, which is not imported yet, is about to be."""
    _lookout.waiting.setdefault(package, []).append(arrived)
    if _lookout not in sys.meta_path:
        sys.meta_path.insert(0, _lookout)


def forget(package: str, arrived: Arrived) -> None:
    """Call it no more."""
    told = _lookout.waiting.get(package, [])
    if arrived in told:
        told.remove(arrived)
    if not told:
        _lookout.waiting.pop(package, None)
    if not _lookout.waiting and _lookout in sys.meta_path:
        sys.meta_path.remove(_lookout)
