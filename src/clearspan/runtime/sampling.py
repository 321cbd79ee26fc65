"""Which traces are kept: OpenTelemetry's own samplers, asked in advance where their answers are always the same."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.sampling import (
    ALWAYS_ON,
    Decision,
    ParentBased,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import get_current_span

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanContext, SpanKind, TraceState
    from opentelemetry.util.types import Attributes

    from clearspan.settings import Settings

__all__ = ["Foreseen", "sampler_looks", "sampler_of"]

_DEFAULT = "parentbased_always_on"
_ROOTS = ("always_on", "always_off", "traceidratio")
_KNOWN = (*_ROOTS, *(f"parentbased_{root}" for root in _ROOTS))
_SAMPLED = SamplingResult(Decision.RECORD_AND_SAMPLE)
_DROPPED = SamplingResult(Decision.DROP)


def sampler_of(settings: Settings) -> Foreseen | None:
    """The sampler for `sample_rate`, else the default one; `None` where the standard variables decide."""
    if settings.sample_rate is not None:
        return Foreseen(settings.sample_rate)
    return Foreseen() if _named() in ("", _DEFAULT) else None


def sampler_looks(settings: Settings) -> bool:
    """Whether the sampler may look at attributes: OpenTelemetry's own go by the parent and the trace's id."""
    return settings.sample_rate is None and _named() not in ("", *_KNOWN)


def _named() -> str:
    return os.environ.get("OTEL_TRACES_SAMPLER", "").strip().lower()


class Foreseen(ParentBased):
    """`ParentBased` whose root keeps a `share` (0 to 1) of all traces by their ids; without one, all of them.

    It is asked at each call, on the caller's thread. What brings nothing of its own gets one of two answers, which
    were made in advance; attributes and the state of a trace have to be repeated in the answer, and go the whole way.
    """

    def __init__(self, share: float | None = None) -> None:
        ratio = TraceIdRatioBased(1.0 if share is None else share)
        super().__init__(ALWAYS_ON if share is None else ratio)
        self._bound = ratio.bound

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Go by the span above, else by the trace's id, as the specification of `ParentBased` has it."""
        alone = parent_context is not None and not parent_context  # nothing is current there
        above = None if alone else get_current_span(parent_context).get_span_context()
        if attributes or (above is not None and above.trace_state):
            return super().should_sample(
                parent_context, trace_id, name, kind, attributes, links, trace_state
            )
        inherited = above if above is not None and above.is_valid else None
        return _SAMPLED if self.keeps(inherited, trace_id) else _DROPPED

    def keeps(self, above: SpanContext | None, trace_id: int) -> bool:
        """Whether a span is kept that brings nothing of its own: as the span above, else by the trace's id."""
        if above is not None:
            return above.trace_flags.sampled
        return trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < self._bound
