"""What calls use of the accelerators: sampled while they run, and attributed to them."""

from __future__ import annotations

from clearspan.figures.hardware.attribution import Attribution

__all__ = ["Attribution"]
