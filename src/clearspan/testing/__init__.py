"""The public test kit: `captured()`, `ModelServer` with its answers, a pytest plugin (`llm`)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearspan.testing.capture import Captured, SeenEvent, SeenSpan, captured
    from clearspan.testing.server import (
        Cut,
        Delay,
        Error,
        Hang,
        Json,
        ModelServer,
        Raw,
        Reply,
        Request,
        Sse,
        StreamError,
        ToolCall,
    )

__all__ = [
    "Captured",
    "Cut",
    "Delay",
    "Error",
    "Hang",
    "Json",
    "ModelServer",
    "Raw",
    "Reply",
    "Request",
    "SeenEvent",
    "SeenSpan",
    "Sse",
    "StreamError",
    "ToolCall",
    "captured",
]
_CAPTURE = {"Captured", "SeenEvent", "SeenSpan", "captured"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'clearspan.testing' has no attribute {name!r}")
    home = "capture" if name in _CAPTURE else "server"
    return getattr(import_module(f"clearspan.testing.{home}"), name)
