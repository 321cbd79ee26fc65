"""A trace as lines of a tree: what is drawn, before it is drawn. Pure; knows no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from clearspan import semconv
from clearspan.record import Operation, Outcome

__all__ = ["SHOWN", "Line", "SpanView", "Totals", "arrange", "clean", "duration", "totals"]

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
# These repeat the usage of the calls below them.
_ROLLUPS: Final = frozenset(
    operation.value for operation in (Operation.INVOKE_AGENT, Operation.INVOKE_WORKFLOW)
)
_LONGEST_NOTE: Final = 80

SHOWN: Final = (
    semconv.OPERATION_NAME,
    semconv.USAGE_INPUT_TOKENS,
    semconv.USAGE_OUTPUT_TOKENS,
    semconv.RESPONSE_FINISH_REASONS,
    semconv.RESPONSE_TIME_TO_FIRST_CHUNK,
    semconv.RETRY_COUNT,
    semconv.OUTCOME,
    semconv.ERROR_TYPE,
    semconv.SESSION_ID,
)
"""All attributes that a tree is drawn from."""


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

    last: tuple[bool, ...]
    """For each level from the second on: whether the branch ends there."""
    name: str
    kind: str
    """`model`, `step` or `other`: they are coloured apart."""
    start_ns: int
    end_ns: int
    first_ns: int | None
    """When the first chunk of a stream came."""
    input_tokens: int | None
    output_tokens: int | None
    failed: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """A trace in one line. Unknown token counts are `None`."""

    spans: int
    errors: int
    duration_ns: int
    input_tokens: int | None
    output_tokens: int | None
    session: str | None


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
    first = _seconds(given.get(semconv.RESPONSE_TIME_TO_FIRST_CHUNK))
    return Line(
        last,
        clean(span.name),
        "model" if operation in _MODEL_CALLS else "step" if operation in _STEPS else "other",
        span.start_ns,
        max(span.start_ns, span.end_ns),
        None if first is None else span.start_ns + first,
        _count(given.get(semconv.USAGE_INPUT_TOKENS)),
        _count(given.get(semconv.USAGE_OUTPUT_TOKENS)),
        span.status == "error",
        tuple(_notes(span, first)),
    )


def _notes(span: SpanView, first: int | None) -> Iterable[str]:
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
    if first is not None:
        yield f"first {duration(first)}"
    load = _seconds(given.get(f"{semconv.PHASE}.load"))
    if load:
        yield f"load {duration(load)}"
    rate = given.get(semconv.DECODE_RATE)
    if isinstance(rate, (int, float)) and not isinstance(rate, bool) and 0 < rate < 1e9:
        yield f"{rate:,.0f} tok/s" if rate >= 10 else f"{rate:.1f} tok/s"
    retries = _count(given.get(semconv.RETRY_COUNT))
    if retries:
        yield "1 retry" if retries == 1 else f"{retries} retries"


def totals(spans: Sequence[SpanView]) -> Totals:
    """The sums of a trace; the tokens are those of model calls."""
    calls = [span for span in spans if span.attributes.get(semconv.OPERATION_NAME) not in _ROLLUPS]
    sessions = (span.attributes.get(semconv.SESSION_ID) for span in spans)
    first = min((span.start_ns for span in spans), default=0)
    return Totals(
        len(spans),
        sum(span.status == "error" for span in spans),
        max((span.end_ns for span in spans), default=0) - first,
        _sum(span.attributes.get(semconv.USAGE_INPUT_TOKENS) for span in calls),
        _sum(span.attributes.get(semconv.USAGE_OUTPUT_TOKENS) for span in calls),
        next((clean(session) for session in sessions if isinstance(session, str)), None),
    )


def _sum(values: Iterable[object]) -> int | None:
    known = [count for count in map(_count, values) if count is not None]
    return sum(known) if known else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(value: object) -> int | None:
    """`value`, a number of seconds, in nanoseconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e9:
        return int(value * 1e9)
    return None


def duration(nanoseconds: int) -> str:
    """A length of time in at most seven characters, as long as it is below a thousand hours."""
    milliseconds = nanoseconds / 1e6
    if milliseconds < 9.95:
        return f"{milliseconds:.1f}ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f}ms"
    seconds = nanoseconds / 1e9
    if seconds < 59.995:
        return f"{seconds:.2f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    return f"{minutes // 60}h{minutes % 60:02}m"


def clean(text: str) -> str:
    """`text` on one line and without what would steer a terminal: it comes from anywhere."""
    shown = "".join(char if char.isprintable() else " " for char in text[:_LONGEST_NOTE])
    return shown + ("..." if len(text) > _LONGEST_NOTE else "")
