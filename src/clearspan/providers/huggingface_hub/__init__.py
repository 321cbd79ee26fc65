"""Inference through `huggingface_hub`, 0.30 and newer: whatever server or inference provider answers."""

from __future__ import annotations

from clearspan.provider import Provider
from clearspan.providers.huggingface_hub.endpoints import ENDPOINTS
from clearspan.providers.huggingface_hub.server import error, server
from clearspan.providers.huggingface_hub.transport import PROBES, finish

__all__ = ["provider"]

provider = Provider(
    name="huggingface_hub",
    distribution="huggingface_hub",
    minimum="0.30",
    endpoints=ENDPOINTS,
    server=server,
    probes=PROBES,
    finish=finish,
    error=error,
)
