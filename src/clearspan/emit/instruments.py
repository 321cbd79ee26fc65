"""Every instrument: its name, unit, boundaries and vocabulary. A table, no OpenTelemetry."""

from __future__ import annotations

from typing import NamedTuple

from clearspan import semconv as sc

__all__ = ["INSTRUMENTS", "READ", "Instrument"]

READ = ("updowncounter", "gauge")
"""The kinds that are read when metrics are collected, instead of told as calls end."""


class Instrument(NamedTuple):
    """What an instrument is: `counter` or `histogram`, told as calls end, or one that is read.

    `buckets` are the explicit boundaries of a histogram. Those that are read when metrics are
    collected are of kind `updowncounter` or `gauge`. `alone` names attributes that stay on the series
    in which those beyond the limit are gathered, because values that differ in them do not add up.
    """

    name: str
    kind: str
    unit: str
    buckets: tuple[float, ...] | None
    note: str
    vocabulary: str = "any"
    alone: tuple[str, ...] = ()


def _seconds(
    name: str, note: str, vocabulary: str = "any", buckets: tuple[float, ...] = sc.DURATION_BUCKETS
) -> Instrument:
    return Instrument(name, "histogram", "s", buckets, note, vocabulary)


def _tokens(name: str, note: str) -> Instrument:
    return Instrument(name, "counter", "{token}", None, note, "next")


INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument(sc.METRIC_TOKEN_USAGE, "histogram", "{token}", sc.TOKEN_BUCKETS, "tokens used, by type", "current", (sc.TOKEN_TYPE,)),
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
    Instrument(sc.METRIC_OUTPUT_RATE, "histogram", "{token}/s", sc.RATE_BUCKETS, "output tokens a second of a stream after its first content"),
    Instrument(sc.METRIC_COST, "counter", "{currency}", None, "what calls cost, in the currency that the point names", alone=(sc.COST_CURRENCY,)),
    Instrument(sc.METRIC_ENERGY, "counter", "J", None, "energy of the accelerators that calls used"),
    Instrument(sc.METRIC_OPERATION_COUNT, "counter", "{operation}", None, "operations that ended, by how they ended"),
    Instrument(sc.METRIC_RETRIES, "counter", "{attempt}", None, "attempts that a client made again within a call"),
    Instrument(sc.METRIC_ACTIVE_CALLS, "updowncounter", "{call}", None, "model calls that have begun and not ended"),
    Instrument(sc.METRIC_RATE_LIMIT, "gauge", "{unit}", None, "requests or tokens that a server allows in a period, as its last answer said"),
    Instrument(sc.METRIC_RATE_LIMIT_REMAINING, "gauge", "{unit}", None, "how many of them were left after the last answer"),
    Instrument(sc.METRIC_RATE_LIMIT_RESET, "gauge", "s", None, "time until that limit is whole again"),
    Instrument(sc.METRIC_RETRY_AFTER, "gauge", "s", None, "time until a server that refused a call wants to be asked again"),
    Instrument(sc.METRIC_EVALUATION_SCORE, "histogram", "1", sc.SCORE_BUCKETS, "values of scores, in the range of their evaluator; where that goes below 0, their place in it, 0 to 1 (without a range, negative ones are left out)", alone=(sc.EVALUATION_NAME,)),
    Instrument(sc.METRIC_EVALUATION_RESULTS, "counter", "{evaluation}", None, "scores, by label and whether they passed"),
    Instrument(sc.METRIC_EVALUATION_ERRORS, "counter", "{evaluation}", None, "evaluations that failed, by error type"),
    Instrument(sc.METRIC_EVALUATION_SKIPPED, "counter", "{evaluation}", None, "calls that an evaluator did not judge, by reason"),
    _seconds(sc.METRIC_EVALUATION_DURATION, "duration of an evaluation", "any", sc.PHASE_BUCKETS),
    Instrument(sc.METRIC_EVALUATION_COST, "counter", "{currency}", None, "what evaluations cost, in US dollars"),
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
