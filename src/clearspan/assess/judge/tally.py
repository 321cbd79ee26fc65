"""What the calls of a judge for one score took together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clearspan.assess.judge.reply import Reply

__all__ = ["Tally"]


@dataclass
class Tally:
    """Calls, tokens and cost (USD); tokens and cost are `None` as soon as one call's are unknown."""

    calls: int = 0
    repaired: int = 0
    input: int | None = 0
    output: int | None = 0
    cost: float | None = 0.0
    model: str | None = None

    def add(self, reply: Reply, cost: float | None) -> None:
        """One more call."""
        self.calls += 1
        self.model = reply.model or self.model
        self.input = _sum(self.input, reply.input)
        self.output = _sum(self.output, reply.output)
        self.cost = None if self.cost is None or cost is None else self.cost + cost

    @property
    def usd(self) -> float | None:
        """What it cost, where a call was made and all costs are known."""
        return self.cost if self.calls else None

    def told(self) -> dict[str, Any]:
        """For the metadata of a score: what is known."""
        if not self.calls:
            return {}
        known = {
            "judge_calls": self.calls,
            "judge_input_tokens": self.input,
            "judge_output_tokens": self.output,
            "judge_response_model": self.model,
            "judge_repaired": self.repaired or None,
        }
        return {name: value for name, value in known.items() if value is not None}


def _sum(total: int | None, more: int | None) -> int | None:
    return None if total is None or more is None else total + more
