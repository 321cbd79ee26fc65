"""Drivers that nobody holds any more: what they drove, and the records of it, end with them.

What watches them sits in their own frames and nowhere else. So an object that holds its own unfinished generator,
coroutine or stream is collected as it is without us: nothing that lives for ever leads to it.

A collection runs at any line of any thread, that of a lock or of a context variable among them. What it ends is ended
`apart`: in a copy of the context, for before Python 3.12 a variable that is set or read while the interpreter is in the
middle of setting it may be left with what has been freed; and marked as `unheld`, so that nobody waits for a lock which
the same thread may have.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from types import CoroutineType
from typing import Any, Final, TypeVar

from clearspan.core.heed import Recording, ended
from clearspan.record import Outcome

__all__ = ["Watched", "apart", "unheld"]

D = TypeVar("D")

# What refers to a coroutine that only a `Watched` holds: that, and the call which asks.
_OURS_ALONE: Final = 2

_unheld: ContextVar[bool] = ContextVar("clearspan_unheld", default=False)


def unheld() -> bool:
    """Whether what is being ended here was dropped: the thread may be anywhere else, and hold any lock."""
    return _unheld.get()


def apart(recording: Recording, outcome: Outcome) -> None:
    """End the record of what was dropped."""
    copy_context().run(_end, recording, outcome)


def _end(recording: Recording, outcome: Outcome) -> None:
    _unheld.set(True)
    ended(recording, outcome)


class Watched:
    """Held by a driver's frame: when that goes without having begun, `recording` is abandoned.

    `inner` is a coroutine that the driver is going to await. One that is never awaited is one coroutine to the
    host, and warns once: it is closed with its driver, unless somebody else holds it, too.
    """

    __slots__ = ("__weakref__", "_driver", "_ended", "_itself", "inner", "recording")

    def __init__(self, recording: Recording | None = None, inner: Any = None) -> None:
        self.recording = recording
        self.inner = inner
        self._driver: weakref.ref[Any] | None = None
        self._itself: weakref.ref[Watched] | None = None
        self._ended = False

    def watching(self, driver: D) -> D:
        """Be able to tell whether `driver`, in whose frame this is, was dropped; answers it."""
        # With a callback, however little it does: such references are cleared before any generator is closed.
        self._driver = weakref.ref(driver, _nothing)
        self._itself = weakref.ref(self, _nothing)
        return driver

    def telling(self, driver: D) -> D:
        """End as soon as nobody holds `driver`, although its frame may live on with a warning; answers it."""
        self._driver = weakref.ref(driver, self.end)
        return driver

    @property
    def dropped(self) -> bool:
        """Whether nobody holds the driver: who closes one still does."""
        # Of a circle this may be the first to be told.
        return self._ended or (self._driver is not None and self._driver() is None)

    @property
    def collected(self) -> bool:
        """Whether it is the collector that closes the driver: by then it has cleared the references to this, too."""
        return self._ended or (self._itself is not None and self._itself() is None)

    def begun(self) -> Any:
        """It runs now, and will see its own end; answers what it is to await."""
        inner, self.inner, self.recording = self.inner, None, None
        return inner

    def awaiting(self) -> Any:
        """The same for one that awaits: whether it is dropped is of no interest any more."""
        self._driver = None  # which leads back here
        return self.begun()

    def __del__(self) -> None:
        self.end()

    def end(self, gone: object = None, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        """Close what nobody will await, and tell the recording."""
        del gone
        if not hasattr(self, "_driver"):
            return  # it was never made
        self._driver, self._ended = None, True
        if type(self.inner) is CoroutineType and sys.getrefcount(self.inner) <= _OURS_ALONE:
            self.inner.close()
        if self.recording is not None and not finalizing():  # then nobody listens any more
            apart(self.recording, Outcome.ABANDONED)
        self.inner = self.recording = None


def _nothing(gone: object) -> None:
    """Called when a driver is dropped, about which its frame will ask."""
