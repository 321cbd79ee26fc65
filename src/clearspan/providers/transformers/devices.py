"""Which accelerators a model is on, by torch's numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clearspan import semconv as sc
from clearspan.draft import Draft

__all__ = ["note"]

# accelerate writes a device as torch does, or as its number alone.
_NUMBERED = re.compile(r"(?:cuda:)?(\d+)")


def note(draft: Draft, place: Mapping[str, Any] | None) -> None:
    """Tell where the model of a call is, by its `facts.place`, while the call has yet to run.

    So that others who use the same devices are told apart from one that is on the CPU.
    """
    found = place or {}
    device, parts = found.get(sc.MODEL_DEVICE), found.get(sc.MODEL_DEVICE_MAP) or {}
    matches = [_NUMBERED.fullmatch(where) for where in {device or "", *parts.values()}]
    draft.devices = tuple(sorted({int(match[1]) for match in matches if match}))
    draft.extra(sc.MODEL_DEVICE, device)
