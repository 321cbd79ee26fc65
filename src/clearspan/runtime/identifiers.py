"""The ids of traces and spans: never the same twice, whatever is seeded or forked."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from opentelemetry.sdk.trace.id_generator import IdGenerator

from clearspan.runtime import signals

__all__ = ["identifiers"]


class _Identifiers(IdGenerator):
    """Trace and span ids from a generator of our own: the host may seed the global one, and a fork copies it."""

    def __init__(self) -> None:
        self.forked: Callable[[], None] = self.reseed
        self.reseed()

    def reseed(self) -> None:
        """Start anew from the operating system, as a forked child must."""
        self._pid = os.getpid()
        self._bits = random.Random(os.urandom(32)).getrandbits  # noqa: S311 -- ids need be unique, not secret

    def look(self) -> None:
        """See whether this is a child that was forked behind Python's back, as uWSGI does, and was told nothing."""
        if self._pid != os.getpid():
            self.forked()

    def generate_span_id(self) -> int:
        """A span id that is not zero."""
        return self.of_call(1)[1]

    def generate_trace_id(self) -> int:
        """A trace id that is not zero."""
        self.look()
        return self._bits(128) or self.generate_trace_id()

    def of_call(self, trace_id: int = 0) -> tuple[int, int]:
        """The ids of a trace, unless there is one, and of a span, neither zero. The first thing that a call asks for."""
        self.look()
        signals.again()
        draw = self._bits
        trace_id = trace_id or draw(128) or self.generate_trace_id()
        return trace_id, draw(64) or self.generate_span_id()


identifiers = _Identifiers()
