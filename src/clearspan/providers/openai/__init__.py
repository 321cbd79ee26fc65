"""The `openai` client library, 1.40 and newer, and whatever server it is pointed at."""

from __future__ import annotations

from clearspan.provider import Provider
from clearspan.providers.openai.endpoints import ENDPOINTS
from clearspan.providers.openai.server import server
from clearspan.providers.openai.transport import PROBES, error, finish

__all__ = ["provider"]

provider = Provider(
    name="openai",
    distribution="openai",
    minimum="1.40",
    endpoints=ENDPOINTS,
    server=server,
    probes=PROBES,
    finish=finish,
    error=error,
)
