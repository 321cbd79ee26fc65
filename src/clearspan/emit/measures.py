"""Which metric points an Invocation gives: pure tables, no OpenTelemetry.

Attribute sets are closed: operation, provider, models, server, and per metric what the convention
adds. Content, ids and user-given values never reach a metric, but for the keys of the call's context
that the application chose for its cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from clearspan import semconv as sc
from clearspan.emit.instruments import INSTRUMENTS, Instrument
from clearspan.emit.series import LONGEST, Extended, label
from clearspan.record import CallContext, Cost, Invocation, Operation, Outcome, Usage

__all__ = [
    "INFERENCE",
    "INSTRUMENTS",
    "Instrument",
    "Point",
    "Run",
    "Vocabulary",
    "call_attributes",
    "points",
]

Vocabulary = Literal["current", "next", "both"]


class Point(NamedTuple):
    """One measurement."""

    name: str
    value: float
    attributes: Mapping[str, Any]


class Run(NamedTuple):
    """Several measurements of the same: values, and how many of each there were."""

    name: str
    values: Sequence[tuple[float, int]]
    attributes: Mapping[str, Any]


class _Direction(NamedTuple):
    """The metrics of the tokens that go one way, with the fields of `Usage` that they tell."""

    name: str
    total: str
    by_modality: str
    parts: tuple[tuple[str, str], ...]


_SENT = _Direction(
    "input",
    sc.METRIC_INFERENCE_OPERATION_INPUT,
    sc.METRIC_INFERENCE_INPUT_TOKENS,
    (
        ("cache_read", sc.METRIC_INFERENCE_CACHE_READ),
        ("cache_write", sc.METRIC_INFERENCE_CACHE_WRITE),
    ),
)
_MADE = _Direction(
    "output",
    sc.METRIC_INFERENCE_OPERATION_OUTPUT,
    sc.METRIC_INFERENCE_OUTPUT_TOKENS,
    (("reasoning", sc.METRIC_INFERENCE_REASONING),),
)


_UNKNOWN = Usage()
INFERENCE = frozenset({Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT})
_STEPS: dict[str, tuple[str, str]] = {
    Operation.EXECUTE_TOOL: (sc.METRIC_EXECUTE_TOOL_DURATION, sc.TOOL_NAME),
    Operation.INVOKE_AGENT: (sc.METRIC_INVOKE_AGENT_DURATION, sc.AGENT_NAME),
    Operation.INVOKE_WORKFLOW: (sc.METRIC_INVOKE_WORKFLOW_DURATION, sc.WORKFLOW_NAME),
}


def points(
    record: Invocation,
    vocabulary: Vocabulary,
    *,
    counted: bool = False,
    context: Sequence[str] = (),
) -> Iterator[Point | Run]:
    """The measurements of one record in the wanted vocabulary.

    Tokens that the provider did not report are told only where they are wanted (`counted`), and are
    marked then. `context` names what of the call's context its cost is split by.
    """
    step = _STEPS.get(record.operation)
    if step is not None and record.kind == "internal":
        yield from _step_points(record, *step)
        return
    if record.operation == Operation.TASK:
        return
    base = _base(record)
    failed = {**base, **_failure(record)} if record.error is not None else base
    yield from _phase_points(record, base)
    inference = record.operation in INFERENCE
    if inference and record.inference_calls and record.error is None:
        return  # told by the calls below it: each call's tokens and time count once
    here, (of_input, of_output) = record.kind == "internal", record.usage.sources
    sent = _tellable(of_input, base, here=here, counted=counted)
    made = _tellable(of_output, base, here=here, counted=counted)
    told = (_SENT, sent), (_MADE, made)
    if vocabulary != "next" or not inference:
        yield Point(sc.METRIC_OPERATION_DURATION, record.duration, failed)
    if vocabulary != "next":
        yield from _current_tokens(record.usage, told)
    if vocabulary != "current" and inference:
        yield Point(sc.METRIC_INFERENCE_DURATION, record.duration, failed)
        for way, marked in told:
            usage, under = (_UNKNOWN, base) if marked is None else (record.usage, marked)
            yield from _next_tokens(usage, way, under, _failure(record))
    if record.kind == "internal":
        yield from _token_points(record, base)
    else:
        yield from _stream_points(record, base, vocabulary if inference else "current")
    yield Point(sc.METRIC_OPERATION_COUNT, 1, _ended(record, failed))
    yield from _figure_points(record, base, made, context)


def _tellable(
    source: str, base: dict[str, Any], *, here: bool, counted: bool
) -> dict[str, Any] | None:
    """Under which attributes metrics tell of the tokens of a direction, if they may.

    A model that is `here`, in this process, is its own provider: what it counted of its own tensors is
    what it reports.
    """
    if source == "reported" or (source == "counted" and here):
        return base
    return {**base, sc.USAGE_SOURCE: label(source)} if counted else None


def _ended(record: Invocation, failed: dict[str, Any]) -> dict[str, Any]:
    if record.outcome is Outcome.COMPLETED:
        return failed
    return {**failed, sc.OUTCOME: str(record.outcome)}


def _figure_points(
    record: Invocation,
    base: dict[str, Any],
    marked: dict[str, Any] | None,
    context: Sequence[str],
) -> Iterator[Point]:
    """Cost, energy, the reader's rate, and what a client had to try again."""
    retries = record.extras.get(sc.RETRY_COUNT)
    if type(retries) is int and retries > 0:
        yield Point(sc.METRIC_RETRIES, retries, base)
    if record.timing.output_rate is not None and marked is not None:
        yield Point(sc.METRIC_OUTPUT_RATE, record.timing.output_rate, marked)
    used = record.hardware
    if used is not None and used.energy is not None:
        shared = {} if used.attribution is None else {sc.HARDWARE_ATTRIBUTION: used.attribution}
        yield Point(sc.METRIC_ENERGY, used.energy, {**base, **shared})
    if record.cost is not None and record.cost.total >= 0:
        paid = _paid(base, record.cost)
        if context:
            paid = {**paid, **_chosen(record.context, context)}
        yield Point(sc.METRIC_COST, record.cost.total, paid)


_PAID = (sc.OPERATION_NAME, sc.PROVIDER_NAME, sc.REQUEST_MODEL, sc.RESPONSE_MODEL)


def _paid(base: dict[str, Any], cost: Cost) -> Mapping[str, Any]:
    """Whom a call was asked of, and in which currency it is paid: one mapping for each, as of the base itself."""
    found = _extended.of(base, sc.COST_CURRENCY, label(cost.currency), _PAID)
    return _extended.of(found, sc.COST_ESTIMATED, True) if cost.estimated else found


def _chosen(said: CallContext, names: Sequence[str]) -> dict[str, Any]:
    """What of the context is wanted on a metric, under the names that spans have for it."""
    prompt, version = said.prompt or (None, None)
    own = {
        "session": {sc.SESSION_ID: said.session},
        "user": {sc.USER_ID: said.user},
        "prompt": {sc.PROMPT_NAME: prompt, sc.PROMPT_VERSION: version},
    }
    found: dict[str, Any] = {}
    for name in names:
        found |= own.get(name) or {
            label(sc.METADATA + name): said.metadata.get(name),
            label(sc.VARIANT + name): said.variant.get(name),
        }
    return {name: label(value) for name, value in found.items() if value is not None}


def _phase_points(record: Invocation, base: dict[str, Any]) -> Iterator[Point]:
    for name, seconds in record.timing.phases.items():
        yield Point(sc.METRIC_PHASE_DURATION, seconds, {**base, sc.PHASE: label(name)})
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
            sum(pause * many for pause, many in record.timing.gaps.values)
            if record.timing.gaps.count == steps
            else record.duration - first
        )
        yield Point(sc.METRIC_SERVER_TIME_PER_OUTPUT_TOKEN, rest / steps, base)


def _base(record: Invocation) -> dict[str, Any]:
    tier = record.extras.get(sc.OPENAI_RESPONSE_SERVICE_TIER)
    return _attribute_set(
        *_short(record.operation, record.provider, record.model, record.response_model, record.server_address),
        record.server_port,
        *_short(tier if isinstance(tier, str) else None),
    )  # fmt: skip


def call_attributes(operation: str, provider: str | None, model: str | None) -> Mapping[str, Any]:
    """What a call that goes on is known by."""
    return _attribute_set(*_short(operation, provider, model), None, None, None, None)


def _short(*words: str | None) -> list[str | None]:
    # Cut before they become a key of the cache, which holds on to it.
    return [word[:LONGEST] if type(word) is str else word for word in words]


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
    """One mapping for each set, so that it is known again by its identity; never changed."""
    return {
        name: label(value)
        for name, value in zip(_BASE_NAMES, values, strict=True)
        if value is not None
    }


def _failure(record: Invocation) -> dict[str, Any]:
    return {} if record.error is None else {sc.ERROR_TYPE: label(record.error.type)}


def _step_points(record: Invocation, metric: str, name_attribute: str) -> Iterator[Point]:
    named: dict[str, Any] = {name_attribute: label(record.name)} if record.name else {}
    found, failure = dict(named), _failure(record)
    if record.operation == Operation.INVOKE_AGENT:
        yield Point(sc.METRIC_AGENT_INFERENCE_CALLS, record.inference_calls, named)
        yield Point(sc.METRIC_AGENT_TOOL_CALLS, record.tool_calls, named)
        if record.model:
            found[sc.REQUEST_MODEL] = label(record.model)
    if record.operation == Operation.EXECUTE_TOOL:
        found[sc.TOOL_TYPE] = label(record.params.get("tool_type", "function"))
        if isinstance(agent := record.extras.get(sc.AGENT_NAME), str):
            found[sc.AGENT_NAME] = label(agent)
    yield Point(metric, record.duration, {**found, **failure})
    counted = {sc.OPERATION_NAME: label(record.operation), **named, **failure}
    yield Point(sc.METRIC_OPERATION_COUNT, 1, _ended(record, counted))


_extended = Extended()


def _current_tokens(
    usage: Usage, told: Iterable[tuple[_Direction, dict[str, Any] | None]]
) -> list[Point]:
    values = ((way.name, getattr(usage, way.name), marked) for way, marked in told)
    return [
        Point(sc.METRIC_TOKEN_USAGE, value, _extended.of(marked, sc.TOKEN_TYPE, name))
        for name, value, marked in values
        if value is not None and marked is not None
    ]


def _next_tokens(
    usage: Usage, way: _Direction, base: dict[str, Any], failure: dict[str, Any]
) -> Iterator[Point]:
    total = getattr(usage, way.name)
    kinds = {kind: getattr(usage, f"{kind}_{way.name}") for kind in ("text", "image", "audio")}
    yield from _by_modality(way.by_modality, total, kinds, base)
    for field, metric in way.parts:
        if (part := getattr(usage, field)) is not None:
            yield Point(metric, part, {**base, sc.TOKEN_MODALITY: "unknown"})
    if total is not None:
        yield Point(way.total, total, {**base, **failure})


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


def _stream_points(
    record: Invocation, base: dict[str, Any], vocabulary: str
) -> Iterator[Point | Run]:
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
            if timing.gaps.values:
                yield Run(gap, timing.gaps.values, base)
    if timing.first_content is not None:
        yield Point(sc.METRIC_TIME_TO_FIRST_CONTENT, timing.first_content, base)
