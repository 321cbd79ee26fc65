"""What a store gives back: plain frozen values. Times are nanoseconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "Attributes",
    "Counts",
    "GuardSummary",
    "ScoreSummary",
    "SessionSummary",
    "SpanOutline",
    "StoredEvent",
    "StoredPoint",
    "StoredScore",
    "StoredSpan",
    "TraceSummary",
]

Attributes: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """One span. `id` grows in the order of storing; unknown values are `None`."""

    id: int
    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    start_ns: int
    end_ns: int
    status: str
    """`unset`, `ok` or `error`."""
    status_message: str | None
    service: str | None
    scope: str | None
    session: str | None
    user: str | None
    operation: str | None
    provider: str | None
    model: str | None
    """The model that answered, else the one that was asked for."""
    request_model: str | None
    input_tokens: int | None
    output_tokens: int | None
    error_type: str | None
    attributes: Attributes
    resource: Attributes
    events: list[Attributes]
    """Span events: `name`, `time_ns`, `attributes`."""
    links: list[Attributes]
    """`trace_id`, `span_id`, `attributes`."""

    @property
    def duration_ns(self) -> int:
        """Nanoseconds from start to end."""
        return self.end_ns - self.start_ns


class SpanOutline(NamedTuple):
    """What one span is, with some of its attributes only; see `StoredSpan`. Quick to make: there are many."""

    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int
    status: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One log record; with a `name` it is an event."""

    id: int
    time_ns: int
    name: str | None
    severity: str | None
    severity_number: int | None
    trace_id: str | None
    span_id: str | None
    body: Any
    attributes: Attributes
    service: str | None
    scope: str | None
    resource: Attributes


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """One point of one metric series: a `value`, or `count` and the rest for a histogram."""

    id: int
    time_ns: int
    start_ns: int | None
    name: str
    unit: str | None
    kind: str
    """`sum`, `gauge`, `histogram` or `exponential_histogram`."""
    temporality: str | None
    """`delta` or `cumulative`."""
    monotonic: bool | None
    attributes: Attributes
    value: int | float | None
    count: int | None
    sum: int | float | None
    min: int | float | None
    max: int | float | None
    buckets: Any
    """Counts of the buckets; for an exponential histogram its scale, offsets and counts."""
    bounds: list[float] | None
    service: str | None
    scope: str | None
    resource: Attributes


@dataclass(frozen=True, slots=True)
class StoredScore:
    """One score, of any program's evaluation events. `id` grows in the order of storing."""

    id: int
    time_ns: int
    name: str
    trace_id: str | None
    span_id: str | None
    response_id: str | None
    """The provider's id of the answer that was judged."""
    session: str | None
    key: str | None
    """The application's own name for what was judged."""
    value: int | float | None
    label: str | None
    passed: bool | None
    kind: str | None
    """`code`, `llm` or `human`."""
    level: str | None
    """`call`, `trace` or `session`."""
    direction: str | None
    """`maximize`, `minimize` or `neutral`."""
    threshold: int | float | None
    min: int | float | None
    max: int | float | None
    """What `value` lies between."""
    explanation: str | None
    error: str | None
    """Why it could not be judged."""
    skipped: str | None
    """Why it was not judged."""
    version: str | None
    """The evaluator's."""
    cost: int | float | None
    """USD."""
    duration: int | float | None
    """Seconds."""
    model: str | None
    """The model that was judged."""
    identity: str | None
    """Of two scores with the same one, the later is kept."""
    metadata: Attributes
    guard_action: str | None
    """Of a guard: `block`, `redact`, `warn`, or `allow` where its evaluator failed."""
    service: str | None


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """What the scores of one name come to; those of guards are not among them."""

    name: str
    count: int
    """How many were judged: neither failed nor skipped."""
    mean: float | None
    """Of the values, where there are any."""
    pass_rate: float | None
    """0 to 1, of those that passed or did not."""
    errors: int
    skipped: int


@dataclass(frozen=True, slots=True)
class GuardSummary:
    """How often the guards of one name stepped in; what they let pass is only in the metrics."""

    name: str
    blocked: int
    redacted: int
    warned: int
    errors: int
    """How often its evaluator failed or took too long, whether the text then passed or was blocked."""


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One trace in a list. Token counts are of model calls: what agents repeat is left out."""

    trace_id: str
    name: str
    """The name of its root, or of its earliest span while the root is not stored."""
    start_ns: int
    end_ns: int
    spans: int
    errors: int
    models: tuple[str, ...]
    input_tokens: int | None
    output_tokens: int | None
    session: str | None
    user: str | None
    service: str | None

    @property
    def duration_ns(self) -> int:
        """Nanoseconds from the first start to the last end."""
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """The traces of one session, together."""

    session: str
    start_ns: int
    end_ns: int
    traces: int
    spans: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a store holds. `bytes` is the size on disk, side files included."""

    traces: int
    spans: int
    events: int
    metric_points: int
    bytes: int
