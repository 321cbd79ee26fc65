"""Drafts of calls, as they stand when they are to be priced."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.figures.cost import PriceBook
from clearspan.record import Outcome

if TYPE_CHECKING:
    from clearspan.record import Cost

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=timezone.utc)
HOSTS = {
    "openai": "api.openai.com",
    "azure.ai.openai": "mine.openai.azure.com",
    "anthropic": "api.anthropic.com",
    "gcp.gemini": "generativelanguage.googleapis.com",
    "groq": "api.groq.com",
    "x_ai": "api.x.ai",
    "mistral_ai": "api.mistral.ai",
    "deepseek": "api.deepseek.com",
    "openrouter": "openrouter.ai",
}


def call(
    provider: str | None = "openai",
    model: str | None = "gpt-4o-mini",
    *,
    operation: str = "chat",
    host: str | None = "",
    tier: str | None = None,
    at: datetime = NOON,
    seconds: float | None = None,
    **counts: Any,
) -> Draft:
    """A completed call of a patched client at the provider's own address, lasting one second."""
    draft = Draft(operation)
    draft.provider, draft.model = provider, model
    draft.server_address = HOSTS.get(provider or "") if host == "" else host
    draft.endpoint = SimpleNamespace(targets=("client:Client.call",))
    draft.outcome = Outcome.COMPLETED
    draft.start_ns = int(at.timestamp()) * 10**9
    draft.end_ns = draft.start_ns + 10**9
    draft.extra(sc.OPENAI_RESPONSE_SERVICE_TIER, tier)
    draft.extra(sc.AUDIO_SECONDS, seconds)
    draft.usage(**counts)
    return draft


def priced(draft: Draft, pricing: Any = None) -> Cost | None:
    PriceBook(pricing)(draft)
    return draft.cost


def cost(draft: Draft, pricing: Any = None) -> Cost:
    found = priced(draft, pricing)
    assert found is not None
    return found
