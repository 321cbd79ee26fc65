"""The commonest causes for which a test span does not arrive, by what the receiver said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["hint"]

_STATUS: Final = re.compile(r"(?:\bcode: |\bHTTP )(\d{3})\b")
_BY_STATUS: Final = {
    "401": "see headers (CLEARSPAN_HEADERS, OTEL_EXPORTER_OTLP_HEADERS): the receiver wants other credentials",
    "403": "see headers (CLEARSPAN_HEADERS, OTEL_EXPORTER_OTLP_HEADERS): the receiver wants other credentials",
    "404": "endpoint is a base address, to which /v1/traces is added: is there too much in it, or too little?",
    "405": "endpoint is a base address, to which /v1/traces is added: is there too much in it, or too little?",
}
_GRPC_PORT: Final = re.compile(r"OTLP http/protobuf \S*:4317\b")
_HTTP_PORT: Final = re.compile(r"OTLP grpc \S*:4318\b")


def hint(destination: str, reason: str, environ: Mapping[str, str]) -> str:
    """What to look at first, or nothing. `destination` is as the runtime tells it, `reason` what was heard."""
    if "no_destination" in reason:
        silenced = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
        return "OTEL_TRACES_EXPORTER=none turns spans off" if silenced else "nothing takes spans"
    if _GRPC_PORT.search(destination):
        return "4317 is the usual port of gRPC: set protocol to grpc, or use 4318"
    if _HTTP_PORT.search(destination):
        return "4318 is the usual port of HTTP: set protocol to http/protobuf, or use 4317"
    status = _STATUS.search(reason)
    return _BY_STATUS.get(status[1], "") if status else ""
