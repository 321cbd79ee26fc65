"""The signals that end a program without a word: what is left is exported before they take their course.

`SIGTERM` is how service managers, containers and schedulers end a program, `SIGHUP` how a terminal does that goes
away. By default both end a process at once, and `atexit` is never heard. A handler that the program has set is
never touched, whenever it was set: it has the say, and where it leaves by `sys.exit` there is `atexit`.

To the program it looks as if nobody handled them: what `signal.getsignal` and `signal.signal` answer is `SIG_DFL`
itself. So whoever puts back what was there puts the default back, and ours stands again at the next call.
"""

from __future__ import annotations

import _thread
import contextlib
import importlib
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Protocol

from clearspan.core.fence import fenced

__all__ = ["Ending", "again", "forget", "watch"]

SIGNALS: Final = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGHUP")
    if os.name != "nt" and hasattr(signal, name)
)
_DEFAULT: Final = signal.SIG_DFL
_stands_for: Final[Callable[[int], Any]] = importlib.import_module("_signal").getsignal
"""Which object handles a signal. `signal.getsignal` makes a constant of whatever equals one."""
_INIT: Final = 1
_PATIENCE: Final = 0.25
"""Seconds of the deadline for which the thread that was interrupted may go on, where it must not be held up."""
_BEAT: Final = 0.001
_TELEMETRY: Final = frozenset({"clearspan", "opentelemetry"})
_HELPERS: Final = frozenset(
    {"_weakrefset", "contextlib", "logging", "queue", "threading", "weakref"}
)
"""What those two call while they hold a lock."""


class Ending(Protocol):
    """What is to be saved when the process is ended from outside."""

    def flush(self, timeout: float) -> bool:
        """Export what there is within `timeout` seconds; it goes on afterwards."""
        ...

    def save(self, timeout: float) -> bool:
        """The same, and what is open too: there is no afterwards."""
        ...


class _Handler(int):
    """Ours: the number of `SIG_DFL`, for which it stands. By that alone the module `signal` tells the constant."""

    ending: Ending | None = None
    seconds = 0.0

    def __init__(self) -> None:
        self.stood: set[int] = set()
        """The signals that it handles, or did until somebody set another."""
        self.heard: float | None = None
        """When one came first that has been put off since."""

    def __int__(self) -> int:
        """Not to be had, for `signal.signal` would set the plain number instead."""
        raise TypeError("a handler")

    def __call__(self, number: int, frame: FrameType | None) -> None:
        ending = self.ending
        if os.getpid() == _INIT:
            # The first process of a container: there the default is that nothing happens, and the program goes on.
            self._apart(None if ending is None else ending.flush, 0.0)
            return
        left = self._left()
        if left > self.seconds - _PATIENCE and _amid(frame) and _once_more(number):
            return
        self.stood.discard(number)
        signal.signal(number, _DEFAULT)  # a second one ends it at once
        try:
            self._apart(None if ending is None else ending.save, left)
        finally:  # Ctrl-C, too, ends the waiting only
            os.kill(os.getpid(), number)  # so that its parent is told of the same end

    def _left(self) -> float:
        now = time.monotonic()
        if (
            self.heard is None or now > self.heard + self.seconds
        ):  # the latter: forked off since, say
            self.heard = now
        return self.heard + self.seconds - now

    def _apart(self, work: Callable[[float], object] | None, wait: float) -> None:
        """Do it on another thread, for which this one waits so long and no longer: it may hold any lock.

        Nothing of `threading` is used for that, whose own locks may be among them.
        """
        if work is None:
            return
        over = _thread.allocate_lock()
        over.acquire()

        def run() -> None:
            try:
                fenced("signals.end", work, wait or self.seconds)
            finally:
                over.release()

        try:
            _thread.start_new_thread(run, ())
        except RuntimeError:  # no thread is to be had: it is going down already
            return
        over.acquire(timeout=wait)


_handler: Final = _Handler()


def _amid(frame: FrameType | None) -> bool:
    """Whether it was interrupted where it may hold a lock that the saving needs: ours, OpenTelemetry's, or that of
    `threading`, without which no thread can begin. All are held for moments, by a thread that goes on.
    """
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module.partition(".")[0] in _TELEMETRY:
            return True
        if module not in _HELPERS:
            return False
        if module == "threading" and frame.f_code.co_name == "start":
            return True
        frame = frame.f_back
    return False


def _once_more(number: int) -> bool:
    """Have the signal come again in a moment; `False` where nobody can see to that."""

    def run() -> None:
        time.sleep(_BEAT)
        os.kill(os.getpid(), number)

    try:
        _thread.start_new_thread(run, ())
    except RuntimeError:  # it is going down already
        return False
    return True


def watch(ending: Ending, seconds: float) -> None:
    """Save `ending`, for at most `seconds`, before a signal ends the process.

    Only the main thread may say so, and only where a signal would have its default effect.
    """
    if not _may():
        return
    for number in SIGNALS:
        if signal.getsignal(number) is _DEFAULT:
            _stand(number)
    _handler.ending, _handler.seconds = ending, seconds


def again() -> None:
    """Stand again where the program has put the default back: event loops do so when they end. Costs next to nothing."""
    for number in tuple(_handler.stood):
        now = _stands_for(number)
        if now is not _handler and isinstance(now, int) and now == _DEFAULT and _may():
            _stand(number)


def _may() -> bool:
    return _thread.get_ident() == threading.main_thread().ident


def _stand(number: int) -> None:
    """Handle the signal from now on, unless somebody does so behind Python's back."""
    if _stands_for(number) is _handler:
        return
    _handler.stood.discard(number)
    if not _caught() >> (number - 1) & 1:
        with contextlib.suppress(ValueError):  # not the main interpreter
            signal.signal(number, _handler)
            _handler.stood.add(number)
            _handler.heard = None


def _caught() -> int:
    """A mask of the signals that are handled: a server that runs Python inside (uWSGI) does so behind its back."""
    try:
        with open("/proc/self/status", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 -- `pathlib` takes a while to load
            told = file.read()
    except OSError:  # elsewhere than on Linux Python's word is all there is
        return 0
    found = re.search(r"^SigCgt:\s*([0-9a-f]+)", told, re.MULTILINE)
    return 0 if found is None else int(found[1], 16)


def forget(ending: Ending | None = None) -> None:
    """Let signals have their default effect again, where nobody has set another; of `ending` only, if given."""
    if ending is not None and _handler.ending is not ending:
        return
    _handler.ending = None
    _handler.stood.clear()
    if _may():
        for number in SIGNALS:
            if _stands_for(number) is _handler:
                signal.signal(number, _DEFAULT)
