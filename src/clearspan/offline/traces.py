"""The spans of one trace as items: each as an Invocation, with the documents that it rests on."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator

from clearspan.assess.evaluator import INFERENCE
from clearspan.assess.grounding import Grounding
from clearspan.emit import projection
from clearspan.offline.content import Event, attributes
from clearspan.offline.items import Item
from clearspan.offline.otlp import Told
from clearspan.record import Invocation, TraceRef

__all__ = ["items"]


def items(spans: Iterable[Told], details: dict[str, list[Event]], position: int) -> Iterator[Item]:
    """The calls of one trace in the order of their start.

    `details` are log records by the id of the span that they are about. Spans of other conventions
    are none of ours.
    """
    calls: list[Invocation] = []
    for span in spans:
        call = _call(span, (*span.events, *details.get(span.span_id, ())))
        if call is not None:
            calls.append(call)
    inner = Counter(
        call.trace.parent_id
        for call in calls
        if call.trace is not None and call.operation in INFERENCE
    )
    grounding = Grounding()
    for call in calls:
        grounding.saw(call)
    for call in sorted(calls, key=lambda call: call.timing.start_ns):
        trace = call.trace
        if trace is not None:  # pragma: no branch -- `_call` says it of every one
            name = f"{trace.trace_id}:{trace.span_id}"
            # A model call around another one is that one's: both say the same.
            told = dataclasses.replace(
                grounding.grounded(call), inference_calls=inner[trace.span_id]
            )
            yield Item(name, told, trace.trace_id, False, position)


def _call(span: Told, events: Iterable[Event]) -> Invocation | None:
    told = attributes(span.attributes, events)
    if told is None:
        return None
    call = projection.invocation(
        told,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        kind=span.kind,
        failed=span.failed,
        message=span.message,
        trace=TraceRef(span.trace_id, span.span_id, span.parent_id),
    )
    conversation = call.params.get("conversation_id")
    if call.context.session is None and conversation is not None:
        # Programs that are not ours know the conversation, and no session.
        context = dataclasses.replace(call.context, session=str(conversation))
        return dataclasses.replace(call, context=context)
    return call
