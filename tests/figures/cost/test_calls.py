"""Costs of real calls: the openai client's, against OpenAI's address and against a server of one's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

import clearspan
from clearspan import semconv as sc
from clearspan.settings import SettingError
from clearspan.testing import ModelServer, captured
from tests.recordings.replay import http_library

if TYPE_CHECKING:
    from clearspan.testing import SeenSpan


QUESTION: list[Any] = [{"role": "user", "content": "How much is it?"}]
USAGE = {
    "prompt_tokens": 10_000,
    "completion_tokens": 1_000,
    "total_tokens": 11_000,
    "prompt_tokens_details": {"cached_tokens": 8_000, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
ANSWER = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000, "model": "gpt-4o-2024-08-06",
    "service_tier": "default",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Not much."}, "finish_reason": "stop"}],
    "usage": USAGE,
}  # fmt: skip
CHUNK = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "gpt-4o-2024-08-06",
}
STREAM = [
    {**CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Not much."}}]},
    {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {**CHUNK, "choices": [], "usage": USAGE},
]


def client(status: int = 200, body: Any = ANSWER, url: str = "https://api.openai.com/v1") -> Any:
    """A client whose requests are answered here."""

    httpx = http_library()

    def answer(request: Any) -> Any:
        if isinstance(body, list):
            lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in body) + "data: [DONE]\n\n"
            return httpx.Response(status, text=lines, headers={"content-type": "text/event-stream"})
        return httpx.Response(status, json=body)

    transport = httpx.Client(transport=httpx.MockTransport(answer))
    return openai.OpenAI(api_key="test", base_url=url, http_client=transport, max_retries=0)


def costs(span: SeenSpan) -> dict[str, Any]:
    return {
        name: value for name, value in span.attributes.items() if name.startswith("clearspan.cost.")
    }


def test_a_call_of_openai_is_priced() -> None:
    with captured() as seen:
        client().chat.completions.create(model="gpt-4o", messages=QUESTION)
    found = costs(seen.spans[0])
    assert str(found.pop(sc.COST_SOURCE)).startswith("genai-prices ")
    found.pop(sc.COST_PRICED_ON, None)  # as the installed files are dated
    # 2,000 x 2.50 = 5,000; 8,000 x 1.25 = 10,000; 1,000 x 10 = 10,000 of a million
    assert found == {
        sc.COST_TOTAL: 0.025,
        sc.COST_INPUT: 0.015,
        sc.COST_OUTPUT: 0.01,
        sc.COST_CACHE_READ: 0.01,
        sc.COST_CURRENCY: "USD",
    }


def test_a_stream_is_priced_by_its_last_chunk() -> None:
    with captured() as seen:
        stream = client(body=STREAM).chat.completions.create(
            model="gpt-4o", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        assert len(list(stream)) == len(STREAM)
    assert costs(seen.spans[0])[sc.COST_TOTAL] == 0.025


def test_vectors_are_priced() -> None:
    body = {
        "object": "list", "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
        "usage": {"prompt_tokens": 50_000, "total_tokens": 50_000},
    }  # fmt: skip
    with captured() as seen:
        client(body=body).embeddings.create(
            model="text-embedding-3-small", input="a book", encoding_format="float"
        )
    assert costs(seen.spans[0])[sc.COST_TOTAL] == 0.001  # 50,000 x 0.02


def test_a_refused_call_has_no_cost() -> None:
    with captured() as seen, pytest.raises(openai.RateLimitError):
        client(
            429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
        ).chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert costs(seen.spans[0]) == {}


def test_a_batch_that_is_made_has_no_cost_yet() -> None:
    body = {
        "id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "file-1",
        "completion_window": "24h", "status": "validating", "created_at": 1,
    }  # fmt: skip
    with captured() as seen:
        client(body=body).batches.create(
            input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"
        )
    assert costs(seen.spans[0]) == {}


def test_pricing_off() -> None:
    with captured(pricing="off") as seen:
        client().chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert costs(seen.spans[0]) == {}


def test_a_server_of_ones_own_costs_what_the_own_table_says_and_nothing_else() -> None:
    table = {"currency": "EUR", "models": {"gpt-4o*": {"request": 0.5}}}
    with ModelServer() as server:
        with openai.OpenAI(base_url=server.url, api_key="test") as local:
            with captured() as seen:
                local.chat.completions.create(model="gpt-4o", messages=QUESTION)
            with captured(pricing=table) as by_table:
                local.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert seen.invocations[0].usage.input is not None
    assert costs(seen.spans[0]) == {}
    assert costs(by_table.spans[0])[sc.COST_TOTAL] == 0.5
    assert costs(by_table.spans[0])[sc.COST_CURRENCY] == "EUR"


def test_a_decorated_call_is_paid_once() -> None:
    @clearspan.observe(kind="model")
    def ask() -> None:
        client().chat.completions.create(model="gpt-4o", messages=QUESTION)

    with captured() as seen:
        ask()
    assert [costs(span)[sc.COST_TOTAL] for span in seen.spans] == [0.025]


def test_what_is_wrong_with_a_table_is_said_at_the_start() -> None:
    with (
        pytest.raises(SettingError, match="pricing: the price table: unknown field 'modles'"),
        captured(pricing={"modles": {}}),
    ):
        raise AssertionError("began all the same")
