"""A judge of one rule of your own, in one line."""

from __future__ import annotations

from typing import Any

from clearspan.assess.judge.rubric import Rubric

__all__ = ["Guideline"]


class Guideline(Rubric):
    """Whether the answer follows `text`, a rule in plain words: `Guideline("Never promise a refund.")`.

    Give each a `name` where there are several. Raises `ValueError` for an empty rule.
    """

    name = "judge_guideline"
    labels = {  # noqa: RUF012 -- read only
        "follows": (1.0, "the rule is kept, or does not concern this answer"),
        "violates": (0.0, "the rule is broken, if only in part"),
    }

    def __init__(self, text: str, **options: Any) -> None:
        if not text.strip():
            raise ValueError("clearspan: a guideline is a rule in a sentence or two")
        super().__init__(criterion=f"The answer must follow this rule: {text}", **options)
