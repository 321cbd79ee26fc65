"""A trace in one line: its sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from clearspan import semconv
from clearspan.exporters.console.facts import clean, cost, count, estimated
from clearspan.exporters.console.quantities import Money
from clearspan.exporters.console.view import SpanView
from clearspan.record import Operation

__all__ = ["Totals", "totals"]

T = TypeVar("T")
# These repeat the usage of the calls below them, if there are any.
_ROLLUPS: Final = frozenset(
    operation.value for operation in (Operation.INVOKE_AGENT, Operation.INVOKE_WORKFLOW)
)


@dataclass(frozen=True, slots=True)
class Totals:
    """A trace in one line. Unknown token counts are `None`."""

    spans: int
    errors: int
    duration_ns: int
    input_tokens: int | None
    output_tokens: int | None
    estimated: tuple[bool, bool]
    """Whether a part of each of those counts was estimated."""
    costs: tuple[Money, ...]
    """One for each currency."""
    priced: int
    """How many calls those costs are of,"""
    calls: int
    """and how many there are that have used tokens."""
    session: str | None


def totals(spans: Sequence[SpanView]) -> Totals:
    """The sums of a trace, in which nothing is there twice.

    What an agent or a workflow tells counts only where nothing below it tells of its own.
    """
    inputs = _told(spans, lambda given: count(given.get(semconv.USAGE_INPUT_TOKENS)))
    outputs = _told(spans, lambda given: count(given.get(semconv.USAGE_OUTPUT_TOKENS)))
    costs = _told(spans, cost)
    used = {**inputs, **outputs}
    sessions = (span.attributes.get(semconv.SESSION_ID) for span in spans)
    first = min((span.start_ns for span in spans), default=0)
    return Totals(
        len(spans),
        sum(span.status == "error" for span in spans),
        max((span.end_ns for span in spans), default=0) - first,
        sum(inputs.values()) if inputs else None,
        sum(outputs.values()) if outputs else None,
        (
            any(span.span_id in inputs and estimated(span.attributes)[0] for span in spans),
            any(span.span_id in outputs and estimated(span.attributes)[1] for span in spans),
        ),
        _by_currency(costs.values()),
        len(costs),
        len({**used, **costs}),
        next((clean(session) for session in sessions if isinstance(session, str)), None),
    )


def _told(spans: Sequence[SpanView], read: Callable[[Mapping[str, Any]], T | None]) -> dict[str, T]:
    """What spans tell, by their ids, without what those repeat that others are below."""
    parents = {span.span_id: span.parent_id for span in spans}
    found = {span.span_id: value for span in spans if (value := read(span.attributes)) is not None}
    above: set[str] = set()
    for teller in found:
        parent = parents[teller]
        while parent in parents and parent not in above and parent != teller:
            above.add(parent)
            parent = parents[parent]
    rollups = {
        span.span_id for span in spans if span.attributes.get(semconv.OPERATION_NAME) in _ROLLUPS
    }
    return {name: value for name, value in found.items() if name not in rollups & above}


def _by_currency(costs: Iterable[Money]) -> tuple[Money, ...]:
    found: dict[str, list[Money]] = {}
    for each in costs:
        found.setdefault(each.currency or "", []).append(each)
    return tuple(
        Money(
            math.fsum(each.amount for each in same),
            currency or None,
            any(each.estimated for each in same),
        )
        for currency, same in sorted(found.items())
    )
