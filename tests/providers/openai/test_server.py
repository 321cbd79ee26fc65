"""Who answers, by the client's class, its runtime and the host."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import openai
import pytest

from clearspan.provider import Server
from clearspan.providers.openai.server import server
from clearspan.testing import ModelServer, captured
from tests.providers.openai.kit import CHAT, only
from tests.providers.side import Side


def named(url: str, **client: Any) -> Any:
    return server(SimpleNamespace(_client=SimpleNamespace(_base_url=url, **client)))


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1/", "openai"),
        ("https://eu.api.openai.com/v1/", "openai"),
        ("https://mine.openai.azure.com/openai/v1/", "azure.ai.openai"),
        ("https://mine.services.ai.azure.com/openai/v1/", "azure.ai.openai"),
        ("https://mine.cognitiveservices.azure.com/openai/", "azure.ai.openai"),
        ("https://gateway.example.org/openai/deployments/gpt-4o/", "azure.ai.openai"),
        ("https://openrouter.ai/api/v1/", "openrouter"),
        ("https://api.groq.com/openai/v1/", "groq"),
        ("https://api.deepseek.com/", "deepseek"),
        ("https://api.x.ai/v1/", "x_ai"),
        ("https://api.mistral.ai/v1/", "mistral_ai"),
        ("https://api.together.xyz/v1/", "together_ai"),
        ("https://api.together.ai/v1/", "together_ai"),
        ("https://api.fireworks.ai/inference/v1/", "fireworks_ai"),
        ("https://api.perplexity.ai/", "perplexity"),
        ("https://api.cerebras.ai/v1/", "cerebras"),
        ("https://api.z.ai/api/paas/v4/", "z_ai"),
        ("https://open.bigmodel.cn/api/paas/v4/", "z_ai"),
        ("https://api.moonshot.ai/v1/", "moonshot_ai"),
        ("https://api.moonshot.cn/v1/", "moonshot_ai"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gcp.gemini"),
        ("https://us-central1-aiplatform.googleapis.com/v1/", "gcp.vertex_ai"),
        ("https://aiplatform.googleapis.com/v1/", "gcp.vertex_ai"),
        ("https://router.huggingface.co/v1/", "hugging_face"),
        ("https://abc.us-east-1.aws.endpoints.huggingface.cloud/v1/", "hugging_face"),
        ("https://me-model.hf.space/v1/", "hugging_face"),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1/", "aws.bedrock"),
        ("https://bedrock-mantle.us-east-1.api.aws/v1/", "aws.bedrock"),
        ("https://api.anthropic.com/v1/", "anthropic"),
        ("https://api.cohere.ai/compatibility/v1/", "cohere"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1/", "alibaba_cloud"),
        ("http://localhost:11434/v1/", "ollama"),
        ("http://localhost:8000/v1/", "openai"),
        ("https://notopenrouter.ai.example.org/v1/", "openai"),
        ("https://fakex.ai/v1/", "openai"),
        ("https://bedrock.example.org/v1/", "openai"),
        ("https://s3.amazonaws.com/v1/", "openai"),
        ("https://API.GROQ.COM./v1/", "groq"),
    ],
)
def test_hosts(url: str, provider: str) -> None:
    assert named(url).provider == provider


@pytest.mark.parametrize(
    ("url", "address", "port"),
    [
        ("https://api.openai.com/v1/", "api.openai.com", 443),
        ("http://localhost/v1/", "localhost", 80),
        ("http://127.0.0.1:8000/v1/", "127.0.0.1", 8000),
        ("http://[::1]:8000/v1/", "::1", 8000),
        ("https://user:secret@example.org:8443/v1/", "example.org", 8443),
        ("unix://socket/v1/", "socket", None),
        ("/v1/", None, None),
        ("", None, None),
        ("http://[broken", None, None),
        ("http://example.org:port/", None, None),
    ],
)
def test_addresses(url: str, address: str | None, port: int | None) -> None:
    found = named(url)
    assert (found.address, found.port) == (address, port)


@pytest.mark.parametrize(
    ("runtime", "provider"),
    [("bedrock", "aws.bedrock"), ("vertex", "gcp.vertex_ai"), ("new", "openai"), (7, "openai")],
)
def test_a_runtime_of_the_client_goes_before_its_host(runtime: Any, provider: str) -> None:
    found = named("https://gateway.example.org/", _provider_runtime=SimpleNamespace(name=runtime))
    assert found.provider == provider


def test_a_client_is_not_asked_whether_it_is_true() -> None:
    class Mine(openai.OpenAI):
        def __bool__(self) -> bool:
            raise AssertionError("nobody asks")

    client = Mine(api_key="unused", base_url="https://api.groq.com/openai/v1")
    assert server(client.chat.completions) == Server("groq", "api.groq.com", 443)


def test_an_instance_without_a_client() -> None:
    assert server(SimpleNamespace()).provider == "openai"


def test_azure_by_its_client_class(server: ModelServer, side: Side) -> None:
    kind = openai.AsyncAzureOpenAI if side.asynchronous else openai.AzureOpenAI
    client = kind(
        azure_endpoint=server.origin,
        api_version="2025-01-01",
        api_key="unused",
        azure_deployment="mine",
    )
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
    side.do(client.close())
    span = only(seen)
    assert span.attributes["gen_ai.provider.name"] == "azure.ai.openai"
    assert (span.attributes["server.address"], span.attributes["server.port"]) == (
        "127.0.0.1",
        server.port,
    )
    assert server.requests[0].path.startswith("/openai/deployments/mine/")
    assert "unused" not in json.dumps(dict(span.attributes))


def test_a_base_url_that_changes(server: ModelServer, side: Side) -> None:
    kind = openai.AsyncOpenAI if side.asynchronous else openai.OpenAI
    with ModelServer() as other:
        client = kind(base_url=server.url, api_key="unused")
        with captured() as seen:
            side.do(client.chat.completions.create(**CHAT))
            client.base_url = other.url  # type: ignore[assignment]  # its setter takes text
            side.do(client.chat.completions.create(**CHAT))
        side.do(client.close())
        assert [span.attributes["server.port"] for span in seen.spans] == [server.port, other.port]
