"""Where a judge is: the one line that names its server, its dialect and its model."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from clearspan.assess.judge.dialect import OLLAMA, OPENAI, Dialect

__all__ = ["KEY", "VARIABLE", "Address", "read"]

VARIABLE = "CLEARSPAN_JUDGE"
KEY = "CLEARSPAN_JUDGE_API_KEY"

_OLLAMA = "ollama:"
_LOCAL = "http://127.0.0.1:11434"
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,253})?(?::\d{1,5})?")
_EITHER = re.compile(
    r"localhost|(?:\d{1,3}\.){3}\d{1,3}|\[.{0,99}|.{0,253}:\d{2,5}", re.IGNORECASE
)  # a model's tag is not a bare number, as a port is


class Address(NamedTuple):
    """Dialect, address without its path, and model, which may still have to be said."""

    dialect: Dialect
    url: str
    model: str | None


def read(given: str, environ: Mapping[str, str] | None = None) -> Address:
    """`http://host:port/v1#model`, `ollama:model`, `ollama:host:port#model`, or `ollama:http://host:port#model`.

    Without a host, Ollama is where `OLLAMA_HOST` says, or on this machine; `ollama:#model` is the same as
    `ollama:model`. Raises `ValueError` for what is no address, and for what may be a host as well as a model.
    """
    text, mark, fragment = (part.strip() for part in given.strip().partition("#"))
    environ = os.environ if environ is None else environ
    if not text.startswith(_OLLAMA):
        return Address(OPENAI, _checked(text, given), fragment or None)
    rest = text.removeprefix(_OLLAMA)
    if rest.startswith(("http://", "https://")):
        return Address(OLLAMA, _checked(rest, given), fragment or None)
    if rest and mark:
        return Address(OLLAMA, _hosted(rest, given), fragment or None)
    if _EITHER.fullmatch(rest):
        raise ValueError(
            f"clearspan: judge {given!r} may name a server or a model: say ollama:{rest}#model for a model on that server, "
            f"or ollama:#{rest} for a model of that name"
        )
    host = environ.get("OLLAMA_HOST") or _LOCAL
    return Address(OLLAMA, _checked(_with_scheme(host), given), rest or fragment or None)


def _hosted(host: str, given: str) -> str:
    """The address of an Ollama server that is named without its scheme."""
    try:
        url = _with_scheme(host) if _HOST.fullmatch(host) else None
    except ValueError:  # no port, or no address of version 6
        url = None
    if url is None:
        raise ValueError(f"clearspan: judge {given!r}: before the # stands a server, such as ollama:localhost:11434#qwen3, not {host!r}")  # fmt: skip
    return _checked(url, given)


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
