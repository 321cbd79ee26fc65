"""Work that is done in a forked child."""

from __future__ import annotations

import os
from collections.abc import Callable

__all__ = ["in_child"]


def in_child(work: Callable[[], bool]) -> Callable[[], bool]:
    """Fork; the child does `work`. What is given back waits for it and tells how it went."""
    pid = os.fork()
    if pid == 0:
        good = False
        try:
            good = work()
        finally:
            os._exit(0 if good else 1)
    return lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
