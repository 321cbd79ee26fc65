"""Where a judge is: the one line that names its server, its dialect and its model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from clearspan.assess.judge.dialect import OLLAMA, OPENAI, Dialect

__all__ = ["KEY", "VARIABLE", "Address", "read"]

VARIABLE = "CLEARSPAN_JUDGE"
KEY = "CLEARSPAN_JUDGE_API_KEY"

_OLLAMA = "ollama:"
_LOCAL = "http://127.0.0.1:11434"


class Address(NamedTuple):
    """Dialect, address without its path, and model, which may still have to be said."""

    dialect: Dialect
    url: str
    model: str | None


def read(given: str, environ: Mapping[str, str] | None = None) -> Address:
    """`http://host:port/v1#model`, `ollama:model`, or `ollama:http://host:port#model`.

    Without a host, Ollama is where `OLLAMA_HOST` says, or on this machine. Raises `ValueError`.
    """
    text, _, fragment = given.strip().partition("#")
    environ = os.environ if environ is None else environ
    if not text.startswith(_OLLAMA):
        return Address(OPENAI, _checked(text, given), fragment or None)
    rest = text.removeprefix(_OLLAMA)
    if rest.startswith(("http://", "https://")):
        return Address(OLLAMA, _checked(rest, given), fragment or None)
    host = environ.get("OLLAMA_HOST") or _LOCAL
    return Address(OLLAMA, _checked(_with_scheme(host), given), rest or fragment or None)


def _with_scheme(host: str) -> str:
    """Ollama's own variable may lack the scheme and the port, and names 0.0.0.0 for a server's sake."""
    url = host if "://" in host else f"http://{host}"
    parts = urlsplit(url)
    name = "127.0.0.1" if parts.hostname == "0.0.0.0" else parts.hostname or "127.0.0.1"  # noqa: S104 -- not bound to
    port = parts.port or (443 if parts.scheme == "https" else 11_434)
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{port}"


def _checked(url: str, given: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"clearspan: a judge is http://host:port/v1#model or ollama:model, not {given!r}"
        )
    return url
