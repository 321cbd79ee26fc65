"""What may be kept of content: the protocol by which a draft is cleaned when it is sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from clearspan.record import CallContext, ErrorInfo, Message, Part, TokenScore

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

    def messages(self, messages: Sequence[Message | Part]) -> Clean:
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

    def params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Clean what the request asked for beside its content."""
        ...

    def error(self, error: ErrorInfo, said: Callable[[], Iterable[str] | None] = ...) -> ErrorInfo:
        """Clean what an error says; `said` answers the texts of the request, `None` if nobody knows them."""
        ...

    def name(self, text: Any) -> Any:
        """Clean a name, an id or a word of an API; what is no text stays."""
        ...

    def tokens(self, rows: list[list[TokenScore]]) -> Clean:
        """Clean the tokens of answers with their log probabilities."""
        ...

    def tools(self, tools: Sequence[Mapping[str, Any]]) -> Clean:
        """Clean tool definitions."""
        ...
