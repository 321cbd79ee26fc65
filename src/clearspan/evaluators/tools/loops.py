"""Does an agent go round in circles?"""

from __future__ import annotations

from collections import Counter
from typing import Any

from clearspan.assess.evaluator import INFERENCE, Evaluator
from clearspan.conversation import Conversation
from clearspan.evaluators.tools.taken import steps
from clearspan.score import Level, Score

__all__ = ["ToolLoops"]


class ToolLoops(Evaluator):
    """The share of tool calls that repeat an earlier one with the same arguments, 0 to below 1.

    It does not pass where one call is made `limit` times or more (label `loop`), or where there are more tool calls
    than `budget`, if one is given (label `over_budget`); otherwise the label is `ok`. A repeated call may be right (asking for the
    time, polling a job): raise `limit`, or name such tools in `ignore`. It judges traces, or what `level` says.
    Skipped without tool calls. `metadata` has `steps`, `distinct`, `most` (of one call), and of a trace `model_calls`.
    """

    direction = "minimize"
    requires = frozenset()

    def __init__(
        self,
        *,
        limit: int = 3,
        budget: int | None = None,
        ignore: tuple[str, ...] = (),
        level: Level = "trace",
        **options: Any,
    ) -> None:
        self.level = level
        self.operations = INFERENCE if level == "call" else None
        super().__init__(**options)
        if limit < 2:
            raise ValueError(f"clearspan: tool_loops: limit must be 2 or more, not {limit!r}")
        if budget is not None and budget < 0:
            raise ValueError(f"clearspan: tool_loops: budget must be 0 or more, not {budget!r}")
        self.limit, self.budget, self.ignore = limit, budget, frozenset(ignore)

    def evaluate(self, call: Any) -> Score:
        """Count the calls that are the same."""
        taken = steps(call)
        if not taken:
            return Score(skipped="no tool calls")
        same = Counter(step.key for step in taken if step.name not in self.ignore)
        most = max(same.values(), default=0)
        repeated = same.total() - len(same)
        label = "loop" if most >= self.limit else "ok"
        if self.budget is not None and len(taken) > self.budget:
            label = "over_budget"
        told = {"steps": len(taken), "distinct": len(taken) - repeated, "most": most}
        if isinstance(call, Conversation):
            told["model_calls"] = len(call.model_calls)
        value = repeated / len(taken)
        within = self.threshold is None or value < self.threshold
        return Score(value=value, label=label, passed=label == "ok" and within, metadata=told)
