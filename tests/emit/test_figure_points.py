"""Points of figures: counts, retries, cost, energy, rates, and tokens that nobody reported."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from clearspan.emit.measures import points
from clearspan.record import (
    CallContext,
    Cost,
    ErrorInfo,
    Gaps,
    HardwareUse,
    Invocation,
    Outcome,
    Timing,
    Usage,
)
from tests.emit.measured import each

PREFIX = "clearspan.client.operation."
BASE = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "gen_ai.response.model": "m-1",
}
WHERE = {"server.address": "api.example", "server.port": 443}
FULL = {**BASE, **WHERE}


def call(operation: str = "chat", **more: Any) -> Invocation:
    facts: dict[str, Any] = {
        "timing": Timing(0, 2_000_000_000),
        "provider": "openai",
        "model": "m",
        "response_model": "m-1",
        "server_address": "api.example",
        "server_port": 443,
        **more,
    }
    return Invocation(operation, **facts)


def told(record: Invocation, name: str, vocabulary: Any = "current", **more: Any) -> Any:
    return [
        (value, dict(found))
        for metric, value, found in each(points(record, vocabulary, **more))
        if metric == name
    ]


# -- counts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("vocabulary", ["current", "next", "both"])
@pytest.mark.parametrize("operation", ["chat", "embeddings", "retrieval"])
def test_every_call_is_counted_once(operation: str, vocabulary: str) -> None:
    expected = {**FULL, "gen_ai.operation.name": operation}
    assert told(call(operation), PREFIX + "count", vocabulary) == [(1, expected)]


@pytest.mark.parametrize("outcome", [item for item in Outcome if item is not Outcome.COMPLETED])
def test_how_a_call_ended(outcome: Outcome) -> None:
    (found,) = told(call(outcome=outcome), PREFIX + "count")
    assert found == (1, {**FULL, "clearspan.outcome": outcome.value})


def test_errors_are_counted_by_type() -> None:
    record = call(outcome=Outcome.FAILED, error=ErrorInfo("openai.APITimeoutError"))
    assert told(record, PREFIX + "count") == [
        (
            1,
            {
                **FULL,
                "error.type": "openai.APITimeoutError",
                "clearspan.outcome": "failed",
            },
        )
    ]


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("execute_tool", "gen_ai.tool.name"),
        ("invoke_agent", "gen_ai.agent.name"),
        ("invoke_workflow", "gen_ai.workflow.name"),
    ],
)
def test_steps_are_counted(operation: str, name: str) -> None:
    record = call(
        operation, kind="internal", name="n", outcome=Outcome.FAILED, error=ErrorInfo("E")
    )
    assert told(record, PREFIX + "count") == [
        (
            1,
            {
                "gen_ai.operation.name": operation,
                name: "n",
                "error.type": "E",
                "clearspan.outcome": "failed",
            },
        )
    ]


def test_calls_that_others_did_are_not_counted_again() -> None:
    facts: dict[str, Any] = {"cost": Cost(1.0), "hardware": HardwareUse(energy=1.0)}
    record = call(inference_calls=1, **facts)
    assert list(points(record, "both")) == []


@pytest.mark.parametrize(
    ("said", "expected"), [(2, [(2, FULL)]), (0, []), (None, []), ("2", []), (True, [])]
)
def test_retries(said: Any, expected: Any) -> None:
    record = call(extras={"clearspan.request.retry_count": said})
    assert told(record, PREFIX + "retries") == expected


# -- cost ------------------------------------------------------------------------------------------

SAID = CallContext(
    session="s1",
    user="u1",
    metadata={"team": "blue", "tier": "gold"},
    prompt=("greet", "3"),
    variant={"team": "b"},
)
USD = {**BASE, "clearspan.cost.currency": "USD"}


def test_what_a_call_cost() -> None:
    assert told(call(cost=Cost(0.25), context=SAID), PREFIX + "cost") == [(0.25, USD)]
    assert told(call(), PREFIX + "cost") == []


def test_what_is_estimated_is_marked() -> None:
    record = call(cost=Cost(0.25, currency="EUR", estimated=True))
    expected = {
        **BASE,
        "clearspan.cost.currency": "EUR",
        "clearspan.cost.estimated": True,
    }
    assert told(record, PREFIX + "cost") == [(0.25, expected)]


@pytest.mark.parametrize("total", [-1.0, float("nan")])
def test_a_counter_takes_no_other_cost(total: float) -> None:
    assert told(call(cost=Cost(total)), PREFIX + "cost") == []


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (("session",), {"session.id": "s1"}),
        (("user",), {"user.id": "u1"}),
        (("prompt",), {"gen_ai.prompt.name": "greet", "gen_ai.prompt.version": "3"}),
        (("team",), {"clearspan.metadata.team": "blue", "clearspan.variant.team": "b"}),
        (("tier", "user"), {"clearspan.metadata.tier": "gold", "user.id": "u1"}),
        (("unknown",), {}),
    ],
)
def test_cost_by_chosen_context(chosen: tuple[str, ...], expected: dict[str, str]) -> None:
    record = call(cost=Cost(0.25), context=SAID, hardware=HardwareUse(energy=1.0))
    assert told(record, PREFIX + "cost", context=chosen) == [(0.25, {**USD, **expected})]
    assert not {"s1", "u1", "greet", "blue"} & {
        value
        for name, _, found in points(record, "both", context=chosen)
        for value in found.values()
        if name != PREFIX + "cost"
    }


def test_a_context_that_says_nothing() -> None:
    bare = call(cost=Cost(0.25), context=CallContext(prompt=("greet", None)))
    assert told(bare, PREFIX + "cost", context=("session", "user", "prompt", "team")) == [
        (0.25, {**USD, "gen_ai.prompt.name": "greet"})
    ]
    long = call(cost=Cost(0.25), context=CallContext(user="u" * 9999))
    ((_, found),) = told(long, PREFIX + "cost", context=("user",))
    assert found["user.id"] == "u" * 256


# -- energy and rates ------------------------------------------------------------------------------


def test_energy() -> None:
    used = HardwareUse(energy=12.5, attribution="shared")
    assert told(call(hardware=used), PREFIX + "energy") == [
        (12.5, {**FULL, "clearspan.hardware.attribution": "shared"})
    ]
    assert told(call(hardware=HardwareUse(energy=1.0)), PREFIX + "energy") == [(1.0, FULL)]
    assert told(call(hardware=HardwareUse(utilization=0.5)), PREFIX + "energy") == []


RATED = Timing(0, 2_000_000_000, output_rate=30.0)


def test_the_rate_that_a_reader_saw() -> None:
    assert told(call(timing=RATED), PREFIX + "output.rate") == [(30.0, FULL)]
    assert told(call(), PREFIX + "output.rate") == []


# -- tokens that nobody reported -------------------------------------------------------------------


@pytest.mark.parametrize("source", ["counted", "estimated"])
def test_counted_tokens_are_no_metric_unless_wanted(source: str) -> None:
    record = call(usage=Usage(input=7, output=3, source=source), timing=RATED)
    silent = {name: (value, dict(found)) for name, value, found in points(record, "both")}
    assert "gen_ai.client.token.usage" not in silent
    assert "gen_ai.client.inference.operation.input_tokens" not in silent
    assert silent["gen_ai.client.inference.usage.input_tokens"][0] == 0
    assert PREFIX + "output.rate" not in silent
    marked = {**FULL, "clearspan.usage.source": source}
    assert told(record, "gen_ai.client.token.usage", counted=True) == [
        (7, {**marked, "gen_ai.token.type": "input"}),
        (3, {**marked, "gen_ai.token.type": "output"}),
    ]
    assert told(record, PREFIX + "output.rate", counted=True) == [(30.0, marked)]
    name = "gen_ai.client.inference.operation.input_tokens"
    assert told(record, name, "next", counted=True) == [(7, marked)]
    assert told(record, PREFIX + "count", counted=True) == [(1, FULL)]


def test_what_was_reported_is_told_where_the_rest_was_not() -> None:
    usage = Usage(input=7, output=3, reasoning=1, source="estimated", output_source="reported")
    record = call(usage=usage, timing=RATED)
    made = (3, {**FULL, "gen_ai.token.type": "output"})
    assert told(record, "gen_ai.client.token.usage") == [made]
    assert told(record, PREFIX + "output.rate") == [(30.0, FULL)]
    assert told(record, "gen_ai.client.inference.operation.input_tokens", "next") == []
    assert told(record, "gen_ai.client.inference.operation.output_tokens", "next") == [(3, FULL)]
    marked = {**FULL, "clearspan.usage.source": "estimated", "gen_ai.token.type": "input"}
    assert told(record, "gen_ai.client.token.usage", counted=True) == [(7, marked), made]


def test_a_model_in_the_process_reports_what_it_counts() -> None:
    """Its tensors are exact; what was estimated of its text is not."""
    record = call(kind="internal", usage=Usage(input=7, output=3, source="counted"))
    assert [value for value, _ in told(record, "gen_ai.client.token.usage")] == [7, 3]
    assert not any(
        "clearspan.usage.source" in found for _, found in told(record, "gen_ai.client.token.usage")
    )
    guessed = call(kind="internal", usage=Usage(input=7, source="estimated"))
    assert told(guessed, "gen_ai.client.token.usage") == []


def test_reported_tokens_are_not_marked() -> None:
    record = call(usage=Usage(input=7))
    expected = [(7, {**FULL, "gen_ai.token.type": "input"})]
    assert told(record, "gen_ai.client.token.usage") == expected
    assert told(record, "gen_ai.client.token.usage", counted=True) == expected


# -- pauses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("vocabulary", "metrics"), [("current", 1), ("next", 1), ("both", 2)])
def test_every_pause_of_a_long_stream_counts(vocabulary: Any, metrics: int) -> None:
    values = ((0.01, 4_000), (0.02, 995), (3.0, 5))
    timing = Timing(0, 90_000_000_000, 0.1, 0.1, 5_001, Gaps(values=values))
    record = call(timing=timing)
    found = [
        (name, value)
        for name, value, _ in each(points(record, vocabulary))
        if name.endswith("time_per_output_chunk")
    ]
    assert len(found) == 5_000 * metrics
    for _, of_one in itertools.groupby(sorted(found), key=lambda item: item[0]):
        pauses = [value for _, value in of_one]
        assert tuple((value, pauses.count(value)) for value, _ in values) == values


# -- what is too long ------------------------------------------------------------------------------


def test_no_attribute_is_long() -> None:
    long = "x" * 100_000
    facts: dict[str, Any] = {
        "provider": long,
        "model": long,
        "response_model": long,
        "server_address": long,
        "extras": {"openai.response.service_tier": long, "gen_ai.agent.name": long},
        "error": ErrorInfo(long),
        "name": long,
        "usage": Usage(1, 1, source=long),
        "cost": Cost(1.0, currency=long),
        "params": {"tool_type": long},
        "context": CallContext(metadata={long: long}),
        "timing": Timing(0, 1, 0.1, 0.2, 2, phases={long: 0.5}),
    }
    for operation, kind in itertools.product(
        ("chat", "execute_tool", "invoke_agent", "invoke_workflow", long), ("client", "internal")
    ):
        record = call(operation, kind=kind, **facts)
        found = list(points(record, "both", counted=True, context=(long,)))
        assert found
        for _, _, attributes in found:
            assert max(len(str(item)) for pair in attributes.items() for item in pair) <= 256
