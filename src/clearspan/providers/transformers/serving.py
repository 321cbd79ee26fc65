"""`transformers serve` from inside: what it generates belongs to the trace of the request.

Its handlers are given the body of a request only, so a layer around its application keeps the rest
in view while a request is answered. The models run on threads of their own, to which the context
is carried: with it come the trace, and the conversation that a prompt was made of.
"""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable
from typing import Any

from clearspan.core import read
from clearspan.provider import Call, Passage, Probe

__all__ = ["PASSAGES", "PROBES"]

_Receive = Callable[[], Awaitable[Any]]
_Send = Callable[[Any], Awaitable[None]]
_App = Callable[[Any, _Receive, _Send], Awaitable[None]]

_scope: contextvars.ContextVar[Any] = contextvars.ContextVar("clearspan_served", default=None)


class _InView:
    """An ASGI layer that keeps in view which request is being answered."""

    def __init__(self, app: _App) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: _Receive, send: _Send) -> None:
        _scope.set(scope)
        try:
            await self._app(scope, receive, send)
        finally:
            _scope.set(None)


def _built(call: Call, app: Any, seconds: float) -> None:
    """Put the layer around an application; what comes before its own layers disturbs none of them."""
    add = getattr(app, "add_middleware", None)
    if callable(add):
        add(_InView)


def _headers(call: Call) -> dict[str, str] | None:
    """The headers of the request in view."""
    found: dict[str, str] = {}
    for item in read.items(_scope.get(), "headers"):
        name, value = (bytes(part).decode("latin-1") for part in item)
        # A list may come as several headers of the same name.
        found[name] = f"{found[name]},{value}" if name in found else value
    return found or None


PROBES: tuple[Probe, ...] = (Probe(("transformers.cli.serving.server:build_server",), seen=_built),)

_HOME = "transformers.cli.serving"

PASSAGES: tuple[Passage, ...] = (
    Passage(
        (
            f"{_HOME}.chat_completion:ChatCompletionHandler.handle_request",
            f"{_HOME}.completion:CompletionHandler.handle_request",
            f"{_HOME}.response:ResponseHandler.handle_request",
            f"{_HOME}.systemone:SystemOneHandler.handle_request",
            f"{_HOME}.transcription:TranscriptionHandler.handle_request",
        ),
        headers=_headers,
    ),
    Passage(
        (
            f"{_HOME}.utils:InferenceThread.submit",
            f"{_HOME}.utils:InferenceThread.async_submit",
        ),
        handed=0,
    ),
)
