"""Who calls gRPC: it can go on in a forked child only if nobody called it at the moment of the fork.

Otherwise what the child sent would be corrupt, and the child might hang or crash: there it is called no more.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Generator
from typing import Final

__all__ = ["calls"]

_log = logging.getLogger("clearspan")


class _Calls:
    """Who calls gRPC just now, and whether somebody did when this process was forked."""

    def __init__(self) -> None:
        self.going_on: set[object] = set()
        self.cut = False
        self._said = False
        self._pid = os.getpid()

    def settle(self) -> None:
        """Notice a fork, also one that Python was not told of: nobody calls it here, and those that did never end."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self.cut, self.going_on = self.cut or bool(self.going_on), set()
            self._said = False

    def may(self) -> bool:
        """Whether it can be called."""
        self.settle()
        return not self.cut

    @contextlib.contextmanager
    def one(self) -> Generator[None]:
        """A call, for as long as the block takes."""
        self.settle()
        mark = object()
        self.going_on.add(mark)
        try:
            yield
        finally:
            self.going_on.discard(mark)

    def say(self, then: str) -> None:
        """Tell, once in a process, that it cannot be called, and what becomes of what is recorded."""
        if not self._said:
            self._said = True
            _log.warning(
                "clearspan: this process was forked amid a call of gRPC, which cannot be used in it: %s. "
                "Use protocol='http/protobuf' in programs that fork at work.",
                then,
            )


calls: Final = _Calls()
