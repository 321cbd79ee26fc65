"""Traces as trees on a terminal: the exporter that prints them, and the drawing itself.

`render_trace` draws any spans that look like a `SpanView`, stored ones too, without the SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clearspan.exporters import Destination, Exporters
from clearspan.exporters.console.facts import cost, estimated, speed, wait
from clearspan.exporters.console.quantities import duration, money, sums
from clearspan.exporters.console.render import TraceTree, render_trace
from clearspan.exporters.console.scores import Remark, ScoreView, remarks
from clearspan.exporters.console.totals import Totals, totals
from clearspan.exporters.console.view import SpanView

if TYPE_CHECKING:
    from clearspan.exporters.console.exporter import ConsoleSpanExporter

__all__ = [
    "ConsoleSpanExporter",
    "Remark",
    "ScoreView",
    "SpanView",
    "Totals",
    "TraceTree",
    "build",
    "cost",
    "duration",
    "estimated",
    "money",
    "remarks",
    "render_trace",
    "speed",
    "sums",
    "totals",
    "wait",
]


def __getattr__(name: str) -> Any:
    if name != "ConsoleSpanExporter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clearspan.exporters.console.exporter import ConsoleSpanExporter

    return ConsoleSpanExporter


def build(_destination: Destination) -> Exporters:
    """The exporter that prints to standard error. Spans only: a tree has no place for the rest."""
    from clearspan.exporters.console.exporter import ConsoleSpanExporter

    return Exporters(ConsoleSpanExporter(), None, None, label="console")
