"""Whose price list holds for a call: told by who answered, and where that was."""

from __future__ import annotations

import functools
import ipaddress
from typing import NamedTuple

from clearspan import semconv as sc
from clearspan.core.remembering import short
from clearspan.draft import Draft
from clearspan.record import Operation

__all__ = ["Asked", "asked", "is_near", "names_of"]

# Our names of providers, which are mostly the conventions', and those of genai-prices.
_LISTS = {
    "openai": "openai",
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "openrouter": "openrouter",
    "groq": "groq",
    "deepseek": "deepseek",
    "x_ai": "x-ai",
    "mistral_ai": "mistral",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "perplexity": "perplexity",
    "cerebras": "cerebras",
    "z_ai": "zai",
    "moonshot_ai": "moonshotai",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google",
    "anthropic": "anthropic",
    "cohere": "cohere",
    "aws.bedrock": "aws",
}
# Names that Hugging Face gives to providers which are asked at their own address.
_DIRECT = {"fireworks-ai": "fireworks"}
_ROUTER = "router.huggingface.co"
_OPENAI = "api.openai.com"
_NEAR = ("localhost", "local", "internal", "lan", "home", "test")


class Asked(NamedTuple):
    """A list, the models to look for in it from the likeliest on, and whether it is sure to hold."""

    provider: str
    models: tuple[str, ...]
    sure: bool = True


def names_of(draft: Draft) -> tuple[str, ...]:
    """The model as the answer calls it, then as it was asked for."""
    answered, wanted = draft.response_model, draft.model
    if answered and wanted and answered != wanted:
        return answered, wanted
    one = answered or wanted
    return (one,) if one else ()


def asked(draft: Draft) -> Asked | None:
    """Which list to look at; `None` where nobody's holds, as for servers of one's own.

    A server that merely speaks as OpenAI's does may serve models of any name: it is OpenAI's when it
    is at OpenAI's address. Chinese addresses bill in yuan, by lists of their own.
    """
    host = _host(draft.server_address or "")
    if draft.provider is None or draft.kind == "internal" or is_near(host) or host.endswith(".cn"):
        return None
    if draft.provider == "hugging_face":
        return _hugging_face(draft, host)
    name = _LISTS.get(draft.provider)
    if name == "openai":
        return _openai(draft, host)
    # Which of several hosts OpenRouter chose, and at what price, is not in its list.
    return Asked(name, names_of(draft), name != "openrouter") if name is not None else None


def _openai(draft: Draft, host: str) -> Asked | None:
    # By the application, that is, and not by a client whose address could not be read.
    told = draft.inner is None and not getattr(draft.endpoint, "targets", ())
    if not (host.endswith(".openai.com") or (told and not host)):
        return None
    name = "openai-decisions" if draft.operation == Operation.DECISION else "openai"
    # Regional addresses cost more for some models.
    return Asked(name, names_of(draft), host in ("", _OPENAI))


def _hugging_face(draft: Draft, host: str) -> Asked | None:
    """The router bills what each of its providers asks, by the name that the model has on the Hub."""
    told = draft.extras.get(sc.HF_INFERENCE_PROVIDER)
    model, colon, chosen = (draft.model or "").partition(":")
    provider = told if isinstance(told, str) else chosen if colon else ""
    if not provider:
        return None
    models = tuple(dict.fromkeys(filter(None, (model, draft.response_model))))
    if host == _ROUTER:
        return Asked(f"huggingface_{provider}", models)
    return Asked(_DIRECT.get(provider, provider), names_of(draft)) if told else None


@short(256)
def _host(address: str) -> str:
    return address.rstrip(".").lower()


@functools.lru_cache(maxsize=256)
def is_near(host: str) -> bool:
    """Whether a host is this machine or one of a private network, where no list of a cloud holds."""
    if not host:
        return False
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return "." not in host or host.rpartition(".")[2] in _NEAR
