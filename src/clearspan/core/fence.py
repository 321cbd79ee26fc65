"""The one place that swallows clearspan's own failures.

A failure of ours must never reach the host. It is counted by site, logged at most once a minute
for each site, and raised again under `CLEARSPAN_STRICT=1`, which the tests set.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["caught", "failures", "fenced", "reset"]

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("clearspan")
_LOG_INTERVAL = 60.0
_counts: Counter[str] = Counter()
_logged: dict[str, float] = {}


def fenced(site: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Call `function`; answer `None` when it raises, having counted the failure under `site`.

    Only `Exception` is held back: Ctrl-C and cancellation belong to the host.
    """
    try:
        return function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 -- this is the fence
        caught(site, error)
        return None


def caught(site: str, error: Exception) -> None:
    """Count and log a failure of our own that a caller has already stopped."""
    _counts[site] += 1
    now = time.monotonic()
    if now - _logged.get(site, -_LOG_INTERVAL) >= _LOG_INTERVAL:
        _logged[site] = now
        # The message may quote content, so it goes to debug; the class alone is always safe.
        _log.warning(
            "clearspan: internal error in %s: %s (the program is not affected)",
            site,
            type(error).__name__,
        )
        _log.debug("clearspan: internal error in %s", site, exc_info=error)
    if os.environ.get("CLEARSPAN_STRICT") == "1":
        raise error


def failures() -> dict[str, int]:
    """How many failures were held back, by site."""
    return dict(_counts)


def reset() -> None:
    """Forget all counts, as a forked child or a fresh runtime does."""
    _counts.clear()
    _logged.clear()
