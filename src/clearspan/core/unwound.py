"""Which calls into compiled libraries may be under way when the interpreter goes down: none of those into Rust.

Before Python 3.14 a daemon thread that asks for the interpreter's lock by then is ended by unwinding its stack
(python/cpython#87135). C does not mind; Rust and C++ answer by aborting the process, whatever its exit code was to be.
Python's own code goes on where such a call has been refused.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable

__all__ = ["Gate", "gate"]

_PATIENCE = 1.0
_BEAT = 0.0005


class Gate:
    """Counts who is inside, without a lock; once it is closed nobody comes in any more.

    `enter` answers whether one may; only who may has to `leave`.
    """

    def __init__(self) -> None:
        self.open_again()

    def open_again(self) -> None:
        """Open, with nobody inside, as in a forked child: the threads that were are the parent's."""
        self._inside: list[None] = []
        self._closed = False

    def enter(self) -> bool:
        """Come in, unless it is closed."""
        self._inside.append(None)  # first: who closes looks at this after closing
        if not self._closed:
            return True
        self._inside.pop()
        return False

    def leave(self) -> None:
        """Be out again."""
        self._inside.pop()

    def close(
        self, patience: float = _PATIENCE, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        """Close, and wait until nobody is inside: texts are short, so that takes no more than a moment."""
        self._closed = True
        until = time.monotonic() + patience
        while self._inside and time.monotonic() < until:
            try:
                sleep(_BEAT)
            except KeyboardInterrupt:  # the program is ending already
                continue


gate = Gate()
# Called after what the runtime has registered, which comes later: that still has texts to be looked through.
atexit.register(gate.close)
if hasattr(os, "register_at_fork"):  # pragma: no branch -- absent on Windows only
    os.register_at_fork(after_in_child=gate.open_again)
