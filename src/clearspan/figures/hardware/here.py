"""Whether the model of a call runs on this machine: one definition, for what it used and for what that cost."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from clearspan.draft import Draft

__all__ = ["is_here"]

# They serve models themselves. Whatever merely speaks as OpenAI's servers do may pass calls on to a cloud.
_SERVERS = ("ollama", "hugging_face")


def is_here(draft: Draft) -> bool:
    """Whether the model is in this process, or in a server of models on this machine.

    An address of this machine alone is no evidence: gateways stand there, too. Ollama's models whose
    tag ends in `cloud` are passed on by it to its maker's machines.
    """
    if draft.kind == "internal":
        return True
    if draft.provider not in _SERVERS or not _loops(draft.server_address):
        return False
    return not any((name or "").endswith((":cloud", "-cloud")) for name in _names(draft))


def _names(draft: Draft) -> tuple[str | None, ...]:
    return (draft.model, draft.response_model) if draft.provider == "ollama" else ()


@lru_cache(maxsize=256)
def _loops(address: str | None) -> bool:
    """Whether an address is that of the machine itself. A name is not looked up."""
    name = (address or "").strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        found = ipaddress.ip_address(name)
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified
