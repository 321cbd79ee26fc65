"""What waits at the bench."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from clearspan.assess.evaluator import Subject
from clearspan.record import Invocation

__all__ = ["Item", "Kept", "Task"]


@dataclass(slots=True, eq=False)
class Kept:
    """What is kept alive, a call or a conversation: about how many bytes, and for how many that are still to do
    something with it.
    """

    weight: int
    left: int = 0


class Item(NamedTuple):
    """A call that nobody has looked at yet, as telemetry tells it and as it was."""

    clean: Invocation
    raw: Invocation
    kept: Kept


class Task(NamedTuple):
    """One thing to judge."""

    subject: Subject
    kept: Kept
