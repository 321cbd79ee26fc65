"""A trace as lines of a tree: what is drawn, before it is drawn. Pure; knows no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from clearspan import semconv
from clearspan.exporters.console.facts import (
    LOAD,
    amount,
    clean,
    cost,
    count,
    estimated,
    seconds,
    speed,
    wait,
)
from clearspan.exporters.console.quantities import Money, duration, energy
from clearspan.record import Operation, Outcome

__all__ = ["Line", "SpanView", "arrange"]

_MODEL_CALLS: Final = frozenset(
    operation.value
    for operation in (
        Operation.CHAT,
        Operation.TEXT_COMPLETION,
        Operation.GENERATE_CONTENT,
        Operation.EMBEDDINGS,
    )
)
_STEPS: Final = frozenset(
    operation.value for operation in (Operation.EXECUTE_TOOL, Operation.RETRIEVAL)
)


class SpanView(Protocol):
    """What a tree needs to know of a span. Times are nanoseconds since 1970, ids are hex."""

    @property
    def span_id(self) -> str:
        """Unique within the trace."""
        ...

    @property
    def parent_id(self) -> str | None:
        """The id of the span that this one is a part of, if any."""
        ...

    @property
    def name(self) -> str:
        """What was done."""
        ...

    @property
    def start_ns(self) -> int:
        """When it began."""
        ...

    @property
    def end_ns(self) -> int:
        """When it was over."""
        ...

    @property
    def status(self) -> str:
        """`unset`, `ok` or `error`."""
        ...

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes by the names of the conventions; those in `SHOWN` are drawn."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """One span of the tree."""

    span_id: str
    last: tuple[bool, ...]
    """For each level from the second on: whether the branch ends there."""
    name: str
    kind: str
    """`model`, `step` or `other`: they are coloured apart."""
    start_ns: int
    end_ns: int
    first_ns: int | None
    """When the first content of an answer came, or at least the first chunk of a stream."""
    input_tokens: int | None
    output_tokens: int | None
    estimated: tuple[bool, bool]
    """Whether each of those counts was estimated."""
    cost: Money | None
    failed: bool
    notes: tuple[str, ...]


def arrange(spans: Iterable[SpanView]) -> list[Line]:
    """The lines of the tree, children below their parent in the order of their start.

    A span whose parent is not among them stands at the top, and so does the earliest of spans that
    are each other's ancestors: whatever was stored, every span is there once.
    """
    ordered = sorted({span.span_id: span for span in spans}.values(), key=_by_start)
    known = {span.span_id for span in ordered}
    children: dict[str | None, list[SpanView]] = {}
    for span in ordered:
        parent = span.parent_id if span.parent_id in known - {span.span_id} else None
        children.setdefault(parent, []).append(span)
    lines: list[Line] = []
    left = dict.fromkeys(span.span_id for span in ordered)
    for span in (*children.get(None, ()), *ordered):
        if span.span_id in left:
            _descend(span, children, left, lines)
    return lines


def _descend(
    root: SpanView,
    children: Mapping[str | None, Sequence[SpanView]],
    left: dict[str, None],
    lines: list[Line],
) -> None:
    """Add `root` and all below it. No recursion: traces may be deeper than Python's stack."""
    waiting: list[tuple[SpanView, tuple[bool, ...]]] = [(root, ())]
    left.pop(root.span_id)
    while waiting:
        span, last = waiting.pop()
        lines.append(_line(span, last))
        below = [child for child in children.get(span.span_id, ()) if child.span_id in left]
        for child in below:
            left.pop(child.span_id)
        # The stack is emptied from its end, so the first child goes in last.
        waiting.extend((child, (*last, child is below[-1])) for child in reversed(below))


def _by_start(span: SpanView) -> tuple[int, int, str]:
    # Of two that start together the longer one is more likely the outer one.
    return (span.start_ns, -span.end_ns, span.span_id)


def _line(span: SpanView, last: tuple[bool, ...]) -> Line:
    given = span.attributes
    operation = given.get(semconv.OPERATION_NAME)
    first = wait(given)
    return Line(
        span.span_id,
        last,
        clean(span.name),
        "model" if operation in _MODEL_CALLS else "step" if operation in _STEPS else "other",
        span.start_ns,
        max(span.start_ns, span.end_ns),
        None if first is None else span.start_ns + first[1],
        count(given.get(semconv.USAGE_INPUT_TOKENS)),
        count(given.get(semconv.USAGE_OUTPUT_TOKENS)),
        estimated(given),
        cost(given),
        span.status == "error",
        tuple(_notes(span)),
    )


def _notes(span: SpanView) -> Iterable[str]:
    given = span.attributes
    if span.status == "error":
        yield clean(str(given.get(semconv.ERROR_TYPE) or "error"))
    outcome = given.get(semconv.OUTCOME)
    if isinstance(outcome, str) and outcome not in (Outcome.COMPLETED, Outcome.FAILED):
        yield clean(outcome)
    reasons = given.get(semconv.RESPONSE_FINISH_REASONS)
    if isinstance(reasons, (list, tuple)) and reasons:
        yield clean(", ".join(str(reason) for reason in reasons))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    task = given.get(semconv.TASK_NAME)
    if isinstance(task, str) and task.replace("-", "_") not in span.name:
        yield clean(task)
    if first := wait(given):
        yield first[0]
    if load := seconds(given.get(LOAD)):
        yield f"load {duration(load)}"
    if rate := speed(given):
        yield rate
    if joules := amount(given.get(semconv.HARDWARE_ENERGY)):
        yield energy(joules)
    retries = count(given.get(semconv.RETRY_COUNT))
    if retries:
        yield "1 retry" if retries == 1 else f"{retries} retries"
