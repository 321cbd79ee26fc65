"""The contract of providers, kept by ours for the ollama client."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any

import ollama
import pytest

from clearspan.providers.ollama import provider
from clearspan.testing import ModelServer
from tests.providers.contract import *  # noqa: F403 -- the suite is what is wanted of it


class Chat:
    """Chats of the ollama client, whose streams are generators."""

    provider = provider
    span = "chat llama3.2"
    identity = "gen_ai.response.model"
    refused = "400"
    broken = "ollama._types.ResponseError"

    def client(self, server: ModelServer, *, asynchronous: bool) -> Any:
        kind = ollama.AsyncClient if asynchronous else ollama.Client
        return kind(host=server.origin)

    def release(self, client: Any) -> Any:
        # Older clients have no method for it.
        inner = client._client
        return inner.aclose() if isinstance(client, ollama.AsyncClient) else inner.close()

    def call(self, client: Any, text: str, *, stream: bool = False) -> Any:
        messages = [{"role": "user", "content": text}]
        return client.chat(model="llama3.2", messages=messages, stream=stream)

    def raw(self, client: Any, text: str, *, stream: bool = False) -> Any:
        del client, text, stream

    def parsed(self, raw: Any) -> Any:
        del raw

    def unread(self, client: Any, text: str, *, stream: bool = False) -> Any:
        del client, text, stream

    def answer(self, result: Any) -> str:
        return str(result.message.content)

    def delta(self, chunk: Any) -> str:
        return str(chunk.message.content or "")

    def block(self, stream: Any) -> Any:
        return contextlib.aclosing(stream) if _asynchronous(stream) else contextlib.closing(stream)

    def close(self, stream: Any) -> Any:
        return stream.aclose() if _asynchronous(stream) else stream.close()

    def closed(self, stream: Any) -> bool:
        return (stream.ag_frame if _asynchronous(stream) else stream.gi_frame) is None

    def targets(self) -> list[Any]:
        found = importlib.import_module("ollama._client")
        return [vars(cls)["_request"] for cls in (found.Client, found.AsyncClient)]


def _asynchronous(stream: Any) -> bool:
    return hasattr(stream, "aclose")


@pytest.fixture(scope="session")
def vendor() -> Chat:
    return Chat()
