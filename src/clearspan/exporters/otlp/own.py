"""Exporters that a forked child does not share: two processes on one connection would take each other's answers."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

from clearspan.core.processes import PerProcess
from clearspan.exporters.otlp.grpc_calls import calls

__all__ = ["OwnExporter", "OwnGrpcExporter"]

_FAILED: Final = SimpleNamespace(value=1)


class OwnExporter:
    """Stands for the exporter that `make` makes: for another one in a forked child, where that is first used."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._own = PerProcess(make)
        self._first = self._own()  # now: what cannot be made is to be said at once

    def __getattr__(self, name: str) -> Any:
        """Of the one that is this process's own."""
        return getattr(self._own(), name)

    def shutdown(self, *given: Any, **named: Any) -> None:
        """As the exporter's; of the process that calls it, which may be a child of the one that looked it up."""
        self._own().shutdown(*given, **named)


class OwnGrpcExporter(OwnExporter):
    """The same of an exporter that speaks gRPC. Where that cannot be called none is made, and the first one stays as it is."""

    def __getattr__(self, name: str) -> Any:
        """Of the one that is this process's own, or of the first: what it prefers is the same."""
        return getattr(self._own() if calls.may() else self._first, name)

    def export(self, batch: Any, *given: Any, **named: Any) -> Any:
        """As the exporter's; a failure where gRPC cannot be called."""
        if not calls.may():
            calls.say("nothing is exported")
            return _FAILED
        with calls.one():
            return self._own().export(batch, *given, **named)

    def shutdown(self, *given: Any, **named: Any) -> None:
        """As the exporter's; nothing where gRPC cannot be called."""
        if calls.may():
            with calls.one():
                self._own().shutdown(*given, **named)

    @property
    def too_large(self) -> bool:
        """Whether the last batch was refused for its size; none was where gRPC cannot be called."""
        return calls.may() and getattr(self._own(), "too_large", False) is True
