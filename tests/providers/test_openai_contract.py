"""The contract of providers, kept by ours for the openai client."""

from __future__ import annotations

import importlib
from typing import Any

import openai
import pytest

from clearspan.providers.openai import provider
from clearspan.testing import ModelServer
from tests.providers.contract import *  # noqa: F403 -- the suite is what is wanted of it


class Chat:
    """Chat Completions of the openai client."""

    provider = provider
    span = "chat gpt-4o"
    identity = "gen_ai.response.id"
    refused = "no_such_thing"
    broken = "broken"

    def client(self, server: ModelServer, *, asynchronous: bool) -> Any:
        kind = openai.AsyncOpenAI if asynchronous else openai.OpenAI
        return kind(base_url=server.url, api_key="unused", max_retries=0)

    def release(self, client: Any) -> Any:
        return client.close()

    def call(self, client: Any, text: str, *, stream: bool = False) -> Any:
        return client.chat.completions.create(**_asked(text, stream=stream))

    def raw(self, client: Any, text: str, *, stream: bool = False) -> Any:
        return client.chat.completions.with_raw_response.create(**_asked(text, stream=stream))

    def parsed(self, raw: Any) -> Any:
        return raw.parse()

    def unread(self, client: Any, text: str, *, stream: bool = False) -> Any:
        return client.chat.completions.with_streaming_response.create(**_asked(text, stream=stream))

    def answer(self, result: Any) -> str:
        return str(result.choices[0].message.content)

    def delta(self, chunk: Any) -> str:
        return "".join(choice.delta.content or "" for choice in chunk.choices)

    def block(self, stream: Any) -> Any:
        return stream

    def close(self, stream: Any) -> Any:
        return stream.close()

    def closed(self, stream: Any) -> bool:
        return bool(stream.response.is_closed)

    def targets(self) -> list[Any]:
        found = importlib.import_module(openai.resources.chat.Completions.__module__)
        classes = (found.Completions, found.AsyncCompletions)
        return [vars(cls)["create"] for cls in classes]


def _asked(text: str, *, stream: bool) -> dict[str, Any]:
    options = {"stream": True} if stream else {}
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **options}


@pytest.fixture(scope="session")
def vendor() -> Chat:
    return Chat()
