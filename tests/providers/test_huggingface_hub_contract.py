"""The contract of providers, kept by ours for the inference clients of huggingface_hub."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any

import huggingface_hub
import pytest

from clearspan.providers.huggingface_hub import provider
from clearspan.testing import ModelServer
from tests.providers.contract import *  # noqa: F403 -- the suite is what is wanted of it
from tests.providers.huggingface_hub.kit import release
from tests.providers.side import Side

MODEL = "meta-llama/Llama-3.1-8B"


class Chat:
    """Chats of an inference client, whose streams are generators."""

    provider = provider
    span = f"chat {MODEL}"
    identity = "gen_ai.response.model"
    refused = "no_such_thing"
    broken = "huggingface_hub.errors.UnknownError"

    def client(self, server: ModelServer, *, asynchronous: bool) -> Any:
        kind: Any = (
            huggingface_hub.AsyncInferenceClient
            if asynchronous
            else huggingface_hub.InferenceClient
        )
        # Of itself a client numbers its requests, each anew.
        headers = {"x-request-id": "contract"}
        url = f"{server.origin}/models/{MODEL}"
        return kind(base_url=url, api_key="none", headers=headers)

    def release(self, client: Any) -> Any:
        return release(client)

    def call(self, client: Any, text: str, *, stream: bool = False) -> Any:
        messages = [{"role": "user", "content": text}]
        return client.chat_completion(
            messages,
            model=MODEL,
            stream=stream,
        )

    def raw(self, client: Any, text: str, *, stream: bool = False) -> Any:
        del client, text, stream

    def parsed(self, raw: Any) -> Any:
        del raw

    def unread(self, client: Any, text: str, *, stream: bool = False) -> Any:
        del client, text, stream

    def answer(self, result: Any) -> str:
        return str(result.choices[0].message.content)

    def delta(self, chunk: Any) -> str:
        return str(chunk.choices[0].delta.content or "")

    def block(self, stream: Any) -> Any:
        return contextlib.aclosing(stream) if _asynchronous(stream) else contextlib.closing(stream)

    def close(self, stream: Any) -> Any:
        return stream.aclose() if _asynchronous(stream) else stream.close()

    def closed(self, stream: Any) -> bool:
        return (stream.ag_frame if _asynchronous(stream) else stream.gi_frame) is None

    def targets(self) -> list[Any]:
        sync = importlib.import_module("huggingface_hub.inference._client")
        later = importlib.import_module("huggingface_hub.inference._generated._async_client")
        classes = (sync.InferenceClient, later.AsyncInferenceClient)
        return [vars(cls)[name] for cls in classes for name in ("chat_completion", "text_to_image")]


def _asynchronous(stream: Any) -> bool:
    return hasattr(stream, "aclose")


@pytest.fixture(scope="session")
def vendor() -> Chat:
    return Chat()


@pytest.fixture(autouse=True)
def _telling(request: pytest.FixtureRequest, side: Side) -> None:
    if not side.asynchronous or "content_that_is_off" not in request.node.name:
        return
    if huggingface_hub.__version__.startswith("0."):
        pytest.skip("its errors do not say what the server said")
