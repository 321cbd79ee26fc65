"""Metrics through OpenTelemetry's own SDK: bounded, without content, and holding nobody alive."""

from __future__ import annotations

import gc
import json
import tracemalloc
import weakref
from typing import Any

import openai
import pytest
from opentelemetry._logs import NoOpLogger
from opentelemetry.context import get_current
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import NoOpTracer

import clearspan
from clearspan.core.ledger import Ledger
from clearspan.draft import Draft
from clearspan.emit import gauges
from clearspan.emit.content import ContentPolicy
from clearspan.emit.telemetry import Telemetry
from clearspan.pipeline import Pipeline
from clearspan.record import CallContext, Cost, Invocation, Timing, Usage
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Error, Reply

BEYOND = {"otel.metric.overflow": True}
LIMITS = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "2m0s",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "29000",
    "x-ratelimit-reset-tokens": "6m0s",
}


class Meters:
    """A meter provider of the application's own, read by hand."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)

    def telemetry(self, **more: Any) -> Telemetry:
        return Telemetry(NoOpTracer(), self.provider.get_meter("x"), NoOpLogger("x"), **more)

    def pipeline(self, **more: Any) -> Pipeline:
        return Pipeline(self.telemetry(**more), ContentPolicy(), Ledger())

    def read(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def meters() -> Any:
    made = Meters()
    yield made
    made.provider.shutdown()


def call(model: str) -> Draft:
    draft = Draft("chat")
    draft.provider, draft.model = "acme", model
    return draft


# -- how many series -------------------------------------------------------------------------------


class Teller:
    """Tells the points of records, each of another model and user, under one open span."""

    def __init__(self, telemetry: Telemetry) -> None:
        draft = Draft("chat")
        telemetry.open(draft, get_current())
        self._handle = draft.span
        self._telemetry = telemetry

    def tell(self, numbers: range) -> None:
        for n in numbers:
            record = Invocation(
                "chat",
                Timing(0, 1_000_000),
                provider="acme",
                model=f"model-{n}",
                usage=Usage(input=3, output=1),
                context=CallContext(user=f"user-{n}"),
                cost=Cost(0.5),
                extras={"clearspan.rate_limit.requests.limit": n},
            )
            self._telemetry.close(record, self._handle)
            self._telemetry.settle()


def test_any_number_of_models_and_users_is_a_bounded_number_of_series(
    meters: Meters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges, "FRESH", float("inf"))  # however long telling takes here
    telemetry = meters.telemetry(series=50, context=("user",))
    Teller(telemetry).tell(range(20_000))
    found = meters.read()
    assert {
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "clearspan.client.operation.cost",
        "clearspan.client.rate_limit.limit",
    } <= set(found)
    assert {name: len(points) for name, points in found.items() if len(points) > 50} == {}
    cost = found["clearspan.client.operation.cost"]
    assert sum(point.value for point in cost) == 10_000
    assert _beyond(cost) == [{**BEYOND, "clearspan.cost.currency": "USD"}]
    tokens = found["gen_ai.client.token.usage"]
    assert {
        kind: sum(point.sum for point in tokens if point.attributes["gen_ai.token.type"] == kind)
        for kind in ("input", "output")
    } == {"input": 60_000, "output": 20_000}
    assert sum(point.count for point in found["gen_ai.client.operation.duration"]) == 20_000
    assert _beyond(found["gen_ai.client.operation.duration"]) == [BEYOND]
    assert _beyond(found["clearspan.client.rate_limit.limit"]) == []


def _beyond(points: list[Any]) -> list[dict[str, Any]]:
    return [
        dict(point.attributes) for point in points if "otel.metric.overflow" in point.attributes
    ]


def test_further_models_take_no_further_memory(meters: Meters) -> None:
    teller = Teller(meters.telemetry(series=50, context=("user",), vocabulary="both"))
    teller.tell(range(3_000))
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        teller.tell(range(3_000, 6_000))
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The cache of attribute sets has 1,024 places, all of which are filled anew.
    assert after - before < 2_000_000


# -- calls that go on ------------------------------------------------------------------------------


def active(found: dict[str, Any]) -> dict[str, float]:
    return {
        point.attributes["gen_ai.request.model"]: point.value
        for point in found["clearspan.client.active_calls"]
    }


def test_calls_in_flight_are_those_of_the_moment(meters: Meters) -> None:
    pipeline = meters.pipeline()
    one, two = call("a"), call("b")
    assert "clearspan.client.active_calls" not in meters.read()
    pipeline.open(one)
    pipeline.open(two)
    assert active(meters.read()) == {"a": 1, "b": 1}
    two.end_ns = two.start_ns
    pipeline.close(two)
    pipeline.close(two)
    assert active(meters.read()) == {"a": 1, "b": 0}
    pipeline.renew()
    assert active(meters.read()) == {"a": 0, "b": 0}


def test_a_meter_holds_no_pipeline_and_shows_the_latest(meters: Meters) -> None:
    before = meters.pipeline()
    pipeline_gone, telemetry_gone = weakref.ref(before), weakref.ref(before.telemetry)
    before.open(call("old"))
    assert active(meters.read()) == {"old": 1}
    after = meters.pipeline()
    after.open(call("new"))
    assert active(meters.read()) == {"new": 1}
    del before
    gc.collect()
    assert (pipeline_gone(), telemetry_gone()) == (None, None)
    assert active(meters.read()) == {"new": 1}
    del after
    gc.collect()
    assert "clearspan.client.active_calls" not in meters.read()


def test_a_telemetry_outlives_who_asked_it(meters: Meters) -> None:
    pipeline = meters.pipeline()
    telemetry = pipeline.telemetry
    pipeline.open(call("a"))
    assert active(meters.read()) == {"a": 1}
    del pipeline
    gc.collect()
    assert telemetry is not None
    assert active(meters.read()) == {"a": 0}


# -- with a real client ----------------------------------------------------------------------------

CHAT: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "Where is Rome?"}],
}


@pytest.fixture
def server() -> Any:
    with ModelServer() as made:
        yield made


def client(server: ModelServer, retries: int = 0) -> Any:
    return openai.OpenAI(base_url=server.url, api_key="unused", max_retries=retries)


def values(seen: Any, name: str) -> list[Any]:
    return [point["value"] for point in seen.metrics[name]]


def test_what_a_server_says_of_its_limits(server: ModelServer) -> None:
    server.script(
        Reply("a", headers=LIMITS), Error(429, "Slowly.", headers={**LIMITS, "retry-after": "100"})
    )
    with captured(providers=("openai",)) as seen, client(server) as made:
        made.chat.completions.create(**CHAT)
        with pytest.raises(openai.RateLimitError):
            made.chat.completions.create(**CHAT)
        found = seen.metrics
    prefix = "clearspan.client.rate_limit."
    assert {
        (name, point["attributes"]["clearspan.rate_limit.kind"]): point["value"]
        for name in ("limit", "remaining")
        for point in found[prefix + name]
    } == {
        ("limit", "requests"): 500,
        ("limit", "tokens"): 30_000,
        ("remaining", "requests"): 499,
        ("remaining", "tokens"): 29_000,
    }
    assert {
        point["attributes"]["clearspan.rate_limit.kind"]: 0 < point["value"] <= most
        for point, most in zip(found[prefix + "reset"], (120.0, 360.0), strict=True)
    } == {"requests": True, "tokens": True}
    (again,) = found[prefix + "retry_after"]
    assert 0 < again["value"] <= 100
    assert again["attributes"] == {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "server.address": "127.0.0.1",
    }


def test_calls_errors_retries(server: ModelServer) -> None:
    fast = {"retry-after-ms": "1"}
    server.script(Error(500, headers=fast), Error(500, headers=fast), Reply("a"))
    server.script(*[Error(400, "Bad.", "bad_request")] * 2)
    with captured(providers=("openai",)) as seen, client(server, 2) as made:
        made.chat.completions.create(**CHAT)
        for _ in range(2):
            with pytest.raises(openai.BadRequestError):
                made.chat.completions.create(**CHAT)
        counted = {
            point["attributes"].get("error.type"): (
                point["value"],
                point["attributes"].get("clearspan.outcome"),
            )
            for point in seen.metrics["clearspan.client.operation.count"]
        }
        assert counted == {None: (1, None), "bad_request": (2, "failed")}
        assert values(seen, "clearspan.client.operation.retries") == [2]


def test_streams_in_flight(server: ModelServer) -> None:
    with captured(providers=("openai",)) as seen, client(server) as made:
        streams = [made.chat.completions.create(**CHAT, stream=True) for _ in range(2)]
        assert values(seen, "clearspan.client.active_calls") == [2]
        for stream in streams:
            stream.close()
        assert values(seen, "clearspan.client.active_calls") == [0]


# -- content ---------------------------------------------------------------------------------------

SECRET = "canary"


def test_no_content_reaches_any_metric(server: ModelServer) -> None:
    key = f"{SECRET}-key"
    server.script(Reply(SECRET, headers=LIMITS), Error(429, SECRET, headers={"retry-after": "9"}))
    said: dict[str, Any] = {
        "session": SECRET,
        "user": SECRET,
        "tags": [SECRET],
        "metadata": {"plan": "gold", SECRET: SECRET},
        "prompt": (SECRET, SECRET),
        "variant": {SECRET: SECRET},
        "variables": {SECRET: SECRET},
    }
    asked: dict[str, Any] = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": SECRET}],
        "user": SECRET,
    }
    with (
        captured(metric_names="both", metric_context=("plan",), count_tokens="metrics") as seen,
        openai.OpenAI(base_url=server.url, api_key=key, max_retries=0) as made,
        clearspan.context(**said),
    ):
        made.chat.completions.create(**asked)
        with pytest.raises(openai.RateLimitError):
            made.chat.completions.create(**asked)
        going = made.chat.completions.create(**asked, stream=True)
        with clearspan.span("look", kind="tool") as step:
            step.set(input=SECRET)
        draft = seen.invocations[0]
        found = seen.metrics
        going.close()
    assert SECRET in json.dumps(draft.input)
    assert len(found) > 10
    assert SECRET not in json.dumps(found)
