"""How things are brought to an end in time: one deadline for several steps, and queues that export what they hold."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

from clearspan.capture import inlet
from clearspan.core.deadline import within
from clearspan.core.worker import Startable, Worker
from clearspan.exporters import Courier
from clearspan.pipeline import Pipeline
from clearspan.runtime.build import Providers
from clearspan.runtime.queues import Queue

__all__ = ["Deadline", "Slot", "chained", "end_session", "exported", "workers"]

_LONGEST: Final = 365 * 86_400.0
"""Seconds: waits of any length cannot be asked for."""
T = TypeVar("T")


class Slot(Generic[T]):
    """Holds the runtime that runs, and the lock under which that changes."""

    runtime: T | None = None
    last: object = None
    """What the one before told when it was over."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """In a forked child: a lock that another thread of the parent held stays held for ever."""
        self.lock = threading.RLock()
        self.last = None


class Deadline:
    """So many seconds from now on, for everything that is done until then.

    A program may give anything: what is no number counts as `otherwise`, what is negative as nothing.
    """

    def __init__(self, seconds: Any, otherwise: float = 0.0) -> None:
        self._at = time.monotonic() + _seconds(seconds, otherwise)

    @property
    def left(self) -> float:
        """Seconds that are left; never negative."""
        return max(0.0, self._at - time.monotonic())

    def sparing(self, share: float, most: float) -> float:
        """The same, less a share of it, of `most` seconds, for what comes after."""
        left = self.left
        return left - min(left * share, most)


def _seconds(given: Any, otherwise: float) -> float:
    try:
        seconds = float(min(max(given, 0.0), _LONGEST))
    except (TypeError, ValueError, ArithmeticError):
        return otherwise
    return otherwise if math.isnan(seconds) else seconds


def exported(providers: Providers, timeout: float) -> bool:
    """Have all that is queued exported, all queues at once; `False` when `timeout` seconds came first."""
    until = Deadline(timeout)
    done = _marked(providers.queues, until)
    return _marked(providers.couriers, until) and done


def _marked(queues: Sequence[Queue | Courier], until: Deadline) -> bool:
    done = True
    with within(until.left):
        marked = [queue.mark() for queue in queues]
    for event in marked:
        if event is not None:
            done = event.wait(until.left) and done
    return done


def workers(pipeline: Pipeline, providers: Providers) -> list[Worker[Any]]:
    """Every queue that a record may wait in, on its way out."""
    found = [
        pipeline.worker,
        *(getattr(queue, "worker", None) for queue in providers.queues),
        *(courier.worker for courier in providers.couriers),
    ]
    return [worker for worker in found if worker is not None]


def chained(pipeline: Pipeline, providers: Providers, *others: Startable) -> None:
    """Have the threads behind a pipeline's started with its own, at the first call: at the end none can be."""
    if pipeline.worker is not None:
        pipeline.worker.companions = [*workers(pipeline, providers)[1:], *others]


def end_session(session: str) -> None:
    """Say that a session is over, so that evaluators of whole sessions judge it now and not when it has fallen silent."""
    listener = inlet.current()
    if listener is not None:
        listener.end_session(session)
