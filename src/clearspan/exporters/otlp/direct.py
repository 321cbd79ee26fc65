"""The exporters that send at once: OpenTelemetry's own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from clearspan.exporters import DestinationError
from clearspan.exporters.otlp.addresses import GRPC, HTTP, SIGNALS, Target, variable
from clearspan.exporters.otlp.own import OwnExporter, OwnGrpcExporter
from clearspan.exporters.otlp.staying import stay
from clearspan.exporters.otlp.timed import timed
from clearspan.exporters.otlp.verdict import own_session, telling, telling_grpc

if TYPE_CHECKING:
    from requests import PreparedRequest, Session

__all__ = ["exporter"]

_CLASSES: Final = {
    "traces": ("trace_exporter", "OTLPSpanExporter"),
    "metrics": ("metric_exporter", "OTLPMetricExporter"),
    "logs": ("_log_exporter", "OTLPLogExporter"),
}
_MODULES: Final = {
    HTTP: "opentelemetry.exporter.otlp.proto.http",
    GRPC: "opentelemetry.exporter.otlp.proto.grpc",
}
# Reads as "headers were given" and as none at all: the exporters take the environment's otherwise.
_NO_HEADERS: Final = ","


def exporter(target: Target, headers: Mapping[str, str] | None, timeout: float | None) -> Any:
    """The exporter for one signal.

    Raises:
        DestinationError: a package is missing.
    """
    kind = OwnExporter if target.protocol == HTTP else OwnGrpcExporter
    return kind(lambda: _exporter(target, headers, timeout))


def _exporter(target: Target, headers: Mapping[str, str] | None, timeout: float | None) -> Any:
    module, name = _CLASSES[target.signal]
    try:
        cls = getattr(import_module(f"{_MODULES[target.protocol]}.{module}"), name)
    except ImportError as error:
        package = _MODULES[target.protocol].replace(".", "-")
        raise DestinationError(
            f"OTLP over {target.protocol} needs the package {package!r} ({error}): install it"
        ) from error
    if query := urlsplit(target.url).query:
        _hide(query, f"{_MODULES[target.protocol]}.{module}")
    # Names of headers are case-insensitive, and gRPC admits lower case only.
    given = {key.lower(): value for key, value in (headers or {}).items()}
    if target.protocol == HTTP:
        session = own_session(target.signal) if target.own else _session(given)
        made = telling(cls, session)
        return made(endpoint=target.url, headers=given, timeout=timeout, session=session)
    scheme = urlsplit(target.url).scheme
    return telling_grpc(cls)(
        endpoint=target.url,
        # The scheme decides; a variable that was set for another address does not.
        insecure=scheme == "http" if scheme in ("http", "https") else None,
        headers=given or (None if target.own else _NO_HEADERS),
        timeout=timeout,
    )


class _Hidden(logging.Filter):
    """Takes the query of an address, which may hold a key, out of what the exporters log of their failures."""

    def __init__(self, query: str) -> None:
        super().__init__()
        self.query = query

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if self.query in said:
            record.msg, record.args = said.replace(self.query, "..."), ()
        return True


def _hide(query: str, logger: str) -> None:
    known = logging.getLogger(logger)
    if not any(isinstance(each, _Hidden) and each.query == query for each in known.filters):
        known.addFilter(_Hidden(query))


def _session(given: Mapping[str, str]) -> Session:
    """A session that holds back the environment's headers, which the exporters always add."""
    import requests
    from opentelemetry.util.re import parse_env_headers

    foreign: set[str] = set()
    for signal in (None, *SIGNALS):
        foreign |= parse_env_headers(variable("HEADERS", signal) or "", liberal=True).keys()
    foreign -= given.keys()

    def strip(request: PreparedRequest) -> PreparedRequest:
        for name in foreign:
            request.headers.pop(name, None)
        return request

    session = timed(stay(requests.Session()))
    session.auth = strip
    return session
