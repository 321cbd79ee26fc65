"""Which metric points an Invocation gives: pure tables, no OpenTelemetry.

Attribute sets are closed: operation, provider, models, server, and per metric what the convention
adds. Content, ids and user-given values never reach a metric.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from clearspan import semconv as sc
from clearspan.core import jsonfast
from clearspan.record import Invocation, Operation, Outcome, Usage

__all__ = ["INSTRUMENTS", "Instrument", "Point", "points"]

Vocabulary = Literal["current", "next", "both"]


class Instrument(NamedTuple):
    """What an instrument is; `buckets` are explicit boundaries, `None` for counters."""

    name: str
    kind: str
    unit: str
    buckets: tuple[float, ...] | None
    note: str
    vocabulary: str = "any"


class Point(NamedTuple):
    """One measurement."""

    name: str
    value: float
    attributes: Mapping[str, Any]


def _seconds(
    name: str, note: str, vocabulary: str = "any", buckets: tuple[float, ...] = sc.DURATION_BUCKETS
) -> Instrument:
    return Instrument(name, "histogram", "s", buckets, note, vocabulary)


def _tokens(name: str, note: str) -> Instrument:
    return Instrument(name, "counter", "{token}", None, note, "next")


INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument(sc.METRIC_TOKEN_USAGE, "histogram", "{token}", sc.TOKEN_BUCKETS, "tokens used, by type", "current"),
    _seconds(sc.METRIC_OPERATION_DURATION, "duration of a client operation"),
    _seconds(sc.METRIC_TIME_TO_FIRST_CHUNK, "time to the first chunk of a stream"),
    _seconds(sc.METRIC_TIME_PER_OUTPUT_CHUNK, "pause before each further chunk of a stream"),
    _seconds(sc.METRIC_TIME_TO_FIRST_CONTENT, "time to the first chunk of a stream that has content"),
    _seconds(
        sc.METRIC_SERVER_TIME_TO_FIRST_TOKEN, "time to the first token of a model in this process", "any", sc.FIRST_TOKEN_BUCKETS,
    ),
    _seconds(
        sc.METRIC_SERVER_TIME_PER_OUTPUT_TOKEN, "time per further token of a model in this process", "any", sc.OUTPUT_TOKEN_BUCKETS,
    ),
    _seconds(sc.METRIC_PHASE_DURATION, "duration of a phase of the model's work", "any", sc.PHASE_BUCKETS),
    Instrument(sc.METRIC_DECODE_RATE, "histogram", "{token}/s", sc.RATE_BUCKETS, "output tokens a second while decoding"),
    _seconds(sc.METRIC_EXECUTE_TOOL_DURATION, "duration of a tool's execution"),
    _seconds(sc.METRIC_INVOKE_AGENT_DURATION, "duration of an agent's run", "any", sc.AGENT_BUCKETS),
    _seconds(sc.METRIC_INVOKE_WORKFLOW_DURATION, "duration of a workflow", "any", sc.WORKFLOW_BUCKETS),
    Instrument(
        sc.METRIC_AGENT_INFERENCE_CALLS, "histogram", "{inference_call}", sc.COUNT_BUCKETS, "model calls of one agent's run",
    ),
    Instrument(sc.METRIC_AGENT_TOOL_CALLS, "histogram", "{tool_call}", sc.COUNT_BUCKETS, "tool calls of one agent's run"),
    _seconds(sc.METRIC_INFERENCE_DURATION, "duration of an inference", "next"),
    _seconds(sc.METRIC_INFERENCE_TIME_TO_FIRST_CHUNK, "time to the first chunk of a stream", "next"),
    _seconds(sc.METRIC_INFERENCE_TIME_PER_OUTPUT_CHUNK, "pause before each further chunk of a stream", "next"),
    _tokens(sc.METRIC_INFERENCE_INPUT_TOKENS, "input tokens, by modality"),
    _tokens(sc.METRIC_INFERENCE_OUTPUT_TOKENS, "output tokens, by modality"),
    _tokens(sc.METRIC_INFERENCE_CACHE_READ, "input tokens read from a cache (part of the input)"),
    _tokens(sc.METRIC_INFERENCE_CACHE_WRITE, "input tokens written to a cache (part of the input)"),
    _tokens(sc.METRIC_INFERENCE_REASONING, "reasoning tokens (part of the output)"),
    Instrument(sc.METRIC_INFERENCE_OPERATION_INPUT, "histogram", "{token}", sc.TOKEN_BUCKETS, "input tokens of a call", "next"),
    Instrument(sc.METRIC_INFERENCE_OPERATION_OUTPUT, "histogram", "{token}", sc.TOKEN_BUCKETS, "output tokens of a call", "next"),
)  # fmt: skip
"""Every instrument, with the vocabulary it belongs to (`any` for both)."""

INFERENCE = frozenset({Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT})
_STEPS: dict[str, tuple[str, str]] = {
    Operation.EXECUTE_TOOL: (sc.METRIC_EXECUTE_TOOL_DURATION, sc.TOOL_NAME),
    Operation.INVOKE_AGENT: (sc.METRIC_INVOKE_AGENT_DURATION, sc.AGENT_NAME),
    Operation.INVOKE_WORKFLOW: (sc.METRIC_INVOKE_WORKFLOW_DURATION, sc.WORKFLOW_NAME),
}


def points(record: Invocation, vocabulary: Vocabulary) -> Iterator[Point]:
    """The measurements of one record in the wanted vocabulary."""
    step = _STEPS.get(record.operation)
    if step is not None and record.kind == "internal":
        yield from _step_points(record, *step)
        return
    if record.operation == Operation.TASK:
        return
    base = _base(record)
    failed = {**base, **_failure(record)}
    yield from _phase_points(record, base)
    inference = record.operation in INFERENCE
    if inference and record.inference_calls and record.error is None:
        return  # told by the calls below it: each call's tokens and time count once
    if vocabulary != "next" or not inference:
        yield Point(sc.METRIC_OPERATION_DURATION, record.duration, failed)
    if vocabulary != "next":
        yield from _current_tokens(record.usage, base)
    if vocabulary != "current" and inference:
        yield Point(sc.METRIC_INFERENCE_DURATION, record.duration, failed)
        yield from _next_tokens(record.usage, base, failed)
    if record.kind == "internal":
        yield from _token_points(record, base)
    else:
        yield from _stream_points(record, base, vocabulary if inference else "current")


def _phase_points(record: Invocation, base: dict[str, Any]) -> Iterator[Point]:
    for name, seconds in record.timing.phases.items():
        yield Point(sc.METRIC_PHASE_DURATION, seconds, {**base, sc.PHASE: _sendable(name)})
    if record.timing.decode_rate is not None:
        yield Point(sc.METRIC_DECODE_RATE, record.timing.decode_rate, base)


def _token_points(record: Invocation, base: dict[str, Any]) -> Iterator[Point]:
    """What the convention asks of model servers, successes only: here the process is its own server."""
    first, made = record.timing.first_content, record.usage.output
    if first is None or record.outcome is not Outcome.COMPLETED:
        return
    yield Point(sc.METRIC_SERVER_TIME_TO_FIRST_TOKEN, first, base)
    steps = record.timing.chunks - 1
    if made and steps > 0:
        # By steps, not tokens: the rows of a batch come together.
        rest = (
            sum(record.timing.gaps) if len(record.timing.gaps) == steps else record.duration - first
        )
        yield Point(sc.METRIC_SERVER_TIME_PER_OUTPUT_TOKEN, rest / steps, base)


def _base(record: Invocation) -> dict[str, Any]:
    tier = record.extras.get(sc.OPENAI_RESPONSE_SERVICE_TIER)
    return _attribute_set(
        record.operation,
        record.provider,
        record.model,
        record.response_model,
        record.server_address,
        record.server_port,
        tier if isinstance(tier, str) else None,
    )


_BASE_NAMES = (
    sc.OPERATION_NAME,
    sc.PROVIDER_NAME,
    sc.REQUEST_MODEL,
    sc.RESPONSE_MODEL,
    sc.SERVER_ADDRESS,
    sc.SERVER_PORT,
    sc.OPENAI_RESPONSE_SERVICE_TIER,
)


@lru_cache(maxsize=1024)
def _attribute_set(*values: Any) -> dict[str, Any]:
    return {
        name: _sendable(value)
        for name, value in zip(_BASE_NAMES, values, strict=True)
        if value is not None
    }


def _failure(record: Invocation) -> dict[str, Any]:
    return {} if record.error is None else {sc.ERROR_TYPE: _sendable(record.error.type)}


def _sendable(value: Any) -> Any:
    """A text that UTF-8 can hold: one that it cannot would be lost on the way, at every export."""
    return jsonfast.valid(value) if isinstance(value, str) else value


def _step_points(record: Invocation, metric: str, name_attribute: str) -> Iterator[Point]:
    found: dict[str, Any] = {name_attribute: _sendable(record.name)} if record.name else {}
    if record.operation == Operation.INVOKE_AGENT:
        yield Point(sc.METRIC_AGENT_INFERENCE_CALLS, record.inference_calls, dict(found))
        yield Point(sc.METRIC_AGENT_TOOL_CALLS, record.tool_calls, dict(found))
    if record.operation == Operation.EXECUTE_TOOL:
        found[sc.TOOL_TYPE] = _sendable(record.params.get("tool_type", "function"))
        if isinstance(agent := record.extras.get(sc.AGENT_NAME), str):
            found[sc.AGENT_NAME] = _sendable(agent)
    elif record.operation == Operation.INVOKE_AGENT and record.model:
        found[sc.REQUEST_MODEL] = _sendable(record.model)
    yield Point(metric, record.duration, {**found, **_failure(record)})


def _current_tokens(usage: Usage, base: dict[str, Any]) -> Iterator[Point]:
    for kind, value in (("input", usage.input), ("output", usage.output)):
        if value is not None:
            yield Point(sc.METRIC_TOKEN_USAGE, value, {**base, sc.TOKEN_TYPE: kind})


def _next_tokens(usage: Usage, base: dict[str, Any], failed: dict[str, Any]) -> Iterator[Point]:
    inputs = {"text": usage.text_input, "image": usage.image_input, "audio": usage.audio_input}
    outputs = {"text": usage.text_output, "image": usage.image_output, "audio": usage.audio_output}
    yield from _by_modality(sc.METRIC_INFERENCE_INPUT_TOKENS, usage.input, inputs, base)
    yield from _by_modality(sc.METRIC_INFERENCE_OUTPUT_TOKENS, usage.output, outputs, base)
    unknown = {**base, sc.TOKEN_MODALITY: "unknown"}
    for metric, value in (
        (sc.METRIC_INFERENCE_CACHE_READ, usage.cache_read),
        (sc.METRIC_INFERENCE_CACHE_WRITE, usage.cache_write),
        (sc.METRIC_INFERENCE_REASONING, usage.reasoning),
    ):
        if value is not None:
            yield Point(metric, value, unknown)
    for metric, value in (
        (sc.METRIC_INFERENCE_OPERATION_INPUT, usage.input),
        (sc.METRIC_INFERENCE_OPERATION_OUTPUT, usage.output),
    ):
        if value is not None:
            yield Point(metric, value, failed)


def _by_modality(
    metric: str, total: int | None, parts: dict[str, int | None], base: dict[str, Any]
) -> Iterator[Point]:
    """The total split by what is known of it; what is left over is of unknown modality.

    The convention wants a zero of unknown modality where no usage came back: the counter then tells
    of the call without claiming tokens.
    """
    known = {modality: count for modality, count in parts.items() if count}
    for modality, count in known.items():
        yield Point(metric, count, {**base, sc.TOKEN_MODALITY: modality})
    rest = (total or 0) - sum(known.values())
    if rest > 0 or not known:
        yield Point(metric, max(0, rest), {**base, sc.TOKEN_MODALITY: "unknown"})


def _stream_points(record: Invocation, base: dict[str, Any], vocabulary: str) -> Iterator[Point]:
    timing = record.timing
    if timing.first_chunk is None or record.outcome is Outcome.ABANDONED:
        return
    for first, gap, wanted in (
        (sc.METRIC_TIME_TO_FIRST_CHUNK, sc.METRIC_TIME_PER_OUTPUT_CHUNK, vocabulary != "next"),
        (
            sc.METRIC_INFERENCE_TIME_TO_FIRST_CHUNK,
            sc.METRIC_INFERENCE_TIME_PER_OUTPUT_CHUNK,
            vocabulary != "current",
        ),
    ):
        if wanted:
            yield Point(first, timing.first_chunk, base)
            for pause in timing.gaps:
                yield Point(gap, pause, base)
    if timing.first_content is not None:
        yield Point(sc.METRIC_TIME_TO_FIRST_CONTENT, timing.first_content, base)
