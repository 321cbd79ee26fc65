"""Keeping what is secret out of what the doctor prints."""

from __future__ import annotations

import re
from collections.abc import Mapping

from clearspan.core import parse
from clearspan.emit import redact

__all__ = ["Veil"]

_HIDDEN = "..."
_LONG_ENOUGH = 4
_NAMES = re.compile(r"HEADERS|KEY|TOKEN|SECRET|PASSWORD|CERTIFICATE", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


class Veil:
    """Knows the header values of the environment, and hides them in every text."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._values: set[str] = set()
        for name, value in environ.items():
            if name.endswith("HEADERS") and name.startswith(("OTEL_", "CLEARSPAN_")):
                self.add(_pairs(value))

    def add(self, headers: Mapping[str, str]) -> None:
        """Hide these header values too."""
        self._values |= {value for value in headers.values() if len(value) >= _LONG_ENOUGH}

    def text(self, text: str) -> str:
        """`text` without header values, logins in addresses, and anything shaped like a key."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, _HIDDEN)
        return redact.scrub(_LOGIN.sub(_HIDDEN, text))

    def variable(self, name: str, value: str) -> str:
        """A variable's value, or only what is there: of headers the names."""
        if name.endswith("HEADERS"):
            return ", ".join(f"{header}={_HIDDEN}" for header in _pairs(value)) or _HIDDEN
        return _HIDDEN if _NAMES.search(name) else self.text(value)


def _pairs(value: str) -> dict[str, str]:
    try:
        return parse.pairs(value)
    except ValueError:
        # It is no list of headers, but it may well hold a key.
        return {"": value.strip()} if value.strip() else {}
