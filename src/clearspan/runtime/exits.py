"""How processes end: those that leave without `atexit` (children of multiprocessing, billiard, Celery), and by Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["still_interrupted", "when_child_ends"]


class _Key:
    """What a registration lives as long as."""


_key = _Key()
_hooked: list[bool] = []
_finalized: set[int] = set()


def when_child_ends(leave: Callable[[], None]) -> None:
    """Have `leave` called when this process, or a child that is just being forked, ends.

    A forked child of multiprocessing ends by `os._exit`, which `atexit` does not see; the finalizers
    of multiprocessing it does run (billiard has the same ones). Celery's workers run nothing but its own signal.
    Nothing is done where those were never imported.
    """
    _ask_celery(leave)
    util = sys.modules.get("multiprocessing.util")
    if util is None:
        return

    def finalize(key: object) -> None:
        del key
        _finalized.add(os.getpid())
        util.Finalize(None, leave, exitpriority=0)

    if _is_child() and os.getpid() not in _finalized:
        finalize(_key)
    if not _hooked:
        # In a child that is just being forked, finalizers of before are forgotten after this.
        _hooked.append(True)
        util.register_after_fork(_key, finalize)


def _is_child() -> bool:
    """Whether this process runs a function for another one."""
    for name in ("multiprocessing.process", "billiard.process"):
        module: Any = sys.modules.get(name)
        if module is not None and type(module.current_process()).__name__ != "_MainProcess":
            return True
    return False


def _ask_celery(leave: Callable[[], None]) -> None:
    signals: Any = sys.modules.get("celery.signals")
    if signals is None:
        return

    def left(**told: Any) -> None:
        del told
        leave()

    # By the same name another one takes its place: none piles up.
    uid = "clearspan.exits"
    signals.worker_process_shutdown.disconnect(dispatch_uid=uid)
    signals.worker_process_shutdown.connect(left, weak=False, dispatch_uid=uid)


def still_interrupted() -> None:
    """Have a process that a Ctrl-C ends die by the signal, as its shell expects, whatever was done meanwhile.

    Python notes that nobody has held the `KeyboardInterrupt` back, to send itself the signal in the end, and forgets
    it as soon as any text is run as code, as `dataclass` and `namedtuple` do in libraries that are first needed now.
    """
    trace = getattr(sys, "last_traceback", None)
    unheld = (
        isinstance(getattr(sys, "last_value", None), KeyboardInterrupt)
        and trace is not None
        and trace.tb_frame.f_back is None  # else somebody showed it, and the program went on
    )
    if unheld and not sys.flags.interactive and not hasattr(sys, "ps1"):
        with contextlib.suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102 -- so that it is noted once more
