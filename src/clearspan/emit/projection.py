"""Pure tables between an Invocation and attributes, in both directions.

The rows, one for each attribute, are in `rows`. They serve spans and events, and the way back, so that
the stored spans of any program that follows the GenAI conventions can be read as Invocations.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from clearspan import semconv as sc
from clearspan.core import jsonfast, known, read
from clearspan.core.marks import cut
from clearspan.draft import Draft
from clearspan.emit import names
from clearspan.emit.rows import INT64, ROWS, SEVERAL, Row, text
from clearspan.record import (
    OTHER,
    CallContext,
    Confidence,
    Cost,
    ErrorInfo,
    Gaps,
    HardwareUse,
    Invocation,
    Operation,
    Outcome,
    Timing,
    TraceRef,
    Usage,
)

__all__ = [
    "ROWS",
    "Row",
    "attributes",
    "event_attributes",
    "invocation",
    "span_name",
    "start_attributes",
]

_MAPS = ((sc.METADATA, "metadata"), (sc.VARIANT, "variant"), (sc.PROMPT_VARIABLE, "variables"))
_FIELDS = ("input_value", "output_value")
_CONTENT = (
    ("input", sc.INPUT_MESSAGES),
    ("output", sc.OUTPUT_MESSAGES),
    ("system", sc.SYSTEM_INSTRUCTIONS),
    ("tools", sc.TOOL_DEFINITIONS),
)
_MAX_NAME = 1_024
_SHORT = 256
# Facts that are words and no texts, though not in a row of their own; groups of rows of which the policy cut the texts.
_WORDS = ("code.", "openai.")
_LONG = ("context", "error")
_MAPPED = ("params", "phases")


def _held(group: str, rows: tuple[Row, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """What tells the values of all rows of a group at a stroke."""
    keys = [row.key for row in rows]
    if group in _MAPPED:
        return lambda place: tuple(map(place.get, keys))
    return attrgetter(*keys, keys[0])  # two at least, or the answer were no tuple


_GROUPS = [
    (group, rows, _held(group, rows))
    for group, rows in ((group, tuple(rows)) for group, rows in itertools.groupby(ROWS, attrgetter("group")))
]  # fmt: skip
_NUMBERS = (int, float, bool)
_PLAINLY = (float, bool)
_MAX_LIST = 65_536
"""Characters of all texts of a list together, or that many numbers."""
# Facts that are content: tokens of the answer, what a prompt was filled with.
_SPOKEN = (sc.LOGPROBS, sc.PROMPT_VARIABLE)
# Names of older versions of the conventions, which many programs still write.
_ALIASES = {
    "gen_ai.system": sc.PROVIDER_NAME,
    "gen_ai.usage.cache_creation.input_tokens": sc.USAGE_CACHE_WRITE,
    "gen_ai.usage.prompt_tokens": sc.USAGE_INPUT_TOKENS,
    "gen_ai.usage.completion_tokens": sc.USAGE_OUTPUT_TOKENS,
}
_VALUES: dict[str, tuple[str, str]] = {
    Operation.EXECUTE_TOOL: (sc.TOOL_CALL_ARGUMENTS, sc.TOOL_CALL_RESULT),
    Operation.RETRIEVAL: (sc.RETRIEVAL_QUERY_TEXT, sc.RETRIEVAL_DOCUMENTS),
}
_PLAIN = (sc.RETRIEVAL_QUERY_TEXT,)  # a string by the convention, whatever it says
_NAMES: dict[str, str] = {
    Operation.EXECUTE_TOOL: sc.TOOL_NAME,
    Operation.INVOKE_AGENT: sc.AGENT_NAME,
    Operation.INVOKE_WORKFLOW: sc.WORKFLOW_NAME,
    Operation.RETRIEVAL: sc.DATA_SOURCE_ID,
}


def _value_names(operation: str) -> tuple[str, str]:
    return _VALUES.get(operation, (sc.INPUT, sc.OUTPUT))


def span_name(operation: str, model: str | None, name: str | None) -> str:
    """`{operation} {model}` for model calls, `{operation} {name}` for the rest, a step's bare name."""
    subject = name if operation in _NAMES or operation == Operation.TASK else model or name
    if not subject:
        return operation
    if type(subject) is str and len(subject) <= _SHORT:
        return _short_name(operation, subject, known.generation())
    return _told_name(operation, subject)


def _told_name(operation: str, subject: str) -> str:
    told = jsonfast.valid(names.begun(subject, _MAX_NAME))
    return told if operation == Operation.TASK else f"{operation} {told}"


@functools.lru_cache(maxsize=256)
def _short_name(operation: str, subject: str, generation: int) -> str:
    """The same as long as the same keys are known: programs ask the same few models again and again."""
    del generation
    return _told_name(operation, subject)


def start_attributes(draft: Draft) -> dict[str, Any]:
    """What a sampler may decide on: set when the span starts, and set anew when all of it is clean."""
    found: dict[str, Any] = {sc.OPERATION_NAME: draft.operation}
    if draft.provider:
        found[sc.PROVIDER_NAME] = draft.provider
    if draft.model:
        found[sc.REQUEST_MODEL] = names.begun(draft.model, _MAX_NAME)
    if draft.server_address:
        found[sc.SERVER_ADDRESS] = draft.server_address
        if draft.server_port is not None:
            found[sc.SERVER_PORT] = draft.server_port
    if draft.name:
        found[_NAMES.get(draft.operation, sc.STEP_NAME)] = names.begun(draft.name, _MAX_NAME)
        if draft.operation == Operation.EXECUTE_TOOL:
            found[sc.TOOL_TYPE] = draft.params.get("tool_type", "function")
    return {name: _sendable(_bounded(value, content=False)) for name, value in found.items()}


def attributes(record: Invocation, *, content: bool = True) -> dict[str, Any]:
    """The span attributes of a record; content as JSON text, absent facts absent."""
    found = _facts(record)
    if not content:
        return {name: value for name, value in found.items() if not name.startswith(_SPOKEN)}
    for field, name in _CONTENT:
        if getattr(record, field):
            found[name] = record.encoded.get(field) or jsonfast.dumps(list(getattr(record, field)))
    for name, field in zip(_value_names(record.operation), _FIELDS, strict=True):
        value = getattr(record, field)
        if value is not None:
            found[name] = _as_text(value, name, record.encoded.get(field))
    return found


def event_attributes(record: Invocation) -> dict[str, Any]:
    """The attributes of the details event: the same facts, content as structured values."""
    found = _facts(record)
    for field, name in _CONTENT:
        if getattr(record, field):
            found[name] = list(getattr(record, field))
    for name, value in zip(
        _value_names(record.operation), (record.input_value, record.output_value), strict=True
    ):
        if value is not None:
            found[name] = value
    return found


def _facts(record: Invocation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.extras.items():
        if _is_plain(name) and (
            type(value) in _PLAINLY or (type(value) is str and _is_plain(value))
        ):
            found[name] = value
            continue
        # The others are as long as content may be: the policy cut them.
        found[_named(name, found)] = _sendable(_bounded(value, content=not name.startswith(_WORDS)))
    places: dict[str, Any] = {
        "": record, "params": record.params, "usage": record.usage, "timing": record.timing, "phases": record.timing.phases,
        "gaps": record.timing.gaps, "error": record.error, "context": record.context,
        "cost": record.cost, "confidence": record.confidence, "hardware": record.hardware,
    }  # fmt: skip
    for group, rows, held in _GROUPS:
        place = places[group]
        if not place:  # nothing was asked for, or measured: no row of it says anything
            continue
        for row, value in zip(rows, held(place), strict=False):
            if value is None:
                continue
            # Most texts are plain, and stay as they are.
            if type(value) is str and row.type is text and 0 < len(value) <= _MAX_NAME and value.isascii():  # fmt: skip
                found[row.name] = value
            elif (typed := row.type(value)) is not None:
                plain = type(typed) in _NUMBERS
                found[row.name] = typed if plain else _bounded(typed, content=group in _LONG)
    _context_facts(record, found)
    if record.name:
        found[_NAMES.get(record.operation, sc.STEP_NAME)] = jsonfast.valid(_short(record.name))
    if record.operation == Operation.EXECUTE_TOOL:
        found[sc.TOOL_TYPE] = _sendable(record.params.get("tool_type", "function"))
    if record.outcome not in (Outcome.COMPLETED, Outcome.FAILED):
        found[sc.OUTCOME] = str(record.outcome)
    if record.usage.source != "reported":
        found[sc.USAGE_SOURCE] = _sendable(record.usage.source)
    return found


def _is_plain(value: str) -> bool:
    return 0 < len(value) <= _MAX_NAME and value.isascii()


def _context_facts(record: Invocation, found: dict[str, Any]) -> None:
    context = record.context
    for prefix, field in _MAPS:
        for key, value in getattr(context, field).items():
            found[_named(prefix + key, found)] = _sendable(value)
    if context.prompt is not None:
        found[sc.PROMPT_NAME] = _sendable(context.prompt[0])
        if context.prompt[1] is not None:
            found[sc.PROMPT_VERSION] = _sendable(context.prompt[1])
    if sc.SESSION_ID in found:
        found.setdefault(sc.CONVERSATION_ID, found[sc.SESSION_ID])


def _sendable(value: Any) -> Any:
    """What the wire can hold: valid UTF-8 and 64 bits; else it would cost a whole batch of spans."""
    if isinstance(value, str):
        return jsonfast.valid(value)
    if isinstance(value, (list, tuple)):
        return [_sendable(item) for item in value]
    if isinstance(value, int) and not -INT64 <= value < INT64:
        return str(read.plain(value))  # of one that Python refuses to print, its size
    return value


def _short(name: str) -> str:
    """A name, an id, a word of a server's: what is longer than any of them should be is cut."""
    return cut(name, _MAX_NAME)


def _bounded(value: Any, *, content: bool) -> Any:
    """A fact without what no reader of it could want: very long words, and very many of them."""
    if isinstance(value, str):
        return value if content else _short(value)
    if not isinstance(value, (list, tuple)):
        return value
    left, kept = _MAX_LIST, list[Any]()
    for item in value:
        told = _bounded(item, content=False)
        left -= len(told) + 1 if isinstance(told, str) else 1
        if left < 0:
            break
        kept.append(told)
    missing = len(value) - len(kept)
    if missing and all(
        isinstance(item, str) for item in kept
    ):  # of numbers there may be none but numbers
        kept.append(f"... {missing} more")
    return kept


def _named(name: str, found: dict[str, Any]) -> str:
    """The name of an attribute, as it may be sent. One that was cut is not that of another."""
    short = jsonfast.valid(_short(name))
    return short if short is name or short not in found else f"{short}{len(found)}"


def _as_text(value: Any, name: str, encoded: str | None) -> str:
    """Text as it is, everything else as JSON, which may be `encoded` already; text that would read as JSON is quoted."""
    if isinstance(value, str) and (name in _PLAIN or jsonfast.loads(value) is value):
        return jsonfast.valid(value)
    return encoded or jsonfast.dumps(value)


# -- the way back ----------------------------------------------------------------------------


def invocation(
    attributes: Mapping[str, Any],
    *,
    start_ns: int = 0,
    end_ns: int = 0,
    kind: str = "client",
    failed: bool = False,
    trace: TraceRef | None = None,
    message: str | None = None,
) -> Invocation:
    """The record that a span's attributes tell of, whoever wrote them.

    `failed` is the span's status and `message` its description. Attributes without a row of their
    own are kept in `extras`.
    """
    rest = {_ALIASES.get(name, name): value for name, value in attributes.items()}
    groups: dict[str, dict[str, Any]] = {row.group: {} for row in ROWS}
    for row in ROWS:
        if row.name in rest and (value := row.type(rest.pop(row.name))) is not None:
            groups[row.group][row.key] = (
                tuple(value) if row.type in SEVERAL and row.group != "params" else value
            )
    facts = groups[""]
    operation = facts.pop("operation", str(Operation.TASK))
    context = _take_context(rest, groups)
    values = _take_content(rest, operation)
    ended = _OUTCOMES.get(text(rest.pop(sc.OUTCOME, None)))
    name = text(rest.pop(_NAMES.get(operation, sc.STEP_NAME), None))
    if operation == Operation.EXECUTE_TOOL:
        tool_type = text(rest.pop(sc.TOOL_TYPE, None))
        if tool_type not in (None, "function"):
            groups["params"]["tool_type"] = tool_type
    error_type = groups["error"].get("type") or (OTHER if failed else None)
    return Invocation(
        operation=operation,
        timing=Timing(
            start_ns,
            end_ns,
            **groups["timing"],
            phases=groups["phases"],
            gaps=Gaps(**groups["gaps"]),
        ),
        trace=trace,
        kind=kind,
        name=name,
        params=groups["params"],
        usage=Usage(**groups["usage"], source=text(rest.pop(sc.USAGE_SOURCE, None)) or "reported"),
        outcome=ended or (Outcome.FAILED if failed else Outcome.COMPLETED),
        error=ErrorInfo(error_type, message) if error_type else None,
        context=context,
        extras=rest,
        **_numbers(groups),
        **values,
        **facts,
    )


def _numbers(groups: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The groups that are there as a whole or not at all."""
    cost, confidence, hardware = groups["cost"], groups["confidence"], groups["hardware"]
    return {
        "cost": Cost(**cost) if "total" in cost else None,
        "confidence": Confidence(**confidence) if "tokens" in confidence else None,
        "hardware": HardwareUse(**hardware) if hardware else None,
    }


_OUTCOMES: dict[str | None, Outcome] = {outcome.value: outcome for outcome in Outcome}


def _take_context(rest: dict[str, Any], groups: dict[str, dict[str, Any]]) -> CallContext:
    maps: dict[str, Any] = {}
    for prefix, field in _MAPS:
        names = [
            name for name, value in rest.items() if name.startswith(prefix) and type(value) is str
        ]
        maps[field] = {name[len(prefix) :]: rest.pop(name) for name in names}
    prompt = text(rest.pop(sc.PROMPT_NAME, None))
    version = None if prompt is None else text(rest.pop(sc.PROMPT_VERSION, None))
    found = groups["context"]
    if (
        found.get("session") is not None
        and groups["params"].get("conversation_id") == found["session"]
    ):
        del groups["params"]["conversation_id"]  # it was the session that named the conversation
    return CallContext(prompt=None if prompt is None else (prompt, version), **maps, **found)


def _take_content(rest: dict[str, Any], operation: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field, name in _CONTENT:
        found = jsonfast.loads(rest.get(name))
        if isinstance(found, (list, tuple)) and all(isinstance(item, dict) for item in found):
            values[field] = tuple(found)
            del rest[name]
    for field, name in zip(_FIELDS, _value_names(operation), strict=True):
        if name in rest:
            value = rest.pop(name)
            values[field] = value if name in _PLAIN else jsonfast.loads(value)
    return values
