"""What the bench has to know of what it judges: where its score belongs, how it is drawn, what it weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from sys import getsizeof
from typing import Any

from clearspan.assess.evaluator import INFERENCE, Evaluator, Subject
from clearspan.assess.grounding import Grounding
from clearspan.conversation import Conversation
from clearspan.record import Invocation, Operation
from clearspan.score import Target

__all__ = ["concerns", "first_of", "grounded", "lent", "own", "target_of", "weight_of"]

_RECORD_WEIGHT = 1_024
_ITEM = 32
_LOOKED = 8
_NUMBERS = (int, float, bool, type(None))
_DEEP = 32
_CONTENT = (
    "params", "input", "output", "system", "tools", "input_value", "output_value", "extras", "encoded",
)  # fmt: skip
_CONTAINERS = (dict, list, tuple, set)
_LABELS = ("metadata", "variant", "variables")


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


def concerns(made: Evaluator, call: Invocation) -> bool:
    """Whether `made` judges such calls; one that was done by calls below it is judged there."""
    if call.inference_calls and call.operation in INFERENCE:
        return False
    return made.operations is None or call.operation in made.operations


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


def lent(call: Invocation) -> tuple[str, ...]:
    """The documents that `call` was given by others; those of a retrieval are its own answer."""
    return () if call.operation == Operation.RETRIEVAL else call.documents


def weight_of(subject: Subject) -> int:
    """About how many bytes a call or conversation keeps alive, but for the documents that were `lent` to a call:
    they are shared with others, and counted by whoever knows those. In a conversation they are in it, each once.
    """
    if isinstance(subject, Conversation):
        texts = {text for call in subject.calls for text in lent(call)}
        return sum(map(weight_of, subject.calls)) + sum(map(getsizeof, texts))
    call = subject
    if call.encoded:
        # The messages hold the same text once more, and weigh no less for being objects.
        content = 2 * sum(map(getsizeof, call.encoded.values()))
    else:
        content = _size((call.input, call.output, call.system, call.input_value, call.output_value))
    return _RECORD_WEIGHT + content + _size((call.context.documents, call.context.references))


def _size(value: Any) -> int:
    """About how many bytes plain data weigh, each object once: texts exactly, lists of numbers by their length."""
    total, known = 0, set[int]()
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, (str, bytes)):
            total += getsizeof(each)
        elif not isinstance(each, (dict, list, tuple)):
            total += _ITEM
        elif id(each) not in known:
            known.add(id(each))
            items: Sequence[Any] = list(each.values()) if isinstance(each, dict) else each
            total += getsizeof(each)
            if all(type(item) in _NUMBERS for item in items[:_LOOKED]):
                total += _ITEM * len(items)
            else:
                left.extend(items)
    return total


def own(subject: Subject) -> Subject:
    """`subject` for one evaluator alone: whatever it does to its messages, nobody else sees.

    Lists, dicts and sets of plain data are copied; texts, which nobody can change, are shared, and so are
    objects of other kinds.
    """
    if isinstance(subject, Conversation):
        return replace(subject, calls=tuple(map(_own_call, subject.calls)))
    return _own_call(subject)


def _own_call(call: Invocation) -> Invocation:
    labels = {name: _own(getattr(call.context, name), {}) for name in _LABELS}
    content = {name: _own(getattr(call, name), {}) for name in _CONTENT}
    return replace(call, context=replace(call.context, **labels), **content)


def _own(value: Any, made: dict[int, Any], depth: int = _DEEP) -> Any:
    """A copy of the containers in `value`; `made` are those met before, so that circles stay what they are."""
    kind = type(value)
    if kind not in _CONTAINERS or depth == 0:
        return value
    if id(value) in made:
        return made[id(value)]
    if kind is tuple:
        made[id(value)] = copied = tuple([_own(item, made, depth - 1) for item in value])
        return copied
    copy: Any = kind(value)
    made[id(value)] = copy
    if kind is not set:
        for key, item in value.items() if kind is dict else enumerate(value):
            if type(item) in _CONTAINERS:
                copy[key] = _own(item, made, depth - 1)
    return copy
