"""OTLP over HTTP or gRPC: by OpenTelemetry's own exporters, or through a buffer on disk."""

from __future__ import annotations

from clearspan.exporters import Destination, Exporters
from clearspan.exporters.otlp.addresses import GRPC, HTTP, Target, label, targets
from clearspan.exporters.otlp.direct import exporter

__all__ = ["GRPC", "HTTP", "Target", "build", "targets"]


def build(destination: Destination) -> Exporters:
    """Exporters for the signals that have a receiver; nothing is sent, no connection is made.

    Raises:
        DestinationError: the protocol is not known, an address is none, or a package is missing.
    """
    found = targets(destination)
    if destination.spool is not None:
        from clearspan.exporters.otlp.spool import spooled

        return spooled(found, destination, destination.spool)
    made = {
        target.signal: exporter(target, destination.headers, destination.timeout)
        for target in found
    }
    return Exporters(made.get("traces"), made.get("logs"), made.get("metrics"), label=label(found))
