"""The `ollama` client library, 0.4 and newer, and whatever server it is pointed at."""

from __future__ import annotations

from clearspan.provider import Provider
from clearspan.providers.ollama.answers import finish
from clearspan.providers.ollama.endpoint import ENDPOINT
from clearspan.providers.ollama.server import error, server

__all__ = ["provider"]

provider = Provider(
    name="ollama",
    distribution="ollama",
    minimum="0.4.0",
    endpoints=(ENDPOINT,),
    server=server,
    error=error,
    finish=finish,
)
