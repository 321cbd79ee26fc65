"""Spans that are promised: a call gets the ids of one at once, and OpenTelemetry makes it when somebody wants more.

To start a span of the SDK takes a call as long as half of all else that we do there, and most of what it is made of is
not asked for before the call is over. So in a pipeline of our own a call begins with a `Promised` span, which has its
ids, its parent and its time. The SDK's tracer makes the span itself of these, at the first thing that anybody else wants
of it: a program that puts an attribute on the current span, on its own thread; else the worker that completes the call.
Nobody else's processors hear of it: an application's are added to a provider of its own.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import trace
from opentelemetry.sdk.trace import Span, Tracer, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
)

from clearspan.runtime.identifiers import identifiers

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import SpanKind
    from opentelemetry.util.types import Attributes

    from clearspan.emit.telemetry import Starting
    from clearspan.runtime.sampling import Foreseen

__all__ = ["Provider", "starting"]

_RANDOM: int = getattr(TraceFlags, "RANDOM_TRACE_ID", 0)
"""W3C's Trace Context, level 2: that the trace's id is random. Older releases of OpenTelemetry do not tell."""
_FLAGS = tuple(map(TraceFlags, range(4)))


class _Given(IdGenerator):
    """Ids that were given away before: the span that is made next on this thread has them."""

    def __init__(self) -> None:
        self._next = threading.local()

    def give(self, context: SpanContext) -> None:
        """Those of the next span."""
        self._next.context = context

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


class _Said(NamedTuple):
    """What a span is started with."""

    name: str
    context: Context
    kind: SpanKind
    attributes: Attributes
    start_time: int


def _of_the_span_itself(name: str) -> Any:
    def ask(self: Promised, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.made(), name)(*args, **kwargs)

    ask.__name__ = name
    return ask


class Promised(trace.Span):
    """A span that has ids and a time, and is made when more is asked of it.

    `parent` is the context of the span above, if there is one, as the SDK's spans have it.
    """

    __slots__ = ("_context", "_made", "_said", "_tracer", "parent")

    def __init__(
        self, tracer: Promising, context: SpanContext, parent: SpanContext | None, said: _Said
    ) -> None:
        self._tracer, self._context, self.parent, self._said = tracer, context, parent, said
        self._made: list[trace.Span] = []

    def made(self) -> trace.Span:
        """The span itself. Two threads that want it at once get the same; another that was made is never ended."""
        if not self._made:
            self._made.append(self._tracer.made(self._context, self._said))
        return self._made[0]

    def get_span_context(self) -> SpanContext:
        """Its ids, which it has from the beginning."""
        return self._context

    def is_recording(self) -> bool:
        """Whether it has not ended yet."""
        return not self._made or self._made[0].is_recording()

    # What it will be: programs look whether the current span is one that they can read.
    __class__: Any = property(lambda _: Span)

    def __getattr__(self, name: str) -> Any:
        if name in Promised.__slots__:  # a copy that is being made has nothing yet
            raise AttributeError(name)
        return getattr(self.made(), name)

    end = _of_the_span_itself("end")
    update_name = _of_the_span_itself("update_name")
    set_attribute = _of_the_span_itself("set_attribute")
    set_attributes = _of_the_span_itself("set_attributes")
    set_status = _of_the_span_itself("set_status")
    add_event = _of_the_span_itself("add_event")
    add_link = _of_the_span_itself("add_link")
    record_exception = _of_the_span_itself("record_exception")
    __exit__ = _of_the_span_itself("__exit__")
    __repr__ = _of_the_span_itself("__repr__")


class Promising:
    """Starts the spans of our own calls."""

    def __init__(self, tracer: Tracer, provider: Provider) -> None:
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
        found = get_current_span(context).get_span_context() if context else INVALID_SPAN_CONTEXT
        above = found if found.is_valid else None
        if above is None:
            trace_id, random, state = identifiers.generate_trace_id(), self._random, None
        else:
            trace_id, state = above.trace_id, above.trace_state
            random = above.trace_flags & _RANDOM
        kept = self._sampler.keeps(above, trace_id)
        span_id = identifiers.generate_span_id()
        made = SpanContext(trace_id, span_id, False, _FLAGS[random | kept], state)
        if not kept:
            return NonRecordingSpan(made)
        return Promised(self, made, above, _Said(name, context, kind, attributes, start_time))

    def made(self, context: SpanContext, said: _Said) -> trace.Span:
        """The span that was promised: the SDK's, with this context."""
        self._given.give(context)
        return self._tracer.start_span(
            said.name, said.context, said.kind, said.attributes, start_time=said.start_time
        )


def starting(provider: trace.TracerProvider, scope: tuple[str, str | None, str]) -> Starting:
    """What starts the spans of our own calls; `scope` is its name, version and schema."""
    tracer = provider.get_tracer(*scope)
    if type(provider) is Provider and type(tracer) is Tracer:
        return Promising(tracer, provider)
    return tracer
