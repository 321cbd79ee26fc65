"""The entry point for `opentelemetry-instrument python app.py`: zero code, OpenTelemetry's defaults.

There the providers are those that OpenTelemetry's own configuration set up, and content is off unless
`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` or `CLEARSPAN_CONTENT` asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from clearspan import runtime
from clearspan.settings import SETTINGS

__all__ = ["ClearspanInstrumentor"]

_PASSED = ("tracer_provider", "meter_provider", "logger_provider")


class ClearspanInstrumentor:
    """What the entry-point group `opentelemetry_instrumentor` expects of an instrumentation."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """None: libraries that are absent are simply not patched."""
        return ()

    def instrument(self, **options: Any) -> None:
        """Start, with the providers given or else the global ones."""
        given = {name: options[name] for name in _PASSED if options.get(name) is not None}
        variables = next(
            (item.variable, item.standard) for item in SETTINGS if item.name == "content"
        )
        if not any(os.environ.get(name) for name in variables if name):
            given["content"] = "off"
        runtime.init(**given).stands_in = True

    def uninstrument(self, **options: Any) -> None:
        """Undo and flush."""
        runtime.shutdown()
