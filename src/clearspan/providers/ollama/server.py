"""Where an Ollama client sends its requests, and what its errors say."""

from __future__ import annotations

from typing import Any

from clearspan.core import known, read
from clearspan.core.fence import fenced
from clearspan.core.ports import PORTS
from clearspan.provider import Server

__all__ = ["error", "server"]

_NAME = "ollama"


def server(instance: Any) -> Server:
    """The address in the HTTP client that an Ollama client holds."""
    client = vars(instance).get("_client")
    url = getattr(client, "base_url", None)
    return fenced("provider.keys", _noted, client, url) or _server(url)


def _server(url: object) -> Server:
    host, port = getattr(url, "host", None), getattr(url, "port", None)
    if not isinstance(host, str) or not host:
        return Server(_NAME)
    known = port if isinstance(port, int) else PORTS.get(getattr(url, "scheme", ""))
    return Server(_NAME, host, known)


def _noted(client: object, url: object) -> Server:
    """The server, and the client's keys noted: servers repeat them in their errors; kept they are nowhere."""
    http = known.of_http_client(client)
    parts = None if http is None else (url, *http)
    told: Server | None = None if parts is None else known.recalled(client, parts)
    if told is not None:
        return told
    return known.note_client(client, parts, lambda: _keys_of(client, url), lambda: _server(url))


def _keys_of(client: object, url: object) -> list[str]:
    return [*known.note_http_client(client), *known.note_address(str(url))]


def error(exception: BaseException) -> str | None:
    """The HTTP status of a refusal; an error in the middle of a stream has none."""
    status = read.held(exception).get("status_code")
    return str(status) if type(status) is int and status > 0 else None
