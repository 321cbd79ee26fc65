"""Where an Ollama client sends its requests, and what its errors say."""

from __future__ import annotations

from typing import Any

from clearspan.provider import Server

__all__ = ["error", "server"]

_NAME = "ollama"
_PORTS = {"https": 443, "http": 80}


def server(instance: Any) -> Server:
    """The address in the HTTP client that an Ollama client holds."""
    url = getattr(vars(instance).get("_client"), "base_url", None)
    host, port = getattr(url, "host", None), getattr(url, "port", None)
    if not isinstance(host, str) or not host:
        return Server(_NAME)
    known = port if isinstance(port, int) else _PORTS.get(getattr(url, "scheme", ""))
    return Server(_NAME, host, known)


def error(exception: BaseException) -> str | None:
    """The HTTP status of a refusal; an error in the middle of a stream has none."""
    status = vars(exception).get("status_code")
    return str(status) if type(status) is int and status > 0 else None
