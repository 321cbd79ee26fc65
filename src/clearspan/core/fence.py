"""The one place that swallows clearspan's own failures.

A failure of ours must never reach the host. It is counted by site, logged at most once a minute
for each site, and raised again under `CLEARSPAN_STRICT=1`, which the tests set.
"""

from __future__ import annotations

import inspect
import logging
import os
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["caught", "failures", "fenced", "ours", "overflows", "reset"]

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("clearspan")
_LOG_INTERVAL = 60.0
_FRAMES = 32
_counts: Counter[str] = Counter()
overflows = [0]
"""How often the program was so deep in calls that nothing of ours could be called, this module's functions included.

It is about to hear so itself. Whoever stops that adds one here, and calls nothing.
"""
_logged: dict[str, float] = {}


def fenced(site: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Call `function`; answer `None` when it raises, having counted the failure under `site`.

    Only `Exception` is held back: Ctrl-C and cancellation belong to the host.
    """
    try:
        return function(*args, **kwargs)
    except RecursionError:
        overflows[0] += 1
        return None
    except Exception as error:  # noqa: BLE001 -- this is the fence
        caught(site, error)
        return None


def ours(site: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T | None:
    """The same for what a thread of ours does: there a `sys.exit` of a plug-in, or a test's failure, is nobody's.

    On the main thread, which does such work where no other can be had, it may be the host's, and goes on its way.
    """
    try:
        return fenced(site, function, *args, **kwargs)
    except Exception:  # under `CLEARSPAN_STRICT`, counted already
        raise
    except BaseException as error:
        if threading.current_thread() is threading.main_thread():
            raise
        caught(site, RuntimeError(type(error).__name__))
        return None


def caught(site: str, error: Exception) -> None:
    """Count and log a failure of our own that a caller has already stopped."""
    interruption = _interruption(error)
    if interruption is not None:
        raise interruption from None
    _counts[site] += 1
    now = time.monotonic()
    if now - _logged.get(site, -_LOG_INTERVAL) >= _LOG_INTERVAL:
        _logged[site] = now
        try:
            _say(site, error)
        except Exception:  # noqa: BLE001 -- a handler or a filter of the host's: what it raises is not the call's
            _counts["fence.log"] += 1
    if os.environ.get("CLEARSPAN_STRICT") == "1":
        raise error


def _say(site: str, error: Exception) -> None:
    # The message may quote content or a key, so it is told nowhere; classes and places are always safe.
    _log.warning(
        "clearspan: internal error in %s: %s (the program is not affected)",
        site,
        type(error).__name__,
    )
    _log.debug("clearspan: internal error in %s: %s", site, _places(error))


def _interruption(error: Exception) -> KeyboardInterrupt | None:
    """The Ctrl-C that came while a lock was about to be taken or released: Python makes a `RuntimeError` of that.

    One that the host is just handling is none of it: that was caught in a frame below which we were called.
    """
    came = error.__context__
    if not isinstance(came, KeyboardInterrupt) or came.__traceback__ is None:
        return None
    caught_in = came.__traceback__.tb_frame
    frame = inspect.currentframe()
    while frame is not None:
        if frame is caught_in:
            return None
        frame = frame.f_back
    return came


def _places(error: BaseException) -> str:
    """The class of `error` and of what it came from, and the frames from the innermost outwards."""
    frames = [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
        for frame, line in reversed(deque(traceback.walk_tb(error.__traceback__), _FRAMES))
    ]
    came = error.__cause__ or error.__context__
    origin = "" if came is None else f" (from {type(came).__name__})"
    return " < ".join([type(error).__name__ + origin, *frames])


def failures() -> dict[str, int]:
    """How many failures were held back, by site."""
    return {**_counts, **({"recursion": overflows[0]} if overflows[0] else {})}


def reset() -> None:
    """Forget all counts, as a forked child or a fresh runtime does."""
    _counts.clear()
    overflows[0] = 0
    _logged.clear()
