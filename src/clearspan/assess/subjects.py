"""What the bench has to know of what it judges: where its score belongs, how it is drawn, what it weighs."""

from __future__ import annotations

from dataclasses import replace

from clearspan.assess.evaluator import Subject
from clearspan.assess.grounding import Grounding
from clearspan.conversation import Conversation
from clearspan.core.weight import weigh
from clearspan.record import Invocation
from clearspan.score import Target

__all__ = ["first_of", "grounded", "target_of", "weight_of"]

_RECORD_WEIGHT = 1_024


def grounded(grounding: Grounding, call: Invocation) -> Invocation:
    """`call` with what it was to rest on, which later calls of its trace rest on as well."""
    grounding.saw(call)
    told = call.context
    if told.documents or told.references:
        call = replace(
            call,
            documents=call.documents or told.documents,
            references=call.references or told.references,
        )
    return grounding.grounded(call)


def first_of(subject: Subject) -> Invocation | None:
    """The call whose session or trace is drawn."""
    if isinstance(subject, Conversation):
        return subject.calls[0] if subject.calls else None
    return subject


def target_of(subject: Subject) -> Target:
    """What its score is about."""
    if isinstance(subject, Conversation):
        return Target(trace=subject.trace, session=subject.context.session, level=subject.level)
    return Target(
        trace=subject.trace,
        response_id=subject.response_id,
        session=subject.context.session,
        level="call",
        operation=subject.operation,
        provider=subject.provider,
        model=subject.response_model or subject.model,
    )


def weight_of(call: Invocation) -> int:
    """About how many bytes a call keeps alive."""
    if call.encoded:
        content = sum(map(len, call.encoded.values()))
    else:
        content = weigh((call.input, call.output, call.system, call.input_value, call.output_value))
    return _RECORD_WEIGHT + content + weigh((call.context.documents, call.context.references))
