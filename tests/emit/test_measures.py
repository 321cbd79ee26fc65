"""Which metric points a record gives: the conventions' tables, written out."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from opentelemetry._logs import NoOpLogger
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    MeterProvider,
    ObservableGauge,
    ObservableUpDownCounter,
)
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import NoOpTracer

import clearspan
from clearspan.emit.measures import INSTRUMENTS, Point, points
from clearspan.emit.telemetry import Telemetry
from clearspan.record import (
    CallContext,
    ErrorInfo,
    Gaps,
    Invocation,
    Operation,
    Outcome,
    Timing,
    Usage,
)
from clearspan.testing import captured
from tests.emit.measured import each

DUR = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
TOK = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]
AGENT = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6]
WORKFLOW = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200]
COUNT = [1, 2, 4, 8, 16, 32, 64, 128]
FIRST = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
FURTHER = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5]
PHASE = [
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
]  # fmt: skip
SCORE = [0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 2, 3, 4, 5, 10, 100]
RATE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000]

# name: (instrument, unit, buckets, vocabulary)
TABLE: dict[str, tuple[str, str, list[float] | None, str]] = {
    "gen_ai.client.token.usage": ("histogram", "{token}", TOK, "current"),
    "gen_ai.client.operation.duration": ("histogram", "s", DUR, "any"),
    "gen_ai.client.operation.time_to_first_chunk": ("histogram", "s", DUR, "any"),
    "gen_ai.client.operation.time_per_output_chunk": ("histogram", "s", DUR, "any"),
    "gen_ai.execute_tool.duration": ("histogram", "s", DUR, "any"),
    "gen_ai.invoke_agent.duration": ("histogram", "s", AGENT, "any"),
    "gen_ai.invoke_workflow.duration": ("histogram", "s", WORKFLOW, "any"),
    "gen_ai.invoke_agent.inference_calls": ("histogram", "{inference_call}", COUNT, "any"),
    "gen_ai.invoke_agent.tool_calls": ("histogram", "{tool_call}", COUNT, "any"),
    "gen_ai.client.inference.duration": ("histogram", "s", DUR, "next"),
    "gen_ai.client.inference.time_to_first_chunk": ("histogram", "s", DUR, "next"),
    "gen_ai.client.inference.time_per_output_chunk": ("histogram", "s", DUR, "next"),
    "gen_ai.client.inference.usage.input_tokens": ("counter", "{token}", None, "next"),
    "gen_ai.client.inference.usage.output_tokens": ("counter", "{token}", None, "next"),
    "gen_ai.client.inference.usage.cache_read.input_tokens": ("counter", "{token}", None, "next"),
    "gen_ai.client.inference.usage.cache_write.input_tokens": ("counter", "{token}", None, "next"),
    "gen_ai.client.inference.usage.reasoning.output_tokens": ("counter", "{token}", None, "next"),
    "gen_ai.client.inference.operation.input_tokens": ("histogram", "{token}", TOK, "next"),
    "gen_ai.client.inference.operation.output_tokens": ("histogram", "{token}", TOK, "next"),
    # Our own.
    "clearspan.client.operation.time_to_first_content": ("histogram", "s", DUR, "any"),
    "clearspan.client.operation.phase.duration": ("histogram", "s", PHASE, "any"),
    "clearspan.client.operation.decode.rate": ("histogram", "{token}/s", RATE, "any"),
    "clearspan.client.operation.output.rate": ("histogram", "{token}/s", RATE, "any"),
    "clearspan.client.operation.cost": ("counter", "{currency}", None, "any"),
    "clearspan.client.operation.energy": ("counter", "J", None, "any"),
    "clearspan.client.operation.count": ("counter", "{operation}", None, "any"),
    "clearspan.client.operation.retries": ("counter", "{attempt}", None, "any"),
    # Of evaluations.
    "clearspan.evaluation.score": ("histogram", "1", SCORE, "any"),
    "clearspan.evaluation.results": ("counter", "{evaluation}", None, "any"),
    "clearspan.evaluation.errors": ("counter", "{evaluation}", None, "any"),
    "clearspan.evaluation.skipped": ("counter", "{evaluation}", None, "any"),
    "clearspan.evaluation.duration": ("histogram", "s", PHASE, "any"),
    "clearspan.evaluation.cost": ("counter", "{currency}", None, "any"),
    # What is read.
    "clearspan.client.active_calls": ("updowncounter", "{call}", None, "any"),
    "clearspan.client.rate_limit.limit": ("gauge", "{unit}", None, "any"),
    "clearspan.client.rate_limit.remaining": ("gauge", "{unit}", None, "any"),
    "clearspan.client.rate_limit.reset": ("gauge", "s", None, "any"),
    "clearspan.client.rate_limit.retry_after": ("gauge", "s", None, "any"),
    # Of models in the process.
    "gen_ai.server.time_to_first_token": ("histogram", "s", FIRST, "any"),
    "gen_ai.server.time_per_output_token": ("histogram", "s", FURTHER, "any"),
}

BASE = {
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "gen_ai.response.model": "m-1",
    "server.address": "api.example",
    "server.port": 8443,
    "openai.response.service_tier": "default",
}
CHAT = {"gen_ai.operation.name": "chat", **BASE}
FAILED = {**CHAT, "error.type": "timeout"}

# Nothing of this may be seen on a metric.
HIDDEN = "canary"
SECRETS: dict[str, Any] = {
    "input": ({"role": "user", "parts": [{"type": "text", "content": HIDDEN}]},),
    "output": ({"role": "assistant", "parts": [{"type": "text", "content": HIDDEN}]},),
    "system": ({"type": "text", "content": HIDDEN},),
    "tools": ({"type": "function", "name": HIDDEN},),
    "input_value": HIDDEN,
    "output_value": HIDDEN,
    "response_id": HIDDEN,
    "finish_reasons": (HIDDEN,),
    "params": {
        "conversation_id": HIDDEN,
        "previous_response_id": HIDDEN,
        "stop_sequences": [HIDDEN],
    },
    "context": CallContext(
        session=HIDDEN,
        user=HIDDEN,
        tags=(HIDDEN,),
        metadata={HIDDEN: HIDDEN},
        prompt=(HIDDEN, HIDDEN),
        variant={HIDDEN: HIDDEN},
        variables={HIDDEN: HIDDEN},
    ),
}


def gaps(*values: float) -> Gaps:
    return Gaps(values=tuple((value, 1) for value in values))


def call(operation: str = "chat", **more: Any) -> Invocation:
    facts: dict[str, Any] = {
        "timing": Timing(0, 2_500_000_000),
        "provider": "openai",
        "model": "m",
        "response_model": "m-1",
        "server_address": "api.example",
        "server_port": 8443,
        "extras": {
            "openai.response.service_tier": "default",
            "openai.response.system_fingerprint": HIDDEN,
            "clearspan.response.request_id": HIDDEN,
        },
        **SECRETS,
    }
    return Invocation(operation, **{**facts, **more})


def step(operation: str, **more: Any) -> Invocation:
    """An in-process operation, with nothing known but its time."""
    return Invocation(operation, Timing(0, 1_500_000_000), kind="internal", **more)


COUNT_METRIC = "clearspan.client.operation.count"


def told(
    record: Invocation, vocabulary: Any = "current", **more: Any
) -> list[tuple[str, float, dict[str, Any]]]:
    found = each(points(record, vocabulary, **more))
    return [(name, value, dict(attributes)) for name, value, attributes in found]


def said(
    record: Invocation, vocabulary: Any = "current"
) -> list[tuple[str, float, dict[str, Any]]]:
    """The same without the count, which goes with every operation."""
    return [point for point in told(record, vocabulary) if point[0] != COUNT_METRIC]


TIMEOUT = ErrorInfo("timeout", HIDDEN, HIDDEN, "TimeoutError")


# -- instruments -----------------------------------------------------------------------------------


def test_the_instruments_are_those_of_the_tables() -> None:
    assert {
        item.name: (
            item.kind,
            item.unit,
            None if item.buckets is None else list(item.buckets),
            item.vocabulary,
        )
        for item in INSTRUMENTS
    } == TABLE
    assert len(INSTRUMENTS) == len(TABLE)
    assert all(item.note for item in INSTRUMENTS)


@pytest.mark.parametrize(
    ("vocabulary", "absent"), [("current", {"next"}), ("next", {"current"}), ("both", set())]
)
def test_what_a_vocabulary_brings_to_the_wire(vocabulary: str, absent: set[str]) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    meter = _Noting(provider.get_meter("x"))
    _telemetry(meter, vocabulary)
    provider.shutdown()
    assert meter.made == {
        name: (kind, unit, buckets)
        for name, (kind, unit, buckets, belongs) in TABLE.items()
        if belongs not in absent
    }


class _Noting:
    """A real meter; notes what it was asked to make, and checks that it could."""

    def __init__(self, meter: Any) -> None:
        self._meter = meter
        self.made: dict[str, tuple[str, str, list[float] | None]] = {}

    def create_counter(self, name: str, unit: str, description: str) -> Any:
        made = self._meter.create_counter(name, unit, description)
        assert isinstance(made, Counter)
        self.made[name] = ("counter", unit, None)
        return made

    def create_histogram(
        self, name: str, unit: str, description: str, *, explicit_bucket_boundaries_advisory: Any
    ) -> Any:
        made = self._meter.create_histogram(
            name,
            unit,
            description,
            explicit_bucket_boundaries_advisory=explicit_bucket_boundaries_advisory,
        )
        assert isinstance(made, Histogram)
        self.made[name] = ("histogram", unit, explicit_bucket_boundaries_advisory)
        return made

    def create_observable_up_down_counter(
        self, name: str, callbacks: Any, unit: str, description: str
    ) -> Any:
        made = self._meter.create_observable_up_down_counter(name, callbacks, unit, description)
        assert isinstance(made, ObservableUpDownCounter)
        self.made[name] = ("updowncounter", unit, None)
        return made

    def create_observable_gauge(
        self, name: str, callbacks: Any, unit: str, description: str
    ) -> Any:
        made = self._meter.create_observable_gauge(name, callbacks, unit, description)
        assert isinstance(made, ObservableGauge)
        self.made[name] = ("gauge", unit, None)
        return made


def _telemetry(meter: Any, vocabulary: Any) -> None:
    Telemetry(NoOpTracer(), meter, NoOpLogger("x"), vocabulary=vocabulary)


# -- client operations -----------------------------------------------------------------------------


def test_a_call_in_the_current_vocabulary() -> None:
    assert said(call(usage=Usage(input=10, output=0, cache_read=4, reasoning=2))) == [
        ("gen_ai.client.operation.duration", 2.5, CHAT),
        ("gen_ai.client.token.usage", 10, {**CHAT, "gen_ai.token.type": "input"}),
        ("gen_ai.client.token.usage", 0, {**CHAT, "gen_ai.token.type": "output"}),
    ]


def test_a_call_that_failed() -> None:
    record = call(usage=Usage(input=10), outcome=Outcome.FAILED, error=TIMEOUT)
    assert said(record) == [
        ("gen_ai.client.operation.duration", 2.5, FAILED),
        ("gen_ai.client.token.usage", 10, {**CHAT, "gen_ai.token.type": "input"}),
    ]


def test_only_what_is_known_is_an_attribute() -> None:
    bare = Invocation("chat", Timing(0, 1_000_000_000))
    assert said(bare) == [
        ("gen_ai.client.operation.duration", 1.0, {"gen_ai.operation.name": "chat"})
    ]
    odd = dataclasses.replace(bare, extras={"openai.response.service_tier": ["default"]})
    assert said(odd) == said(bare)


UNKNOWN = {**CHAT, "gen_ai.token.modality": "unknown"}
COUNTER = "gen_ai.client.inference.usage."


def test_a_call_in_the_next_vocabulary() -> None:
    usage = Usage(input=10, output=5, cache_read=4, cache_write=0, reasoning=2)
    assert said(call(usage=usage), "next") == [
        ("gen_ai.client.inference.duration", 2.5, CHAT),
        (COUNTER + "input_tokens", 10, UNKNOWN),
        (COUNTER + "cache_read.input_tokens", 4, UNKNOWN),
        (COUNTER + "cache_write.input_tokens", 0, UNKNOWN),
        ("gen_ai.client.inference.operation.input_tokens", 10, CHAT),
        (COUNTER + "output_tokens", 5, UNKNOWN),
        (COUNTER + "reasoning.output_tokens", 2, UNKNOWN),
        ("gen_ai.client.inference.operation.output_tokens", 5, CHAT),
    ]


def test_a_failure_in_the_next_vocabulary_counts_the_call() -> None:
    """No usage came back: zero tokens of unknown modality, and no point that claims a size."""
    assert said(call(outcome=Outcome.FAILED, error=TIMEOUT), "next") == [
        ("gen_ai.client.inference.duration", 2.5, FAILED),
        (COUNTER + "input_tokens", 0, UNKNOWN),
        (COUNTER + "output_tokens", 0, UNKNOWN),
    ]
    record = call(usage=Usage(input=7), outcome=Outcome.FAILED, error=TIMEOUT)
    assert said(record, "next")[1:] == [
        (COUNTER + "input_tokens", 7, UNKNOWN),
        ("gen_ai.client.inference.operation.input_tokens", 7, FAILED),
        (COUNTER + "output_tokens", 0, UNKNOWN),
    ]


@pytest.mark.parametrize(
    ("usage", "inputs", "outputs"),
    [
        (Usage(), {"unknown": 0}, {"unknown": 0}),
        (Usage(input=0, output=0), {"unknown": 0}, {"unknown": 0}),
        (Usage(input=10, output=3), {"unknown": 10}, {"unknown": 3}),
        (
            Usage(input=10, text_input=6, image_input=3, audio_input=1),
            {"text": 6, "image": 3, "audio": 1},
            {"unknown": 0},
        ),
        (
            Usage(input=10, audio_input=4, image_input=0, output=9, text_output=2, audio_output=3),
            {"audio": 4, "unknown": 6},
            {"text": 2, "audio": 3, "unknown": 4},
        ),
        # Parts without a total, or beyond it: what is known is told, nothing is made up.
        (Usage(text_input=3, image_output=2), {"text": 3}, {"image": 2}),
        (Usage(input=2, text_input=3), {"text": 3}, {"unknown": 0}),
        (Usage(input=5, text_input=0), {"unknown": 5}, {"unknown": 0}),
    ],
)
def test_tokens_by_modality(usage: Usage, inputs: dict[str, int], outputs: dict[str, int]) -> None:
    found = said(call(usage=usage), "next")
    for name, expected in (("input_tokens", inputs), ("output_tokens", outputs)):
        assert {
            attributes["gen_ai.token.modality"]: value
            for metric, value, attributes in found
            if metric == COUNTER + name
        } == expected
        for metric, _, attributes in found:
            if metric == COUNTER + name:
                assert {k: v for k, v in attributes.items() if k != "gen_ai.token.modality"} == CHAT


def test_both_vocabularies_are_both_of_them() -> None:
    record = call(
        usage=Usage(input=1, output=2), timing=Timing(0, 2_500_000_000, 0.5, 0.75, 2, gaps(0.1))
    )
    both = said(record, "both")
    current, following = said(record, "current"), said(record, "next")
    own = "clearspan.client.operation.time_to_first_content"
    assert len(both) == len(current) + len(following) - 1
    assert [item for item in both if item in current] == current
    assert {name for name, *_ in both} == {name for name, *_ in current + following}
    assert [name for name, *_ in both].count(own) == 1
    assert not {name for name, *_ in current} & {name for name, *_ in following} - {own}


@pytest.mark.parametrize("operation", ["chat", "text_completion", "generate_content"])
def test_operations_that_are_inference(operation: str) -> None:
    assert said(call(operation), "next")[0] == (
        "gen_ai.client.inference.duration",
        2.5,
        {**CHAT, "gen_ai.operation.name": operation},
    )


@pytest.mark.parametrize(
    "operation",
    [
        "embeddings",
        "retrieval",
        "moderation",
        "decision",
        "fetch_response",
        "create_batch",
        "custom",
    ],
)
def test_other_client_operations_keep_their_duration(operation: str) -> None:
    record = call(operation, usage=Usage(input=3), error=TIMEOUT)
    duration = (
        "gen_ai.client.operation.duration",
        2.5,
        {**FAILED, "gen_ai.operation.name": operation},
    )
    tokens = (
        "gen_ai.client.token.usage",
        3,
        {**CHAT, "gen_ai.operation.name": operation, "gen_ai.token.type": "input"},
    )
    assert said(record, "next") == [duration]
    assert said(record, "current") == said(record, "both") == [duration, tokens]


# -- streams ---------------------------------------------------------------------------------------

STREAM = Timing(0, 2_500_000_000, 0.5, 0.75, 3, gaps(0.25, 0.125))
STREAM_POINTS = [
    ("time_to_first_chunk", 0.5),
    ("time_per_output_chunk", 0.25),
    ("time_per_output_chunk", 0.125),
]
CONTENT_POINT = ("clearspan.client.operation.time_to_first_content", 0.75, CHAT)


def streamed(prefix: str) -> list[tuple[str, float, dict[str, Any]]]:
    return [(f"gen_ai.client.{prefix}.{name}", value, CHAT) for name, value in STREAM_POINTS]


@pytest.mark.parametrize(
    ("vocabulary", "expected"),
    [
        ("current", [*streamed("operation"), CONTENT_POINT]),
        ("next", [*streamed("inference"), CONTENT_POINT]),
        ("both", [*streamed("operation"), *streamed("inference"), CONTENT_POINT]),
    ],
)
def test_streams(vocabulary: str, expected: Any) -> None:
    found = said(call(timing=STREAM), vocabulary)
    assert [item for item in found if "chunk" in item[0] or "first" in item[0]] == expected


def test_streams_of_what_is_no_inference_keep_the_current_names() -> None:
    found = said(call("fetch_response", timing=STREAM), "next")
    assert [name for name, *_ in found] == [
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.operation.time_per_output_chunk",
        "gen_ai.client.operation.time_per_output_chunk",
        "clearspan.client.operation.time_to_first_content",
    ]


@pytest.mark.parametrize(
    ("timing", "names"),
    [
        (Timing(0, 1), []),
        (Timing(0, 1, 0.5, None, 1), ["gen_ai.client.operation.time_to_first_chunk"]),
        (
            Timing(0, 1, 0.5, 0.5, 1),
            [
                "gen_ai.client.operation.time_to_first_chunk",
                "clearspan.client.operation.time_to_first_content",
            ],
        ),
    ],
)
def test_a_stream_tells_what_it_had(timing: Timing, names: list[str]) -> None:
    assert [name for name, *_ in said(call(timing=timing))[1:]] == names


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_abandoned_stream_has_no_pace(outcome: Outcome) -> None:
    """Nobody read it: its gaps are those of the program, not of the model."""
    found = said(call(timing=STREAM, outcome=outcome))
    assert (len(found) == 1) is (outcome is Outcome.ABANDONED)
    assert found[0] == ("gen_ai.client.operation.duration", 2.5, CHAT)


def test_a_stream_that_failed_has_no_error_on_its_pace() -> None:
    found = said(call(timing=STREAM, outcome=Outcome.FAILED, error=TIMEOUT))
    assert [item for item in found if "error.type" in item[2]] == [
        ("gen_ai.client.operation.duration", 2.5, FAILED)
    ]


# -- steps -----------------------------------------------------------------------------------------

VOCABULARIES = pytest.mark.parametrize("vocabulary", ["current", "next", "both"])


@VOCABULARIES
def test_tools(vocabulary: str) -> None:
    record = step(
        "execute_tool",
        name="look",
        params={"tool_type": "datastore"},
        extras={"gen_ai.agent.name": "scout", "gen_ai.tool.call.id": HIDDEN},
        model="m",
        error=TIMEOUT,
    )
    assert said(record, vocabulary) == [
        (
            "gen_ai.execute_tool.duration",
            1.5,
            {
                "gen_ai.tool.name": "look",
                "gen_ai.tool.type": "datastore",
                "gen_ai.agent.name": "scout",
                "error.type": "timeout",
            },
        )
    ]
    assert said(step("execute_tool", extras={"gen_ai.agent.name": 5}), vocabulary) == [
        ("gen_ai.execute_tool.duration", 1.5, {"gen_ai.tool.type": "function"})
    ]


@VOCABULARIES
def test_agents(vocabulary: str) -> None:
    named = {"gen_ai.agent.name": "scout"}
    record = step(
        "invoke_agent", name="scout", model="m", inference_calls=3, tool_calls=2, error=TIMEOUT
    )
    assert said(record, vocabulary) == [
        ("gen_ai.invoke_agent.inference_calls", 3, named),
        ("gen_ai.invoke_agent.tool_calls", 2, named),
        (
            "gen_ai.invoke_agent.duration",
            1.5,
            {**named, "gen_ai.request.model": "m", "error.type": "timeout"},
        ),
    ]
    assert said(step("invoke_agent"), vocabulary) == [
        ("gen_ai.invoke_agent.inference_calls", 0, {}),
        ("gen_ai.invoke_agent.tool_calls", 0, {}),
        ("gen_ai.invoke_agent.duration", 1.5, {}),
    ]


@VOCABULARIES
def test_workflows(vocabulary: str) -> None:
    record = step("invoke_workflow", name="nightly", model="m", error=TIMEOUT, **SECRETS)
    assert said(record, vocabulary) == [
        (
            "gen_ai.invoke_workflow.duration",
            1.5,
            {"gen_ai.workflow.name": "nightly", "error.type": "timeout"},
        )
    ]
    assert said(step("invoke_workflow"), vocabulary) == [
        ("gen_ai.invoke_workflow.duration", 1.5, {})
    ]


def test_a_remote_agent_is_a_client_operation() -> None:
    record = call("invoke_agent", name="scout", inference_calls=3)
    assert said(record) == [
        (
            "gen_ai.client.operation.duration",
            2.5,
            {**CHAT, "gen_ai.operation.name": "invoke_agent"},
        )
    ]


@VOCABULARIES
def test_tasks_give_nothing(vocabulary: str) -> None:
    assert said(step("task", name="clean", error=TIMEOUT), vocabulary) == []
    assert said(call("task", usage=Usage(input=3)), vocabulary) == []


# -- what metrics must not tell --------------------------------------------------------------------


# -- models whose work is told in parts, or done in this process ------------------------------------


LOCAL = dict(CHAT, **{"gen_ai.operation.name": "text_completion"})
TOLD = Timing(0, 2_500_000_000, phases={"prefill": 0.5, "decode": 1.5}, decode_rate=20.0)


@VOCABULARIES
def test_phases_and_pace_of_the_work(vocabulary: Any) -> None:
    found = [
        point for point in said(call(timing=TOLD), vocabulary) if point[0].startswith("clearspan")
    ]
    assert found == [
        ("clearspan.client.operation.phase.duration", 0.5, {**CHAT, "clearspan.phase": "prefill"}),
        ("clearspan.client.operation.phase.duration", 1.5, {**CHAT, "clearspan.phase": "decode"}),
        ("clearspan.client.operation.decode.rate", 20.0, CHAT),
    ]


def server(record: Invocation) -> list[tuple[str, float, dict[str, Any]]]:
    assert not [name for name, _, _ in said(record) if "chunk" in name or "first_content" in name]
    return [point for point in said(record) if point[0].startswith("gen_ai.server")]


def local(timing: Timing, **more: Any) -> Invocation:
    facts: dict[str, Any] = {"kind": "internal", "usage": Usage(input=4, output=3), **more}
    return call("text_completion", timing=timing, **facts)


def test_a_model_in_the_process_is_its_own_server() -> None:
    assert server(local(STREAM)) == [
        ("gen_ai.server.time_to_first_token", 0.75, LOCAL),
        ("gen_ai.server.time_per_output_token", 0.1875, LOCAL),
    ]


def test_pauses_that_were_not_all_kept_are_taken_from_the_whole() -> None:
    (_, (_, value, _)) = server(local(Timing(0, 2_500_000_000, 0.5, 0.5, 5, gaps(0.25, 0.125))))
    assert value == (2.5 - 0.5) / 4


@pytest.mark.parametrize(
    ("timing", "more", "count"),
    [
        (Timing(0, 2_500_000_000), {}, 0),
        (STREAM, {"outcome": Outcome.FAILED, "error": TIMEOUT}, 0),
        (STREAM, {"outcome": Outcome.CANCELLED}, 0),
        (STREAM, {"usage": Usage()}, 1),
        (Timing(0, 2_500_000_000, 0.5, 0.5, 1), {}, 1),
    ],
)
def test_a_token_that_is_not_known_gives_no_time(
    timing: Timing, more: dict[str, Any], count: int
) -> None:
    assert len(server(local(timing, **more))) == count


@VOCABULARIES
def test_a_call_that_others_did_is_counted_as_theirs(vocabulary: Any) -> None:
    around = call("text_completion", kind="internal", timing=TOLD, inference_calls=2)
    assert {name for name, _, _ in told(around, vocabulary)} == {
        "clearspan.client.operation.phase.duration", "clearspan.client.operation.decode.rate",
    }  # fmt: skip
    assert said(call("embeddings", inference_calls=2), vocabulary)
    failed = call("text_completion", kind="internal", inference_calls=2, error=TIMEOUT)
    assert [dict(found)["error.type"] for _, _, found in said(failed, "current")] == ["timeout"]


@VOCABULARIES
@pytest.mark.parametrize("operation", [str(operation) for operation in Operation])
@pytest.mark.parametrize("kind", ["client", "internal"])
def test_no_content_and_no_ids(operation: str, kind: str, vocabulary: Any) -> None:
    record = call(
        operation, kind=kind, name="look", error=TIMEOUT, timing=STREAM, usage=Usage(input=1)
    )
    assert all(isinstance(point, Point) for point in each(points(record, vocabulary)))
    assert HIDDEN not in json.dumps(said(record, vocabulary))
    for name, _, attributes in said(record, vocabulary):
        assert name in TABLE
        assert set(attributes) <= ALLOWED
        assert all(isinstance(value, (str, int)) for value in attributes.values())


ALLOWED = {
    *CHAT,
    "error.type",
    "gen_ai.token.type",
    "gen_ai.token.modality",
    "gen_ai.tool.name",
    "gen_ai.tool.type",
    "gen_ai.agent.name",
    "gen_ai.workflow.name",
    "clearspan.phase",
}


def test_no_text_that_utf_8_cannot_hold() -> None:
    bad = "a\ud800"
    failed = ErrorInfo(bad)
    for record in (
        call(model=bad, provider=bad, error=failed, usage=Usage(input=1)),
        step("execute_tool", name=bad, params={"tool_type": bad}, error=failed),
        step("execute_tool", extras={"gen_ai.agent.name": bad}),
        step("invoke_agent", name=bad, model=bad, error=failed),
        step("invoke_workflow", name=bad, error=failed),
    ):
        found = said(record, "both")
        assert found
        json.dumps(found, ensure_ascii=False).encode()


# -- through the SDK -------------------------------------------------------------------------------


def test_the_buckets_arrive() -> None:
    with captured(providers=(), metric_names="both") as seen:
        with clearspan.span("nightly", kind="workflow"):
            with clearspan.span("scout", kind="agent"):
                with clearspan.span("look", kind="tool"):
                    """A tool, run by an agent."""
                with clearspan.invocation("chat", provider="acme", model="m") as draft:
                    draft.usage(input=300, output=20)
        found = seen.metrics
    for name, made in found.items():
        kind, unit, buckets, _ = TABLE[name]
        for point in made:
            assert point["unit"] == unit
            assert point.get("bounds") == buckets
            assert ("value" in point) is (kind != "histogram")
    assert found["gen_ai.invoke_agent.inference_calls"][0]["sum"] == 1
    assert found["gen_ai.invoke_agent.tool_calls"][0]["sum"] == 1
    assert {
        (point["attributes"]["gen_ai.token.type"], point["sum"])
        for point in found["gen_ai.client.token.usage"]
    } == {("input", 300), ("output", 20)}
    assert found["gen_ai.client.inference.usage.input_tokens"][0]["value"] == 300
