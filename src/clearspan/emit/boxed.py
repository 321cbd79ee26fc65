"""Functions of the program's own, that texts are put through: on a thread of theirs, and for so long only.

No thread can be stopped. A function that is still at one text is not given another: whoever asks is refused at
once, so that one which sleeps costs its patience once, and one thread.
"""

from __future__ import annotations

import contextvars
import os
import queue
import threading
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["PATIENCE", "Boxed"]

PATIENCE = 1.0
"""Seconds that a text may take."""


class _Turn:
    """One text, while it is waited for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.context = contextvars.copy_context()
        self.over = threading.Event()
        self.answer: object = None
        self.error: Exception | None = None

    def take(self, function: Callable[[str], object]) -> None:
        try:
            self.answer = self.context.run(function, self.text)
        except Exception as error:  # noqa: BLE001 -- it is anybody's code; who waits is told
            self.error = error
        except BaseException:  # noqa: BLE001 -- a `sys.exit` in it ends neither the thread nor the program
            self.error = RuntimeError("it tried to end the program")
        self.over.set()


class Boxed:
    """Calls `function` as it was called itself, with a text, and answers what it answered.

    Raises what it raised, and `TimeoutError` where that took longer than `patience` seconds, or an
    earlier text still does. Without a `patience` it is `PATIENCE`.
    """

    def __init__(self, function: Callable[[str], object], patience: float | None = None) -> None:
        self.function = function
        self._patience = PATIENCE if patience is None else patience
        self._renew()

    def _renew(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._turns: queue.SimpleQueue[_Turn | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._last: _Turn | None = None
        self._holder: int | None = None

    def close(self) -> None:
        """Let the thread go; one that is still at a text ends when it is done. Another text would start another."""
        turns, thread, last = self._turns, self._thread, self._last
        self._turns, self._thread = queue.SimpleQueue(), None
        turns.put(None)
        if thread is not None and (last is None or last.over.is_set()):
            thread.join(self._patience)  # it has nothing to do but to end

    def __call__(self, text: str) -> Any:
        """One text."""
        if self._pid != os.getpid():
            self._renew()  # threads do not come along into a forked child, held locks do
        me = threading.get_ident()
        # Re-entry: what runs inside its own call (a finaliser) ended a record.
        if self._holder == me or not self._lock.acquire(timeout=self._patience):
            raise TimeoutError("a function is busy with another text")
        try:
            self._holder = me
            return self._answered(text)
        finally:
            self._holder = None
            self._lock.release()

    def _answered(self, text: str) -> object:
        if self._last is not None and not self._last.over.is_set():
            raise TimeoutError("a function is not done with an earlier text")
        self._last = turn = _Turn(text)
        if self._thread is None:
            self._start()
        self._turns.put(turn)
        if not turn.over.wait(self._patience):
            raise TimeoutError(f"a function was not done after {self._patience:g} s")
        self._last = None
        if turn.error is not None:
            raise turn.error
        return turn.answer

    def _start(self) -> None:
        made = threading.Thread(
            target=_work, args=(self._turns, self.function), name="clearspan-redact", daemon=True
        )
        try:
            made.start()
        except RuntimeError:  # no thread to be had just now: nothing waits for one
            self._last = None
            raise
        self._thread = made
        # The thread does not hold what it works for: it ends with it.
        weakref.finalize(self, self._turns.put, None).atexit = False


def _work(turns: queue.SimpleQueue[_Turn | None], function: Callable[[str], object]) -> None:
    while (turn := turns.get()) is not None:
        turn.take(function)
        del turn  # nothing of the text is kept until the next one
