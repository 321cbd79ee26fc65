"""Every attribute of an Invocation, one row each: its name, its place, its type on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from clearspan import semconv as sc
from clearspan.core import jsonfast, read

__all__ = ["INT64", "ROWS", "SEVERAL", "Row", "text"]


INT64 = 2**63


def _whole(value: Any) -> int | None:
    """A whole number that an attribute can hold: 64 bits on the wire."""
    if type(value) is int:
        return value if -INT64 <= value < INT64 else None
    exact = int(value) if isinstance(value, float) and value.is_integer() else read.whole(value)
    return exact if exact is not None and -INT64 <= exact < INT64 else None


def _double(value: Any) -> float | None:
    return read.number(value)


def _text(value: Any) -> str | None:
    if type(value) is str:
        return jsonfast.valid(value) or None
    found = read.text(value)
    return None if found is None else jsonfast.valid(found)


def _flag(value: Any) -> bool | None:
    return value is True or None


def _texts(value: Any) -> list[str] | None:
    found = ([value] if value else []) if isinstance(value, str) else read.items(value)
    return [jsonfast.valid(item) for item in found if isinstance(item, str)] or None


def _wholes(value: Any) -> list[int] | None:
    return [found for item in read.items(value) if (found := _whole(item)) is not None] or None


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
    Row(sc.REQUEST_STOP_SEQUENCES, "params", "stop_sequences", _texts, "as asked; content"),
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
    Row(sc.USAGE_INPUT_SOURCE, "usage", "input_source", _text, "the source of the input tokens, where the output's is another one"),
    Row(sc.USAGE_OUTPUT_SOURCE, "usage", "output_source", _text, "the source of the output tokens, where the input's is another one"),
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
    Row(sc.OUTPUT_RATE, "timing", "output_rate", _double, "output tokens a second as the reader of a stream saw them, after the first content"),
    Row(sc.GAP_MEDIAN, "gaps", "median", _double, "median pause between the chunks of a stream, in seconds"),
    Row(sc.GAP_P95, "gaps", "p95", _double, "95th percentile of those pauses"),
    Row(sc.GAP_LONGEST, "gaps", "longest", _double, "the longest of those pauses"),
    Row(sc.COST_TOTAL, "cost", "total", _double, "what the call cost, in the currency named beside"),
    Row(sc.COST_INPUT, "cost", "input", _double, "part of it that the input cost, cached tokens included"),
    Row(sc.COST_OUTPUT, "cost", "output", _double, "part of it that the output cost"),
    Row(sc.COST_CACHE_READ, "cost", "cache_read", _double, "part of the input's cost that was read from a cache"),
    Row(sc.COST_CACHE_WRITE, "cost", "cache_write", _double, "part of the input's cost that was written to a cache"),
    Row(sc.COST_CURRENCY, "cost", "currency", _text, "ISO 4217 code of the currency"),
    Row(sc.COST_PRICED_ON, "cost", "priced_on", _text, "date of the price list"),
    Row(sc.COST_SOURCE, "cost", "source", _text, "the price list"),
    Row(sc.COST_ESTIMATED, "cost", "estimated", _flag, "true where something had to be estimated, absent otherwise"),
    Row(sc.CONFIDENCE_TOKENS, "confidence", "tokens", _whole, "tokens of the answer whose log probability is known"),
    Row(sc.CONFIDENCE_MEAN, "confidence", "mean", _double, "mean log probability (natural logarithm) of those tokens"),
    Row(sc.CONFIDENCE_LEAST, "confidence", "least", _double, "lowest log probability among them"),
    Row(sc.CONFIDENCE_PERPLEXITY, "confidence", "perplexity", _double, "exp(-mean)"),
    Row(sc.CONFIDENCE_ENTROPY, "confidence", "entropy", _double, "mean entropy in nats, over the alternatives given where it is not exact"),
    Row(sc.CONFIDENCE_LOW, "confidence", "low", _double, "share of tokens with a probability below 0.1"),
    Row(sc.CONFIDENCE_LOW_POSITIONS, "confidence", "low_positions", _wholes, "where the first of those stand, counted from 0"),
    Row(sc.CONFIDENCE_EXACT, "confidence", "exact", _flag, "true where the entropy is over the whole vocabulary, absent otherwise"),
    Row(sc.HARDWARE_DEVICES, "hardware", "devices", _texts, "ids of the accelerators that were looked at"),
    Row(sc.HARDWARE_UTILIZATION, "hardware", "utilization", _double, "mean utilisation over the call, 0 to 1"),
    Row(sc.HARDWARE_UTILIZATION_PEAK, "hardware", "utilization_peak", _double, "highest utilisation over the call, 0 to 1"),
    Row(sc.HARDWARE_MEMORY_PEAK, "hardware", "memory_peak", _whole, "most device memory in use during the call, in bytes"),
    Row(sc.HARDWARE_ALLOCATOR_PEAK, "hardware", "allocator_peak", _whole, "most memory that torch had allocated during the call, in bytes"),
    Row(sc.HARDWARE_ENERGY, "hardware", "energy", _double, "energy in joules: all of it, or the call's share"),
    Row(sc.HARDWARE_ENERGY_PER_TOKEN, "hardware", "energy_per_token", _double, "joules for each output token"),
    Row(sc.HARDWARE_SHARE, "hardware", "share", _double, "the call's part of the devices' time among recorded calls, 0 to 1"),
    Row(sc.HARDWARE_MODELS, "hardware", "models", _texts, "what those accelerators are called"),
    Row(sc.HARDWARE_ATTRIBUTION, "hardware", "attribution", _text, "`exclusive`, or `shared` with other calls or processes"),
    Row(sc.ERROR_TYPE, "error", "type", _text, "the provider's error code, else the exception's class"),
    Row(sc.SESSION_ID, "context", "session", _text, "from `clearspan.context`"),
    Row(sc.USER_ID, "context", "user", _text, "from `clearspan.context`"),
    Row(sc.TAGS, "context", "tags", _texts, "from `clearspan.context`"),
)  # fmt: skip

SEVERAL = (_texts, _wholes)
"""The types of rows that hold more than one value."""
text = _text
"""What is a text, as the wire can hold it; else `None`."""
