"""How long a long run takes, as it is said on the command line."""

from __future__ import annotations

import re

__all__ = ["seconds"]


def seconds(text: str) -> float:
    """`90s`, `2m`, `0.5h` or plain seconds."""
    match = re.fullmatch(r"([0-9.]+)(s|m|h)?", text)
    if match is None:
        raise SystemExit(f"how long? 30m, 90s, 1h; not {text!r}")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3_600}[match[2] or "s"]
