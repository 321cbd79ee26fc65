"""What a model server can be told to answer: small frozen values, no behaviour beyond checking themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal, TypeAlias

from clearspan.testing._reading import Form, parse_form


def _no_headers() -> Mapping[str, str]:
    return {}


def _nothing() -> Mapping[str, object]:
    return {}


def _check_delay(name: str, seconds: float) -> None:
    if seconds < 0:
        raise ValueError(f"{name} must not be negative, got {seconds!r}")


@dataclass(frozen=True)
class Request:
    """One HTTP request as the server received it."""

    method: str
    path: str
    """The path without its query, percent-decoding left undone."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case; of a repeated header the last value."""
    body: bytes
    json: object
    """The decoded body, or None where it is absent or not JSON."""

    @property
    def form(self) -> Form:
        """The fields of a multipart body by name (``[]`` suffixes dropped); empty for others."""
        return parse_form(self.headers.get("content-type", ""), self.body)


@dataclass(frozen=True)
class ToolCall:
    """A function call that the model asks for. A mapping as `arguments` is sent as JSON text."""

    name: str
    arguments: str | Mapping[str, object] = "{}"
    id: str | None = None


@dataclass(frozen=True)
class Reply:
    """A model's answer, rendered for the endpoint it meets, whole or streamed as the request asks.

    Without text, tool calls, refusal, audio or choices the server fills in its own deterministic
    answer, so ``Reply(chunk_delay=0.05)`` only changes the timing.
    """

    text: str | None = None
    _: KW_ONLY
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: Sequence[ToolCall] = ()
    finish_reason: str | None = None
    """As chat completions name it. Responses and runs map it to their status, and also know
    ``failed``."""
    choices: Sequence[Reply] = ()
    """The alternatives of an ``n > 1`` answer; chat and text completions only."""
    usage: Mapping[str, object] | Literal[False] | None = None
    """None: counted by the server. A mapping: sent as it is. False: left out."""
    model: str | None = None
    """The model that claims to have answered; by default the one asked for."""
    chunks: Sequence[str] | int | None = None
    """How streams cut `text`: given pieces, a number of pieces, or (None) word by word."""
    chunk_delay: float = 0.0
    """Seconds before every streamed piece of content but the first."""
    first_delay: float = 0.0
    """Seconds before the first piece of content; before the whole answer if it is not streamed."""
    audio: bytes | None = None
    """Spoken answer of a chat model; `text` is then its transcript."""
    logprobs: Sequence[float] | None = None
    """One log probability for each piece of `text`; sent even if the request asks for none."""
    interleave: bool = False
    """Stream the arguments of several tool calls in turns instead of one call after the other."""
    split: int | None = None
    """Send the event stream in pieces of so many bytes, whatever they cut through."""
    headers: Mapping[str, str] = field(default_factory=_no_headers)
    extra: Mapping[str, object] = field(default_factory=_nothing)
    """Further top-level fields of the body, and of every chunk of a streamed completion."""

    def __post_init__(self) -> None:
        _check_delay("chunk_delay", self.chunk_delay)
        _check_delay("first_delay", self.first_delay)
        if self.split is not None and self.split < 1:
            raise ValueError(f"split must be at least 1, got {self.split!r}")
        if isinstance(self.chunks, str):
            raise TypeError("chunks must be a sequence of pieces or a number, not one string")
        if isinstance(self.chunks, int):
            if self.chunks < 1:
                raise ValueError(f"chunks must be at least 1, got {self.chunks!r}")
        elif self.chunks is not None:
            joined = "".join(self.chunks)
            if self.text is not None and self.text != joined:
                raise ValueError("chunks must join to text")
            object.__setattr__(self, "text", joined)

    @property
    def silent(self) -> bool:
        """Whether nothing says what to answer, so that the server's own text is wanted."""
        return self.text is None and not (
            self.tool_calls or self.choices or self.refusal is not None or self.audio is not None
        )


@dataclass(frozen=True)
class Json:
    """A JSON body, sent as it is."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=_no_headers)


@dataclass(frozen=True)
class Sse:
    """A raw event stream. A string is one line of it; a mapping is one whole ``data:`` event.

    The lines up to a blank one go out together; `delay` seconds pass before each such group.
    """

    events: Sequence[str | Mapping[str, object]]
    delay: float = 0.0
    _: KW_ONLY
    split: int | None = None
    """Send the stream in pieces of so many bytes, whatever they cut through."""
    headers: Mapping[str, str] = field(default_factory=_no_headers)

    def __post_init__(self) -> None:
        _check_delay("delay", self.delay)
        if self.split is not None and self.split < 1:
            raise ValueError(f"split must be at least 1, got {self.split!r}")


@dataclass(frozen=True)
class Raw:
    """Bytes under any status. A sequence of pieces is sent chunked, each flushed by itself.

    Nothing is added but ``server``, ``date`` and the framing.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=_no_headers)
    body: bytes | Sequence[bytes] = b""
    delay: float = 0.0
    """Seconds before each piece of a chunked body."""

    def __post_init__(self) -> None:
        _check_delay("delay", self.delay)


@dataclass(frozen=True)
class Error:
    """An error answer with the body that the wire form uses for errors.

    `code` and `type` default to what OpenAI sends for that status.
    """

    status: int
    message: str = "The stand-in server was told to fail."
    code: str | None = None
    type: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=_no_headers)


@dataclass(frozen=True)
class Cut:
    """An answer whose TCP connection is reset part of the way.

    `after` counts flushed pieces of a stream and body bytes of anything else; 0 resets right after
    the headers, None before a single byte is sent.
    """

    answer: Answer = field(default_factory=Reply)
    after: int | None = None


@dataclass(frozen=True)
class Hang:
    """Silence for so many seconds (or until the client leaves), then a closed connection."""

    seconds: float

    def __post_init__(self) -> None:
        _check_delay("seconds", self.seconds)


@dataclass(frozen=True)
class Delay:
    """An answer that starts only after so many seconds; the headers wait too."""

    seconds: float
    answer: Answer = field(default_factory=Reply)

    def __post_init__(self) -> None:
        _check_delay("seconds", self.seconds)


@dataclass(frozen=True)
class StreamError:
    """A stream that turns into an error event after so many events and then ends.

    A request that asks for no stream gets the same error with status 500.
    """

    reply: Reply = field(default_factory=Reply)
    after: int = 1
    message: str = "The stand-in server was told to fail while streaming."
    code: str | None = None
    type: str = "server_error"


Answer: TypeAlias = "Reply | Json | Sse | Raw | Error | Cut | Hang | Delay | StreamError"
"""Anything that a request can be answered with."""

Handler: TypeAlias = "Callable[[Request], Answer | None]"
"""Decides by the request; None leaves it to the server's own answer."""
