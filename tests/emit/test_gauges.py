"""What is read when metrics are collected: calls that go on, and limits as servers told them."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from clearspan.draft import Draft
from clearspan.emit.boards import board_of
from clearspan.emit.gauges import FRESH, STALE, ActiveCalls, RateLimits
from clearspan.emit.instruments import INSTRUMENTS
from clearspan.emit.measures import Point
from clearspan.emit.series import LONGEST, Series
from clearspan.record import Invocation, Timing

# -- calls that go on ------------------------------------------------------------------------------


def draft(operation: str = "chat", model: str | None = "m", **facts: Any) -> Draft:
    made = Draft(operation)
    made.provider, made.model = "openai", model
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def numbers(points: list[Point]) -> dict[str, float]:
    assert {point.name for point in points} <= {"clearspan.client.active_calls"}
    return {
        str(found.get("gen_ai.request.model", found.get("otel.metric.overflow"))): value
        for _, value, found in points
    }


def test_calls_are_counted_by_what_they_are() -> None:
    active = ActiveCalls(Series(10))
    assert active.read([]) == []
    (point,) = active.read([draft(), draft()])
    assert point == (
        "clearspan.client.active_calls",
        2,
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "m",
        },
    )


def test_of_a_long_model_only_the_beginning_is_looked_through(scrubbed: list[int]) -> None:
    (point,) = ActiveCalls(Series(10)).read([draft(model="a model " * 100_000)])
    assert point.attributes["gen_ai.request.model"] == ("a model " * 100)[:LONGEST]
    assert scrubbed
    assert max(scrubbed) <= LONGEST + 4_096


def test_what_was_seen_before_is_zero() -> None:
    active = ActiveCalls(Series(10))
    active.read([draft(model="a"), draft(model="b")])
    assert numbers(active.read([draft(model="b")])) == {"a": 0, "b": 1}
    assert numbers(active.read([])) == {"a": 0, "b": 0}


def test_calls_beyond_the_limit_are_together() -> None:
    active = ActiveCalls(Series(2))
    found = active.read([draft(model="a"), draft(model="b"), draft(model="c")])
    assert numbers(found) == {"a": 1, "True": 2}
    assert numbers(active.read([draft(model="c")])) == {"a": 0, "True": 1}


@pytest.mark.parametrize(
    ("made", "counted"),
    [
        (draft("task"), False),
        (draft("execute_tool", kind="internal"), False),
        (draft("invoke_agent", kind="internal"), False),
        (draft("invoke_workflow", kind="internal"), False),
        (draft("invoke_agent"), True),
        (draft("chat", kind="internal"), True),
        (draft("embeddings", model=None), True),
        (draft("text_completion", inference_calls=1), False),
        (draft("embeddings", inference_calls=1), True),
    ],
)
def test_which_operations_are_calls(made: Draft, counted: bool) -> None:
    assert bool(ActiveCalls(Series(10)).read([made])) is counted


# -- limits ----------------------------------------------------------------------------------------


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def answer(model: str = "m", **said: Any) -> Invocation:
    extras = {f"clearspan.rate_limit.{name}": value for name, value in said.items()}
    return Invocation(
        "chat",
        Timing(0, 1),
        provider="openai",
        model=model,
        server_address="api.example",
        extras={"clearspan.request.retry_count": 0, **extras},
    )


def dotted(**said: Any) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in said.items()}


BASE = {
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "server.address": "api.example",
}
REQUESTS = {**BASE, "clearspan.rate_limit.kind": "requests"}
PREFIX = "clearspan.client.rate_limit."


def shown(limits: RateLimits) -> dict[str, list[tuple[float, dict[str, Any]]]]:
    return {
        name.removeprefix(PREFIX): [(value, dict(found)) for _, value, found in points]
        for name, points in limits.read().items()
        if points
    }


def test_what_an_answer_said() -> None:
    limits = RateLimits(Series(10), Clock())
    limits.note(
        answer(
            **dotted(
                requests__limit=10,
                requests__remaining=9,
                requests__reset=80.0,
                tokens__day__limit=5,
            )
        )
    )
    assert shown(limits) == {
        "limit": [
            (10, REQUESTS),
            (
                5,
                {
                    **BASE,
                    "clearspan.rate_limit.kind": "tokens",
                    "clearspan.rate_limit.window": "day",
                },
            ),
        ],
        "remaining": [(9, REQUESTS)],
        "reset": [(80.0, REQUESTS)],
    }


def test_the_last_word_counts() -> None:
    limits = RateLimits(Series(10), Clock())
    limits.note(answer(**dotted(requests__limit=10, requests__remaining=9)))
    limits.note(answer(**dotted(requests__remaining=8)))
    limits.note(answer())
    assert shown(limits) == {"remaining": [(8, REQUESTS)]}


def test_times_run_down_and_values_get_old() -> None:
    clock = Clock()
    limits = RateLimits(Series(10), clock)
    limits.note(answer(**dotted(requests__remaining=9, requests__reset=80.0)))
    clock.now += FRESH + 10
    assert shown(limits) == {"remaining": [(9, REQUESTS)], "reset": [(10.0, REQUESTS)]}
    clock.now += 10.5
    assert shown(limits) == {}
    limits.note(answer(**dotted(requests__remaining=7, requests__reset=0.006)))
    clock.now += FRESH
    assert shown(limits) == {"remaining": [(7, REQUESTS)]}
    clock.now += 1
    assert shown(limits) == {}


def test_what_is_stale_is_forgotten_whatever_it_was() -> None:
    clock = Clock()
    limits = RateLimits(Series(10), clock)
    limits.note(answer(**dotted(requests__remaining=0, requests__reset=9000.0, retry_after=9000.0)))
    clock.now += STALE
    assert set(shown(limits)) == {"remaining", "reset", "retry_after"}
    clock.now += 0.5
    assert shown(limits) == {}
    clock.now -= STALE
    assert shown(limits) == {}


def test_a_refusal_says_when_to_come_back() -> None:
    clock = Clock()
    limits = RateLimits(Series(10), clock)
    limits.note(answer(retry_after=20.0))
    clock.now += 5
    assert shown(limits) == {"retry_after": [(15.0, BASE)]}


def test_limits_beyond_the_room_are_not_told() -> None:
    limits = RateLimits(Series(3), Clock())
    for n in range(1000):
        limits.note(answer(f"m{n}", **dotted(requests__limit=n)))
    assert [value for value, _ in shown(limits)["limit"]] == [0, 1]
    limits.note(answer("m1", **dotted(requests__limit=7)))
    assert [value for value, _ in shown(limits)["limit"]] == [0, 7]


@pytest.mark.parametrize(
    "said",
    [
        dotted(requests__limit="10"),
        dotted(requests__limit=True),
        dotted(requests__other=3),
        dotted(other=3),
        dotted(pages__limit=3),
        dotted(requests__a__b__limit=3),
    ],
)
def test_what_is_no_limit(said: dict[str, Any]) -> None:
    limits = RateLimits(Series(10), Clock())
    limits.note(answer(**said))
    assert shown(limits) == {}


def test_what_no_metric_can_hold_is_left_out_of_a_figure() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    meter = provider.get_meter("boards")

    class Shown:
        def read(self, name: str) -> list[Point]:
            return [Point(name, 3, {"a": "b", "odd": object()})]

    board, shown = board_of(meter, "site"), Shown()
    board.make(meter, [row for row in INSTRUMENTS if row.kind == "updowncounter"])
    board.turn_to(shown)
    data: Any = reader.get_metrics_data()
    (point,) = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert (point.value, dict(point.attributes)) == (3, {"a": "b"})
    provider.shutdown()
