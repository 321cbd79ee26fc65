"""The value of ``gen_ai.provider.name`` for an address: a listed value where one applies, ours for other known hosts."""

from __future__ import annotations

from urllib.parse import urlsplit

_LISTED = {
    "openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "groq.com": "groq",
    "mistral.ai": "mistral_ai",
    "deepseek.com": "deepseek",
    "x.ai": "x_ai",
    "perplexity.ai": "perplexity",
    "moonshot.ai": "moonshot_ai",
    "moonshot.cn": "moonshot_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
}
_OURS = {
    "openrouter.ai": "openrouter",
    "cerebras.ai": "cerebras",
    "together.xyz": "together_ai",
    "together.ai": "together_ai",
    "fireworks.ai": "fireworks_ai",
    "huggingface.co": "hugging_face",
    "ollama.com": "ollama",
    "z.ai": "z_ai",
}
_OLLAMA_PORT = 11434


def provider_of(url: str) -> str:
    """The provider an address belongs to; ``openai`` for any unknown one, since OpenAI's client speaks to it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if "/openai/deployments/" in parts.path:
        return "azure.ai.openai"
    for domain, name in {**_LISTED, **_OURS}.items():
        if host == domain or host.endswith("." + domain):
            return name
    if host.startswith("bedrock") and host.endswith((".amazonaws.com", ".api.aws")):
        return "aws.bedrock"
    if parts.port == _OLLAMA_PORT:
        return "ollama"
    return "openai"
