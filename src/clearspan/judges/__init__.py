"""The judges that come with clearspan: by name (`evaluators=["judge_relevance"]`), or as classes with options.

Each asks a language model (`clearspan.Judge`) by a rubric of its own; `Rubric` is for your own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearspan.assess.judge.prompt import Example
    from clearspan.assess.judge.rubric import Rubric
    from clearspan.assess.judge.steps import evaluation_steps
    from clearspan.assess.judge.winning import WinRate, win_rate
    from clearspan.judges.agents import PlanQuality, ToolUse
    from clearspan.judges.answers import Coherence, Correctness, Relevance
    from clearspan.judges.grounded import Faithfulness, Hallucination
    from clearspan.judges.guideline import Guideline
    from clearspan.judges.harm import Bias, Toxicity
    from clearspan.judges.injection import Injection
    from clearspan.judges.pairwise import Pairwise

__all__ = [
    "Bias",
    "Coherence",
    "Correctness",
    "Example",
    "Faithfulness",
    "Guideline",
    "Hallucination",
    "Injection",
    "Pairwise",
    "PlanQuality",
    "Relevance",
    "Rubric",
    "ToolUse",
    "Toxicity",
    "WinRate",
    "evaluation_steps",
    "win_rate",
]

_HOMES = {
    "clearspan.assess.judge.prompt": ("Example",),
    "clearspan.assess.judge.rubric": ("Rubric",),
    "clearspan.assess.judge.steps": ("evaluation_steps",),
    "clearspan.assess.judge.winning": ("WinRate", "win_rate"),
    "clearspan.judges.agents": ("PlanQuality", "ToolUse"),
    "clearspan.judges.answers": ("Coherence", "Correctness", "Relevance"),
    "clearspan.judges.grounded": ("Faithfulness", "Hallucination"),
    "clearspan.judges.guideline": ("Guideline",),
    "clearspan.judges.harm": ("Bias", "Toxicity"),
    "clearspan.judges.injection": ("Injection",),
    "clearspan.judges.pairwise": ("Pairwise",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module 'clearspan.judges' has no attribute {name!r}")
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
