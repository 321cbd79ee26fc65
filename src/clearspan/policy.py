"""What may be kept of content: the protocol by which a draft is cleaned when it is sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from clearspan.record import CallContext, ErrorInfo, Message

__all__ = ["Clean", "Policy"]


class Clean(Protocol):
    """Content after redaction and truncation: the value, and its JSON text where it was made."""

    @property
    def value(self) -> Any:
        """The clean value."""

    @property
    def encoded(self) -> str | None:
        """Its JSON text; `None` when there is nothing to emit."""
        ...


class Policy(Protocol):
    """What may be kept of content. Applied once, in `Draft.seal`."""

    def messages(self, messages: list[Message]) -> Clean:
        """Clean a list of messages, or of system parts."""
        ...

    def value(self, value: Any) -> Clean:
        """Clean any JSON value."""
        ...

    def context(self, context: CallContext) -> CallContext:
        """Clean what the application said about the call."""
        ...

    def labels(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Clean attributes, some of which the application named itself."""
        ...

    def error(self, error: ErrorInfo) -> ErrorInfo:
        """Clean what an error says."""
        ...

    def tools(self, tools: list[Mapping[str, Any]]) -> Clean:
        """Clean tool definitions."""
        ...
