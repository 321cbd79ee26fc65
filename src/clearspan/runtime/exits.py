"""The ends of processes that leave without `atexit`: the children of multiprocessing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

__all__ = ["when_child_ends"]


class _Key:
    """What a registration lives as long as."""


_key = _Key()
_hooked: list[bool] = []
_finalized: set[int] = set()


def when_child_ends(leave: Callable[[], None]) -> None:
    """Have `leave` called when this process, or a child that is just being forked, ends.

    A forked child of multiprocessing ends by `os._exit`, which `atexit` does not see; the finalizers
    of multiprocessing it does run. Nothing is done where multiprocessing was never imported.
    """
    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is None or process is None:
        return

    def finalize(key: object) -> None:
        del key
        _finalized.add(os.getpid())
        util.Finalize(None, leave, exitpriority=0)

    if process.parent_process() is not None and os.getpid() not in _finalized:
        finalize(_key)
    if not _hooked:
        # In a child that is just being forked, finalizers of before are forgotten after this.
        _hooked.append(True)
        util.register_after_fork(_key, finalize)
