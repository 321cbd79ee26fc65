"""The `transformers` library, 4.45 and newer: models that run in this process."""

from __future__ import annotations

from typing import Any

from clearspan.provider import Provider, Server
from clearspan.providers.transformers import (
    batches,
    confidence,
    generate,
    loading,
    pipelines,
    serving,
    tokenizers,
)

__all__ = ["provider"]


def _server(instance: Any) -> Server:
    return Server("hugging_face")


provider = Provider(
    name="transformers",
    distribution="transformers",
    minimum="4.45",
    endpoints=(
        *pipelines.ENDPOINTS,
        *generate.ENDPOINTS,
        *batches.ENDPOINTS,
        *loading.ENDPOINTS,
    ),
    server=_server,
    probes=(*tokenizers.PROBES, *pipelines.PROBES, *serving.PROBES, *confidence.PROBES),
    passages=serving.PASSAGES,
)
