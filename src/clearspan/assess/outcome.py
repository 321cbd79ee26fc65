"""What an evaluator answered, as a Score: a value, or an error; never a number that is none."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, get_args

from clearspan.assess.evaluator import Evaluator
from clearspan.score import Direction, Kind, Score, Target

__all__ = ["failed", "scored", "skipped"]

_FIELDS = frozenset(field.name for field in dataclasses.fields(Score)) | {"score"}
_LONGEST = 200
_WORDS = ("name", "label", "error", "skipped")
_TEXTS = (*_WORDS, "explanation")
_KINDS = (None, *get_args(Kind))
_DIRECTIONS = (None, *get_args(Direction))


def scored(answer: Any, made: Evaluator, target: Target | None = None) -> Score:
    """The answer of `made` as a score that says whose it is; what is none becomes an error."""
    try:
        return _stamped(_checked(_read(answer)), made, target)
    except _Invalid as error:
        return failed(made, error.type, str(error), target)
    except Exception as error:  # noqa: BLE001 -- the answer is anybody's object, and asked for its number here
        return failed(made, "invalid_result", type(error).__name__, target)


def failed(made: Evaluator, error: str, why: str | None = None, target: Target | None = None) -> Score:  # fmt: skip
    """`made` could not judge: `error` is the type, `why` a sentence that may quote content."""
    return _stamped(Score(error=error, explanation=why), made, target)


def skipped(made: Evaluator, reason: str, target: Target | None = None) -> Score:
    """`made` was not asked, or had nothing to say."""
    return _stamped(Score(skipped=reason), made, target)


class _Invalid(Exception):
    def __init__(self, type_: str, why: str) -> None:
        super().__init__(why)
        self.type = type_


def _read(answer: Any) -> Score:
    if isinstance(answer, Score):
        return answer
    if answer is None:
        return Score(skipped="no_result")
    if isinstance(answer, str):
        return Score(label=answer[:_LONGEST])
    if isinstance(answer, Mapping):
        return _of_mapping(answer)
    if isinstance(answer, tuple):
        return _of_tuple(answer)
    return _of_number(answer)


def _of_number(answer: Any) -> Score:
    # numpy's and torch's scalars are no float and no bool, and say so by their name
    if isinstance(answer, bool) or type(answer).__name__ in ("bool_", "bool"):
        return Score(value=1.0 if answer else 0.0, passed=bool(answer))
    if not hasattr(type(answer), "__float__"):
        raise _Invalid("invalid_result", f"an evaluator cannot answer with a {type(answer).__name__}")  # fmt: skip
    value = float(answer)
    if not math.isfinite(value):
        raise _Invalid("invalid_value", f"{value} is no score")
    return Score(value=value)


def _of_tuple(answer: tuple[Any, ...]) -> Score:
    if len(answer) not in (2, 3):
        raise _Invalid("invalid_result", "a tuple must be (value, explanation) or (value, label, explanation)")  # fmt: skip
    read = _read(answer[0])
    if len(answer) == 3 and answer[1] is not None:
        read = dataclasses.replace(read, label=str(answer[1]))
    return dataclasses.replace(read, explanation=_text(answer[-1]))


def _of_mapping(answer: Mapping[str, Any]) -> Score:
    if unknown := {str(name) for name in answer} - _FIELDS:
        raise _Invalid("invalid_result", f"a mapping has fields of Score, not {', '.join(sorted(unknown))}")  # fmt: skip
    given = dict(answer)
    value = given.pop("score", None) if "value" not in given else given.pop("value")
    read = Score() if value is None else _read(value)
    return dataclasses.replace(read, **given)


def _text(given: Any) -> str | None:
    return None if given is None else str(given)


def _checked(score: Score) -> Score:
    """The score, if its fields are what they must be; users make scores themselves."""
    given: dict[str, Any] = {name: getattr(score, name) for name in _TEXTS}
    for field, text in given.items():
        if text is not None and not isinstance(text, str):
            raise _Invalid("invalid_result", f"{field} must be a text, not {type(text).__name__}")
    target: Any = score.target
    metadata: Any = score.metadata
    if not isinstance(metadata, Mapping):
        raise _Invalid("invalid_result", "metadata must be a mapping")
    if score.kind not in _KINDS or score.direction not in _DIRECTIONS:
        raise _Invalid("invalid_result", "kind or direction is none of those that there are")
    if target is not None and not isinstance(target, Target):
        raise _Invalid("invalid_result", "target must be a clearspan.Target")
    if score.passed not in (None, True, False):
        raise _Invalid("invalid_result", "passed must be True, False or None")
    if score.range is not None and not float(score.range[0]) <= float(score.range[1]):
        raise _Invalid("invalid_result", "range must be (least, greatest)")
    if not score.label and (score.value, score.passed, score.error, score.skipped) == (None,) * 4:
        raise _Invalid("invalid_result", "it has no value, label, passed, error or skipped")
    cut = {name: text[:_LONGEST] for name, text in given.items() if text and name in _WORDS}
    return dataclasses.replace(score, **cut)


def _stamped(score: Score, made: Evaluator, target: Target | None) -> Score:
    low, high = score.range or made.range or (-math.inf, math.inf)
    if score.value is not None and not low <= score.value <= high:
        why = f"{score.value} is outside {low} to {high}"
        score = Score(error="invalid_value", explanation=why, metadata=score.metadata)
    threshold = score.threshold if score.threshold is not None else made.threshold
    direction = score.direction or made.direction
    return dataclasses.replace(
        score,
        name=score.name or made.name,
        kind=score.kind or made.kind,
        direction=direction,
        range=score.range or made.range,
        threshold=threshold,
        passed=_passed(score, threshold, direction),
        version=score.version or made.version,
        target=score.target or target,
    )


def _passed(score: Score, threshold: float | None, direction: str) -> bool | None:
    if score.passed is not None or score.value is None or threshold is None:
        return score.passed
    if direction == "neutral":
        return None
    return score.value >= threshold if direction == "maximize" else score.value < threshold
