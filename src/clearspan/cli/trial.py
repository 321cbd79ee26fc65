"""The test span of `clearspan doctor`: sent like any other, and followed to its end."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import clearspan
from clearspan.cli.findings import Sent
from clearspan.cli.stored import TEST_SPAN
from clearspan.cli.veil import Veil
from clearspan.runtime import Runtime
from clearspan.settings import Settings

__all__ = ["listening", "sent"]


def sent(
    runtime: Runtime, settings: Settings, veil: Veil, heard: Sequence[str], timeout: float
) -> Sent:
    """Send a span and wait `timeout` seconds for what becomes of it; `heard` is what was logged."""
    veil.add(settings.headers or {})
    before = runtime.status().accounts
    with clearspan.span(TEST_SPAN):
        pass
    runtime.flush(timeout)
    after = runtime.status().accounts
    lost = {
        reason for reason, count in after.dropped.items() if count > before.dropped.get(reason, 0)
    }
    delivered = after.exported + after.stored > before.exported + before.stored
    if delivered and not heard:
        return Sent("delivered")
    if "unsampled" in lost:
        return Sent("unsampled", "the sampler left it out: see sample_rate and OTEL_TRACES_SAMPLER")
    # Retries repeat themselves; what was said last says most.
    reason = veil.text("".join([*heard, *_last_errors(runtime)][-1:]))
    if delivered:
        return Sent("failed", f"it was delivered, but not everything was: {reason}")
    if lost:
        return Sent("failed", reason or ", ".join(sorted(lost)))
    return Sent(
        "pending", reason or f"{runtime.destination} gave no answer within {timeout:g} seconds"
    )


def _last_errors(runtime: Runtime) -> list[str]:
    found = runtime.status().destination_status.get("last error")
    return [str(found)] if found else []


class _Heard(logging.Handler):
    """Keeps what is logged as a warning or worse: exporters say there why they failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.said.append(" ".join(record.getMessage().split()))


@contextmanager
def listening() -> Generator[list[str]]:
    """Gather what is logged as a warning or worse, instead of its being printed."""
    handler = _Heard()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler.said
    finally:
        root.removeHandler(handler)
