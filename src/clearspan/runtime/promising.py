"""Which spans of a pipeline of our own are promised, and how OpenTelemetry's SDK makes them in the end.

Nobody else's processors hear of their starts: an application's are added to a provider of its own.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, Tracer, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

from clearspan.emit.promised import Promised, Said
from clearspan.runtime.identifiers import identifiers

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import SpanKind
    from opentelemetry.util.types import Attributes

    from clearspan.emit.promised import Starting
    from clearspan.runtime.sampling import Foreseen

__all__ = ["Promising", "Provider", "may_promise", "starting"]

_RANDOM: int = getattr(TraceFlags, "RANDOM_TRACE_ID", 0)
"""W3C's Trace Context, level 2: that the trace's id is random. Older releases of OpenTelemetry do not tell."""
_FLAGS = tuple(map(TraceFlags, range(4)))
_NOWHERE = Context()


class _Given(IdGenerator):
    """Ids that were given away before: the span that is made next on this thread has them."""

    def __init__(self) -> None:
        self._next = threading.local()

    def give(self, context: SpanContext | None) -> SpanContext | None:
        """Those of the next span; answers whose turn it was."""
        before: SpanContext | None = getattr(self._next, "context", None)
        self._next.context = context
        return before

    def generate_span_id(self) -> int:
        """The span's."""
        context: SpanContext = self._next.context
        return context.span_id

    def generate_trace_id(self) -> int:
        """That of its trace, which begins with it."""
        context: SpanContext = self._next.context
        return context.trace_id

    def is_trace_id_random(self) -> bool:
        """What the first generator said of that."""
        context: SpanContext = self._next.context
        return bool(context.trace_flags & _RANDOM)


class Provider(TracerProvider):
    """The SDK's, whose spans were promised: that they are kept has been decided by `sampler` by then."""

    def __init__(self, sampler: Foreseen, resource: Resource) -> None:
        self.foreseen, self.given = sampler, _Given()
        super().__init__(ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=self.given)


class Promising:
    """Promises the spans of our own calls, and makes them."""

    kind: type = Span

    def __init__(
        self, tracer: Tracer, provider: Provider, scope: tuple[str, str | None, str]
    ) -> None:
        self._scope, self._resource = InstrumentationScope(*scope), provider.resource
        self._tracer, self._sampler, self._given = tracer, provider.foreseen, provider.given
        self._random = _RANDOM if getattr(identifiers, "is_trace_id_random", bool)() else 0

    def start_span(
        self,
        name: str,
        context: Context,
        kind: SpanKind,
        attributes: Attributes,
        *,
        start_time: int,
    ) -> trace.Span:
        """As the SDK's tracer does; what is not sampled is not promised either."""
        found = get_current_span(context).get_span_context() if context else None
        above = found if found is not None and found.is_valid else None
        if above is None:
            random, state = self._random, None
            trace_id, span_id = identifiers.of_call()
        else:
            random, state = above.trace_flags & _RANDOM, above.trace_state
            trace_id, span_id = identifiers.of_call(above.trace_id)
        kept = self._sampler.keeps(above, trace_id)
        made = SpanContext(trace_id, span_id, False, _FLAGS[random | kept], state)
        if not kept:
            return NonRecordingSpan(made)
        return Promised(self, made, above, Said(name, kind, attributes, start_time))

    def make(self, context: SpanContext, above: SpanContext | None, said: Said) -> trace.Span:
        """The span that was promised: the SDK's, with this context, below that one."""
        around = _NOWHERE if above is None else set_span_in_context(NonRecordingSpan(above), _NOWHERE)  # fmt: skip
        before = self._given.give(context)
        try:
            return self._tracer.start_span(
                said.name, around, said.kind, said.attributes, start_time=said.start_time
            )
        finally:
            # A collection may run in the middle of this, and what it finalizes may want a span, too.
            self._given.give(before)

    def unmade(self, context: SpanContext, above: SpanContext | None, said: Said) -> ReadableSpan:
        """As it was when it began."""
        return ReadableSpan(
            said.name, context, above, self._resource, said.attributes or {}, kind=said.kind, start_time=said.start_time,
            instrumentation_scope=self._scope,
        )  # fmt: skip


def may_promise() -> bool:
    """Not where the SDK counts the spans that are live: of those that are promised it does not know yet."""
    counts = os.environ.get("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "")
    return counts.strip().lower() != "true"


def starting(provider: trace.TracerProvider, scope: tuple[str, str | None, str]) -> Starting:
    """What starts the spans of our own calls; `scope` is its name, version and schema."""
    tracer = provider.get_tracer(*scope)
    if type(provider) is Provider and type(tracer) is Tracer:
        return Promising(tracer, provider, scope)
    return tracer
