"""Limits and queues, as servers behind the Hugging Face clients tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from clearspan.draft import Draft
from clearspan.providers.huggingface_hub.transport import finish
from clearspan.testing import Error, Reply, captured
from tests.providers.huggingface_hub.kit import made, only, release
from tests.providers.huggingface_hub.test_transport import BLIND

if TYPE_CHECKING:
    from clearspan.testing import ModelServer
    from tests.providers.side import Side

HEADERS = {
    "x-queue-time": "40",
    "x-tokenization-time": "2",
    "x-ratelimit-remaining-tokens": "11",
    "x-ratelimit-reset-tokens": "1m30s",
}


def test_time_in_the_queue(server: ModelServer, side: Side) -> None:
    if BLIND and side.asynchronous:
        pytest.skip("these clients leave the headers to their HTTP library")
    server.respond(Reply("in Italy", headers=HEADERS))
    client = made(server.origin, asynchronous=side.asynchronous)
    with captured() as seen:
        side.do(client.text_generation("Rome is"))
        phases = {
            point["attributes"]["clearspan.phase"]: point["sum"]
            for point in seen.metrics["clearspan.client.operation.phase.duration"]
        }
    side.do(release(client))
    found = only(seen).attributes
    assert (found["clearspan.phase.queue"], found["clearspan.phase.tokenize"]) == (0.04, 0.002)
    assert (phases["queue"], phases["tokenize"]) == (0.04, 0.002)
    assert found["clearspan.rate_limit.tokens.remaining"] == 11
    assert found["clearspan.rate_limit.tokens.reset"] == 90.0


def test_a_refusal(server: ModelServer, side: Side) -> None:
    if BLIND and side.asynchronous:
        pytest.skip("these clients leave the headers to their HTTP library")
    server.respond(Error(429, "too many", headers={"retry-after": "12"}))
    client = made(server.origin, asynchronous=side.asynchronous)
    with captured() as seen, pytest.raises(Exception, match=r"429|too many"):
        side.do(client.text_generation("Rome"))
    side.do(release(client))
    assert only(seen).attributes["clearspan.rate_limit.retry_after"] == 12.0


@pytest.mark.parametrize("said", ["", "soon", "-3", "1.5"])
def test_times_that_are_none(said: str) -> None:
    draft = Draft("chat")
    headers: dict[str, Any] = {"x-queue-time": said, "retry-after": "30"}
    draft.transport = {"status": 200, "headers": headers}
    finish(draft)
    assert draft.pace.phases == {}
    assert "clearspan.rate_limit.retry_after" not in draft.extras
