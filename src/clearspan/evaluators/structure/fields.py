"""Field-level match of a JSON answer with a reference answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from clearspan.assess.answers import AnswerEvaluator
from clearspan.assess.evaluator import Subject
from clearspan.evaluators.structure.reading import NotJson, read
from clearspan.score import Score

__all__ = ["FieldMatch"]

_SHOWN = 5


class FieldMatch(AnswerEvaluator):
    """How many fields of the reference's JSON the answer's JSON has right: F1 over the leaves.

    A leaf is a path and its value (elements of lists by their place; an empty list or object is a leaf too).
    Precision is of the answer's leaves, recall of the reference's; of several references the best counts. `fields`
    restricts it to these top-level fields, `tolerance` is how far numbers may be apart, as a share of the reference's
    (whole numbers that no float can hold are compared exactly).
    Texts are equal without regard to case and outer space. An answer that is no JSON gets 0, a call
    whose references are none is skipped.
    """

    requires = frozenset({"output", "reference"})

    def __init__(
        self, *, fields: tuple[str, ...] | None = None, tolerance: float = 0.0, **options: Any
    ) -> None:
        super().__init__(**options)
        if not 0 <= tolerance < 1:
            raise ValueError(f"clearspan: field_match: tolerance must be 0 to 1, not {tolerance!r}")
        if isinstance(fields, str):
            raise ValueError(f"clearspan: field_match: fields are names, such as ({fields!r},)")  # noqa: TRY004
        self.fields = None if fields is None else tuple(fields)
        self.tolerance = tolerance

    def judge(self, text: str, call: Subject) -> Score:
        """Compare leaf by leaf with each reference that is JSON."""
        wanted = list(self._references(call))
        if not wanted:
            return Score(skipped="no reference is JSON with such fields")
        try:
            told = self._leaves(read(text, strict=False).value)
        except NotJson as error:
            return Score(value=0.0, label="not_json", explanation=str(error))
        return max((self._compared(told, each) for each in wanted), key=_value)

    def _references(self, call: Subject) -> Iterator[dict[str, Any]]:
        for reference in call.references:
            try:
                leaves = self._leaves(read(reference, strict=False).value)
            except NotJson:
                continue
            if leaves:
                yield leaves

    def _leaves(self, value: Any) -> dict[str, Any]:
        if self.fields is not None:
            held = value if isinstance(value, dict) else {}
            value = {name: held[name] for name in self.fields if name in held}
            return dict(_leaves(value)) if value else {}
        return dict(_leaves(value))

    def _compared(self, told: Mapping[str, Any], wanted: Mapping[str, Any]) -> Score:
        right = {path for path in wanted if path in told and self._same(told[path], wanted[path])}
        missing = [path for path in wanted if path not in told]
        wrong = [path for path in wanted if path in told and path not in right]
        precision = len(right) / len(told) if told else 0.0
        recall = len(right) / len(wanted)
        f1 = 2 * len(right) / (len(told) + len(wanted))
        said = [f"{path or '/'}: missing" for path in missing]
        said += [f"{path or '/'}: different" for path in wrong]
        return Score(
            value=f1,
            label="equal" if f1 == 1 else "different",
            explanation=", ".join(said[:_SHOWN]) or None,
            metadata={
                "precision": precision, "recall": recall, "missing": len(missing), "wrong": len(wrong),
                "extra": len(set(told) - set(wanted)),
            },
        )  # fmt: skip

    def _same(self, told: Any, wanted: Any) -> bool:
        if isinstance(told, str) and isinstance(wanted, str):
            return told.strip().casefold() == wanted.strip().casefold()
        if isinstance(told, bool) or isinstance(wanted, bool):
            return told is wanted
        if isinstance(told, (int, float)) and isinstance(wanted, (int, float)):
            return self._near(told, wanted)
        return type(told) is type(wanted) and told == wanted

    def _near(self, told: float, wanted: float) -> bool:
        try:
            return math.isclose(told, wanted, rel_tol=0, abs_tol=self.tolerance * abs(wanted))
        except OverflowError:  # a whole number that no float can hold
            return told == wanted


def _value(score: Score) -> float:
    return score.value or 0.0


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    held = dict(enumerate(value)) if isinstance(value, list) else value
    if not held or not isinstance(held, dict):
        yield path, value
        return
    for step, item in held.items():
        yield from _leaves(item, f"{path}/{step}")
