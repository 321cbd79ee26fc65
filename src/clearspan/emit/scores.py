"""What a score is told as: the attributes of its event, and its metric points. Pure tables, no OpenTelemetry."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from clearspan import semconv as sc
from clearspan.core import jsonfast
from clearspan.emit.measures import Point
from clearspan.emit.series import Words
from clearspan.record import OTHER
from clearspan.score import Score, Target

__all__ = ["SCORE_ROWS", "ScoreRow", "event_attributes", "points", "quiet"]

_NOWHERE = Target()
# One of few: some words, no sentence, no address, no id.
_LABEL = re.compile(r"(?!(?:\D*\d){7})(?!(?:\S* ){4})[\w+][\w .:|+/\-]{0,59}")


def _word(text: str | None) -> str | None:
    return text if text is None or _LABEL.fullmatch(text) else OTHER


class ScoreRow(NamedTuple):
    """One attribute of the event: how it is read from a score, and what it means."""

    attribute: str
    read: Callable[[Score, Target], Any]
    note: str


SCORE_ROWS: tuple[ScoreRow, ...] = (
    ScoreRow(sc.EVALUATION_NAME, lambda score, target: score.name, "of the evaluator"),
    ScoreRow(sc.EVALUATION_VALUE, lambda score, target: score.value, "within the evaluator's range"),
    ScoreRow(sc.EVALUATION_LABEL, lambda score, target: score.label, "a word of few"),
    ScoreRow(sc.EVALUATION_EXPLANATION, lambda score, target: score.explanation, "why; may quote the call, and is kept only where content is"),
    ScoreRow(sc.ERROR_TYPE, lambda score, target: score.error, "why there is no score: the evaluator failed"),
    ScoreRow(sc.RESPONSE_ID, lambda score, target: target.response_id, "of the answer that was judged"),
    ScoreRow(sc.CONVERSATION_ID, lambda score, target: target.session, "the session of what was judged"),
    ScoreRow(sc.REQUEST_MODEL, lambda score, target: target.model, "the model that answered, else the one that was asked"),
    ScoreRow(sc.EVALUATION_LEVEL, lambda score, target: target.level, "what was judged: `call`, `trace` or `session`"),
    ScoreRow(sc.EVALUATION_PASSED, lambda score, target: score.passed, "whether it is good enough"),
    ScoreRow(sc.EVALUATION_KIND, lambda score, target: score.kind, "`code`, `llm` or `human`"),
    ScoreRow(sc.EVALUATION_DIRECTION, lambda score, target: score.direction, "`maximize`, `minimize` or `neutral`: which values are good"),
    ScoreRow(sc.EVALUATION_MIN, lambda score, target: score.range and float(score.range[0]), "the least value there can be"),
    ScoreRow(sc.EVALUATION_MAX, lambda score, target: score.range and float(score.range[1]), "the greatest value there can be"),
    ScoreRow(sc.EVALUATION_THRESHOLD, lambda score, target: score.threshold, "what divides passed from failed"),
    ScoreRow(sc.EVALUATION_VERSION, lambda score, target: score.version, "of the evaluator"),
    ScoreRow(sc.EVALUATION_COST, lambda score, target: score.cost, "what the evaluation cost, in US dollars"),
    ScoreRow(sc.EVALUATION_DURATION, lambda score, target: score.duration, "how long it took, in seconds"),
    ScoreRow(sc.EVALUATION_METADATA, lambda score, target: jsonfast.dumps(dict(score.metadata)) if score.metadata else None, "more about it, as JSON text"),
    ScoreRow(sc.EVALUATION_KEY, lambda score, target: target.key, "the application's own name of what was judged"),
    ScoreRow(sc.EVALUATION_IDENTITY, lambda score, target: score.identity, "of feedback: a later one of the same identity takes its place"),
    ScoreRow(sc.GUARD_ACTION, lambda score, target: score.action, "of a guard: `block`, `redact`, `warn`, or `allow` where its evaluator failed"),
)  # fmt: skip
"""Every attribute of `gen_ai.evaluation.result`. What is unknown is absent."""


def event_attributes(score: Score) -> dict[str, Any]:
    """The attributes of the event that tells of `score`."""
    target = score.target or _NOWHERE
    told = {row.attribute: row.read(score, target) for row in SCORE_ROWS}
    return {name: value for name, value in told.items() if value is not None}


def quiet(score: Score) -> bool:
    """Whether it is only counted: a guard that lets a text pass says so at every call."""
    return score.action == "allow" and score.error is None


def points(score: Score, words: Words) -> Iterator[Point]:
    """The metric points of `score`. Explanations, ids and texts are in none of them, nor labels that are `words` to nobody."""
    about = _about(score)
    if score.skipped is not None:
        yield Point(
            sc.METRIC_EVALUATION_SKIPPED, 1, {**about, sc.EVALUATION_SKIPPED: _word(score.skipped)}
        )
        return
    if score.error is not None:
        yield Point(sc.METRIC_EVALUATION_ERRORS, 1, {**about, sc.ERROR_TYPE: _word(score.error)})
    else:
        yield Point(sc.METRIC_EVALUATION_RESULTS, 1, {**about, **_verdict(score, words)})
    if (value := _placed(score)) is not None:
        yield Point(sc.METRIC_EVALUATION_SCORE, value, about)
    if score.duration is not None:
        yield Point(sc.METRIC_EVALUATION_DURATION, score.duration, about)
    if score.cost is not None:
        yield Point(sc.METRIC_EVALUATION_COST, score.cost, {**about, sc.COST_CURRENCY: "USD"})


def _about(score: Score) -> dict[str, Any]:
    target = score.target or _NOWHERE
    about = {
        sc.EVALUATION_NAME: score.name,
        sc.EVALUATION_KIND: score.kind,
        sc.OPERATION_NAME: target.operation,
        sc.PROVIDER_NAME: target.provider,
        sc.REQUEST_MODEL: target.model,
        sc.GUARD_ACTION: score.action,
    }
    return {name: value for name, value in about.items() if value is not None}


def _placed(score: Score) -> float | None:
    """The value; where the range goes below 0, its place in it, 0 to 1: a histogram takes no negative ones."""
    low, high = score.range or (0.0, math.inf)
    if score.value is None or (low >= 0 and score.value < 0):
        return None
    return score.value if low >= 0 else (score.value - low) / (high - low)


def _verdict(score: Score, words: Words) -> dict[str, Any]:
    verdict = {
        sc.EVALUATION_LABEL: words.of(score.name, _word(score.label)),
        sc.EVALUATION_PASSED: score.passed,
    }
    return {name: value for name, value in verdict.items() if value is not None}
