"""Personal data in what was asked and answered."""

from __future__ import annotations

from clearspan.evaluators.pii.evaluator import PII

__all__ = ["PII"]
