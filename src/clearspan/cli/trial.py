"""The test span of `clearspan doctor`: sent like any other, and followed to its end."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from typing import Final

import clearspan
from clearspan.cli.findings import Sent
from clearspan.cli.hints import hint
from clearspan.cli.stored import TEST_SPAN
from clearspan.cli.veil import Veil
from clearspan.runtime import Runtime
from clearspan.settings import Settings

__all__ = ["listening", "sent"]

_OF_SPANS: Final = re.compile(r"\b(?:spans?|traces)\b")
"""What an exporter logs of spans, and not of metrics or events."""


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
    said = [*heard, *_last_errors(runtime)]
    if delivered:
        # Retries repeat themselves; what was said last says most.
        return Sent("failed", veil.text(f"it was delivered, but not everything was: {said[-1]}"))
    reason = veil.text("".join(([*filter(_OF_SPANS.search, said)] or said)[-1:]))
    reason = reason or ", ".join(sorted(lost))
    reason = reason or f"{runtime.destination} gave no answer within {timeout:g} seconds"
    advice = hint(runtime.destination, reason, os.environ)
    return Sent(
        "failed" if lost else "pending",
        "; ".join(filter(None, (reason, advice, _kept(runtime, lost)))),
    )


def _kept(runtime: Runtime, lost: Collection[str]) -> str:
    """Where the span is now, if it is not gone."""
    spool = runtime.status().destination_status.get("spool")
    return f"it waits in {spool} and is sent again" if spool and not lost else ""


def _last_errors(runtime: Runtime) -> list[str]:
    told = runtime.status().destination_status
    return [str(told[name]) for name in ("spool problem", "last error") if told.get(name)]


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
