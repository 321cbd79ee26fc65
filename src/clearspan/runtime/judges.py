"""What judges need of a runtime: that nobody records what they ask, and what that costs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator

from opentelemetry.context import attach, detach

from clearspan.assess.judge import client, silence
from clearspan.capture.context import suppressed
from clearspan.emit.quiet import silenced
from clearspan.record import Usage

__all__ = ["serve"]


def serve(price: Callable[[str, Usage], float | None]) -> None:
    """Let judges be asked in silence, and know the `price` of a model's call."""
    silence.wire(suppressed, _unheard)
    client.price_by(price)


@contextlib.contextmanager
def _unheard() -> Generator[None]:
    """Instrumentations of HTTP clients keep still as well."""
    token = attach(silenced())
    try:
        yield
    finally:
        detach(token)
