"""Where the signals go: one base address for all, or the standard variables.

An `endpoint` given as an argument is a base address, as `OTEL_EXPORTER_OTLP_ENDPOINT` is; the headers
of the environment are then *not* sent to it, because they were meant for another address. Without the
argument, the standard variables decide as their specification says, those of one signal before the general ones.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from clearspan.exporters import Destination, DestinationError

__all__ = ["GRPC", "HTTP", "SIGNALS", "Target", "label", "targets", "variable"]

HTTP: Final = "http/protobuf"
GRPC: Final = "grpc"
SIGNALS: Final = ("traces", "metrics", "logs")

_DEFAULTS: Final = {HTTP: "http://localhost:4318", GRPC: "http://localhost:4317"}
_PREFIX: Final = "OTEL_EXPORTER_OTLP"


@dataclass(frozen=True, slots=True)
class Target:
    """Where one signal goes."""

    signal: str
    protocol: str
    url: str
    """The whole address; for gRPC that of the server."""
    own: bool
    """Whether the environment's headers belong to it."""


def targets(destination: Destination) -> tuple[Target, ...]:
    """Where each signal goes, in the order traces, metrics, logs.

    When the environment names receivers for some signals and none in general, the other signals
    have none: sending them to a default address would only fail.

    Raises:
        DestinationError: the protocol is not known, or an address is none.
    """
    general = variable("ENDPOINT")
    argued = destination.endpoint is not None and destination.endpoint != general
    somewhere = any(variable("ENDPOINT", signal) for signal in SIGNALS)
    found: list[Target] = []
    for signal in SIGNALS:
        protocol = _protocol(destination, signal)
        specific = None if argued else variable("ENDPOINT", signal)
        base = destination.endpoint if argued else general
        if specific:
            url = _checked(specific, protocol, _name("ENDPOINT", signal))
        elif base or argued or not somewhere:
            setting = "endpoint" if argued else _name("ENDPOINT")
            url = _below(_DEFAULTS[protocol] if base is None else base, protocol, signal, setting)
        else:
            continue
        found.append(Target(signal, protocol, url, own=not argued))
    return tuple(found)


def _name(what: str, signal: str | None = None) -> str:
    return "_".join(part for part in (_PREFIX, signal and signal.upper(), what) if part)


def variable(what: str, signal: str | None = None) -> str | None:
    """What the environment says of `what`, for one signal or for all."""
    # Set and empty is the same as not set, as everywhere in OpenTelemetry.
    return os.environ.get(_name(what, signal), "").strip() or None


def _protocol(destination: Destination, signal: str) -> str:
    given = destination.protocol
    protocol = given or variable("PROTOCOL", signal) or variable("PROTOCOL") or HTTP
    if protocol not in _DEFAULTS:
        where = "protocol" if given else _name("PROTOCOL")
        raise DestinationError(
            f"{where}={protocol!r} is not an OTLP protocol that clearspan speaks: use {HTTP!r} or"
            f" {GRPC!r}"
        )
    return protocol


def _below(base: str, protocol: str, signal: str, setting: str) -> str:
    """The address of `signal` under `base`."""
    checked = _checked(base, protocol, setting)
    if protocol == GRPC:
        return checked
    parts = urlsplit(checked)
    path = parts.path.rstrip("/")
    if path.endswith(tuple(f"/v1/{each}" for each in SIGNALS)):
        raise DestinationError(
            f"{setting}={_shown(parts)!r} is the address of one signal: give the base address,"
            f" without {path[path.rindex('/v1/') :]!r}"
        )
    return urlunsplit(parts._replace(path=f"{path}/v1/{signal}"))


def _checked(url: str, protocol: str, setting: str) -> str:
    """`url` if it can be an address.

    gRPC has forms of its own (`host:4317`, `unix:...`): those are left to it.
    """
    example = _DEFAULTS[protocol]
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError as error:
        raise DestinationError(
            f"{setting} is not an address ({error}): use one like {example}"
        ) from error
    web = parts.scheme in ("http", "https")
    if not usable or (web and not parts.hostname) or not (web or (protocol == GRPC and url)):
        raise DestinationError(
            f"{setting}={_shown(parts)!r} is not an address to send to: use one like {example}"
        )
    return url


def label(found: tuple[Target, ...]) -> str:
    """The servers, without what may be secret in an address."""
    servers: dict[str, list[str]] = {}
    for target in found:
        shown = _shown(urlsplit(target.url), f"/v1/{target.signal}")
        servers.setdefault(f"OTLP {target.protocol} {shown}", []).append(target.signal)
    if len(servers) == 1 and len(found) == len(SIGNALS):
        return next(iter(servers))
    return "; ".join(f"{server} ({', '.join(signals)})" for server, signals in servers.items())


def _shown(parts: SplitResult, suffix: str = "") -> str:
    server = parts.netloc.rpartition("@")[2]
    path = parts.path.removesuffix(suffix)
    return f"{parts.scheme}://{server}{path}" if server else f"{parts.scheme}:{path}".lstrip(":")
