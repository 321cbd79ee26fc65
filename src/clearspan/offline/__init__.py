"""The offline twin: the evaluators of a live program over data sets, stores and recorded telemetry."""

from __future__ import annotations

from clearspan.offline.errors import SourceError
from clearspan.offline.evaluating import evaluate
from clearspan.offline.report import Gate, Report, Summary

__all__ = ["Gate", "Report", "SourceError", "Summary", "evaluate"]
