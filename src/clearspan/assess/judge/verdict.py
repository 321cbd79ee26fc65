"""A verdict of a judge, read and weighed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Verdict"]


@dataclass(frozen=True)
class Verdict:
    """What a call is worth, the label, why; `notes` go to the metadata and hold no text of the call."""

    value: float
    label: str
    explanation: str | None = None
    passed: bool | None = None
    notes: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def noting(self, **notes: Any) -> Verdict:
        """The same with more notes."""
        return dataclasses.replace(self, notes={**self.notes, **notes})
