"""Stored scores as commands show them: at the span that they are about, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Group
from rich.text import Text

from clearspan import semconv
from clearspan.cli.screen import Rows, printable
from clearspan.exporters.store import StoredScore, StoredSpan
from clearspan.record import Operation

__all__ = ["explanations", "placed", "score_json"]

_MODEL_CALLS: Final = frozenset(
    operation.value
    for operation in (Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT)
)


def placed(
    spans: Sequence[StoredSpan], scores: Sequence[StoredScore]
) -> dict[str, list[StoredScore]]:
    """The scores of a trace by the span that each is about: its own, that of its response, else the root."""
    known = {span.span_id for span in spans}
    roots = (span.span_id for span in spans if span.parent_id not in known)
    root = next(roots, spans[0].span_id if spans else "")
    answers = _answers(spans)
    found: dict[str, list[StoredScore]] = {}
    for score in scores:
        own = score.span_id if score.span_id in known else None
        found.setdefault(own or answers.get(score.response_id or "", root), []).append(score)
    return found


def _answers(spans: Sequence[StoredSpan]) -> dict[str, str]:
    """Which span each response came to: the model call's, where an agent repeats its id."""
    found: dict[str, str] = {}
    for span in sorted(spans, key=lambda span: span.operation not in _MODEL_CALLS):
        response = span.attributes.get(semconv.RESPONSE_ID)
        if isinstance(response, str):
            found.setdefault(response, span.span_id)
    return found


def explanations(scores: Sequence[StoredScore]) -> Group:
    """Why scores are what they are, where they say so: they may quote what was asked and answered."""
    said = [
        (Text(printable(score.name).replace("\n", " "), "cyan"), Text(printable(score.explanation)))
        for score in scores
        if score.explanation
    ]
    return Group(*([Text("\nscores", style="bold"), Rows(said)] if said else ()))


def score_json(score: StoredScore) -> dict[str, Any]:
    """A score with all that is known of it."""
    # The row's number is the store's own affair: it changes when a store is copied.
    return {name: value for name, value in asdict(score).items() if name != "id"}
