"""Pure tables between an Invocation and attributes, in both directions.

Every attribute is one row: its name, where it stands in the Invocation, and its type on the wire.
The same rows serve spans and events, and the way back, so that the stored spans of any program that
follows the GenAI conventions can be read as Invocations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from clearspan import semconv as sc
from clearspan.core import jsonfast, read
from clearspan.draft import Draft
from clearspan.record import (
    CallContext,
    ErrorInfo,
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


_INT64 = 2**63


def _whole(value: Any) -> int | None:
    """A whole number that an attribute can hold: 64 bits on the wire."""
    exact = int(value) if isinstance(value, float) and value.is_integer() else read.whole(value)
    return exact if exact is not None and -_INT64 <= exact < _INT64 else None


def _double(value: Any) -> float | None:
    return read.number(value)


def _text(value: Any) -> str | None:
    found = read.text(value)
    return None if found is None else jsonfast.valid(found)


def _flag(value: Any) -> bool | None:
    return value is True or None


def _texts(value: Any) -> list[str] | None:
    found = ([value] if value else []) if isinstance(value, str) else read.items(value)
    return [jsonfast.valid(item) for item in found if isinstance(item, str)] or None


class Row(NamedTuple):
    """One attribute: its name, its place (`group.key`), its type, and what it tells."""

    name: str
    group: str
    key: str
    type: Callable[[Any], Any]
    note: str


ROWS: tuple[Row, ...] = (
    Row(sc.OPERATION_NAME, "", "operation", _text, "what was done"),
    Row(sc.PROVIDER_NAME, "", "provider", _text, "who answered, by client class and host"),
    Row(sc.SERVER_ADDRESS, "", "server_address", _text, "host of the base URL"),
    Row(sc.SERVER_PORT, "", "server_port", _whole, "port of the base URL"),
    Row(sc.REQUEST_MODEL, "", "model", _text, "model asked for"),
    Row(sc.RESPONSE_MODEL, "", "response_model", _text, "model that answered"),
    Row(sc.RESPONSE_ID, "", "response_id", _text, "id of the answer"),
    Row(sc.RESPONSE_FINISH_REASONS, "", "finish_reasons", _texts, "one for each choice, in the provider's words"),
    Row(sc.REQUEST_TEMPERATURE, "params", "temperature", _double, "as asked"),
    Row(sc.REQUEST_TOP_P, "params", "top_p", _double, "as asked"),
    Row(sc.REQUEST_TOP_K, "params", "top_k", _whole, "as asked"),
    Row(sc.REQUEST_MAX_TOKENS, "params", "max_tokens", _whole, "as asked"),
    Row(sc.REQUEST_FREQUENCY_PENALTY, "params", "frequency_penalty", _double, "as asked"),
    Row(sc.REQUEST_PRESENCE_PENALTY, "params", "presence_penalty", _double, "as asked"),
    Row(sc.REQUEST_SEED, "params", "seed", _whole, "as asked"),
    Row(sc.REQUEST_CHOICE_COUNT, "params", "choice_count", lambda value: None if value == 1 else _whole(value), "as asked, when it is not 1"),
    Row(sc.REQUEST_STOP_SEQUENCES, "params", "stop_sequences", _texts, "as asked"),
    Row(sc.REQUEST_STREAM, "params", "stream", _flag, "true for a stream, absent otherwise"),
    Row(sc.REQUEST_STREAM_CURSOR, "params", "stream_cursor", _text, "where a fetched stream resumes"),
    Row(sc.REQUEST_REASONING_LEVEL, "params", "reasoning_level", _text, "as asked"),
    Row(sc.REQUEST_PREVIOUS_RESPONSE_ID, "params", "previous_response_id", _text, "as asked"),
    Row(sc.REQUEST_ENCODING_FORMATS, "params", "encoding_formats", _texts, "as asked"),
    Row(sc.OUTPUT_TYPE, "params", "output_type", _text, "text, json, image or speech, when a format was asked for"),
    Row(sc.CONVERSATION_ID, "params", "conversation_id", _text, "of the API, or the application's session"),
    Row(sc.RETRIEVAL_TOP_K, "params", "retrieval_top_k", _whole, "how many documents were asked for"),
    Row(sc.USAGE_INPUT_TOKENS, "usage", "input", _whole, "all input tokens, cached ones included"),
    Row(sc.USAGE_OUTPUT_TOKENS, "usage", "output", _whole, "all output tokens, reasoning included"),
    Row(sc.USAGE_CACHE_READ, "usage", "cache_read", _whole, "part of the input read from a cache"),
    Row(sc.USAGE_CACHE_WRITE, "usage", "cache_write", _whole, "part of the input written to a cache"),
    Row(sc.USAGE_REASONING, "usage", "reasoning", _whole, "part of the output that was reasoning"),
    Row(sc.USAGE_TEXT_INPUT, "usage", "text_input", _whole, "part of the input that was text"),
    Row(sc.USAGE_IMAGE_INPUT, "usage", "image_input", _whole, "part of the input that was images"),
    Row(sc.USAGE_AUDIO_INPUT, "usage", "audio_input", _whole, "part of the input that was audio"),
    Row(sc.USAGE_TEXT_OUTPUT, "usage", "text_output", _whole, "part of the output that was text"),
    Row(sc.USAGE_IMAGE_OUTPUT, "usage", "image_output", _whole, "part of the output that was images"),
    Row(sc.USAGE_AUDIO_OUTPUT, "usage", "audio_output", _whole, "part of the output that was audio"),
    Row(sc.RESPONSE_TIME_TO_FIRST_CHUNK, "timing", "first_chunk", _double, "seconds from the call to the first chunk"),
    Row(sc.TIME_TO_FIRST_CONTENT, "timing", "first_content", _double, "seconds from the call to the first chunk with content"),
    Row(sc.CHUNK_COUNT, "timing", "chunks", lambda value: _whole(value) or None, "chunks of a stream"),
    *(
        Row(f"{sc.PHASE}.{name}", "phases", name, _double, f"seconds of the work that were `{name}`, as whoever ran the model tells")
        for name in sc.PHASES
    ),
    Row(sc.DECODE_RATE, "timing", "decode_rate", _double, "output tokens a second while decoding"),
    Row(sc.ERROR_TYPE, "error", "type", _text, "the provider's error code, else the exception's class"),
    Row(sc.SESSION_ID, "context", "session", _text, "from `clearspan.context`"),
    Row(sc.USER_ID, "context", "user", _text, "from `clearspan.context`"),
    Row(sc.TAGS, "context", "tags", _texts, "from `clearspan.context`"),
)  # fmt: skip

_MAPS = ((sc.METADATA, "metadata"), (sc.VARIANT, "variant"), (sc.PROMPT_VARIABLE, "variables"))
_CONTENT = (
    ("input", sc.INPUT_MESSAGES),
    ("output", sc.OUTPUT_MESSAGES),
    ("system", sc.SYSTEM_INSTRUCTIONS),
    ("tools", sc.TOOL_DEFINITIONS),
)
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


def _name_attribute(operation: str) -> str:
    return _NAMES.get(operation, sc.STEP_NAME)


def span_name(operation: str, model: str | None, name: str | None) -> str:
    """`{operation} {model}` for model calls, `{operation} {name}` for the rest, a step's bare name."""
    subject = name if operation in _NAMES or operation == Operation.TASK else model or name
    if operation == Operation.TASK and subject:
        return jsonfast.valid(subject)
    return jsonfast.valid(f"{operation} {subject}") if subject else operation


def start_attributes(draft: Draft) -> dict[str, Any]:
    """What a sampler may decide on: set when the span starts."""
    found: dict[str, Any] = {sc.OPERATION_NAME: draft.operation}
    if draft.provider:
        found[sc.PROVIDER_NAME] = draft.provider
    if draft.model:
        found[sc.REQUEST_MODEL] = draft.model
    if draft.server_address:
        found[sc.SERVER_ADDRESS] = draft.server_address
        if draft.server_port is not None:
            found[sc.SERVER_PORT] = draft.server_port
    if draft.name:
        found[_name_attribute(draft.operation)] = draft.name
        if draft.operation == Operation.EXECUTE_TOOL:
            found[sc.TOOL_TYPE] = draft.params.get("tool_type", "function")
    return {name: _sendable(value) for name, value in found.items()}


def attributes(record: Invocation, *, content: bool = True) -> dict[str, Any]:
    """The span attributes of a record; content as JSON text, absent facts absent."""
    found = _facts(record)
    if not content:
        return {name: value for name, value in found.items() if not name.startswith(_SPOKEN)}
    for field, name in _CONTENT:
        if getattr(record, field):
            found[name] = record.encoded.get(field) or jsonfast.dumps(list(getattr(record, field)))
    for name, value in zip(
        _value_names(record.operation), (record.input_value, record.output_value), strict=True
    ):
        if value is not None:
            found[name] = _as_text(value, name)
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
    found = {jsonfast.valid(name): _sendable(value) for name, value in record.extras.items()}
    places: dict[str, Any] = {
        "usage": record.usage, "timing": record.timing, "error": record.error, "context": record.context,
    }  # fmt: skip
    maps = {"params": record.params, "phases": record.timing.phases}
    for row in ROWS:
        if row.group in maps:
            value = maps[row.group].get(row.key)
        else:
            value = getattr(places[row.group] if row.group else record, row.key, None)
        if value is not None and (typed := row.type(value)) is not None:
            found[row.name] = typed
    _context_facts(record, found)
    if record.name:
        found[_name_attribute(record.operation)] = jsonfast.valid(record.name)
    if record.operation == Operation.EXECUTE_TOOL:
        found[sc.TOOL_TYPE] = _sendable(record.params.get("tool_type", "function"))
    if record.outcome not in (Outcome.COMPLETED, Outcome.FAILED):
        found[sc.OUTCOME] = str(record.outcome)
    if record.usage.source != "reported":
        found[sc.USAGE_SOURCE] = _sendable(record.usage.source)
    return found


def _context_facts(record: Invocation, found: dict[str, Any]) -> None:
    context = record.context
    for prefix, field in _MAPS:
        for key, value in getattr(context, field).items():
            found[prefix + jsonfast.valid(key)] = _sendable(value)
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
    return str(value) if isinstance(value, int) and not -_INT64 <= value < _INT64 else value


def _as_text(value: Any, name: str) -> str:
    """Text as it is, everything else as JSON; text that would read as JSON is quoted."""
    if isinstance(value, str) and (name in _PLAIN or jsonfast.loads(value) is value):
        return jsonfast.valid(value)
    return jsonfast.dumps(value)


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
    groups: dict[str, dict[str, Any]] = {
        "": {},
        "params": {},
        "usage": {},
        "timing": {},
        "phases": {},
        "error": {},
        "context": {},
    }
    for row in ROWS:
        if row.name in rest and (value := row.type(rest.pop(row.name))) is not None:
            groups[row.group][row.key] = (
                tuple(value) if row.type is _texts and row.group != "params" else value
            )
    facts = groups[""]
    operation = facts.pop("operation", str(Operation.TASK))
    context = _take_context(rest, groups)
    values = _take_content(rest, operation)
    ended = _OUTCOMES.get(_text(rest.pop(sc.OUTCOME, None)))
    name = _text(rest.pop(_name_attribute(operation), None))
    if operation == Operation.EXECUTE_TOOL:
        tool_type = _text(rest.pop(sc.TOOL_TYPE, None))
        if tool_type not in (None, "function"):
            groups["params"]["tool_type"] = tool_type
    error_type = groups["error"].get("type") or (_OTHER if failed else None)
    return Invocation(
        operation=operation,
        timing=Timing(start_ns, end_ns, **groups["timing"], phases=groups["phases"]),
        trace=trace,
        kind=kind,
        name=name,
        params=groups["params"],
        usage=Usage(**groups["usage"], source=_text(rest.pop(sc.USAGE_SOURCE, None)) or "reported"),
        outcome=ended or (Outcome.FAILED if failed else Outcome.COMPLETED),
        error=ErrorInfo(error_type, message) if error_type else None,
        context=context,
        extras=rest,
        **values,
        **facts,
    )


_OUTCOMES: dict[str | None, Outcome] = {outcome.value: outcome for outcome in Outcome}
_OTHER = "_OTHER"  # what the convention says of an error that nobody named


def _take_context(rest: dict[str, Any], groups: dict[str, dict[str, Any]]) -> CallContext:
    maps: dict[str, Any] = {}
    for prefix, field in _MAPS:
        names = [
            name for name, value in rest.items() if name.startswith(prefix) and type(value) is str
        ]
        maps[field] = {name[len(prefix) :]: rest.pop(name) for name in names}
    prompt = _text(rest.pop(sc.PROMPT_NAME, None))
    version = None if prompt is None else _text(rest.pop(sc.PROMPT_VERSION, None))
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
    for field, name in zip(("input_value", "output_value"), _value_names(operation), strict=True):
        if name in rest:
            value = rest.pop(name)
            values[field] = value if name in _PLAIN else jsonfast.loads(value)
    return values
