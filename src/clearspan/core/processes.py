"""What belongs to one process alone, and whether another is alive."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

__all__ = ["PerProcess", "alive", "born", "machine"]

T = TypeVar("T")
_NAMESPACE = Path("/proc/self/ns/pid")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STAT = "/proc/{}/stat"
_STATE, _STARTED = 0, 19
"""Which of the words after a process's name say these (proc(5))."""
_OVER = ("Z", "X", "x")


class PerProcess(Generic[T]):
    """A value that `make` makes once for each process.

    A forked child begins with one of its own. Its parent's is neither used there nor collected: a connection
    that two processes write to, or that one closes for both, serves neither.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}

    def __call__(self) -> T:
        """This process's, made now if need be."""
        pid = os.getpid()
        if pid not in self._made:
            # Two threads may both come here: the first value stays.
            self._made.setdefault(pid, self._make())
        return self._made[pid]

    def take(self) -> T | None:
        """This process's if it was made; the next call makes another."""
        return self._made.pop(os.getpid(), None)


def machine() -> str:
    """Where process numbers mean what they mean here: the host, and the container where that shows."""
    with contextlib.suppress(OSError):
        return f"{platform.node()} {_NAMESPACE.readlink()}"
    return platform.node()


def alive(pid: int) -> bool:
    """Whether a process of that number runs on this machine, as far as can be told: in doubt it does.

    One that was killed, and for whose end its parent has not asked yet, does not.
    """
    if sys.platform == "win32":  # where asking would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's, or no number of a process
        return True
    told = _told(pid)
    return not told or told[_STATE] not in _OVER


def born(pid: int) -> str:
    """What tells a process from others that had or will have its number; empty where nothing does."""
    told = _told(pid)
    with contextlib.suppress(OSError, ValueError):
        if len(told) > _STARTED:
            boot = _BOOT.read_text("ascii").strip()
            return hashlib.sha256(f"{boot} {told[_STARTED]}".encode()).hexdigest()[:16]
    return ""


def _told(pid: int) -> list[str]:
    """What the system says of a process; nothing where it does not."""
    with contextlib.suppress(OSError, ValueError):
        # Its name may hold anything, and stands in brackets before the rest.
        return Path(_STAT.format(pid)).read_text("utf-8", "replace").rpartition(")")[2].split()
    return []
