"""What calls use of the accelerators: sampled while they run, and attributed to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearspan.figures.hardware.attribution import Attribution

__all__ = ["Attribution"]


def __getattr__(name: str) -> Any:
    # Only a machine with an accelerator needs it.
    if name == "Attribution":
        from clearspan.figures.hardware.attribution import Attribution

        return Attribution
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
