"""Who answers an OpenAI client: told by the client's class, its runtime, or the host it speaks to."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import CoroutineType
from typing import Any
from urllib.parse import urlsplit

from clearspan.core import known
from clearspan.core.fence import fenced
from clearspan.core.ports import PORTS
from clearspan.core.remembering import short
from clearspan.provider import Server

__all__ = ["server"]

_CLASSES = {
    "BaseAzureClient": "azure.ai.openai",
    "BedrockOpenAI": "aws.bedrock",
    "AsyncBedrockOpenAI": "aws.bedrock",
}
_RUNTIMES = {"bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai"}
# A host belongs to the domain that it is or ends with.
_DOMAINS = {
    "openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.openai",
    "cognitiveservices.azure.com": "azure.ai.openai",
    "openrouter.ai": "openrouter",
    "groq.com": "groq",
    "deepseek.com": "deepseek",
    "x.ai": "x_ai",
    "mistral.ai": "mistral_ai",
    "together.xyz": "together_ai",
    "together.ai": "together_ai",
    "fireworks.ai": "fireworks_ai",
    "perplexity.ai": "perplexity",
    "cerebras.ai": "cerebras",
    "z.ai": "z_ai",
    "bigmodel.cn": "z_ai",
    "moonshot.ai": "moonshot_ai",
    "moonshot.cn": "moonshot_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "huggingface.co": "hugging_face",
    "hf.space": "hugging_face",
    "endpoints.huggingface.cloud": "hugging_face",
    "anthropic.com": "anthropic",
    "cohere.com": "cohere",
    "cohere.ai": "cohere",
    "aliyuncs.com": "alibaba_cloud",
    "ollama.com": "ollama",
}
_BEDROCK = ("amazonaws.com", "amazonaws.com.cn", "api.aws")
_OLLAMA_PORT = 11434
_REQUESTS = (
    "_AssistantStreamManager__api_request",
    "_AsyncAssistantStreamManager__api_request",
)


def server(instance: Any) -> Server:
    """The server behind a resource such as `client.chat.completions`."""
    client = vars(instance).get("_client")
    if client is None:
        client = _behind(instance)
    if client is None:
        return Server("openai")
    held = vars(client)
    return fenced("provider.keys", _noted, client, held) or _server(client, held)


_KEYS = ("api_key", "admin_api_key", "webhook_secret", "_azure_ad_token")
_NAMES = ("organization", "project")
_FIELDS = (*_KEYS, *_NAMES, "_base_url")


def _noted(client: object, held: Mapping[str, Any]) -> Server:
    """The server, and the client's keys noted: servers repeat them in their errors; kept they are nowhere."""
    http, runtime = known.of_http_client(held.get("_client")), held.get("_provider_runtime")
    parts = None
    if http is not None:
        name = None if runtime is None else _runtime(held)
        headers, query = _some(held.get("_custom_headers")), _some(held.get("_custom_query"))
        parts = type(client), name, headers, query, *map(held.get, _FIELDS), *http
        told: Server | None = known.recalled(client, parts)
        if told is not None:
            return told
    return known.note_client(client, parts, lambda: _keys_of(held), lambda: _server(client, held))


def _some(given: Any) -> Any:
    """What is there, where anything is: an empty dictionary is as good as none."""
    return None if type(given) is dict and not given else given


def _server(client: object, held: Mapping[str, Any]) -> Server:
    runtime = _runtime(held)
    known = _RUNTIMES.get(runtime) if type(runtime) is str else None
    return _named(str(held.get("_base_url")), known or _by_class(type(client)))


def _runtime(held: Mapping[str, Any]) -> Any:
    return getattr(held.get("_provider_runtime"), "name", None)


def _keys_of(held: Mapping[str, Any]) -> list[str]:
    found = [
        *(known.note_key(held.get(name)) for name in _KEYS),
        *(known.note(held.get(name)) for name in _NAMES),
        known.note_headers(held.get("_custom_headers")),
        known.note_query(held.get("_custom_query")),
        known.note_address(str(held.get("_base_url"))),
        known.note_http_client(held.get("_client")),
    ]
    return [key for keys in found for key in keys]


def _behind(instance: Any) -> Any:
    """The client behind a manager of the streams of runs.

    Those hold a request that is still to be made: bound to its client in advance, or as a coroutine of one of the
    client's methods.
    """
    held = vars(instance)
    request = next((held[name] for name in _REQUESTS if name in held), None)
    if isinstance(request, functools.partial):
        return getattr(request.func, "__self__", None)
    frame = request.cr_frame if isinstance(request, CoroutineType) else None
    return frame.f_locals.get("self") if frame is not None else None


def _by_class(client: type) -> str | None:
    # By name, along the line of its bases: nothing of the library is imported to compare with.
    for base in client.__mro__:
        if base.__name__ in _CLASSES:
            return _CLASSES[base.__name__]
    return None


@short(256)
def _named(url: str, known: str | None) -> Server:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme)
    except ValueError:  # what the client will refuse as an address
        return Server(known or "openai")
    if not host:
        return Server(known or "openai")
    return Server(known or _by_host(host, port, parts.path), host, port)


def _by_host(host: str, port: int | None, path: str) -> str:
    if "/openai/deployments/" in path:
        return "azure.ai.openai"
    labels = host.rstrip(".").split(".")
    for start in range(len(labels) - 1):
        known = _DOMAINS.get(".".join(labels[start:]))
        if known is not None:
            return known
    if "googleapis" in labels and any(label.endswith("aiplatform") for label in labels):
        return "gcp.vertex_ai"  # regional hosts: us-central1-aiplatform.googleapis.com
    if any(label.startswith("bedrock") for label in labels) and host.endswith(_BEDROCK):
        return "aws.bedrock"
    return "ollama" if port == _OLLAMA_PORT else "openai"
