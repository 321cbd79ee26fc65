"""Were the tools called that should have been, in the order in which they should have been?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from clearspan.assess.evaluator import INFERENCE, Evaluator, Subject
from clearspan.evaluators.tools.taken import Step, has_answers, steps
from clearspan.score import Level, Score

__all__ = ["Expected", "Trajectory"]

Expected: TypeAlias = "Sequence[str | tuple[str, Mapping[str, Any]] | Mapping[str, Any]]"
"""Tools that should be called: names, (name, arguments), or mappings with `name` and `arguments`."""

_MODES = ("exact", "in_order", "any_order", "subset")


class Trajectory(Evaluator):
    """How well the tools that were called agree with those `expected`: 0 to 1, passed at 1.

    By `match`:

    - `exact`: these calls in this order and no others; the value is F1 over the longest common subsequence.
    - `in_order`: all of these, in this order, others may come between; the value is the recall of that order.
    - `any_order`: all of these, in any order, others may be there; the value is the recall.
    - `subset`: no others than these, not necessarily all; the value is the precision.

    `expected` is a sequence, or a callable that makes one for what is judged (`None`: skip it). With
    `arguments`, calls agree only if those arguments do that are expected. It judges traces, or what
    `level` says; a call by the tool calls in its messages. `metadata` has `precision`, `recall`, and how many
    calls were `expected` and `taken`. Skipped where the record shows no answers.
    """

    threshold = 1.0
    requires = frozenset()

    def __init__(
        self,
        expected: Expected | Callable[[Subject], Expected | None] | None = None,
        *,
        match: Literal["exact", "in_order", "any_order", "subset"] = "in_order",
        arguments: bool = False,
        level: Level = "trace",
        **options: Any,
    ) -> None:
        self.level = level
        self.operations = INFERENCE if level == "call" else None
        super().__init__(**options)
        if expected is None:
            raise ValueError("clearspan: trajectory needs the expected tool calls")
        if match not in _MODES:
            raise ValueError(
                f"clearspan: trajectory: match must be {', '.join(_MODES)}, not {match!r}"
            )
        self.expected = expected if callable(expected) else _listed(expected)
        self.match = match
        self.arguments = arguments

    def evaluate(self, call: Any) -> Score:
        """Compare what was called with what should have been."""
        given = self.expected(call) if callable(self.expected) else self.expected
        if given is None:
            return Score(skipped="nothing is expected of this one")
        taken = steps(call)
        if not taken and not has_answers(call):
            return Score(skipped="the record shows no answers")
        return self._score(_listed(given), taken)

    def _score(self, wanted: list[Step], taken: list[Step]) -> Score:
        ordered = self.match in ("exact", "in_order")
        hits = (_common if ordered else _paired)(wanted, taken, self._agree)
        precision = hits / len(taken) if taken else 1.0
        recall = hits / len(wanted) if wanted else 1.0
        total = len(wanted) + len(taken)
        value = {
            "exact": 2 * hits / total if total else 1.0,
            "subset": precision,
        }.get(self.match, recall)
        return Score(
            value=value,
            label="match" if value == 1 else "mismatch",
            explanation=_missing(wanted, taken) if value < 1 else None,
            metadata={
                "precision": precision, "recall": recall, "expected": len(wanted), "taken": len(taken),
            },
        )  # fmt: skip

    def _agree(self, wanted: Step, taken: Step) -> bool:
        if wanted.name != taken.name:
            return False
        if not self.arguments or wanted.arguments is None:
            return True
        held = taken.arguments
        return isinstance(held, Mapping) and all(
            name in held and held[name] == value for name, value in wanted.arguments.items()
        )


def _listed(expected: Iterable[Any]) -> list[Step]:
    if isinstance(expected, str):
        raise ValueError(f"clearspan: trajectory: expected is a sequence, such as [{expected!r}]")  # noqa: TRY004
    return [_step(each) for each in expected]


def _step(given: Any) -> Step:
    if isinstance(given, str):
        return Step(given)
    if isinstance(given, Step):
        return given
    if isinstance(given, Mapping) and isinstance(given.get("name"), str):
        return Step(given["name"], given.get("arguments"))
    if isinstance(given, tuple) and len(given) == 2:
        return Step(*given)
    raise ValueError(f"clearspan: trajectory: {given!r} is no tool call")


_Agree: TypeAlias = "Callable[[Step, Step], bool]"


def _common(wanted: Sequence[Step], taken: Sequence[Step], agree: _Agree) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(taken) + 1)
    for want in wanted:
        before = row
        row = [0]
        for at, have in enumerate(taken):
            row.append(before[at] + 1 if agree(want, have) else max(before[at + 1], row[at]))
    return row[-1]


def _paired(wanted: Sequence[Step], taken: Sequence[Step], agree: _Agree) -> int:
    """The most pairs of an expected and a taken call that agree, each in one pair (Kuhn's matching)."""
    holder: dict[int, int] = {}

    def place(want: int, tried: set[int]) -> bool:
        for at, have in enumerate(taken):
            if at in tried or not agree(wanted[want], have):
                continue
            tried.add(at)
            if at not in holder or place(holder[at], tried):
                holder[at] = want
                return True
        return False

    return sum(place(want, set()) for want in range(len(wanted)))


def _missing(wanted: Iterable[Step], taken: Iterable[Step]) -> str | None:
    """The difference by name, for a reader."""
    have, want = Counter(step.name for step in taken), Counter(step.name for step in wanted)
    said = [f"missing {name}" for name in (want - have)]
    said += [f"not expected {name}" for name in (have - want)]
    return ", ".join(said) or "in another order, or with other arguments"
