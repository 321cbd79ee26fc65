"""The embedded store: spans, events, scores and metric points in one SQLite file.

Several threads and processes may write to it at once while others read. What an exporter has
acknowledged survives a killed process (`synchronous=NORMAL`: a power cut may take the last moments).
Reading needs no OpenTelemetry: `StoreReader` and its values load without the SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from clearspan.exporters import DEFAULT_STORE, Destination, Exporters
from clearspan.exporters.store.errors import (
    AmbiguousTrace,
    StoreError,
    StoreNotFound,
    TraceNotFound,
)

if TYPE_CHECKING:
    from clearspan.exporters.store.exporters import (
        StoreLogExporter,
        StoreMetricExporter,
        StoreSpanExporter,
    )
    from clearspan.exporters.store.models import (
        Counts,
        GuardSummary,
        ScoreSummary,
        SessionSummary,
        SpanOutline,
        StoredEvent,
        StoredPoint,
        StoredScore,
        StoredSpan,
        TraceSummary,
    )
    from clearspan.exporters.store.read import StoreReader
    from clearspan.exporters.store.write import Store, StoreStatus

__all__ = [
    "AmbiguousTrace",
    "Counts",
    "GuardSummary",
    "ScoreSummary",
    "SessionSummary",
    "SpanOutline",
    "Store",
    "StoreError",
    "StoreLogExporter",
    "StoreMetricExporter",
    "StoreNotFound",
    "StoreReader",
    "StoreSpanExporter",
    "StoreStatus",
    "StoredEvent",
    "StoredPoint",
    "StoredScore",
    "StoredSpan",
    "TraceNotFound",
    "TraceSummary",
    "build",
]


# Whoever writes does not read, and the other way round.
_MODELS = (
    "Counts", "GuardSummary", "ScoreSummary", "SessionSummary", "SpanOutline", "StoredEvent", "StoredPoint", "StoredScore",
    "StoredSpan", "TraceSummary",
)  # fmt: skip
_LAZY: Final = {
    **dict.fromkeys(_MODELS, "models"),
    "StoreReader": "read",
    "Store": "write",
    "StoreStatus": "write",
    "StoreSpanExporter": "exporters",
    "StoreLogExporter": "exporters",
    "StoreMetricExporter": "exporters",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


def build(destination: Destination) -> Exporters:
    """The three exporters over one store at `destination.path`, with its limits.

    The file is created by the first batch, not here.

    Raises:
        StoreError: the path cannot be written, or a limit makes no sense.
    """
    from clearspan.core.sqlite.database import DEFAULT_TIMEOUT
    from clearspan.exporters.store.exporters import (
        StoreLogExporter,
        StoreMetricExporter,
        StoreSpanExporter,
    )
    from clearspan.exporters.store.write import Store

    store = Store(
        destination.path or DEFAULT_STORE,
        max_age=destination.max_age,
        max_bytes=destination.max_bytes,
        timeout=DEFAULT_TIMEOUT if destination.timeout is None else destination.timeout,
    )
    store.check_writable()

    def status() -> Mapping[str, str | int]:
        now = store.status
        return {
            "path": now.path,
            "spans": now.spans,
            "events": now.events,
            "points": now.points,
            "skipped": now.skipped,
            "failed batches": now.failed_batches,
            "last error": now.last_error or "",
            "set aside": ", ".join(now.set_aside),
        }

    return Exporters(
        StoreSpanExporter(store),
        StoreLogExporter(store),
        StoreMetricExporter(store),
        label=f"store {store.path}",
        counts_as="stored",
        status=status,
    )
