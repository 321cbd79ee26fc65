"""Score: what somebody or something thinks of a call, and which call that is. Inert data.

The shape follows the `gen_ai.evaluation.result` event of the OpenTelemetry GenAI conventions; `direction`,
`range` and `threshold` are what a reader needs beside it to tell a good score from a bad one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from clearspan.record import TraceRef

__all__ = ["Direction", "Kind", "Level", "Score", "Target"]

Direction: TypeAlias = Literal["maximize", "minimize", "neutral"]
"""Whether more is better, worse, or neither."""

Kind: TypeAlias = Literal["code", "llm", "human"]
"""Who judged: a program, a language model, a person."""

Level: TypeAlias = Literal["call", "trace", "session"]
"""What is judged: one call, the tree of one trace, or all traces of a session."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a score is about: whichever of it is known. `key` is the application's own name for the call."""

    trace: TraceRef | None = None
    response_id: str | None = None
    session: str | None = None
    key: str | None = None
    operation: str | None = None
    provider: str | None = None
    model: str | None = None
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One judgement: a value or label, XOR an error, XOR the reason why there is none (`skipped`).

    `value` lies within `range`; whether it `passed` is told by `threshold` and `direction`: at or above it
    where more is better, below it where less is, unless whoever made the score says so. `label` is a word of few
    (low cardinality), `explanation` a sentence that may quote the call, `metadata` anything that JSON can
    hold but no text of the call. `error` is an error type as for `error.type`. `cost` is in USD,
    `duration` in seconds. `identity` marks feedback that a later one of the same identity takes the place of,
    `action` is what a guard did about it (`allow`, `block`, `redact`, `warn`). The evaluator's name, kind and so on may be left out: whoever runs it fills them in.

    Raises `ValueError` for a number that is not finite, or for more than one outcome.
    """

    value: float | None = None
    label: str | None = None
    passed: bool | None = None
    explanation: str | None = None
    name: str = ""
    kind: Kind | None = None
    direction: Direction | None = None
    range: tuple[float, float] | None = None
    threshold: float | None = None
    error: str | None = None
    skipped: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    version: str | None = None
    cost: float | None = None
    duration: float | None = None
    target: Target | None = None
    identity: str | None = None
    action: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no number and what is two outcomes at once."""
        for number in (self.value, self.threshold, self.cost, self.duration):
            if number is not None and not math.isfinite(number):
                raise ValueError(f"clearspan: a score's numbers must be finite, not {number}")
        judged = not (self.value is None and self.label is None and self.passed is None)
        if judged + (self.error is not None) + (self.skipped is not None) > 1:
            raise ValueError(
                "clearspan: a score is a value or a label, or an error, or skipped: one of them only"
            )
