"""The judge, for `clearspan doctor`: whether there is one, where, and whether anybody is there."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from clearspan.assess.judge.address import KEY, VARIABLE, read

__all__ = ["Judging", "judging"]

_LONGEST = 3.0


@dataclass(slots=True)
class Judging:
    """`state` is `unset`, `set` (not asked), `answers` or `silent`; `note` says which and why."""

    state: str
    note: str


def judging(given: Any, environ: Mapping[str, str], *, ask: bool, timeout: float) -> Judging:
    """The judge that the settings name (an address, an object or a callable, or `None`).

    With `ask` its port is tried, for `timeout` seconds at most and never more than three; the model is not asked.
    Raises `ValueError` for an address that is none.
    """
    if given is None:
        return Judging("unset", f"{VARIABLE} is not set: evaluators that ask a model skip every call (no_judge)")  # fmt: skip
    if not isinstance(given, str):
        return Judging("set", f"an object of the type {type(given).__name__}")
    found = read(given, environ)
    parts = urlsplit(found.url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # who asks, and by what password, is nobody's business
    key = f"with {KEY}" if environ.get(KEY) else f"{KEY} is not set, which local servers do not need"  # fmt: skip
    note = f"{found.model or 'a model that is not named'} at {place}, {key}"
    if not ask:
        return Judging("set", note)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    why = _refusal(str(parts.hostname), port, min(timeout, _LONGEST))
    if why is not None:
        return Judging("silent", f"{note}; it cannot be reached: {why}")
    return Judging("answers", f"{note}; its port answers")


def _refusal(host: str, port: int, timeout: float) -> str | None:
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        return error.strerror or str(error)
    return None
