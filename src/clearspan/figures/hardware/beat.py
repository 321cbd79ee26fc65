"""A thread that lives only while there is something to do."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

__all__ = ["Beat"]


class Beat:
    """Runs `step` on a daemon thread: again after the seconds that it answers, until it answers `None`.

    `rouse` starts the thread, or wakes it. It may be called at any line of any thread, also by a
    garbage collection in the middle of itself: hence the reentrant lock and the `SimpleQueue`.
    """

    def __init__(self, name: str, step: Callable[[], float | None]) -> None:
        self._name = name
        self._step = step
        self._closed = False
        self.renew()

    def renew(self) -> None:
        """Be without a thread, as in a forked child."""
        self._lock = threading.RLock()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._roused = False
        self._thread: threading.Thread | None = None

    def rouse(self) -> None:
        """Have `step` run now."""
        made: threading.Thread | None = None
        with self._lock:
            if self._closed or self._roused:
                return
            self._roused = True
            if self._thread is None:
                made = self._thread = threading.Thread(
                    target=self._run, name=self._name, daemon=True
                )
        # Not under the lock: starting waits for the new thread.
        if made is None:
            self._wake.put(None)
        else:
            self._start(made)

    def close(self, timeout: float) -> None:
        """See the thread end, within `timeout` seconds; none is started any more."""
        with self._lock:
            self._closed, thread = True, self._thread
        self._wake.put(None)
        if thread is None or thread is threading.current_thread() or thread.ident is None:
            return
        thread.join(timeout)

    def _start(self, thread: threading.Thread) -> None:
        try:
            thread.start()
        except (
            RuntimeError
        ):  # no thread to be had just now, or ever again: the interpreter is going down
            with self._lock:
                self._thread, self._roused = None, False

    def _run(self) -> None:
        try:
            while not self._closed:
                self._roused = False
                wait = self._step()
                if wait is not None:
                    self._rest(wait)
                elif self._over():
                    return
        finally:
            with self._lock:  # also where `step` raised, as it may under the tests' strictness
                if self._thread is threading.current_thread():
                    self._thread, self._roused = None, False

    def _over(self) -> bool:
        """Whether to end; who rouses at the same moment finds either this thread or none."""
        with self._lock:
            if self._roused and not self._closed:
                return False
            self._thread = None
            return True

    def _rest(self, seconds: float) -> None:
        try:
            self._wake.get(timeout=seconds)
        except queue.Empty:
            return
