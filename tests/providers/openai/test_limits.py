"""Limits, refusals, and what a client waits between its attempts."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from clearspan.draft import Draft
from clearspan.providers.openai import transport
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Cut, Error, Json, Reply
from tests.providers.openai.kit import CHAT, only
from tests.providers.side import Side

PREFIX = "clearspan.rate_limit."
WAIT = "clearspan.request.retry_wait"
FAST = {"retry-after-ms": "30"}


def patient(server: ModelServer, side: Side, retries: int = 2) -> Any:
    kind = openai.AsyncOpenAI if side.asynchronous else openai.OpenAI
    return kind(base_url=server.url, api_key="unused", max_retries=retries)


def limits(span: Any) -> dict[str, Any]:
    return {
        name.removeprefix(PREFIX): value
        for name, value in span.attributes.items()
        if name.startswith(PREFIX)
    }


def test_a_refusal_says_when_to_come_back(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(
        Error(429, "Slowly.", headers={"x-ratelimit-remaining-requests": "0", "retry-after": "7"})
    )
    with captured() as seen:
        with pytest.raises(openai.RateLimitError):
            side.do(client.chat.completions.create(**CHAT))
    found = limits(only(seen))
    assert (found["requests.remaining"], found["retry_after"]) == (0, 7.0)


def test_an_answer_does_not_say_when_to_come_back(
    server: ModelServer, client: Any, side: Side
) -> None:
    server.respond(Reply("Rome.", headers={"retry-after": "7"}))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
    assert "retry_after" not in limits(only(seen))


def test_azure_counts_milliseconds(server: ModelServer, side: Side) -> None:
    kind = openai.AsyncAzureOpenAI if side.asynchronous else openai.AzureOpenAI
    client: Any = kind(
        base_url=server.url, api_key="unused", api_version="2024-06-01", max_retries=0
    )
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": []}
    server.respond(Json(body, headers={"x-ratelimit-reset-requests": "500"}))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
    side.do(client.close())
    assert limits(only(seen))["requests.reset"] == 0.5


@pytest.mark.parametrize(("told", "kept"), [(2**53, True), (2**63, False), (10**40, False)])
def test_whatever_a_server_grants_can_be_sent_on(
    server: ModelServer, client: Any, side: Side, told: int, kept: bool
) -> None:
    """The wire holds 64 bits: a number beyond would cost every span that is exported with it."""
    names = ("requests.limit", "requests.remaining", "tokens.limit", "tokens.remaining")
    headers = (f"x-ratelimit-{what}-{of}" for of, what in (name.split(".") for name in names))
    server.respond(Reply("Rome.", headers=dict.fromkeys(headers, str(told))))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
    found = limits(only(seen))
    assert [found.get(name) for name in names] == [told if kept else None] * 4
    points = [
        point for name, seen_of in seen.metrics.items() if "rate_limit" in name for point in seen_of
    ]
    assert sum(point["value"] == told for point in points) == (4 if kept else 0)
    assert all(point["value"] < 2**63 for point in points)


@pytest.mark.parametrize(
    "failures", [[Error(500, headers=FAST)], [Error(429, headers=FAST)] * 2, [Cut()]]
)
def test_waiting_between_attempts(server: ModelServer, side: Side, failures: list[Any]) -> None:
    client = patient(server, side)
    server.script(*failures, Reply("Rome."))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
    side.do(client.close())
    span = only(seen)
    waited = span.attributes[WAIT]
    assert waited < (span.end_ns - span.start_ns) / 1e9
    if not isinstance(failures[0], Cut):
        assert waited >= 0.03 * len(failures)


def test_a_call_that_waited_for_nothing(server: ModelServer, client: Any, side: Side) -> None:
    server.script(Reply("Rome."), Error(400, "Bad."))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
        with pytest.raises(openai.BadRequestError):
            side.do(client.chat.completions.create(**CHAT))
    assert [WAIT in span.attributes for span in seen.spans] == [False, False]


def test_the_last_failure_is_waited_for_no_more(server: ModelServer, side: Side) -> None:
    client = patient(server, side, retries=1)
    server.respond(Error(500, "No.", headers=FAST))
    with captured() as seen:
        with pytest.raises(openai.InternalServerError):
            side.do(client.chat.completions.create(**CHAT))
    side.do(client.close())
    assert only(seen).attributes[WAIT] >= 0.03


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        ((), None),
        ((("again", 5.0),), None),
        ((("waiting", 1.0),), None),
        ((("waiting", 1.0), ("again", 1.5)), 0.5),
        ((("again", 0.5), ("waiting", 1.0), ("again", 1.5), ("waiting", 2.0), ("again", 4.0)), 2.5),
        ((("waiting", 1.0), ("again", 1.5), ("again", 9.0)), 0.5),
        ((("waiting", 1.0), ("again", 1.5), ("waiting", 2.0)), 0.5),
    ],
)
def test_pauses(pauses: tuple[tuple[str, float], ...], expected: float | None) -> None:
    draft = Draft("chat")
    draft.transport = {"pauses": pauses}
    transport.finish(draft)
    assert draft.extras.get(WAIT) == expected
