"""Where the requests go, without asking anybody."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ollama
import openai
import pytest

from clearspan.providers.ollama.server import server as named
from clearspan.testing import ModelServer, captured
from tests.providers.ollama.kit import only
from tests.providers.side import Side


@pytest.mark.parametrize("kind", [ollama.Client, ollama.AsyncClient])
@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        (None, "127.0.0.1", 11434),
        ("gpu.example.org", "gpu.example.org", 11434),
        ("https://gpu.example.org", "gpu.example.org", 443),
        ("http://gpu.example.org", "gpu.example.org", 80),
        ("http://user:secret@gpu.example.org:8080/path", "gpu.example.org", 8080),
        ("[::1]:8080", "::1", 8080),
    ],
)
def test_addresses(
    kind: Any, host: str | None, address: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    assert named(kind(host)) == ("ollama", address, port)


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "gpu.example.org:1234")
    assert named(ollama.Client()) == ("ollama", "gpu.example.org", 1234)


@pytest.mark.parametrize(
    "held", [{}, {"_client": None}, {"_client": SimpleNamespace(base_url=3)},
             {"_client": SimpleNamespace(base_url=SimpleNamespace(host=3, port="x"))}],
)  # fmt: skip
def test_a_client_that_is_none(held: dict[str, Any]) -> None:
    assert named(SimpleNamespace(**held)) == ("ollama", None, None)


def test_an_ollama_reached_through_the_openai_client(side: Side, server: ModelServer) -> None:
    kind = openai.AsyncOpenAI if side.asynchronous else openai.OpenAI
    client: Any = kind(base_url="http://127.0.0.1:11434/v1", api_key="unused", max_retries=0)
    # The address is what counts; the answer comes from the stand-in all the same.
    client._client._mounts = {}
    client._client._transport = _Elsewhere(client._client._transport, server.port)
    with captured() as seen:
        side.do(client.chat.completions.create(model="llama3.2", messages=[]))
    side.do(client.close())
    found = only(seen).attributes
    assert (found["gen_ai.provider.name"], found["server.port"]) == ("ollama", 11434)
    assert "openai.api.type" not in found


class _Elsewhere:
    """A transport that sends everything to another port."""

    def __init__(self, inner: Any, port: int) -> None:
        self._inner = inner
        self._port = port

    def handle_request(self, request: Any) -> Any:
        request.url = request.url.copy_with(port=self._port)
        return self._inner.handle_request(request)

    async def handle_async_request(self, request: Any) -> Any:
        request.url = request.url.copy_with(port=self._port)
        return await self._inner.handle_async_request(request)

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()
