"""Spans that are promised: a call gets the ids of one at once, and it is made when somebody wants more.

To start a span of the SDK takes a call as long as half of all else that we do there, and most of what it is made of is
not asked for before the call is over. So a call may begin with a `Promised` span, which has its ids, its parent and its
time. The span itself is made of these at the first thing that anybody wants of it: a program that puts an attribute on
the current span, on its own thread; else the worker that completes the call.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, SpanContext, SpanKind
from opentelemetry.util.types import Attributes

from clearspan.core.fence import fenced, overflows

__all__ = ["Maker", "Promised", "Said", "Starting"]


class Starting(Protocol):
    """What of a tracer is asked for when a call begins."""

    def start_span(
        self,
        name: str,
        context: Context,
        kind: SpanKind,
        attributes: Attributes,
        *,
        start_time: int,
    ) -> Span:
        """A span that has begun."""
        ...


class Said(NamedTuple):
    """What a span is started with. Not the context: that holds the spans above it, with theirs, and all else of the program's."""

    name: str
    kind: SpanKind
    attributes: Attributes
    start_time: int


class Maker(Protocol):
    """Keeps promises. `kind` is the class of the spans that it makes."""

    kind: type

    def make(self, context: SpanContext, above: SpanContext | None, said: Said) -> Span:
        """The span that is to have this context, below that one."""
        ...

    def unmade(self, context: SpanContext, above: SpanContext | None, said: Said) -> Any:
        """What can be read of that span while it cannot be made."""
        ...


def _of_the_span_itself(name: str) -> Any:
    def ask(self: Promised, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.made(), name)(*args, **kwargs)

    ask.__name__ = name
    return ask


class Promised(Span):
    """A span that has ids and a time, and is made when more is asked of it.

    `parent` is the context of the span above, if there is one, as the SDK's spans have it.
    """

    __slots__ = ("_context", "_made", "_maker", "_said", "parent")

    def __init__(
        self, maker: Maker, context: SpanContext, parent: SpanContext | None, said: Said
    ) -> None:
        self._maker, self._context, self.parent, self._said = maker, context, parent, said
        self._made: list[Span] = []

    def made(self) -> Span:
        """The span itself. Two threads that want it at once get the same; another that was made is never ended.

        Where it cannot be made, whoever wants it gets one that records nothing, and who wants it next tries again.
        """
        if not self._made:
            try:
                made = fenced("span.make", self._maker.make, self._context, self.parent, self._said)
            except (
                RecursionError
            ):  # too deep to call even that; what is asked of a span may still do
                overflows[0] += 1
                made = None
            if made is None:
                return INVALID_SPAN
            self._made.append(made)
        return self._made[0]

    def get_span_context(self) -> SpanContext:
        """Its ids, which it has from the beginning."""
        return self._context

    def is_recording(self) -> bool:
        """Whether it has not ended yet."""
        return not self._made or self._made[0].is_recording()

    # What it will be: programs look whether the current span is one that they can read.
    __class__: Any = property(lambda self: self._maker.kind)

    def __getattr__(self, name: str) -> Any:
        if name in Promised.__slots__:  # a copy that is being made has nothing yet
            raise AttributeError(name)
        made: Any = self.made()
        if not isinstance(made, self._maker.kind):  # nothing of it can be read as of the SDK's
            # Without a fence: it would have nothing to answer with instead.
            made = self._maker.unmade(self._context, self.parent, self._said)
        return getattr(made, name)

    def __repr__(self) -> str:
        made = self.made()
        if isinstance(made, self._maker.kind):
            return repr(made)
        return f'{self._maker.kind.__name__}(name="{self._said.name}", context={self._context})'

    end = _of_the_span_itself("end")
    update_name = _of_the_span_itself("update_name")
    set_attribute = _of_the_span_itself("set_attribute")
    set_attributes = _of_the_span_itself("set_attributes")
    set_status = _of_the_span_itself("set_status")
    add_event = _of_the_span_itself("add_event")
    add_link = _of_the_span_itself("add_link")
    record_exception = _of_the_span_itself("record_exception")
    __exit__ = _of_the_span_itself("__exit__")
