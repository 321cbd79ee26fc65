"""Moments on the command line: so long ago, or a date."""

from __future__ import annotations

import time
from datetime import datetime

import click

from clearspan.core import parse

__all__ = ["since"]

_LATEST = 2**63 - 1


def since(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """The moment (Unix nanoseconds) that `90m`, `24h`, `7d` ago was, or a date and time by ISO 8601 is."""
    text = (value or "").strip()
    if not text:
        return None
    try:
        if text[-1].isalpha() and text[-1] not in "Zz":
            return _storable(time.time() - parse.duration(text))
        # Python 3.10 does not know the Z of UTC.
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
        return _storable(moment.timestamp())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time: use 90m, 24h or 7d (so long ago), or a date such as 2026-01-31, "
            "2026-01-31T09:00 or 2026-01-31T09:00:00Z"
        ) from None


def _storable(seconds: float) -> int:
    """Nanoseconds since 1970, as near as a store can come."""
    return max(0, min(int(seconds * 1e9), _LATEST))
