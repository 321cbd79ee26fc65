"""The ports that addresses mean where they name none."""

from __future__ import annotations

from typing import Final

__all__ = ["PORTS"]

PORTS: Final = {"https": 443, "http": 80}
"""By scheme (RFC 9110, section 4.2)."""
