"""The public test kit: `captured()`, `ModelServer`, and a pytest plugin (fixture `llm`)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearspan.testing.capture import Captured, SeenEvent, SeenSpan, captured
    from clearspan.testing.server import ModelServer

__all__ = ["Captured", "ModelServer", "SeenEvent", "SeenSpan", "captured"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'clearspan.testing' has no attribute {name!r}")
    home = "server" if name == "ModelServer" else "capture"
    return getattr(import_module(f"clearspan.testing.{home}"), name)
