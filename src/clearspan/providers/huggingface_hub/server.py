"""Who answers, as far as the client knows by itself, and what it is told when it is refused.

Nothing is resolved here: the client's helpers, which may ask the Hub, are not called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from clearspan.core import jsonfast, known, read
from clearspan.core.fence import fenced
from clearspan.core.ports import PORTS
from clearspan.core.remembering import short
from clearspan.formats import usage_request
from clearspan.provider import Server

__all__ = ["address", "error", "is_url", "server"]

_NAME = "hugging_face"
# What text-generation-inference calls the errors that the client has classes for.
_GENERATION = {
    "GenerationError": "generation",
    "IncompleteGenerationError": "incomplete_generation",
    "OverloadedError": "overloaded",
    "ValidationError": "validation",
}


def server(instance: Any) -> Server:
    """The address that the client was given, where it was given one."""
    held = vars(instance)
    return fenced("provider.keys", _noted, instance, held) or _server(held)


def _server(held: Mapping[str, Any]) -> Server:
    return address(read.text(held, "model") if is_url(held.get("model")) else None)


def _noted(client: object, held: Mapping[str, Any]) -> Server:
    """The server, and the client's keys noted: servers repeat them in their errors; kept they are nowhere."""
    parts = tuple(map(held.get, _PARTS))
    told: Server | None = known.recalled(client, parts)
    if told is not None:
        return told
    return known.note_client(client, parts, lambda: _keys_of(held), lambda: _server(held))


_PARTS = ("token", "model", "headers", "cookies")


def _keys_of(held: Mapping[str, Any]) -> list[str]:
    return [
        *known.note_key(held.get("token")),
        *known.note_headers(held.get("headers")),
        *known.note_query(held.get("cookies")),
        *(known.note_address(held["model"]) if is_url(held.get("model")) else ()),
    ]


def is_url(value: Any) -> bool:
    """Whether a model is named by where it is served."""
    return issubclass(type(value), str) and str.startswith(value, ("http://", "https://"))


@short(256)
def address(url: str | None) -> Server:
    """What an address tells of its server."""
    try:
        parts = urlsplit(url or "")
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme)
    except ValueError:  # what the HTTP library will refuse
        return Server(_NAME)
    return Server(_NAME, host, port) if host else Server(_NAME)


def error(exception: BaseException) -> str | None:
    """The server's own code or type for the error, where there is one; else the HTTP status.

    Errors of text generation come without the response, which is in the error that they stand for.
    """
    usage_request.refused(exception)
    cause = exception.__cause__
    for source in (exception, cause) if cause is not None else (exception,):
        found = _coded(source)
        if found is not None:
            return found
    kind = type(exception)
    return _GENERATION.get(kind.__name__) if kind.__module__.startswith("huggingface_hub") else None


def _coded(exception: BaseException) -> str | None:
    held = read.held(exception)
    response = held.get("response") if read.of_http(held.get("response")) else None
    sent = getattr(response, "__dict__", {})
    fenced("provider.keys", known.note_request, sent.get("_request") or sent.get("request"))
    # The asynchronous clients before 1.0 keep the status itself, and the body beside it.
    # A response of `requests` is false where it is an error.
    status = held.get("status") if response is None else getattr(response, "status_code", None)
    if type(status) is not int:
        return None
    return _said(_body(response, held)) or str(status)


def _body(response: Any, held: Mapping[str, Any]) -> Any:
    """Only of a body that was read already: reading is the caller's."""
    content = getattr(response, "_content", None)
    if type(content) is bytes:
        return jsonfast.loads(content.decode("utf-8", "replace"))
    return held.get("response_error_payload")


def _said(body: Any) -> str | None:
    for source in (read.get(body, "error"), body):
        for name in ("code", "error_type", "type"):
            told = read.text(source, name)
            if told is not None:
                return told
    return None
