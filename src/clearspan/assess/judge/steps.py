"""Steps by which a criterion is judged, written by the judge itself, once (G-Eval, Liu et al. 2023)."""

from __future__ import annotations

from clearspan.assess.judge.client import Judge, Where
from clearspan.assess.judge.prompt import ask
from clearspan.assess.judge.schema import Shape, quotes
from clearspan.assess.judge.tally import Tally

__all__ = ["evaluation_steps"]

_MOST = 6
_SYSTEM = (
    "You write instructions for a judge of answers. For the criterion given, list three to six short steps that lead "
    "from reading the material to a verdict. Name no label and no score. "
    'Answer with one JSON object with the field "steps".'
)


def evaluation_steps(judge: Judge | Where, criterion: str) -> tuple[str, ...]:
    """Steps for the `steps` of a rubric with that criterion: read them, mend them, and keep them.

    Asked for once and written into the program they stay the same, and so does the rubric's version.
    Raises `JudgeFailure` where the judge does not answer, `Unjudged` where it may not be asked.
    """
    made = judge if isinstance(judge, Judge) else Judge(judge)
    prepared = ask(_SYSTEM, {"criterion": criterion}, made.limit)
    shape = Shape((quotes("steps", _MOST, needed=True),))
    fields, _ = made.ask(prepared.messages, shape, Tally())
    return tuple(step.strip() for step in fields["steps"] if step.strip())[:_MOST]
