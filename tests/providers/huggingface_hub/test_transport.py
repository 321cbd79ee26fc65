"""What an exchange tells beside the answer: the provider behind a router, ids, times and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import huggingface_hub
import pytest

from clearspan.draft import Draft
from clearspan.providers.huggingface_hub.transport import finish
from clearspan.testing import Error, Json, Reply, captured
from tests.providers.huggingface_hub.kit import ASKED, made, only, release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clearspan.testing import ModelServer
    from tests.providers.side import Side

ROUTER = "https://router.huggingface.co"


@pytest.mark.parametrize(
    ("url", "model", "provider", "expected"),
    [
        (f"{ROUTER}/together/v1/chat/completions", "meta/x", "together", "together"),
        (f"{ROUTER}/hf-inference/models/bert", "bert", "auto", "hf-inference"),
        (f"{ROUTER}/v1/chat/completions", "meta/x", None, None),
        (f"{ROUTER}/v1/chat/completions", "meta/x:groq", "auto", "groq"),
        (f"{ROUTER}/v1/chat/completions", "meta/x:fastest", None, None),
        (f"{ROUTER}/v1/chat/completions", f"{ROUTER}/v1", None, None),
        ("https://api.together.xyz/v1/completions", "meta/x", "together", "together"),
        (
            "http://127.0.0.1:8080/v1/chat/completions",
            "http://127.0.0.1:8080",
            "hf-inference",
            None,
        ),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/", None, None),
    ],
)
def test_inference_providers(url: str, model: str, provider: Any, expected: Any) -> None:
    draft = Draft("chat")
    draft.transport = {"url": url, "model": model, "provider": provider}
    finish(draft)
    assert draft.extras.get("clearspan.huggingface.inference_provider") == expected
    assert draft.model == (None if model.startswith("http") else model)
    assert str(draft.server_address) in url
    assert draft.server_port == (8080 if "8080" in url else 443)


def test_nothing_is_known_of_a_request_that_was_never_made() -> None:
    draft = Draft("chat")
    finish(draft)
    assert (draft.server_address, draft.model, draft.extras) == (None, None, {})


BLIND = huggingface_hub.__version__.startswith("0.")
HEADERS = {
    "x-request-id": "r-1",
    "x-inference-provider": "groq",
    "x-total-time": "250",
    "x-prompt-tokens": "7",
    "x-generated-tokens": "3",
}


def asked(server: ModelServer, side: Side, method: str, given: Any, **more: Any) -> dict[str, Any]:
    """The attributes of a call of the server's own address."""
    if BLIND and side.asynchronous:
        pytest.skip("these clients leave the headers to their HTTP library")
    client = made(server.origin, asynchronous=side.asynchronous)
    with captured(count_tokens="off") as seen:
        answer = side.do(getattr(client, method)(given, **more))
        if more.get("stream"):
            side.take(answer)
    side.do(release(client))
    return dict(only(seen).attributes)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_headers_of_a_text(server: ModelServer, side: Side, stream: bool) -> None:
    server.respond(Reply("in Italy", headers=HEADERS))
    found = asked(server, side, "text_generation", "Rome is", stream=stream)
    assert found["clearspan.response.http_status"] == 200
    assert found["clearspan.response.request_id"] == "r-1"
    assert found["clearspan.response.processing_time"] == 0.25
    assert found["clearspan.huggingface.inference_provider"] == "groq"
    assert found["gen_ai.usage.input_tokens"] == 7
    assert found["gen_ai.usage.output_tokens"] == 3


def test_a_chat_counts_in_its_body(server: ModelServer, side: Side) -> None:
    server.respond(Reply("Rome", headers=HEADERS, usage={"prompt_tokens": 4}))
    found = asked(server, side, "chat_completion", ASKED)
    assert found["gen_ai.usage.input_tokens"] == 4
    assert "gen_ai.usage.output_tokens" not in found
    assert found["clearspan.huggingface.inference_provider"] == "groq"


def test_what_a_server_of_embeddings_counts(server: ModelServer, side: Side) -> None:
    server.respond(Json([[0.5, 0.25]], headers={"x-compute-tokens": "9"}))
    found = asked(server, side, "feature_extraction", "a b c")
    assert found["gen_ai.usage.input_tokens"] == 9
    assert "gen_ai.usage.output_tokens" not in found


class Counted(Draft):
    """Remembers the counts that it is told."""

    told: Mapping[str, Any] | None = None

    def usage(self, **counts: int | str | None) -> None:
        self.told = counts


@pytest.mark.parametrize("said", ["", "many", "-3", "1.5", "\u00b2", "9" * 5000])
def test_counts_that_are_none(said: str) -> None:
    draft = Counted("text_completion")
    draft.transport = {"status": "200", "headers": {"x-prompt-tokens": said, "x-total-time": said}}
    finish(draft)
    assert draft.extras == {}
    assert draft.told == {"input": None, "output": None}


def test_a_refusal_by_its_id(server: ModelServer, side: Side) -> None:
    if BLIND and side.asynchronous:
        pytest.skip("these clients leave the headers to their HTTP library")
    server.respond(Error(422, "too long", "validation", headers={"x-amzn-trace-id": "t-1"}))
    client = made(server.origin, asynchronous=side.asynchronous)
    with captured() as seen, pytest.raises(Exception, match="too long"):
        side.do(client.text_generation("Rome"))
    side.do(release(client))
    attributes = only(seen).attributes
    assert attributes["error.type"] == "validation"
    assert attributes["clearspan.response.http_status"] == 422
    assert attributes["clearspan.response.request_id"] == "t-1"
