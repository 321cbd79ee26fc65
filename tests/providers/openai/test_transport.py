"""What the HTTP exchange tells: retries, request id, timing, limits, status."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import openai
import pytest

from clearspan.draft import Draft
from clearspan.providers.openai import transport
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Cut, Error, Reply
from tests.providers.openai.kit import CHAT, only
from tests.providers.side import Side

FAST = {"retry-after-ms": "1"}
HEADERS = {
    "x-request-id": "req_42",
    "openai-processing-ms": "250",
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "29000",
    "x-ratelimit-reset-tokens": "6m0s",
}
TOLD = {
    "clearspan.response.request_id": "req_42",
    "clearspan.response.processing_time": 0.25,
    "clearspan.rate_limit.requests.limit": 500,
    "clearspan.rate_limit.requests.remaining": 499,
    "clearspan.rate_limit.requests.reset": 0.12,
    "clearspan.rate_limit.tokens.limit": 30000,
    "clearspan.rate_limit.tokens.remaining": 29000,
    "clearspan.rate_limit.tokens.reset": 360.0,
}


def patient(server: ModelServer, side: Side, retries: int = 2) -> Any:
    kind = openai.AsyncOpenAI if side.asynchronous else openai.OpenAI
    return kind(base_url=server.url, api_key="unused", max_retries=retries)


def retry_count(span: Any) -> Any:
    return span.attributes.get("clearspan.request.retry_count")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_headers_of_an_answer(server: ModelServer, client: Any, side: Side, stream: bool) -> None:
    server.respond(Reply("Rome.", headers=HEADERS))
    with captured() as seen:
        answer = side.do(client.chat.completions.create(**CHAT, stream=stream))
        if stream:
            side.take(answer)
    span = only(seen)
    assert {name: span.attributes.get(name) for name in TOLD} == TOLD
    assert span.attributes["clearspan.response.http_status"] == 200
    assert retry_count(span) == 0


def test_headers_of_a_refusal(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Error(429, "Slowly.", headers=HEADERS))
    with captured() as seen:
        with pytest.raises(openai.RateLimitError):
            side.do(client.chat.completions.create(**CHAT))
    span = only(seen)
    assert {name: span.attributes.get(name) for name in TOLD} == TOLD
    assert span.attributes["clearspan.response.http_status"] == 429
    assert span.attributes["error.type"] == "rate_limit_exceeded"


def test_retries_are_one_span(server: ModelServer, side: Side) -> None:
    client = patient(server, side)
    server.script(Error(500, headers=FAST), Error(429, headers=FAST), Reply("Rome."))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
    side.do(client.close())
    span = only(seen)
    assert (retry_count(span), span.status) == (2, "UNSET")
    assert "error.type" not in span.attributes
    assert len(server.requests) == 3


def test_retries_that_were_in_vain(server: ModelServer, side: Side) -> None:
    client = patient(server, side, retries=1)
    server.respond(Error(500, "No.", headers=FAST))
    with captured() as seen:
        with pytest.raises(openai.InternalServerError):
            side.do(client.chat.completions.create(**CHAT))
    side.do(client.close())
    span = only(seen)
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "openai.InternalServerError")
    assert len(server.requests) == 2
    if hasattr(openai.resources, "responses"):  # older clients do not say which attempt it is
        assert retry_count(span) == 1


def test_a_connection_that_breaks_is_tried_again(server: ModelServer, side: Side) -> None:
    client = patient(server, side, retries=1)
    server.script(Cut(), Reply("Rome."))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
    side.do(client.close())
    assert retry_count(only(seen)) == 1


def test_one_call_does_not_tell_of_another(server: ModelServer, client: Any, side: Side) -> None:
    server.script(Reply("a", headers=HEADERS), Cut())
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
        with pytest.raises(openai.APIConnectionError):
            side.do(client.chat.completions.create(**CHAT))
    assert "clearspan.response.request_id" not in seen.spans[1].attributes


def test_no_key_is_anywhere(server: ModelServer, side: Side) -> None:
    kind = openai.AsyncOpenAI if side.asynchronous else openai.OpenAI
    key = "not-of-any-known-shape-4711"
    client = kind(base_url=server.url, api_key=key, default_headers={"x-mine": key}, max_retries=0)
    server.script(Reply("a"), Error(401, "Wrong."))
    with captured() as seen:
        side.do(
            client.chat.completions.create(
                **CHAT, extra_headers={"x-other": key}, extra_query={"k": key}
            )
        )
        with pytest.raises(openai.AuthenticationError):
            side.do(client.chat.completions.create(**CHAT))
        side.do(client.close())
        assert key not in repr([seen.spans, seen.events, seen.metrics, seen.invocations])
    assert key in server.requests[0].headers["authorization"]


def test_headers_of_other_servers_are_no_fault() -> None:
    draft = Draft("chat")
    odd = {
        "x-ratelimit-limit-tokens": "many",
        "x-ratelimit-limit-requests": "inf",
        "openai-processing-ms": "n/a",
    }
    draft.transport = {"status": 200, "headers": odd}
    transport.finish(draft)
    assert draft.extras == {"clearspan.response.http_status": 200}
    untouched = Draft("chat")
    transport.finish(untouched)
    untouched.transport = {"retries": 0}
    transport.finish(untouched)
    assert untouched.extras == {"clearspan.request.retry_count": 0}


class Failed(Exception):
    def __init__(self, code: Any) -> None:
        self.code = code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Failed("too_long"), "too_long"),
        (Failed(""), None),
        (Failed(429), None),
        (Failed(None), None),
        (ValueError("x"), None),
        (SystemExit("a message"), None),
        (KeyboardInterrupt(), None),
    ],
)
def test_codes_of_errors(error: BaseException, code: str | None) -> None:
    assert transport.error(error) == code


def test_probes_stand_what_they_are_not_called_with() -> None:
    nothing: Any = SimpleNamespace(args=(), kwargs={})
    read = [probe.read(nothing) for probe in transport.PROBES if probe.read is not None]
    assert [sorted(noted) for noted in read] == [["pauses"], ["pauses"], [], []]
