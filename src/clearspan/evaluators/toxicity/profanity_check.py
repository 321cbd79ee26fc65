"""The classifier of alt-profanity-check, asked for a probability."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["load"]


def load() -> Callable[[str], float]:
    """A function that tells how likely a text is offensive, 0 to 1. Raises `ImportError` without the library."""
    try:
        check: Any = import_module("profanity_check")
    except ImportError as error:
        raise ImportError("clearspan: Toxicity(engine='alt-profanity-check') needs pip install 'clearspan[toxicity]'") from error  # fmt: skip
    return lambda text: float(check.predict_prob([text])[0])
