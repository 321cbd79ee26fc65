"""The Invocation: the sealed record of one operation, and the types it is made of.

Everything here is inert data. The JSON shapes (`Message`, `Part`) *are* those of the
OpenTelemetry GenAI conventions, so nothing converts them again on the way out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias, TypedDict

__all__ = [
    "OTHER",
    "CallContext",
    "Confidence",
    "Cost",
    "ErrorInfo",
    "Gaps",
    "HardwareUse",
    "Invocation",
    "Json",
    "Message",
    "Operation",
    "Outcome",
    "Part",
    "Timing",
    "TokenScore",
    "TraceRef",
    "Usage",
]

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""A value that JSON can hold."""

OTHER: Final = "_OTHER"
"""What the conventions call that which nobody named, an error (`error.type`) first of all."""


class Operation(str, Enum):
    """What was done. Values follow `gen_ai.operation.name`; the last group is our own.

    The convention admits custom values where none of its own applies.
    """

    CHAT = "chat"
    TEXT_COMPLETION = "text_completion"
    GENERATE_CONTENT = "generate_content"
    EMBEDDINGS = "embeddings"
    RETRIEVAL = "retrieval"
    EXECUTE_TOOL = "execute_tool"
    INVOKE_AGENT = "invoke_agent"
    INVOKE_WORKFLOW = "invoke_workflow"
    FETCH_RESPONSE = "fetch_response"
    MODERATION = "moderation"
    DECISION = "decision"
    CREATE_BATCH = "create_batch"
    TASK = "task"

    __str__ = str.__str__


class Outcome(str, Enum):
    """How an operation ended.

    `closed` is a stream that its consumer left early on purpose; `abandoned` one that was
    dropped without being read to its end or closed.
    """

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    ABANDONED = "abandoned"

    __str__ = str.__str__


class Part(TypedDict, total=False):
    """One piece of a message, in the JSON form of the GenAI conventions.

    `type` is always there; which other keys are, depends on it (`text` and `reasoning` have
    `content`, `tool_call` has `name`, `id`, `arguments`, and so on).
    """

    type: str
    content: Any
    id: str
    name: str
    arguments: Any
    response: Any
    modality: str
    mime_type: str
    uri: str
    file_id: str


class Message(TypedDict, total=False):
    """A message of a conversation, in the JSON form of the GenAI conventions."""

    role: str
    parts: list[Part]
    name: str
    finish_reason: str


@dataclass(frozen=True, slots=True)
class TraceRef:
    """Where the operation stands in its trace; ids are lower-case hex as in W3C traceparent."""

    trace_id: str
    span_id: str
    parent_id: str | None = None
    sampled: bool = True

    @property
    def valid(self) -> bool:
        """Whether there is such a span: a provider that records nothing has ids of zeros (W3C Trace Context)."""
        return self.span_id.strip("0") != ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts (unit: tokens). Unknown is `None`, never zero.

    `input` includes `cache_read` and `cache_write`; `output` includes `reasoning`. The counts by
    modality are subsets of the totals. `source` is `reported` when the provider said so, `counted`
    when a tokenizer of the model counted, `estimated` where even that had to be guessed at. Of both
    directions it is the less certain one's; `input_source` and `output_source` are said where they differ.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    text_input: int | None = None
    image_input: int | None = None
    audio_input: int | None = None
    text_output: int | None = None
    image_output: int | None = None
    audio_output: int | None = None
    source: str = "reported"
    input_source: str | None = None
    output_source: str | None = None

    @property
    def sources(self) -> tuple[str, str]:
        """Where the input's counts come from, and where the output's."""
        return self.input_source or self.source, self.output_source or self.source


@dataclass(frozen=True, slots=True)
class Gaps:
    """The pauses between the chunks of a stream (unit: seconds), of which there may be any number.

    `values` are (pause, how many) from the shortest to the longest: exact for streams of ordinary
    length, within 1 % beyond. What is read back from a span's attributes knows the summary only.
    """

    median: float | None = None
    p95: float | None = None
    longest: float | None = None
    values: tuple[tuple[float, int], ...] = ()

    @property
    def count(self) -> int:
        """How many pauses there were."""
        return sum(many for _, many in self.values)


class TokenScore(NamedTuple):
    """A token of an answer, its log probability (natural logarithm), and those of the alternatives.

    `alternatives` are the log probabilities of the likeliest tokens at this place, the chosen one
    among them where it is one of those; empty where the provider gave none.
    """

    token: str
    logprob: float | None
    alternatives: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Confidence:
    """What the log probabilities of an answer's tokens say (natural logarithm).

    `perplexity` is exp(-mean). `entropy` is the mean over the tokens, in nats: exact where a local
    model was asked (`exact`), else that of the alternatives given, renormalised. `low` is the share of
    tokens whose probability is below `LOW`, `low_positions` where the first of those stand.
    """

    tokens: int
    mean: float | None = None
    least: float | None = None
    perplexity: float | None = None
    entropy: float | None = None
    low: float | None = None
    low_positions: tuple[int, ...] = ()
    exact: bool | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost, in `currency`. Unknown is absent; a part that does not apply is too.

    `input` includes what was read from and written to a cache. `priced_on` is the date (ISO 8601) of the price
    list, `source` names it. `estimated` where the tokens were not reported or the tier is not known.
    """

    total: float
    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    currency: str = "USD"
    priced_on: str | None = None
    source: str | None = None
    estimated: bool | None = None


@dataclass(frozen=True, slots=True)
class HardwareUse:
    """What a call used of the accelerators: shares and peaks over its own time.

    `utilization` and `utilization_peak` are 0 to 1; memory is in bytes, `energy` in joules,
    `energy_per_token` in joules for each output token. `attribution` is `exclusive` when no other
    recorded call and no other process used the devices meanwhile, else `shared`: energy is then the
    call's fair share, utilisation and memory are those of the whole device. `share` (0 to 1) is the call's
    part of the devices' time among recorded calls, `shares` that of each device (of no attribute), `models` what
    the devices are called, both in the order of `devices`.
    """

    devices: tuple[str, ...] = ()
    utilization: float | None = None
    utilization_peak: float | None = None
    memory_peak: int | None = None
    allocator_peak: int | None = None
    energy: float | None = None
    energy_per_token: float | None = None
    attribution: str | None = None
    share: float | None = None
    models: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """When it happened. `start_ns` and `end_ns` are Unix nanoseconds, the rest seconds.

    The end is the start plus a monotonic duration, so a wall clock that jumps cannot make a
    duration negative. `first_chunk` and `first_content` count from the start: the first chunk of
    a stream is often empty, the first *content* is the first text, reasoning, tool call or audio.
    `gaps` are the pauses between consecutive chunks. `phases` are the parts of the work that whoever
    runs the model tells of (`queue`, `load`, `tokenize`, `prefill`, `decode`, `detokenize`, and
    `total` for a server's own whole time). `decode_rate` and `output_rate` are in tokens per second:
    the model's own while decoding, and what the reader of a stream saw after the first content.
    """

    start_ns: int
    end_ns: int
    first_chunk: float | None = None
    first_content: float | None = None
    chunks: int = 0
    gaps: Gaps = field(default_factory=Gaps)
    phases: Mapping[str, float] = field(default_factory=dict[str, float])
    decode_rate: float | None = None
    output_rate: float | None = None

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What went wrong: `type` as for `error.type`; message and stack are cleaned like content.

    `exception` is the exception's class name, where `type` is a provider's own error code; `cause` is that of
    the exception that it was raised from.
    """

    type: str
    message: str | None = None
    stacktrace: str | None = None
    exception: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class CallContext:
    """What the application said about the call by `clearspan.context(...)`."""

    session: str | None = None
    user: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    prompt: tuple[str, str | None] | None = None
    variant: Mapping[str, str] = field(default_factory=dict[str, str])
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    documents: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invocation:
    """The sealed record of one operation; what emitters and evaluators see.

    Content fields are empty where the content mode forbids them. `input` and `output` of
    operations that have no messages (steps, tools, retrievals) are in `input_value` and
    `output_value`. `extras` are attributes ready to emit under their full names. `encoded` holds
    the JSON text of the content fields, made once while they were measured against the size cap.
    `documents` are the texts that the answer was to rest on and `references` the answers that would have been
    right, where somebody knows them. `inference_calls` and `tool_calls` count what an agent did itself, sub-agents excluded; a model
    call that has `inference_calls` was done by calls of the same library below it, which are records
    of their own and tell its numbers.
    """

    operation: str
    timing: Timing
    trace: TraceRef | None = None
    kind: str = "client"
    name: str | None = None
    provider: str | None = None
    server_address: str | None = None
    server_port: int | None = None
    model: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    input: tuple[Message, ...] = ()
    output: tuple[Message, ...] = ()
    system: tuple[Part, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    input_value: Any = None
    output_value: Any = None
    response_id: str | None = None
    response_model: str | None = None
    finish_reasons: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    outcome: Outcome = Outcome.COMPLETED
    error: ErrorInfo | None = None
    context: CallContext = field(default_factory=CallContext)
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])
    inference_calls: int = 0
    tool_calls: int = 0
    confidence: Confidence | None = None
    hardware: HardwareUse | None = None
    cost: Cost | None = None
    documents: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    encoded: Mapping[str, str] = field(default_factory=dict[str, str], compare=False, repr=False)

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return self.timing.duration

    @property
    def input_text(self) -> str:
        """The text of all input messages, one a line; empty when content is not captured."""
        return _text(self.input)

    @property
    def output_text(self) -> str:
        """The answer's text without its reasoning; several choices one a line."""
        return _text(self.output)

    @property
    def question(self) -> str:
        """The text of the last message of the user; of all input where no message is a user's."""
        asked = [message for message in self.input if message.get("role") == "user"]
        return _text(tuple(asked[-1:])) or self.input_text


def _text(messages: tuple[Message, ...]) -> str:
    return "\n".join(
        "".join(
            str(part.get("content", ""))
            for part in message.get("parts", ())
            if part.get("type") == "text"
        )
        for message in messages
    )
