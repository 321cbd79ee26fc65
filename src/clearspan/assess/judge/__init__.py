"""Judges: language models that are asked what they think of a call.

`client.Judge` asks any OpenAI-compatible or Ollama server, or a callable; `rubric.Rubric` is the
evaluator that knows what to ask and how to read the answer; `calibration` compares it with people.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearspan.assess.judge.calibration import Calibration, Estimate
    from clearspan.assess.judge.client import Judge

__all__ = ["Calibration", "Estimate", "Judge"]

_HOME = {
    "Judge": "assess.judge.client", "Calibration": "assess.judge.calibration", "Estimate": "assess.judge.calibration",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module 'clearspan.assess.judge' has no attribute {name!r}")
    return getattr(import_module(f"clearspan.{module}"), name)
